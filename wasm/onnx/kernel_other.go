// SPDX-License-Identifier: Apache-2.0

//go:build !wasm && !amd64

package onnx

// tiles sets count times four rows of dst, eight columns of each, to the
// product of as many rows of a and a panel. The rows lie the strides apart.
func tiles(dst, a, b []float32, k, count, aStride, dstStride int) {
	for r := 0; r < tall*count; r += 2 {
		x, y := a[r*aStride:][:k], a[(r+1)*aStride:][:k]
		d, e := dst[r*dstStride:][:panel], dst[(r+1)*dstStride:][:panel]
		fours(d[:4], e[:4], x, y, b)
		fours(d[4:], e[4:], x, y, b[4:])
	}
}

// fours does two rows of four columns: as many sums as there are registers.
func fours(d, e, x, y, b []float32) {
	s0, s1, s2, s3 := b[0], b[1], b[2], b[3]
	t0, t1, t2, t3 := s0, s1, s2, s3
	y = y[:len(x)]
	for i, p := range x {
		b = b[panel:]
		l, q := (*[4]float32)(b), y[i]
		s0 += p * l[0]
		s1 += p * l[1]
		s2 += p * l[2]
		s3 += p * l[3]
		t0 += q * l[0]
		t1 += q * l[1]
		t2 += q * l[2]
		t3 += q * l[3]
	}
	d[0], d[1], d[2], d[3] = s0, s1, s2, s3
	e[0], e[1], e[2], e[3] = t0, t1, t2, t3
}
