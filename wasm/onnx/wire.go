// SPDX-License-Identifier: Apache-2.0

package onnx

import (
	"encoding/binary"
	"errors"
	"math"
)

var errCut = errors.New("the file is not an ONNX model, or is cut short")

// field is one field of a protobuf message: number is its value where it is a
// number, bytes where it has a length.
type field struct {
	id     int
	number uint64
	bytes  []byte
}

// fields calls f for each field of a message, in order. What it hands over
// aliases the message.
func fields(m []byte, f func(field) error) error {
	for len(m) > 0 {
		tag, n := binary.Uvarint(m)
		if n <= 0 || tag>>3 == 0 || tag>>3 > 1<<29-1 {
			return errCut
		}
		m = m[n:]
		x := field{id: int(tag >> 3)}
		switch tag & 7 {
		case 0:
			x.number, n = binary.Uvarint(m)
		case 1:
			if n = 8; len(m) >= n {
				x.number = binary.LittleEndian.Uint64(m)
			}
		case 5:
			if n = 4; len(m) >= n {
				x.number = uint64(binary.LittleEndian.Uint32(m))
			}
		case 2:
			length, k := binary.Uvarint(m)
			if k <= 0 || length > uint64(len(m)-k) {
				return errCut
			}
			n = k + int(length)
			x.bytes = m[k:n:n]
			if x.bytes == nil {
				x.bytes = []byte{}
			}
		default:
			return errCut
		}
		if n <= 0 || n > len(m) {
			return errCut
		}
		m = m[n:]
		if err := f(x); err != nil {
			return err
		}
	}
	return nil
}

// integers appends a repeated integer field, packed or not.
func (x field) integers(to []int64) ([]int64, error) {
	if x.bytes == nil {
		return append(to, int64(x.number)), nil
	}
	for b := x.bytes; len(b) > 0; {
		v, n := binary.Uvarint(b)
		if n <= 0 {
			return nil, errCut
		}
		to, b = append(to, int64(v)), b[n:]
	}
	return to, nil
}

// floats appends a repeated float field, packed or not.
func (x field) floats(to []float32) ([]float32, error) {
	if x.bytes == nil {
		return append(to, x.float()), nil
	}
	if len(x.bytes)%4 != 0 {
		return nil, errCut
	}
	for b := x.bytes; len(b) > 0; b = b[4:] {
		to = append(to, math.Float32frombits(binary.LittleEndian.Uint32(b)))
	}
	return to, nil
}

// doubles appends a repeated double field, packed or not.
func (x field) doubles(to []float64) ([]float64, error) {
	if x.bytes == nil {
		return append(to, math.Float64frombits(x.number)), nil
	}
	if len(x.bytes)%8 != 0 {
		return nil, errCut
	}
	for b := x.bytes; len(b) > 0; b = b[8:] {
		to = append(to, math.Float64frombits(binary.LittleEndian.Uint64(b)))
	}
	return to, nil
}

func (x field) float() float32 { return math.Float32frombits(uint32(x.number)) }
