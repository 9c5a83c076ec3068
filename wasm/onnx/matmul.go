// SPDX-License-Identifier: Apache-2.0

package onnx

import "fmt"

func matMul(_ *builder, n *node) (kernel, error) {
	if n.types[0] != Float32 || n.types[1] != Float32 {
		return nil, n.refused()
	}
	n.gives = n.types[:1]
	return productBy(1), nil
}

// productBy is the product of two tensors of matrices, times a factor.
func productBy(by float32) kernel {
	return func(m *Model, s *step) error {
		a, b, v := m.input(s, 0), m.input(s, 1), m.output(s)
		// A vector is a matrix of one row or column, which goes again at the end.
		as, bs := a.Shape, b.Shape
		var rowBuffer, columnBuffer [2]int
		if len(as) == 0 || len(bs) == 0 {
			return fmt.Errorf("a factor is a scalar")
		}
		if len(as) == 1 {
			rowBuffer = [2]int{1, as[0]}
			as = rowBuffer[:]
		}
		if len(bs) == 1 {
			columnBuffer = [2]int{bs[0], 1}
			bs = columnBuffer[:]
		}
		ra, rb := len(as)-2, len(bs)-2
		rows, k, columns := as[ra], as[ra+1], bs[rb+1]
		if bs[rb] != k {
			return fmt.Errorf("shapes %d × %d and %d × %d do not fit together", rows, k, bs[rb], columns)
		}
		if err := v.broadcast2(as[:ra], bs[:rb]); err != nil {
			return err
		}
		var batch [maxRank]int
		outer := batch[:copy(batch[:], v.Shape)]
		if len(outer)+2 > maxRank {
			return fmt.Errorf("more than %d dimensions", maxRank)
		}
		if len(a.Shape) > 1 {
			v.Shape = append(v.Shape, rows)
		}
		if len(b.Shape) > 1 {
			v.Shape = append(v.Shape, columns)
		}
		dst, err := create[float32](m, v)
		if err != nil || len(dst) == 0 {
			return err
		}
		if product(bs[:rb]) == 1 { // one right side for all: one tall product
			m.multiply(dst, a.Float32, b.Float32, product(outer)*rows, k, columns, by)
			return nil
		}
		var w walk
		w.over2(outer, as[:ra], bs[:rb])
		for more := true; more; more = w.next() {
			for i := range w.run() {
				at, bt := (w.at[0]+i*w.stride[0][0])*rows*k, (w.at[1]+i*w.stride[1][0])*k*columns
				o := (w.out + i) * rows * columns
				m.multiply(dst[o:o+rows*columns], a.Float32[at:at+rows*k], b.Float32[bt:bt+k*columns], rows, k, columns, by)
			}
		}
		return nil
	}
}

// multiply packs the right factor, where there are rows enough for that to pay.
func (m *Model) multiply(dst, a, b []float32, rows, k, columns int, by float32) {
	if rows < tall || columns < panel || k == 0 {
		multiply(dst, a, b, rows, k, columns)
		if by != 1 {
			mul(dst, dst, []float32{by})
		}
		return
	}
	s := m.pool.get(Float32, packedSize(k, columns))
	p := packed{k, columns, s.Float32[:packedSize(k, columns)]}
	p.pack(b, columns, 1, nil, by)
	p.multiply(dst, a, rows, nil)
	m.pool.put(s)
}

// multiply sets dst to the product of a, rows × k, and b, k × columns.
func multiply(dst, a, b []float32, rows, k, columns int) {
	if columns == 1 {
		for r := range rows {
			dst[r] = dot(a[r*k:(r+1)*k], b[:k])
		}
		return
	}
	r := 0
	for ; r+4 <= rows; r += 4 {
		fourRows(dst[r*columns:], a[r*k:], b, k, columns)
	}
	for ; r < rows; r++ {
		row := dst[r*columns : (r+1)*columns]
		clear(row)
		for i, x := range a[r*k : (r+1)*k] {
			line := b[i*columns : (i+1)*columns]
			for j, y := range line {
				row[j] += x * y
			}
		}
	}
}

