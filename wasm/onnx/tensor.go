// SPDX-License-Identifier: Apache-2.0

package onnx

import (
	"errors"
	"fmt"
)

// Type is a tensor's element type, by its number in the ONNX format.
type Type int32

// The element types that are claimed; all others are refused by name.
const (
	Float32 Type = 1
	Int32   Type = 6
	Int64   Type = 7
	Bool    Type = 9
	Float64 Type = 11
)

var typeNames = [...]string{
	"undefined", "float", "uint8", "int8", "uint16", "int16", "int32", "int64", "string", "bool",
	"float16", "double", "uint32", "uint64", "complex64", "complex128", "bfloat16",
}

func (t Type) String() string {
	if t >= 0 && int(t) < len(typeNames) {
		return typeNames[t]
	}
	return fmt.Sprintf("type %d", int32(t))
}

func (t Type) claimed() bool {
	return t == Float32 || t == Float64 || t == Int32 || t == Int64 || t == Bool
}

type integer interface{ int32 | int64 }
type float interface{ float32 | float64 }
type number interface{ integer | float }
type element interface{ number | bool }

// Tensor is a dense array, its last dimension contiguous. Only the field that
// its type names is set.
type Tensor struct {
	Type  Type
	Shape []int // outermost first; empty for a scalar

	Float32 []float32
	Float64 []float64
	Int32   []int32
	Int64   []int64
	Bool    []bool
}

// Limits of one tensor: a file or an input that asks for more is refused.
const (
	maxRank     = 8
	maxElements = 1 << 27
	maxComputed = 1 << 24 // of what a step computes, rather than a file holds
)

var errTooLarge = errors.New("a tensor would have too many elements")

// size is the number of elements of a shape.
func size(shape []int) (int, error) {
	n := 1
	for _, d := range shape {
		if d < 0 {
			return 0, fmt.Errorf("a dimension is %d", d)
		}
		if d > maxElements || n*d > maxElements { // no overflow: both are at most 2^27
			return 0, fmt.Errorf("%w: %v", errTooLarge, shape)
		}
		n *= d
	}
	return n, nil
}

// data is a tensor's elements, which must be of type T.
func data[T element](t *Tensor) *[]T {
	var p any
	switch any((*T)(nil)).(type) {
	case *float32:
		p = &t.Float32
	case *float64:
		p = &t.Float64
	case *int32:
		p = &t.Int32
	case *int64:
		p = &t.Int64
	case *bool:
		p = &t.Bool
	}
	return p.(*[]T)
}

func typeOf[T element]() Type {
	switch any((*T)(nil)).(type) {
	case *float32:
		return Float32
	case *float64:
		return Float64
	case *int32:
		return Int32
	case *int64:
		return Int64
	}
	return Bool
}

// length is how many elements are there.
func (t *Tensor) length() int {
	switch t.Type {
	case Float32:
		return len(t.Float32)
	case Float64:
		return len(t.Float64)
	case Int32:
		return len(t.Int32)
	case Int64:
		return len(t.Int64)
	}
	return len(t.Bool)
}

// window makes t show n elements of src from an offset on, without a copy.
func (t *Tensor) window(src *Tensor, from, n int) {
	t.Type = src.Type
	switch src.Type {
	case Float32:
		t.Float32 = src.Float32[from : from+n]
	case Float64:
		t.Float64 = src.Float64[from : from+n]
	case Int32:
		t.Int32 = src.Int32[from : from+n]
	case Int64:
		t.Int64 = src.Int64[from : from+n]
	default:
		t.Bool = src.Bool[from : from+n]
	}
}
