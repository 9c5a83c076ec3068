// SPDX-License-Identifier: Apache-2.0

package onnx

import (
	"fmt"
	"math"
	"slices"
)

// operator is how one ONNX operator is prepared. build checks attributes and
// types, sets what the node gives, and returns what computes it.
type operator struct {
	since       int64 // the first opset with these semantics
	least, most int   // inputs
	build       func(b *builder, n *node) (kernel, error)
	shapes      []int // inputs whose elements decide the shape of the output
}

// operators are all that are claimed.
var operators map[string]operator

func init() { // not a literal: builders reach back to the table through folding
	operators = map[string]operator{
		"Add": {7, 2, 2, arithmetic, nil}, "Sub": {7, 2, 2, arithmetic, nil}, "Mul": {7, 2, 2, arithmetic, nil}, "Div": {7, 2, 2, arithmetic, nil},
		"Pow":   {12, 2, 2, power, nil},
		"Equal": {7, 2, 2, comparison, nil}, "Greater": {7, 2, 2, comparison, nil}, "GreaterOrEqual": {12, 2, 2, comparison, nil}, "Less": {7, 2, 2, comparison, nil}, "LessOrEqual": {12, 2, 2, comparison, nil},
		"And": {7, 2, 2, logic, nil}, "Or": {7, 2, 2, logic, nil}, "Xor": {7, 2, 2, logic, nil}, "Not": {1, 1, 1, not, nil},
		"Sqrt": {6, 1, 1, function, nil}, "Log": {6, 1, 1, function, nil}, "Exp": {6, 1, 1, function, nil}, "Erf": {9, 1, 1, function, nil}, "Tanh": {6, 1, 1, function, nil}, "Sigmoid": {6, 1, 1, function, nil},
		"Relu": {6, 1, 1, function, nil}, "Neg": {6, 1, 1, function, nil}, "Abs": {6, 1, 1, function, nil}, "Reciprocal": {6, 1, 1, function, nil},
		"Cast": {9, 1, 1, cast, nil}, "Constant": {1, 0, 0, constant, nil}, "ConstantOfShape": {9, 1, 1, constantOfShape, []int{0}},
		"Identity": {1, 1, 1, identity, nil}, "Shape": {1, 1, 1, shapeOf, nil}, "Reshape": {13, 2, 2, reshape, []int{1}}, "Unsqueeze": {13, 2, 2, unsqueeze, []int{1}}, "Squeeze": {13, 1, 2, squeeze, []int{1}}, "Flatten": {11, 1, 1, flatten, nil},
		"Gather": {11, 2, 2, gather, nil}, "Concat": {11, 1, 1 << 10, concat, nil}, "Slice": {11, 3, 5, slice, []int{1, 2, 3, 4}}, "Split": {13, 1, 2, splitInto, []int{1}}, "Expand": {8, 2, 2, expand, []int{1}}, "Transpose": {1, 1, 1, transpose, nil}, "Where": {9, 3, 3, where, nil},
		"CumSum": {11, 2, 2, cumSum, nil}, "ReduceSum": {13, 1, 2, reduce, []int{1}}, "ReduceMean": {11, 1, 1, reduce, nil}, "ReduceMax": {11, 1, 1, reduce, nil},
		"MatMul": {1, 2, 2, matMul, nil}, "Gemm": {11, 2, 3, gemm, nil}, "Softmax": {13, 1, 1, softmax, nil}, "LayerNormalization": {17, 2, 3, layerNormalization, nil},
	}
}

// Operators lists the names of the operators that are claimed.
func Operators() []string {
	var out []string
	for name := range operators {
		out = append(out, name)
	}
	slices.Sort(out)
	return out
}

// The attribute readers take an attribute off the node; what is left when its
// builder is done is refused.

func (n *node) integer(name string, otherwise int64) int64 {
	a, ok := n.attributes[name]
	delete(n.attributes, name)
	if !ok {
		return otherwise
	}
	return a.i
}

func (n *node) real(name string, otherwise float32) float32 {
	a, ok := n.attributes[name]
	delete(n.attributes, name)
	if !ok {
		return otherwise
	}
	return a.f
}

func (n *node) list(name string) ([]int64, bool) {
	a, ok := n.attributes[name]
	delete(n.attributes, name)
	return a.ints, ok
}

// refused is the error for an input of a type that the operator's builder does not take.
func (n *node) refused() error {
	return fmt.Errorf("inputs of types %v: %w", n.types, ErrUnsupported)
}

// same checks that the first inputs have one type.
func (n *node) same(k int) error {
	for _, t := range n.types[1:k] {
		if t != n.types[0] {
			return fmt.Errorf("inputs of unlike types %v", n.types)
		}
	}
	return nil
}

// pick is the kernel for a type, for what works on any.
func pick(t Type, f32, f64, i32, i64, truth kernel) kernel {
	switch t {
	case Float32:
		return f32
	case Float64:
		return f64
	case Int32:
		return i32
	case Int64:
		return i64
	}
	return truth
}

func constant(b *builder, n *node) (kernel, error) {
	var t *Tensor
	for name, a := range n.attributes {
		switch name {
		case "value":
			t = a.t
		case "value_float":
			t = &Tensor{Type: Float32, Float32: []float32{a.f}}
		case "value_int":
			t = &Tensor{Type: Int64, Int64: []int64{a.i}}
		case "value_floats":
			t = &Tensor{Type: Float32, Shape: []int{len(a.floats)}, Float32: a.floats}
		case "value_ints":
			t = &Tensor{Type: Int64, Shape: []int{len(a.ints)}, Int64: a.ints}
		default:
			continue
		}
		delete(n.attributes, name)
	}
	if t == nil {
		return nil, fmt.Errorf("a constant that is no tensor of numbers: %w", ErrUnsupported)
	}
	n.gives = []Type{t.Type}
	return func(m *Model, s *step) error {
		m.output(s).Tensor = *t
		return nil
	}, nil
}

// axis turns an axis counted from either end into an index below rank.
func axis(a int64, rank int) (int, error) {
	if a < 0 {
		a += int64(rank)
	}
	if a < 0 || a >= int64(rank) {
		return 0, fmt.Errorf("axis %d of %d dimensions", a, rank)
	}
	return int(a), nil
}

// integers reads a small list, such as axes or a shape, into to.
func integers(v *value, to *[maxRank]int64) ([]int64, error) {
	n := v.length()
	if n > maxRank || len(v.Shape) > 1 {
		return nil, fmt.Errorf("a list of shape %v; at most %d entries are supported", v.Shape, maxRank)
	}
	out := to[:n]
	if v.Type != Int64 && v.Type != Int32 {
		return nil, fmt.Errorf("a list of %v where integers are expected", v.Type)
	}
	for i := range out {
		out[i] = v.whole(i)
	}
	return out, nil
}

// whole is the ith element of a tensor of integers.
func (v *value) whole(i int) int64 {
	if v.Type == Int32 {
		return int64(v.Int32[i])
	}
	return v.Int64[i]
}

// dimension checks a number that is to be a dimension.
func dimension(d int64) (int, error) {
	if d < 0 || d > math.MaxInt32 {
		return 0, fmt.Errorf("a dimension would be %d", d)
	}
	return int(d), nil
}
