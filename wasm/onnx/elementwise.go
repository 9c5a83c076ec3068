// SPDX-License-Identifier: Apache-2.0

package onnx

import (
	"fmt"
	"math"
)

func arithmetic(_ *builder, n *node) (kernel, error) {
	if err := n.same(2); err != nil {
		return nil, err
	}
	n.gives = n.types[:1]
	switch n.types[0] {
	case Float32:
		return zip(arithmeticOn[float32](n.op)), nil
	case Float64:
		return zip(arithmeticOn[float64](n.op)), nil
	case Int32:
		return zip(arithmeticOn[int32](n.op)), nil
	case Int64:
		return zip(arithmeticOn[int64](n.op)), nil
	}
	return nil, n.refused()
}

func arithmeticOn[T number](op string) func(dst, a, b []T) {
	switch op {
	case "Add":
		return add[T]
	case "Sub":
		return sub[T]
	case "Mul":
		return mul[T]
	}
	return div[T]
}

// Each of these has a loop of its own, for they are most of the work that is
// not a matrix product; the length of a and b is dst's or one.

func add[T number](dst, a, b []T) {
	if len(a) == 1 {
		a, b = b, a
	}
	if len(b) == 1 {
		y := b[0]
		if len(a) == 1 {
			y, b = y+a[0], nil
			for i := range dst {
				dst[i] = y
			}
			return
		}
		for i, x := range a {
			dst[i] = x + y
		}
		return
	}
	b = b[:len(a)]
	dst = dst[:len(a)]
	for i, x := range a {
		dst[i] = x + b[i]
	}
}

func sub[T number](dst, a, b []T) {
	switch {
	case len(a) == len(dst) && len(b) == len(dst):
		b = b[:len(a)]
		for i, x := range a {
			dst[i] = x - b[i]
		}
	case len(b) == 1:
		add(dst, a, []T{-b[0]})
	default:
		x := a[0]
		for i, y := range b {
			dst[i] = x - y
		}
	}
}

func mul[T number](dst, a, b []T) {
	if len(a) == 1 {
		a, b = b, a
	}
	if len(b) == 1 {
		y := b[0]
		if len(a) == 1 {
			y *= a[0]
			for i := range dst {
				dst[i] = y
			}
			return
		}
		for i, x := range a {
			dst[i] = x * y
		}
		return
	}
	b = b[:len(a)]
	dst = dst[:len(a)]
	for i, x := range a {
		dst[i] = x * b[i]
	}
}

// div truncates integers toward zero, as Go and ONNX both do.
func div[T number](dst, a, b []T) {
	switch {
	case len(a) == len(dst) && len(b) == len(dst):
		b = b[:len(a)]
		for i, x := range a {
			dst[i] = x / b[i]
		}
	case len(b) == 1 && len(a) == len(dst):
		y := b[0]
		for i, x := range a {
			dst[i] = x / y
		}
	case len(b) == 1:
		y := a[0] / b[0]
		for i := range dst {
			dst[i] = y
		}
	default:
		x := a[0]
		for i, y := range b {
			dst[i] = x / y
		}
	}
}

// each makes a loop of a function of two elements, for operators that are rare.
func each[T, U element](f func(a, b T) U) func(dst []U, a, b []T) {
	return func(dst []U, a, b []T) {
		i, j, di, dj := 0, 0, 1, 1
		if len(a) == 1 {
			di = 0
		}
		if len(b) == 1 {
			dj = 0
		}
		for k := range dst {
			dst[k] = f(a[i], b[j])
			i, j = i+di, j+dj
		}
	}
}

// power takes an exponent of any claimed type of number.
func power(_ *builder, n *node) (kernel, error) {
	n.gives = n.types[:1]
	switch n.types[0] {
	case Float32:
		return powerOf[float32](n)
	case Int32:
		return powerOf[int32](n)
	case Int64:
		return powerOf[int64](n)
	}
	return nil, n.refused()
}

func powerOf[T number](n *node) (kernel, error) {
	switch n.types[1] {
	case Float32:
		return mixed[T, float32](pow[T, float32]), nil
	case Int32:
		return mixed[T, int32](pow[T, int32]), nil
	case Int64:
		return mixed[T, int64](pow[T, int64]), nil
	}
	return nil, n.refused()
}

// pow squares exactly: variance is what the operator is for in encoders.
func pow[T, E number](a T, e E) T {
	if e == 2 {
		return a * a
	}
	return T(math.Pow(float64(a), float64(e)))
}

// mixed applies f to tensors of two types that broadcast together.
func mixed[T, E element](f func(a T, b E) T) kernel {
	return func(m *Model, s *step) error {
		a, b, v := m.input(s, 0), m.input(s, 1), m.output(s)
		if err := v.broadcast2(a.Shape, b.Shape); err != nil {
			return err
		}
		dst, err := create[T](m, v)
		if err != nil || len(dst) == 0 {
			return err
		}
		x, y := *data[T](&a.Tensor), *data[E](&b.Tensor)
		var w walk
		w.over2(v.Shape, a.Shape, b.Shape)
		for more := true; more; more = w.next() {
			for i := range w.run() {
				dst[w.out+i] = f(x[w.at[0]+i*w.stride[0][0]], y[w.at[1]+i*w.stride[1][0]])
			}
		}
		return nil
	}
}

