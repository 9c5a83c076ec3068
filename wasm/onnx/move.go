// SPDX-License-Identifier: Apache-2.0

package onnx

import "fmt"

// outer and inner are the products of the dimensions before and behind one.
func around(shape []int, k int) (outer, inner int) {
	outer, inner = 1, 1
	for _, d := range shape[:k] {
		outer *= d
	}
	for _, d := range shape[k+1:] {
		inner *= d
	}
	return outer, inner
}

func gather(_ *builder, n *node) (kernel, error) {
	at := n.integer("axis", 0)
	n.gives, n.axis = n.types[:1], at
	if t := n.types[1]; t != Int64 && t != Int32 {
		return nil, n.refused()
	}
	return pick(n.types[0], gathered[float32](at), gathered[float64](at), gathered[int32](at), gathered[int64](at), gathered[bool](at)), nil
}

func gathered[T element](at int64) kernel {
	return func(m *Model, s *step) error {
		a, index, v := m.input(s, 0), m.input(s, 1), m.output(s)
		k, err := axis(at, len(a.Shape))
		if err != nil {
			return err
		}
		if len(a.Shape)-1+len(index.Shape) > maxRank {
			return fmt.Errorf("more than %d dimensions", maxRank)
		}
		v.Shape = append(append(append(v.dims[:0], a.Shape[:k]...), index.Shape...), a.Shape[k+1:]...)
		dst, err := create[T](m, v)
		if err != nil {
			return err
		}
		src := *data[T](&a.Tensor)
		outer, inner := around(a.Shape, k)
		rows, n := a.Shape[k], index.length()
		for o := range outer {
			block := src[o*rows*inner : (o+1)*rows*inner]
			for i := range n {
				r, err := row(index.whole(i), rows)
				if err != nil {
					return err
				}
				if inner == 1 {
					dst[o*n+i] = block[r]
				} else {
					copy(dst[(o*n+i)*inner:(o*n+i+1)*inner], block[r*inner:])
				}
			}
		}
		return nil
	}
}

func concat(_ *builder, n *node) (kernel, error) {
	at := n.integer("axis", maxRank) // required
	if err := n.same(len(n.types)); err != nil {
		return nil, err
	}
	n.gives = n.types[:1]
	return pick(n.types[0], concatenated[float32](at), concatenated[float64](at), concatenated[int32](at), concatenated[int64](at), concatenated[bool](at)), nil
}

func concatenated[T element](at int64) kernel {
	return func(m *Model, s *step) error {
		first, v := m.input(s, 0), m.output(s)
		k, err := axis(at, len(first.Shape))
		if err != nil {
			return err
		}
		v.shape(first.Shape)
		for i := 1; i < len(s.in); i++ {
			x := m.input(s, i)
			if len(x.Shape) != len(v.Shape) {
				return fmt.Errorf("inputs of %d and %d dimensions", len(v.Shape), len(x.Shape))
			}
			for j, d := range x.Shape {
				if j != k && d != v.Shape[j] {
					return fmt.Errorf("dimension %d is %d and %d", j, v.Shape[j], d)
				}
			}
			v.Shape[k] += x.Shape[k]
		}
		dst, err := create[T](m, v)
		if err != nil {
			return err
		}
		outer, inner := around(v.Shape, k)
		from, width := 0, v.Shape[k]*inner
		for i := range s.in {
			x := m.input(s, i)
			src, n := *data[T](&x.Tensor), x.Shape[k]*inner
			if n == 1 {
				for o := range outer {
					dst[o*width+from] = src[o]
				}
			} else {
				for o := range outer {
					copy(dst[o*width+from:], src[o*n:(o+1)*n])
				}
			}
			from += n
		}
		return nil
	}
}

func slice(_ *builder, n *node) (kernel, error) {
	n.gives = n.types[:1]
	return pick(n.types[0], sliced[float32], sliced[float64], sliced[int32], sliced[int64], sliced[bool]), nil
}

// cut is what a slice takes of one dimension.
type cut struct{ from, step, n int }

