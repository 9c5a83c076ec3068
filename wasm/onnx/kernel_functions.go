// SPDX-License-Identifier: Apache-2.0

//go:build !wasm

package onnx

import "math"

// geluFours is gelu for a length that four divides.
func geluFours(x []float32) {
	for i, v := range x {
		x[i] = v * (0.5 + 0.5*erf(v*halfSqrt))
	}
}

// topFours is the greatest element, −∞ of none.
func topFours(x []float32) float32 {
	top := float32(math.Inf(-1))
	for _, v := range x {
		top = max(top, v)
	}
	return top
}

// scaleFours multiplies each element.
func scaleFours(x []float32, by float32) {
	for i := range x {
		x[i] *= by
	}
}

// expFours sets dst to e to the power of each element less top, and returns
// their sum. Four divides the length.
func expFours(dst, src []float32, top float32) (sum float32) {
	for i, x := range src {
		e := exp(x - top)
		dst[i] = e
		sum += e
	}
	return sum
}
