// SPDX-License-Identifier: Apache-2.0

package onnx

import "math"

// The kernels are the loops in which a transformer spends its time. In the
// wasm they work on vectors of four, in kernel_wasm.s, and natively the
// products do, in kernel_amd64.s; elsewhere the same arithmetic is in Go. All
// keep to the layout here.

const (
	panel    = 8       // columns of the right factor that lie together
	tall     = 4       // rows that a tile computes at once
	together = 1 << 16 // elements of the left factor that stay in a core's cache
)

// packed is a right factor of k rows: for every eight columns what is added to
// them, then their k rows. The last panel reaches back over columns of the one
// before it, so that no panel is narrower; there are at least eight columns.
type packed struct {
	k, columns int
	panels     []float32
}

// packedSize is how many elements a packed factor takes.
func packedSize(k, columns int) int { return (columns + panel - 1) / panel * (k + 1) * panel }

// first is the first column of a panel.
func (p *packed) first(i int) int { return min(i*panel, p.columns-panel) }

// pack fills a factor from b, whose rows and columns lie these strides apart,
// each element times by. bias may be nil.
func (p *packed) pack(b []float32, down, right int, bias []float32, by float32) {
	for i, at := 0, 0; at < len(p.panels); i++ {
		from := p.first(i)
		to := p.panels[at : at+(p.k+1)*panel]
		at += len(to)
		clear(to[:panel])
		if bias != nil {
			copy(to[:panel], bias[from:])
		}
		to = to[panel:]
		switch {
		case right == 1:
			for r := range p.k {
				line := b[r*down+from:][:panel]
				t := (*[panel]float32)(to[r*panel:])
				for c, x := range line {
					t[c] = x * by
				}
			}
		default:
			for c := range panel {
				o := (from + c) * right
				for r := range p.k {
					to[r*panel+c] = b[o] * by
					o += down
				}
			}
		}
	}
}

// multiply sets dst to a · the factor + what is added, for so many rows. done,
// if any, gets each stretch of finished rows while it is near.
func (p *packed) multiply(dst, a []float32, rows int, done func([]float32)) {
	k, columns := p.k, p.columns
	stretch := max(together/max(k, 1)/tall, 1) * tall
	for from := 0; from < rows; from += stretch {
		n := min(stretch, rows-from)
		if n < tall { // one row four times
			for r := from; r < rows; r++ {
				p.rows(dst[r*columns:], a[r*k:], 1, 0, 0)
			}
		} else {
			p.rows(dst[from*columns:], a[from*k:], n/tall, k, columns)
			if at := from + n - tall; n%tall != 0 { // some rows again
				p.rows(dst[at*columns:], a[at*k:], 1, k, columns)
			}
		}
		if done != nil {
			done(dst[from*columns : (from+n)*columns])
		}
	}
}

// rows computes count tiles in every panel.
func (p *packed) rows(dst, a []float32, count, aStride, dstStride int) {
	if count == 0 {
		return
	}
	size := (p.k + 1) * panel
	for i := range len(p.panels) / size {
		tiles(dst[p.first(i):], a, p.panels[i*size:(i+1)*size], p.k, count, aStride, dstStride)
	}
}

// What e to the power of x is computed with, for x from expLeast to expMost:
// 2 to the power of a whole number, times a polynomial of what is left.
const (
	expLeast = -87
	expMost  = 88
	log2e    = 1.44269504
	ln2High  = 0.693359375
	ln2Low   = -2.12194440e-4
)

// expSeries are the polynomial's coefficients from x² on, fitted to 3e-9.
var expSeries = [...]float32{0.499999934, 0.166665206, 0.0416683881, 0.00836871698, 0.00138145986}

// exp is e to the power of x within 2e-7 of itself; beyond the bounds it is
// what it is at the bound.
func exp(x float32) float32 {
	const round = 3 << 22 // added and taken off, it leaves a whole number
	x = min(max(x, expLeast), expMost)
	n := x*log2e + round - round
	r := x - n*ln2High - n*ln2Low
	s := expSeries[4]
	for _, c := range [...]float32{expSeries[3], expSeries[2], expSeries[1], expSeries[0]} {
		s = s*r + c
	}
	return (s*r*r + r + 1) * math.Float32frombits(uint32(int32(n)+127)<<23)
}

// The error function is c · P(c²) / Q(c²), c being x within ±erfMost, beyond
// which it is ±1 in float32: fitted to 1.5e-8, and rounded within 5e-7.
const erfMost = 3.9

var (
	erfAbove = [...]float32{1.12837903, 0.19194117, 0.052966943, 0.00383688427, 0.000287457628, 2.05038818e-06}
	erfBelow = [...]float32{1, 0.503435211, 0.114758271, 0.01510922, 0.0011817368, 3.82307716e-05}
)

func erf(x float32) float32 {
	c := min(max(x, -erfMost), erfMost)
	u := c * c
	p, q := erfAbove[5], erfBelow[5]
	for i := 4; i >= 0; i-- {
		p, q = p*u+erfAbove[i], q*u+erfBelow[i]
	}
	return c * p / q
}

// halfSqrt is one over the square root of two.
const halfSqrt = 0.70710678

// gelu is x · (1 + erf(x/√2)) / 2 of each element, in place.
func gelu(x []float32) {
	n := len(x) &^ 3
	geluFours(x[:n])
	for i, v := range x[n:] {
		x[n+i] = v * (0.5 + 0.5*erf(v*halfSqrt))
	}
}

// softmaxOf sets dst to the softmax of a row.
func softmaxOf(dst, src []float32) {
	if len(src) == 0 {
		return
	}
	n := len(src) &^ 3
	top := topFours(src[:n])
	for _, x := range src[n:] {
		top = max(top, x)
	}
	sum := expFours(dst[:n], src[:n], top)
	for i, x := range src[n:] {
		e := exp(x - top)
		dst[n+i] = e
		sum += e
	}
	by := 1 / sum
	scaleFours(dst[:n], by)
	for i := n; i < len(dst); i++ {
		dst[i] *= by
	}
}