func sliced[T element](m *Model, s *step) error {
	a, v := m.input(s, 0), m.output(s)
	var cuts [maxRank]cut
	for i, d := range a.Shape {
		cuts[i] = cut{0, 1, d}
	}
	if err := readCuts(m, s, a.Shape, &cuts); err != nil {
		return err
	}
	v.Shape = v.dims[:len(a.Shape)]
	for i := range v.Shape {
		v.Shape[i] = cuts[i].n
	}
	// What lies together is shown, not copied: the first dimension of more than
	// one is cut, and those behind it are whole.
	together, outer, offset, inner := true, 1, 0, a.length()
	for i, c := range cuts[:len(a.Shape)] {
		if c.n == 0 {
			together = false
			break
		}
		inner /= a.Shape[i]
		if c.n != a.Shape[i] && (outer != 1 || c.step != 1) || c.step < 0 {
			together = false
		}
		offset += c.from * inner
		outer *= c.n
	}
	if together {
		v.show(a, offset, outer)
		return nil
	}
	dst, err := create[T](m, v)
	if err != nil || len(dst) == 0 {
		return err
	}
	var w strided
	for i, c := range cuts[:len(a.Shape)] {
		w.add(c.n, c.step*product(a.Shape[i+1:]), c.from*product(a.Shape[i+1:]))
	}
	copyStrided(dst, *data[T](&a.Tensor), &w)
	return nil
}

func product(shape []int) int {
	n := 1
	for _, d := range shape {
		n *= d
	}
	return n
}

// readCuts reads starts, ends, axes and steps.
func readCuts(m *Model, s *step, shape []int, cuts *[maxRank]cut) error {
	var buffers [4][maxRank]int64
	var lists [4][]int64
	for i := range lists {
		if x := m.input(s, i+1); x != nil {
			var err error
			if lists[i], err = integers(x, &buffers[i]); err != nil {
				return err
			}
			if len(lists[i]) != len(lists[0]) {
				return fmt.Errorf("%d starts and %d ends, axes or steps", len(lists[0]), len(lists[i]))
			}
		}
	}
	for i, from := range lists[0] {
		k, step, to := i, int64(1), lists[1][i]
		if lists[2] != nil {
			var err error
			if k, err = axis(lists[2][i], len(shape)); err != nil {
				return err
			}
		} else if k >= len(shape) {
			return fmt.Errorf("%d starts for %d dimensions", len(lists[0]), len(shape))
		}
		if lists[3] != nil {
			step = lists[3][i]
		}
		d := int64(shape[k])
		if from < 0 {
			from += d
		}
		if to < 0 {
			to += d
		}
		var n int64
		switch {
		case step > 0:
			from, to = min(max(from, 0), d), min(max(to, 0), d)
			if to > from {
				n = (to-from-1)/step + 1
			}
		case step < 0:
			from, to = min(max(from, -1), d-1), min(max(to, -1), d-1)
			if from > to {
				n = (from-to-1)/max(-step, 1) + 1
			}
		default:
			return fmt.Errorf("a step of 0")
		}
		if n <= 1 {
			step = 1 // whatever it was; a huge one must not overflow
		}
		cuts[k] = cut{int(from), int(step), int(n)}
	}
	return nil
}

// strided says how a copy walks over its source, outermost dimension first.
type strided struct {
	rank   int
	n      [maxRank]int
	stride [maxRank]int
	from   int
}

func (w *strided) add(n, stride, from int) {
	w.from += from
	if w.rank > 0 && w.stride[w.rank-1] == n*stride {
		w.n[w.rank-1] *= n
		w.stride[w.rank-1] = stride
		return
	}
	if n == 1 {
		return
	}
	w.n[w.rank], w.stride[w.rank] = n, stride
	w.rank++
}

func copyStrided[T element](dst, src []T, w *strided) {
	if w.rank == 0 {
		dst[0] = src[w.from]
		return
	}
	last := w.rank - 1
	n, stride := w.n[last], w.stride[last]
	var index [maxRank]int
	at := w.from
	for o := 0; o < len(dst); o += n {
		if stride == 1 {
			copy(dst[o:o+n], src[at:])
		} else {
			p := at
			for i := range dst[o : o+n] {
				dst[o+i] = src[p]
				p += stride
			}
		}
		for i := last - 1; i >= 0; i-- {
			index[i]++
			at += w.stride[i]
			if index[i] < w.n[i] {
				break
			}
			index[i] = 0
			at -= w.stride[i] * w.n[i]
		}
	}
}