func comparison(_ *builder, n *node) (kernel, error) {
	if err := n.same(2); err != nil {
		return nil, err
	}
	n.gives = []Type{Bool}
	switch n.types[0] {
	case Float32:
		return zip(comparisonOn[float32](n.op)), nil
	case Float64:
		return zip(comparisonOn[float64](n.op)), nil
	case Int32:
		return zip(comparisonOn[int32](n.op)), nil
	case Int64:
		return zip(comparisonOn[int64](n.op)), nil
	case Bool:
		if n.op == "Equal" {
			return zip(each(func(a, b bool) bool { return a == b })), nil
		}
	}
	return nil, n.refused()
}

// comparisonOn has loops of its own for what masks are made with.
func comparisonOn[T number](op string) func(dst []bool, a, b []T) {
	plain := each(compare[T](op))
	switch op {
	case "Equal":
		return func(dst []bool, a, b []T) {
			if len(a) == 1 {
				a, b = b, a
			}
			if len(b) != 1 || len(a) != len(dst) {
				plain(dst, a, b)
				return
			}
			y := b[0]
			for i, x := range a {
				dst[i] = x == y
			}
		}
	case "Greater":
		return func(dst []bool, a, b []T) {
			if len(b) != 1 || len(a) != len(dst) {
				plain(dst, a, b)
				return
			}
			y := b[0]
			for i, x := range a {
				dst[i] = x > y
			}
		}
	}
	return plain
}

func compare[T number](op string) func(a, b T) bool {
	switch op {
	case "Equal":
		return func(a, b T) bool { return a == b }
	case "Greater":
		return func(a, b T) bool { return a > b }
	case "GreaterOrEqual":
		return func(a, b T) bool { return a >= b }
	case "Less":
		return func(a, b T) bool { return a < b }
	}
	return func(a, b T) bool { return a <= b }
}

func logic(_ *builder, n *node) (kernel, error) {
	if n.types[0] != Bool || n.types[1] != Bool {
		return nil, n.refused()
	}
	n.gives = []Type{Bool}
	switch n.op {
	case "And":
		return zip(each(func(a, b bool) bool { return a && b })), nil
	case "Or":
		return zip(each(func(a, b bool) bool { return a || b })), nil
	}
	return zip(each(func(a, b bool) bool { return a != b })), nil
}

func not(_ *builder, n *node) (kernel, error) {
	if n.types[0] != Bool {
		return nil, n.refused()
	}
	n.gives = []Type{Bool}
	return apply(func(a bool) bool { return !a }), nil
}

// apply applies f to each element.
func apply[T, U element](f func(T) U) kernel {
	return applyAll(func(dst []U, src []T) {
		for i, x := range src {
			dst[i] = f(x)
		}
	})
}

// applyAll is apply with a loop in f.
func applyAll[T, U element](f func(dst []U, src []T)) kernel {
	return func(m *Model, s *step) error {
		a, v := m.input(s, 0), m.output(s)
		v.shape(a.Shape)
		dst, err := create[U](m, v)
		if err != nil {
			return err
		}
		f(dst, *data[T](&a.Tensor))
		return nil
	}
}

func function(_ *builder, n *node) (kernel, error) {
	n.gives = n.types[:1]
	switch {
	case n.types[0] == Float32:
		return apply(functions[n.op]), nil
	case n.types[0] == Int32 && n.op == "Neg":
		return apply(func(x int32) int32 { return -x }), nil
	case n.types[0] == Int64 && n.op == "Neg":
		return apply(func(x int64) int64 { return -x }), nil
	}
	return nil, n.refused()
}

var functions = map[string]func(float32) float32{
	"Sqrt":       func(x float32) float32 { return float32(math.Sqrt(float64(x))) },
	"Log":        func(x float32) float32 { return float32(math.Log(float64(x))) },
	"Exp":        func(x float32) float32 { return float32(math.Exp(float64(x))) },
	"Erf":        erf,
	"Tanh":       func(x float32) float32 { return float32(math.Tanh(float64(x))) },
	"Sigmoid":    func(x float32) float32 { return float32(1 / (1 + math.Exp(-float64(x)))) },
	"Relu":       func(x float32) float32 { return max(x, 0) },
	"Neg":        func(x float32) float32 { return -x },
	"Abs":        func(x float32) float32 { return float32(math.Abs(float64(x))) },
	"Reciprocal": func(x float32) float32 { return 1 / x },
}

func cast(_ *builder, n *node) (kernel, error) {
	to := Type(n.integer("to", 0))
	if !to.claimed() {
		return nil, fmt.Errorf("cast to %v: %w", to, ErrUnsupported)
	}
	n.gives = []Type{to}
	if to == n.types[0] {
		return alias, nil
	}
	switch n.types[0] {
	case Float32:
		return castFrom[float32](to), nil
	case Float64:
		return castFrom[float64](to), nil
	case Int32:
		return castFrom[int32](to), nil
	case Int64:
		return castFrom[int64](to), nil
	}
	return pick(to, castTruth[float32](), castTruth[float64](), castTruth[int32](), castTruth[int64](), nil), nil
}

func castFrom[T number](to Type) kernel {
	return pick(to, castNumber[T, float32](), castNumber[T, float64](), castNumber[T, int32](), castNumber[T, int64](),
		apply(func(x T) bool { return x != 0 }))
}

func castNumber[T, U number]() kernel {
	return applyAll(func(dst []U, src []T) {
		dst = dst[:len(src)]
		for i, x := range src {
			dst[i] = U(x)
		}
	})
}

func castTruth[U number]() kernel {
	return applyAll(func(dst []U, src []bool) {
		dst = dst[:len(src)]
		for i, x := range src {
			var y U
			if x {
				y = 1
			}
			dst[i] = y
		}
	})
}
