// SPDX-License-Identifier: Apache-2.0

//go:build !wasm

package onnx

// geluFours is gelu for a length that four divides.
func geluFours(x []float32) {
	for i, v := range x {
		x[i] = v * (0.5 + 0.5*erf(v*halfSqrt))
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