func expand(_ *builder, n *node) (kernel, error) {
	n.gives = n.types[:1]
	return pick(n.types[0], expanded[float32], expanded[float64], expanded[int32], expanded[int64], expanded[bool]), nil
}

func expanded[T element](m *Model, s *step) error {
	a, v := m.input(s, 0), m.output(s)
	var buffer [maxRank]int64
	want, err := integers(m.input(s, 1), &buffer)
	if err != nil {
		return err
	}
	var dims [maxRank]int
	for i, d := range want {
		if dims[i], err = dimension(d); err != nil {
			return err
		}
	}
	if err := v.broadcast2(a.Shape, dims[:len(want)]); err != nil {
		return err
	}
	dst, err := create[T](m, v)
	if err != nil || len(dst) == 0 {
		return err
	}
	var w strided
	for i, d := range v.Shape {
		stride := 0
		if j := i - len(v.Shape) + len(a.Shape); j >= 0 && a.Shape[j] != 1 {
			stride = product(a.Shape[j+1:])
		}
		w.add(d, stride, 0)
	}
	copyStrided(dst, *data[T](&a.Tensor), &w)
	return nil
}

func transpose(_ *builder, n *node) (kernel, error) {
	perm, _ := n.list("perm")
	n.gives = n.types[:1]
	return pick(n.types[0], transposed[float32](perm), transposed[float64](perm), transposed[int32](perm), transposed[int64](perm), transposed[bool](perm)), nil
}

func transposed[T element](perm []int64) kernel {
	return func(m *Model, s *step) error {
		a, v := m.input(s, 0), m.output(s)
		rank := len(a.Shape)
		if perm != nil && len(perm) != rank {
			return fmt.Errorf("%d dimensions to be put in an order of %d", rank, len(perm))
		}
		v.Shape = v.dims[:rank]
		var w strided
		var seen [maxRank]bool
		for i := range v.Shape {
			k := rank - 1 - i
			if perm != nil {
				var err error
				if k, err = axis(perm[i], rank); err != nil {
					return err
				}
			}
			if seen[k] {
				return fmt.Errorf("dimension %d is taken twice", k)
			}
			seen[k] = true
			v.Shape[i] = a.Shape[k]
			w.add(a.Shape[k], product(a.Shape[k+1:]), 0)
		}
		dst, err := create[T](m, v)
		if err != nil || len(dst) == 0 {
			return err
		}
		copyStrided(dst, *data[T](&a.Tensor), &w)
		return nil
	}
}

func where(_ *builder, n *node) (kernel, error) {
	if n.types[0] != Bool || n.types[1] != n.types[2] {
		return nil, n.refused()
	}
	n.gives = n.types[1:2]
	return pick(n.types[1], chosen[float32], chosen[float64], chosen[int32], chosen[int64], chosen[bool]), nil
}

func chosen[T element](m *Model, s *step) error {
	c, a, b, v := m.input(s, 0), m.input(s, 1), m.input(s, 2), m.output(s)
	shapes := [3][]int{c.Shape, a.Shape, b.Shape}
	if err := v.broadcast(shapes[:]...); err != nil {
		return err
	}
	dst, err := create[T](m, v)
	if err != nil || len(dst) == 0 {
		return err
	}
	x, y := *data[T](&a.Tensor), *data[T](&b.Tensor)
	var w walk
	w.over(v.Shape, shapes[:]...)
	for more := true; more; more = w.next() {
		for i := range w.run() {
			if c.Bool[w.at[0]+i*w.stride[0][0]] {
				dst[w.out+i] = x[w.at[1]+i*w.stride[1][0]]
			} else {
				dst[w.out+i] = y[w.at[2]+i*w.stride[2][0]]
			}
		}
	}
	return nil
}
