// SPDX-License-Identifier: Apache-2.0

package onnx

import (
	"fmt"
	"math"
	"slices"
)

// reduce folds dimensions into their sum, mean or greatest element.
func reduce(b *builder, n *node) (kernel, error) {
	keep := n.integer("keepdims", 1) != 0
	axes, given := n.list("axes")
	none := false // reduce nothing where no axis is named
	if n.op == "ReduceSum" {
		if given {
			return nil, fmt.Errorf("axes as an attribute: %w in this opset", ErrUnsupported)
		}
		none = n.integer("noop_with_empty_axes", 0) != 0
	}
	n.gives = n.types[:1]
	n.last = n.op == "ReduceMean" && keep && len(axes) == 1 && axes[0] == -1
	switch n.types[0] {
	case Float32:
		return reduced[float32](n.op, axes, keep, none), nil
	case Int64:
		if n.op != "ReduceMean" {
			return reduced[int64](n.op, axes, keep, none), nil
		}
	}
	return nil, n.refused()
}

func reduced[T number](op string, axes []int64, keep, none bool) kernel {
	return func(m *Model, s *step) error {
		a, v := m.input(s, 0), m.output(s)
		var buffer [maxRank]int64
		axes := axes
		if given := m.input(s, 1); given != nil {
			var err error
			if axes, err = integers(given, &buffer); err != nil {
				return err
			}
		}
		var gone [maxRank]bool
		for _, x := range axes {
			k, err := axis(x, len(a.Shape))
			if err != nil {
				return err
			}
			gone[k] = true
		}
		v.Shape = v.dims[:0]
		count := 1
		for i, d := range a.Shape {
			if gone[i] = gone[i] || len(axes) == 0 && !none; gone[i] {
				count *= d
			}
			if !gone[i] {
				v.Shape = append(v.Shape, d)
			} else if keep {
				v.Shape = append(v.Shape, 1)
			}
		}
		dst, err := create[T](m, v)
		if err != nil {
			return err
		}
		src := *data[T](&a.Tensor)
		if op == "ReduceMax" && count == 0 {
			return fmt.Errorf("the greatest of no elements")
		}
		if len(dst) == 0 || len(src) == 0 {
			clear(dst)
			return nil
		}
		// The source in order; each element goes to where its kept dimensions say.
		var to strided
		stride := len(dst)
		for i, d := range a.Shape {
			if gone[i] {
				to.add(d, 0, 0)
			} else {
				stride /= d
				to.add(d, stride, 0)
			}
		}
		accumulate(dst, src, &to, op == "ReduceMax")
		if op == "ReduceMean" {
			for i := range dst {
				dst[i] /= T(count)
			}
		}
		return nil
	}
}

// accumulate adds up src, or takes the greatest, where to says.
func accumulate[T number](dst, src []T, to *strided, greatest bool) {
	clear(dst)
	if greatest {
		start(dst)
	}
	n, stride := 1, 0
	last := to.rank - 1
	if last >= 0 {
		n, stride = to.n[last], to.stride[last]
	}
	var index [maxRank]int
	at := 0
	for o := 0; o < len(src); o += n {
		run := src[o : o+n]
		switch {
		case greatest:
			p := at
			for _, x := range run {
				dst[p] = max(dst[p], x)
				p += stride
			}
		case stride == 0:
			var sum T
			for _, x := range run {
				sum += x
			}
			dst[at] += sum
		default:
			p := at
			for _, x := range run {
				dst[p] += x
				p += stride
			}
		}
		for i := last - 1; i >= 0; i-- {
			index[i]++
			at += to.stride[i]
			if index[i] < to.n[i] {
				break
			}
			index[i] = 0
			at -= to.stride[i] * to.n[i]
		}
	}
}

// start sets elements to the least that their type has.
func start[T number](dst []T) {
	switch dst := any(dst).(type) {
	case []float32:
		for i := range dst {
			dst[i] = float32(math.Inf(-1))
		}
	case []int64:
		for i := range dst {
			dst[i] = math.MinInt64
		}
	}
}

func cumSum(_ *builder, n *node) (kernel, error) {
	exclusive := n.integer("exclusive", 0) != 0
	reverse := n.integer("reverse", 0) != 0
	n.gives = n.types[:1]
	if t := n.types[1]; t != Int64 && t != Int32 {
		return nil, n.refused()
	}
	switch n.types[0] {
	case Float32:
		return summed[float32](exclusive, reverse), nil
	case Float64:
		return summed[float64](exclusive, reverse), nil
	case Int32:
		return summed[int32](exclusive, reverse), nil
	case Int64:
		return summed[int64](exclusive, reverse), nil
	}
	return nil, n.refused()
}