// fourRows does four rows at once, so that each line of b is read once for them.
func fourRows(dst, a, b []float32, k, columns int) {
	d0, d1, d2, d3 := dst[:columns], dst[columns:2*columns], dst[2*columns:3*columns], dst[3*columns:4*columns]
	clear(dst[:4*columns])
	a0, a1, a2, a3 := a[:k], a[k:2*k], a[2*k:3*k], a[3*k:4*k]
	for i := range k {
		x0, x1, x2, x3 := a0[i], a1[i], a2[i], a3[i]
		line := b[i*columns : (i+1)*columns]
		d0, d1, d2, d3 := d0[:len(line)], d1[:len(line)], d2[:len(line)], d3[:len(line)]
		for j, y := range line {
			d0[j] += x0 * y
			d1[j] += x1 * y
			d2[j] += x2 * y
			d3[j] += x3 * y
		}
	}
}

func dot(a, b []float32) float32 {
	b = b[:len(a)]
	var s0, s1, s2, s3 float32
	i := 0
	for ; i+4 <= len(a); i += 4 {
		s0 += a[i] * b[i]
		s1 += a[i+1] * b[i+1]
		s2 += a[i+2] * b[i+2]
		s3 += a[i+3] * b[i+3]
	}
	for ; i < len(a); i++ {
		s0 += a[i] * b[i]
	}
	return s0 + s1 + s2 + s3
}

// gemm is alpha · A · B + beta · C, either factor transposed first.
func gemm(_ *builder, n *node) (kernel, error) {
	alpha, beta := n.real("alpha", 1), n.real("beta", 1)
	turnA, turnB := n.integer("transA", 0) != 0, n.integer("transB", 0) != 0
	if n.types[0] != Float32 {
		return nil, n.refused()
	}
	if err := n.same(len(n.types)); err != nil && !(len(n.types) == 3 && n.types[2] == 0) {
		return nil, err
	}
	n.gives = n.types[:1]
	n.turned, n.plain = turnB, !turnA && alpha == 1 && beta == 1
	return func(m *Model, s *step) error {
		a, b, c, v := m.input(s, 0), m.input(s, 1), m.input(s, 2), m.output(s)
		if len(a.Shape) != 2 || len(b.Shape) != 2 {
			return fmt.Errorf("factors of %d and %d dimensions; two are expected", len(a.Shape), len(b.Shape))
		}
		rows, k, kb, columns := a.Shape[0], a.Shape[1], b.Shape[0], b.Shape[1]
		if turnA {
			rows, k = k, rows
		}
		if turnB {
			kb, columns = columns, kb
		}
		if k != kb {
			return fmt.Errorf("shapes %d × %d and %d × %d do not fit together", rows, k, kb, columns)
		}
		v.Shape = append(v.dims[:0], rows, columns)
		dst, err := create[float32](m, v)
		if err != nil || len(dst) == 0 {
			return err
		}
		// Turned copies live for this step only.
		x, y := a.Float32, b.Float32
		if turnA {
			s := m.turned(a)
			defer m.pool.put(s)
			x = s.Float32
		}
		if turnB {
			s := m.turned(b)
			defer m.pool.put(s)
			y = s.Float32
		}
		m.multiply(dst, x, y, rows, k, columns, alpha)
		if c == nil {
			return nil
		}
		var w walk
		if len(c.Shape) > 2 {
			return fmt.Errorf("a summand of %d dimensions", len(c.Shape))
		}
		for i, d := range c.Shape {
			if want := v.Shape[2-len(c.Shape)+i]; d != 1 && d != want {
				return fmt.Errorf("a summand of dimension %d for %d", d, want)
			}
		}
		w.over2(v.Shape, c.Shape, nil)
		for more := true; more; more = w.next() {
			for i := range w.run() {
				dst[w.out+i] += beta * c.Float32[w.at[0]+i*w.stride[0][0]]
			}
		}
		return nil
	}, nil
}

// turned is a matrix transposed, in memory that is to be given back.
func (m *Model) turned(a *value) *store {
	s := m.pool.get(Float32, len(a.Float32))
	rows, columns := a.Shape[0], a.Shape[1]
	for r := range rows {
		for c := range columns {
			s.Float32[c*rows+r] = a.Float32[r*columns+c]
		}
	}
	return s
}
