// SPDX-License-Identifier: Apache-2.0

// Command wasm is the engine as a WASI reactor: build it with
// GOOS=wasip1 GOARCH=wasm -buildmode=c-shared, call _initialize, then
// haechi_call. Only bytes cross; package abi says what is in them.
package main

import (
	"runtime/debug"
	"unsafe"

	"haechi/wasm/abi"
	"haechi/wasm/classify"
	"haechi/wasm/detect"
)

func main() {}

func init() {
	// The heap at rest is the model and the rules; without this Go lets it
	// double before it collects, and a wasm's memory never shrinks.
	debug.SetGCPercent(50)
}

var session = abi.Session{Load: load}

// load does not collect meanwhile: most of what loading allocates stays, and
// looking through it again and again takes longer than the loading.
func load(folder string) (detect.Classifier, error) {
	defer debug.SetGCPercent(debug.SetGCPercent(-1))
	return classify.Load(folder)
}

// held keeps the buffers that the host has pointers to from the collector.
var held = map[uint32][]byte{}

//go:wasmexport haechi_abi
func version() int32 { return abi.Version }

//go:wasmexport haechi_alloc
func alloc(n int32) uint32 {
	if n < 0 {
		return 0
	}
	return hold(make([]byte, max(n, 1)))
}

//go:wasmexport haechi_free
func free(ptr uint32) { delete(held, ptr) }

//go:wasmexport haechi_call
func call(ptr uint32, n int32) uint64 {
	request, ok := held[ptr]
	if !ok || n < 0 || int(n) > len(request) {
		request, n = nil, 0 // the session answers with a usage error
	}
	answer := session.Call(request[:n])
	return uint64(hold(answer))<<32 | uint64(len(answer))
}

func hold(b []byte) uint32 {
	p := uint32(uintptr(unsafe.Pointer(unsafe.SliceData(b))))
	held[p] = b
	return p
}
