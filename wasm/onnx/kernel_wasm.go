// SPDX-License-Identifier: Apache-2.0

package onnx

import "math"

// geluTable is what geluVectors reads: each of these four times.
var geluTable = splat(append(append([]float32{halfSqrt, -erfMost, erfMost, 0.5}, erfAbove[:]...), erfBelow[:]...))

// expTable is what expVectors reads.
var expTable = splat(append([]float32{expLeast, expMost, log2e, ln2High, ln2Low, 1}, expSeries[:]...))

func splat(c []float32) []float32 {
	var out []float32
	for _, x := range c {
		out = append(out, x, x, x, x)
	}
	return out
}

func geluFours(x []float32) {
	if len(x) > 0 {
		geluVectors(&x[0], len(x)/4, &geluTable[0])
	}
}

func expFours(dst, src []float32, top float32) float32 {
	if len(src) == 0 {
		return 0
	}
	_ = dst[len(src)-1]
	var sums [4]float32
	expVectors(&dst[0], &src[0], len(src)/4, &expTable[0], &sums[0], top)
	return sums[0] + sums[1] + sums[2] + sums[3]
}

func topFours(x []float32) float32 {
	if len(x) == 0 {
		return float32(math.Inf(-1))
	}
	var tops [4]float32
	topVectors(&x[0], len(x)/4, &tops[0])
	return max(tops[0], tops[1], tops[2], tops[3])
}

func scaleFours(x []float32, by float32) {
	if len(x) > 0 {
		scaleVectors(&x[0], len(x)/4, by)
	}
}

//go:noescape
func topVectors(x *float32, n int, tops *float32)

//go:noescape
func scaleVectors(x *float32, n int, by float32)

//go:noescape
func geluVectors(x *float32, n int, table *float32)

//go:noescape
func expVectors(dst, src *float32, n int, table, sums *float32, top float32)
