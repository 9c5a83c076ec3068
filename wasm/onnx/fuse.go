// SPDX-License-Identifier: Apache-2.0

package onnx

import (
	"fmt"
	"slices"
)

// fuse replaces patterns of nodes by one step each. What a replaced node gave
// is computed only if something else needs it: finish drops the rest.
func (b *builder) fuse() {
	b.skipAliases(b.makers())
	b.prune()
	by, uses := b.makers(), make([]int, len(b.model.values))
	for _, n := range b.nodes {
		for _, i := range n.in {
			if i >= 0 {
				uses[i]++
			}
		}
	}
	for _, i := range b.model.out {
		uses[i]++
	}
	for i := range b.nodes {
		n := &b.nodes[i]
		switch n.op {
		case "Sub":
			b.remainder(n, by)
		case "MatMul":
			b.sumOfRows(n, by, uses)
			if !n.fused {
				b.linear(n)
			}
		case "Gemm":
			if n.plain {
				b.linear(n)
			}
		case "Div":
			b.scaled(n, by, uses)
		case "Mul":
			b.gelus(n, by, uses)
			if !n.fused {
				b.scaled(n, by, uses)
			}
		case "Add":
			b.biased(n, by, uses)
			if !n.fused {
				b.normalized(n, by)
			}
		}
	}
}

// makers says which node computes a value.
func (b *builder) makers() map[int]*node {
	by := map[int]*node{}
	for i := range b.nodes {
		for _, o := range b.nodes[i].out {
			by[o] = &b.nodes[i]
		}
	}
	return by
}

// skipAliases reads past casts that change nothing, and the like.
func (b *builder) skipAliases(by map[int]*node) {
	through := func(i int) int {
		for n := by[i]; n != nil && (n.op == "Identity" || n.op == "Cast" && n.types[0] == n.gives[0]); n = by[i] {
			i = n.in[0]
		}
		return i
	}
	for i := range b.nodes {
		for k, in := range b.nodes[i].in {
			if in >= 0 {
				b.nodes[i].in[k] = through(in)
			}
		}
	}
	for k, o := range b.model.out {
		b.model.out[k] = through(o)
	}
}

// remainder: x − (x ÷ c) · c for integers, c the same constant twice.
func (b *builder) remainder(n *node, by map[int]*node) {
	product := by[n.in[1]]
	if n.gives[0] != Int64 || product == nil || product.op != "Mul" {
		return
	}
	quotient := by[product.in[0]]
	if quotient == nil || quotient.op != "Div" || quotient.in[0] != n.in[0] {
		return
	}
	c, again := b.scalar(quotient.in[1]), b.scalar(product.in[1])
	if c == nil || again == nil || *c != *again || *c == 0 {
		return
	}
	n.become("Sub, Mul, Div", []int{n.in[0], quotient.in[1]}, zip(rem))
}

// scalar is a constant int64 of one element, nil for anything else.
func (b *builder) scalar(i int) *int64 {
	v := &b.model.values[i]
	if !v.static || v.Type != Int64 || len(v.Shape) != 0 {
		return nil
	}
	return &v.Int64[0]
}

func rem(dst, a, b []int64) {
	c := b[0]
	if len(a) == len(dst) && c > 0 && c&(c-1) == 0 {
		for i, x := range a {
			if x >= 0 {
				dst[i] = x & (c - 1)
			} else {
				dst[i] = -(-x & (c - 1))
			}
		}
		return
	}
	for i := range dst {
		dst[i] = a[i] % c
	}
}

// sumOfRows: weights · Gather(table, index), or weights · (Gather(table,
// index) × factor): rows are multiplied and added up as they are found.
func (b *builder) sumOfRows(n *node, by map[int]*node, uses []int) {
	plain := []step{n.step}
	found, factor := by[n.in[1]], -1
	if found != nil && found.op == "Mul" {
		if g := by[found.in[0]]; g != nil && g.op == "Gather" {
			plain = append(plain, found.step)
			found, factor = g, found.in[1]
		}
	}
	if found == nil || found.op != "Gather" || found.axis != 0 || found.types[0] != Float32 || found.types[1] != Int64 || found.gives[0] != Float32 {
		return
	}
	plain = append(plain, found.step)
	slices.Reverse(plain)
	for _, s := range plain[:len(plain)-1] {
		if uses[s.out[0]] != 1 {
			return
		}
	}
	n.become("MatMul, Gather", []int{n.in[0], found.in[0], found.in[1], factor}, rowsAdded(plain))
}

