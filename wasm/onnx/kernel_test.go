// SPDX-License-Identifier: Apache-2.0

package onnx

import (
	"fmt"
	"math"
	"testing"
)

// These run in the wasm as well: build.sh test does so.

// near fails unless got is within by of want, for numbers around one.
func near(t *testing.T, got, want, by float64, what ...any) {
	t.Helper()
	if !(math.Abs(got-want) <= by*max(1, math.Abs(want))) {
		t.Errorf("%v is %v, want %v", fmt.Sprint(what...), got, want)
	}
}

// wave gives numbers between -1 and 1 that do not repeat soon.
func wave(n int, by float64) []float32 {
	out := make([]float32, n)
	for i := range out {
		out[i] = float32(math.Sin(float64(i) * by))
	}
	return out
}

// TestPackedProductIsTheSchoolbooks: every remainder of tiles, panels and
// stretches, from factors that lie either way.
func TestPackedProductIsTheSchoolbooks(t *testing.T) {
	for _, n := range [][3]int{{1, 1, 8}, {2, 3, 8}, {3, 5, 9}, {4, 4, 15}, {5, 7, 16}, {7, 64, 17}, {47, 33, 31}, {9, together / 4, 8}, {10, together / 8, 9}} {
		rows, k, columns := n[0], n[1], n[2]
		a, b, bias := wave(rows*k, 0.7), wave(k*columns, 1.3), wave(columns, 2.1)
		for _, turned := range []bool{false, true} {
			p := packed{k, columns, make([]float32, packedSize(k, columns))}
			down, right := columns, 1
			if turned {
				down, right = 1, k
			}
			p.pack(b, down, right, bias, 0.5)
			dst := make([]float32, rows*columns+1)
			for i := range dst {
				dst[i] = float32(math.NaN()) // memory is used again
			}
			finished := 0
			p.multiply(dst[:rows*columns], a, rows, func(x []float32) { finished += len(x) })
			if finished != rows*columns {
				t.Errorf("%v: %d elements finished", n, finished)
			}
			for r := range rows {
				for c := range columns {
					want := float64(bias[c])
					for i := range k {
						want += float64(a[r*k+i]) * 0.5 * float64(b[i*down+c*right])
					}
					near(t, float64(dst[r*columns+c]), want, 1e-5*math.Sqrt(float64(1+k)), n, turned, r, c)
				}
			}
			if dst[rows*columns] == dst[rows*columns] {
				t.Errorf("%v: what lies behind was written", n)
			}
		}
	}
}

func TestFunctionsAreThoseOfMathematics(t *testing.T) {
	for x := -20.0; x <= 20; x += 0.00837 {
		v := float64(float32(x))
		near(t, float64(erf(float32(x))), math.Erf(v), 6e-7, "erf ", x)
		near(t, float64(exp(float32(x)))/math.Exp(v), 1, 4e-7, "exp ", x)
	}
	near(t, float64(exp(-1e4)), 0, 1e-30, "exp far below")
	near(t, float64(exp(float32(math.Inf(-1)))), 0, 1e-30, "exp at its end")
	x := wave(1003, 0.1)
	for i := range x {
		x[i] *= 9
	}
	g := append([]float32(nil), x...)
	gelu(g)
	for i, v := range x {
		near(t, float64(g[i]), float64(v)*(1+math.Erf(float64(v)/math.Sqrt2))/2, 1e-6, "gelu ", v)
	}
}

func TestSoftmaxAddsUpToOne(t *testing.T) {
	for n := range 40 {
		x, dst := wave(n, 1.7), make([]float32, n)
		if n > 2 {
			x[n-1], x[1] = -1e4, 30
		}
		softmaxOf(dst, x)
		var sum float64
		for _, v := range x {
			sum += math.Exp(float64(v))
		}
		for i, v := range x {
			near(t, float64(dst[i]), math.Exp(float64(v))/sum, 5e-7, "softmax of ", n, " at ", i)
		}
	}
}

func BenchmarkPacked(b *testing.B) {
	for _, n := range [][2]int{{64, 64}, {256, 256}, {256, 1024}, {1024, 256}} {
		k, columns := n[0], n[1]
		b.Run(fmt.Sprint(k, "x", columns), func(b *testing.B) {
			x, y, dst := wave(64*k, 0.7), wave(k*columns, 1.3), make([]float32, 64*columns)
			p := packed{k, columns, make([]float32, packedSize(k, columns))}
			p.pack(y, columns, 1, nil, 1)
			for b.Loop() {
				p.multiply(dst, x, 64, nil)
			}
			b.ReportMetric(2*64*float64(k*columns)*float64(b.N)/b.Elapsed().Seconds()/1e9, "GFLOP/s")
		})
	}
}

func BenchmarkFunctions(b *testing.B) {
	x, y := wave(4096, 0.1), make([]float32, 4096)
	for name, f := range map[string]func(){"gelu": func() { copy(y, x); gelu(y) }, "softmax": func() { softmaxOf(y, x) }} {
		b.Run(name, func(b *testing.B) {
			for b.Loop() {
				f()
			}
			b.ReportMetric(b.Elapsed().Seconds()*1e9/float64(b.N)/4096, "ns/element")
		})
	}
}