func summed[T number](exclusive, reverse bool) kernel {
	return func(m *Model, s *step) error {
		a, v := m.input(s, 0), m.output(s)
		var buffer [maxRank]int64
		at, err := integers(m.input(s, 1), &buffer)
		if err != nil {
			return err
		}
		if len(at) != 1 {
			return fmt.Errorf("%d axes; one is expected", len(at))
		}
		k, err := axis(at[0], len(a.Shape))
		if err != nil {
			return err
		}
		v.shape(a.Shape)
		dst, err := create[T](m, v)
		if err != nil {
			return err
		}
		src := *data[T](&a.Tensor)
		outer, inner := around(a.Shape, k)
		rows := a.Shape[k]
		for o := range outer {
			base := o * rows * inner
			for i := range inner {
				p, by := base+i, inner
				if reverse {
					p, by = base+i+(rows-1)*inner, -inner
				}
				var sum T
				for range rows {
					x := src[p]
					if exclusive {
						dst[p] = sum
						sum += x
					} else {
						sum += x
						dst[p] = sum
					}
					p += by
				}
			}
		}
		return nil
	}
}

func softmax(_ *builder, n *node) (kernel, error) {
	at := n.integer("axis", -1)
	if n.types[0] != Float32 {
		return nil, n.refused()
	}
	n.gives = n.types[:1]
	return func(m *Model, s *step) error {
		a, v := m.input(s, 0), m.output(s)
		k, err := axis(at, len(a.Shape))
		if err != nil {
			return err
		}
		v.shape(a.Shape)
		dst, err := create[float32](m, v)
		if err != nil {
			return err
		}
		outer, inner := around(a.Shape, k)
		rows := a.Shape[k]
		for o := range outer {
			if inner == 1 {
				softmaxOf(dst[o*rows:(o+1)*rows], a.Float32[o*rows:(o+1)*rows])
				continue
			}
			for i := range inner {
				softmaxRow(dst, a.Float32, o*rows*inner+i, rows, inner)
			}
		}
		return nil
	}, nil
}

// softmaxRow does n elements from an offset, a stride apart.
func softmaxRow(dst, src []float32, from, n, stride int) {
	top := float32(math.Inf(-1))
	for i, p := 0, from; i < n; i, p = i+1, p+stride {
		top = max(top, src[p])
	}
	var sum float32
	for i, p := 0, from; i < n; i, p = i+1, p+stride {
		e := float32(math.Exp(float64(src[p] - top)))
		dst[p] = e
		sum += e
	}
	for i, p := 0, from; i < n; i, p = i+1, p+stride {
		dst[p] /= sum
	}
}

func layerNormalization(_ *builder, n *node) (kernel, error) {
	at := n.integer("axis", -1)
	epsilon := n.real("epsilon", 1e-5)
	if n.integer("stash_type", 1) != 1 || n.types[0] != Float32 {
		return nil, n.refused()
	}
	if err := n.same(len(n.types)); err != nil {
		return nil, err
	}
	n.gives = []Type{Float32, Float32, Float32}
	return normalizer(at, epsilon), nil
}

func normalizer(at int64, epsilon float32) kernel {
	return func(m *Model, s *step) error {
		a, scale, bias, v := m.input(s, 0), m.input(s, 1), m.input(s, 2), m.output(s)
		k, err := axis(at, len(a.Shape))
		if err != nil {
			return err
		}
		v.shape(a.Shape)
		dst, err := create[float32](m, v)
		if err != nil {
			return err
		}
		n := product(a.Shape[k:])
		if len(scale.Float32) != n || bias != nil && len(bias.Float32) != n {
			return fmt.Errorf("scale of shape %v for %d elements", slices.Clone(scale.Shape), n)
		}
		var rest [2][]float32 // means and inverse deviations, where they are wanted
		for i, o := range s.out[1:] {
			x := &m.values[o]
			x.shape(a.Shape)
			for d := k; d < len(a.Shape); d++ {
				x.Shape[d] = 1
			}
			if rest[i], err = create[float32](m, x); err != nil {
				return err
			}
		}
		for r := range len(dst) / max(n, 1) {
			o := r * n
			mean, by := normalize(dst[o:o+n], a.Float32[o:o+n], scale.Float32, epsilon)
			if bias != nil {
				add(dst[o:o+n], dst[o:o+n], bias.Float32)
			}
			for i, x := range [2]float32{mean, by} {
				if rest[i] != nil {
					rest[i][r] = x
				}
			}
		}
		return nil
	}
}

// normalize gives a row mean 0 and variance 1, then scales it. It returns the
// mean, and what one over the standard deviation is.
func normalize(dst, src, scale []float32, epsilon float32) (mean, by float32) {
	var sum, squares float32
	for _, x := range src {
		sum += x
	}
	mean = sum / float32(len(src))
	for _, x := range src {
		squares += (x - mean) * (x - mean)
	}
	by = 1 / float32(math.Sqrt(float64(squares/float32(len(src))+epsilon)))
	for i, x := range src {
		dst[i] = (x - mean) * by * scale[i]
	}
	return mean, by
}
