// SPDX-License-Identifier: Apache-2.0

package onnx

import (
	"fmt"
	"math"
	"testing"
)

// TestMultiplyIsTheSchoolbooks: every remainder of the tiles.
func TestMultiplyIsTheSchoolbooks(t *testing.T) {
	for _, n := range [][3]int{{1, 1, 1}, {1, 7, 9}, {3, 5, 4}, {4, 4, 4}, {5, 3, 7}, {8, 16, 12}, {9, 17, 13}, {6, 0, 3}, {7, 5, 1}} {
		rows, k, columns := n[0], n[1], n[2]
		a, b, dst := make([]float32, rows*k), make([]float32, k*columns), make([]float32, rows*columns)
		for i := range a {
			a[i] = float32(i%7) - 3
		}
		for i := range b {
			b[i] = float32(i%5) - 2
		}
		for i := range dst {
			dst[i] = float32(math.NaN()) // memory is used again
		}
		multiply(dst, a, b, rows, k, columns)
		for r := range rows {
			for c := range columns {
				want := float32(0)
				for i := range k {
					want += a[r*k+i] * b[i*columns+c]
				}
				if dst[r*columns+c] != want {
					t.Errorf("%v: element %d, %d is %v, want %v", n, r, c, dst[r*columns+c], want)
				}
			}
		}
	}
}

func BenchmarkMultiply(b *testing.B) {
	for _, n := range []int{32, 128, 512} {
		b.Run(fmt.Sprint(n), func(b *testing.B) {
			x, y, dst := make([]float32, 48*n), make([]float32, n*n), make([]float32, 48*n)
			for b.Loop() {
				multiply(dst, x, y, 48, n, n)
			}
			b.ReportMetric(2*48*float64(n*n)*float64(b.N)/b.Elapsed().Seconds()/1e9, "GFLOP/s")
		})
	}
}