// rowsAdded takes weights (batch, rows, places), a table (·, columns), indices
// (batch, places) and factors (batch, places, columns). For any other shapes
// it runs the nodes that it stands for, one after the other.
func rowsAdded(plain []step) kernel {
	return func(m *Model, s *step) error {
		weights, table, index, factor, v := m.input(s, 0), m.input(s, 1), m.input(s, 2), m.input(s, 3), m.output(s)
		if len(weights.Shape) != 3 || len(table.Shape) != 2 || len(index.Shape) != 2 {
			return m.oneByOne(plain)
		}
		batch, rows, places, columns := index.Shape[0], weights.Shape[1], index.Shape[1], table.Shape[1]
		if weights.Shape[0] != batch || weights.Shape[2] != places || batch == 0 ||
			factor != nil && (len(factor.Shape) != 3 || factor.Shape[0] != batch || factor.Shape[1] != places || factor.Shape[2] != columns) {
			return m.oneByOne(plain)
		}
		v.Shape = append(v.dims[:0], batch, rows, columns)
		dst, err := create[float32](m, v)
		if err != nil {
			return err
		}
		clear(dst)
		for b := range batch {
			at := index.Int64[b*places : (b+1)*places]
			for r := range rows {
				by := weights.Float32[(b*rows+r)*places : (b*rows+r+1)*places]
				to := dst[(b*rows+r)*columns : (b*rows+r+1)*columns]
				if factor != nil {
					err = addProducts(to, by, table, at, factor.Float32[b*places*columns:(b+1)*places*columns])
				} else {
					err = addRows(to, by, table, at)
				}
				if err != nil {
					return err
				}
			}
		}
		return nil
	}
}

// addRows adds weighted rows of a table to dst.
func addRows(dst, weights []float32, table *value, index []int64) error {
	rows, columns := table.Shape[0], table.Shape[1]
	weights = weights[:len(index)]
	if columns == 1 {
		var sum float32
		for i, r := range index {
			if r < 0 {
				r += int64(rows)
			}
			if uint64(r) >= uint64(rows) {
				return fmt.Errorf("index %d of %d", index[i], rows)
			}
			sum += weights[i] * table.Float32[r]
		}
		dst[0] = sum
		return nil
	}
	for i, w := range weights {
		r, err := row(index[i], rows)
		if err != nil {
			return err
		}
		line := table.Float32[r*columns:][:len(dst)]
		for k, x := range line {
			dst[k] += w * x
		}
	}
	return nil
}

// addProducts adds weighted rows, each element times its factor.
func addProducts(dst, weights []float32, table *value, index []int64, factor []float32) error {
	rows, columns := table.Shape[0], table.Shape[1]
	for i, w := range weights {
		r, err := row(index[i], rows)
		if err != nil {
			return err
		}
		line := table.Float32[r*columns:][:len(dst)]
		by := factor[i*columns:][:len(dst)]
		for k, x := range line {
			dst[k] += w * (x * by[k])
		}
	}
	return nil
}

// row is an index into n rows, counted from either end.
func row(r int64, n int) (int, error) {
	if r < 0 {
		r += int64(n)
	}
	if uint64(r) >= uint64(n) {
		return 0, fmt.Errorf("index %d of %d", r, n)
	}
	return int(r), nil
}

// oneByOne runs steps of which only the last one's output is needed.
func (m *Model) oneByOne(steps []step) error {
	for i := range steps {
		if err := steps[i].run(m, &steps[i]); err != nil {
			return err
		}
	}
	for _, s := range steps[:len(steps)-1] {
		m.release(s.out[0])
	}
	return nil
}
