// SPDX-License-Identifier: Apache-2.0

package onnx

import "fmt"

// broadcast sets v's shape to the one that the given shapes have in common.
func (v *value) broadcast(shapes ...[]int) error {
	rank := 0
	for _, s := range shapes {
		rank = max(rank, len(s))
	}
	v.Shape = v.dims[:rank]
	for i := range v.Shape {
		d := 1
		for _, s := range shapes {
			k := i - rank + len(s)
			if k < 0 || s[k] == 1 {
				continue
			}
			if d != 1 && d != s[k] {
				return fmt.Errorf("dimensions %d and %d do not fit together", d, s[k])
			}
			d = s[k]
		}
		v.Shape[i] = d
	}
	return nil
}

// walk goes over the runs of an output that are contiguous in each input or
// constant there: out counts elements of the output, at those of each input.
type walk struct {
	rank   int
	dims   [maxRank]int
	stride [3][maxRank]int
	index  [maxRank]int
	out    int
	at     [3]int
}

// over prepares a walk; inputs have shapes that broadcast to shape. The last
// of its dimensions is the run.
func (w *walk) over(shape []int, inputs ...[]int) {
	*w = walk{}
	var step [3]int
	for k := range inputs {
		step[k] = 1
	}
	// From the innermost dimension out; dimensions that every input treats
	// alike become one.
	for i := len(shape) - 1; i >= 0; i-- {
		d := shape[i]
		if d == 1 {
			continue
		}
		var s [3]int
		merge := w.rank > 0
		for k, in := range inputs {
			if j := i - len(shape) + len(in); j >= 0 && in[j] == d {
				s[k] = step[k]
				step[k] *= d
			}
			merge = merge && s[k] == w.stride[k][w.rank-1]*w.dims[w.rank-1]
		}
		if merge {
			w.dims[w.rank-1] *= d
			continue
		}
		w.dims[w.rank] = d
		for k := range inputs {
			w.stride[k][w.rank] = s[k]
		}
		w.rank++
	}
	if w.rank == 0 {
		w.rank, w.dims[0] = 1, 1
	}
}

// run is the length of a run; of an input it covers run or, where the input is constant, one.
func (w *walk) run() int { return w.dims[0] }

func (w *walk) span(k int) int {
	if w.stride[k][0] == 0 {
		return 1
	}
	return w.dims[0]
}

// next moves to the next run, and reports false after the last.
func (w *walk) next() bool {
	w.out += w.dims[0]
	for i := 1; i < w.rank; i++ {
		w.index[i]++
		for k := range w.at {
			w.at[k] += w.stride[k][i]
		}
		if w.index[i] < w.dims[i] {
			return true
		}
		w.index[i] = 0
		for k := range w.at {
			w.at[k] -= w.stride[k][i] * w.dims[i]
		}
	}
	return false
}

// zip applies f to two tensors that broadcast together. f gets runs of equal
// length, or of length one where that side is constant.
func zip[T, U element](f func(dst []U, a, b []T)) kernel {
	return func(m *Model, s *step) error {
		a, b, v := m.input(s, 0), m.input(s, 1), m.output(s)
		if err := v.broadcast2(a.Shape, b.Shape); err != nil {
			return err
		}
		dst, err := create[U](m, v)
		if err != nil || len(dst) == 0 {
			return err
		}
		x, y := *data[T](&a.Tensor), *data[T](&b.Tensor)
		if (len(x) == len(dst) || len(x) == 1) && (len(y) == len(dst) || len(y) == 1) {
			f(dst, x, y)
			return nil
		}
		var w walk
		w.over2(v.Shape, a.Shape, b.Shape)
		n, na, nb := w.run(), w.span(0), w.span(1)
		for more := true; more; more = w.next() {
			f(dst[w.out:w.out+n], x[w.at[0]:w.at[0]+na], y[w.at[1]:w.at[1]+nb])
		}
		return nil
	}
}

// The forms for two allocate nothing.
func (v *value) broadcast2(a, b []int) error {
	if len(a) == len(b) {
		same := true
		for i := range a {
			same = same && a[i] == b[i]
		}
		if same {
			v.shape(a)
			return nil
		}
	}
	if len(b) == 0 {
		v.shape(a)
		return nil
	}
	shapes := [2][]int{a, b}
	return v.broadcast(shapes[:]...)
}

func (w *walk) over2(shape, a, b []int) {
	inputs := [2][]int{a, b}
	w.over(shape, inputs[:]...)
}
