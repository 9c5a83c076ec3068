// SPDX-License-Identifier: Apache-2.0

package onnx

import "math/bits"

// store is memory that one value, and those that show parts of it, live in.
type store struct {
	Tensor
	users int
	class int
}

// pool keeps memory that no value uses, by type and power of two, so that a
// model that has run once for a size allocates nothing more.
type pool struct {
	free [Float64 + 1][28][]*store
}

func (p *pool) get(t Type, n int) *store {
	class := bits.Len(uint(max(n, 1) - 1))
	free := &p.free[t][class]
	if k := len(*free) - 1; k >= 0 {
		s := (*free)[k]
		*free = (*free)[:k]
		s.users = 1
		return s
	}
	s := &store{Tensor: Tensor{Type: t}, users: 1, class: class}
	n = 1 << class
	switch t {
	case Float32:
		s.Float32 = make([]float32, n)
	case Float64:
		s.Float64 = make([]float64, n)
	case Int32:
		s.Int32 = make([]int32, n)
	case Int64:
		s.Int64 = make([]int64, n)
	default:
		s.Bool = make([]bool, n)
	}
	return s
}

// put takes back one user's share.
func (p *pool) put(s *store) {
	if s.users--; s.users == 0 {
		p.free[s.Type][s.class] = append(p.free[s.Type][s.class], s)
	}
}
