// SPDX-License-Identifier: Apache-2.0

package onnx

import (
	"fmt"
	"slices"
)

// These change shapes only: their outputs show their input's memory.

// alias gives what it gets.
func alias(m *Model, s *step) error {
	a, v := m.input(s, 0), m.output(s)
	v.shape(a.Shape)
	v.show(a, 0, a.length())
	return nil
}

func identity(_ *builder, n *node) (kernel, error) {
	n.gives = n.types[:1]
	return alias, nil
}

func shapeOf(_ *builder, n *node) (kernel, error) {
	first := n.integer("start", 0)
	last := n.integer("end", maxRank)
	n.gives = []Type{Int64}
	return func(m *Model, s *step) error {
		a, v := m.input(s, 0), m.output(s)
		rank := int64(len(a.Shape))
		bound := func(i int64) int64 {
			if i < 0 {
				i += rank
			}
			return min(max(i, 0), rank)
		}
		from, to := bound(first), bound(last)
		v.Shape = v.dims[:1]
		v.Shape[0] = int(max(to-from, 0))
		dst, err := create[int64](m, v)
		if err != nil {
			return err
		}
		for i := range dst {
			dst[i] = int64(a.Shape[int(from)+i])
		}
		return nil
	}, nil
}

func reshape(_ *builder, n *node) (kernel, error) {
	keepZero := n.integer("allowzero", 0) != 0
	n.gives = n.types[:1]
	return func(m *Model, s *step) error {
		a, v := m.input(s, 0), m.output(s)
		var buffer [maxRank]int64
		want, err := integers(m.input(s, 1), &buffer)
		if err != nil {
			return err
		}
		v.Shape = v.dims[:len(want)]
		open, rest := -1, 1
		for i, d := range want {
			switch {
			case d == 0 && !keepZero:
				if i >= len(a.Shape) {
					return fmt.Errorf("dimension %d is to be kept, and there are %d", i, len(a.Shape))
				}
				d = int64(a.Shape[i])
			case d == -1 && open < 0:
				open = i
				continue
			}
			if v.Shape[i], err = dimension(d); err != nil {
				return err
			}
			if rest *= v.Shape[i]; rest > maxElements {
				return errTooLarge
			}
		}
		total := a.length()
		if open >= 0 {
			if rest == 0 || total%rest != 0 {
				return fmt.Errorf("%d elements do not fill the shape %v", total, slices.Clone(want))
			}
			v.Shape[open] = total / rest
			rest = total
		}
		if rest != total {
			return fmt.Errorf("%d elements do not fill the shape %v", total, slices.Clone(want))
		}
		v.show(a, 0, total)
		return nil
	}, nil
}

func unsqueeze(_ *builder, n *node) (kernel, error) {
	n.gives = n.types[:1]
	return func(m *Model, s *step) error {
		a, v := m.input(s, 0), m.output(s)
		var buffer [maxRank]int64
		axes, err := integers(m.input(s, 1), &buffer)
		if err != nil {
			return err
		}
		rank := len(a.Shape) + len(axes)
		if rank > maxRank {
			return fmt.Errorf("%d dimensions; at most %d are supported", rank, maxRank)
		}
		var put [maxRank]bool
		for _, x := range axes {
			k, err := axis(x, rank)
			if err != nil {
				return err
			}
			if put[k] {
				return fmt.Errorf("axis %d is named twice", k)
			}
			put[k] = true
		}
		v.Shape = v.dims[:rank]
		k := 0
		for i := range v.Shape {
			v.Shape[i] = 1
			if !put[i] {
				v.Shape[i] = a.Shape[k]
				k++
			}
		}
		v.show(a, 0, a.length())
		return nil
	}, nil
}

func squeeze(_ *builder, n *node) (kernel, error) {
	n.gives = n.types[:1]
	return func(m *Model, s *step) error {
		a, v := m.input(s, 0), m.output(s)
		var gone [maxRank]bool
		if given := m.input(s, 1); given != nil {
			var buffer [maxRank]int64
			axes, err := integers(given, &buffer)
			if err != nil {
				return err
			}
			for _, x := range axes {
				k, err := axis(x, len(a.Shape))
				if err != nil {
					return err
				}
				if a.Shape[k] != 1 {
					return fmt.Errorf("dimension %d is %d and cannot be dropped", k, a.Shape[k])
				}
				gone[k] = true
			}
		} else {
			for i, d := range a.Shape {
				gone[i] = d == 1
			}
		}
		v.Shape = v.dims[:0]
		for i, d := range a.Shape {
			if !gone[i] {
				v.Shape = append(v.Shape, d)
			}
		}
		v.show(a, 0, a.length())
		return nil
	}, nil
}

func flatten(_ *builder, n *node) (kernel, error) {
	at := n.integer("axis", 1)
	n.gives = n.types[:1]
	return func(m *Model, s *step) error {
		a, v := m.input(s, 0), m.output(s)
		k := at
		if k < 0 {
			k += int64(len(a.Shape))
		}
		if k < 0 || k > int64(len(a.Shape)) {
			return fmt.Errorf("axis %d of %d dimensions", at, len(a.Shape))
		}
		v.Shape = v.dims[:2]
		v.Shape[0], v.Shape[1] = 1, 1
		for i, d := range a.Shape {
			if int64(i) < k {
				v.Shape[0] *= d
			} else {
				v.Shape[1] *= d
			}
		}
		v.show(a, 0, a.length())
		return nil
	}, nil
}

func constantOfShape(_ *builder, n *node) (kernel, error) {
	fill := &Tensor{Type: Float32, Float32: []float32{0}}
	if a, ok := n.attributes["value"]; ok {
		delete(n.attributes, "value")
		if fill = a.t; fill == nil || fill.length() != 1 {
			return nil, fmt.Errorf("the value is not one element")
		}
	}
	n.gives = []Type{fill.Type}
	return pick(fill.Type, filled[float32](fill), filled[float64](fill), filled[int32](fill), filled[int64](fill), filled[bool](fill)), nil
}

func filled[T element](fill *Tensor) kernel {
	if typeOf[T]() != fill.Type {
		return nil
	}
	x := (*data[T](fill))[0]
	return func(m *Model, s *step) error {
		v := m.output(s)
		var buffer [maxRank]int64
		dims, err := integers(m.input(s, 0), &buffer)
		if err != nil {
			return err
		}
		v.Shape = v.dims[:len(dims)]
		for i, d := range dims {
			if v.Shape[i], err = dimension(d); err != nil {
				return err
			}
		}
		dst, err := create[T](m, v)
		if err != nil {
			return err
		}
		for i := range dst {
			dst[i] = x
		}
		return nil
	}
}
