// SPDX-License-Identifier: Apache-2.0

//go:build wasm || amd64

package onnx

// tiles sets count times four rows of dst, eight columns of each, to the
// product of as many rows of a and a panel. The rows lie the strides apart. The
// assembly checks no index: every length is checked here, once for many.
func tiles(dst, a, b []float32, k, count, aStride, dstStride int) {
	last := tall*count - 1
	_, _, _ = dst[last*dstStride+panel-1], a[last*aStride+k-1], b[(k+1)*panel-1]
	tileVectors(&dst[0], &a[0], &b[0], k, count, 4*aStride, 4*dstStride)
}

// Strides are in bytes; k and count are above 0.
//
//go:noescape
func tileVectors(dst, a, b *float32, k, count, aStride, dstStride int)
