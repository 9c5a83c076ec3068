// SPDX-License-Identifier: Apache-2.0

package onnx

import (
	"encoding/binary"
	"fmt"
	"math"
)

// What is read of a file. Field numbers are those of onnx.proto.
type (
	modelProto struct {
		opsets map[string]int64 // domain → version
		graph  *graphProto
	}
	graphProto struct {
		nodes           []nodeProto
		initializers    map[string]*Tensor
		inputs, outputs []valueProto
	}
	nodeProto struct {
		op, domain, name string
		inputs, outputs  []string
		attributes       map[string]attribute
	}
	valueProto struct {
		name string
		typ  Type
	}
	attribute struct {
		kind   int64 // 1 float, 2 int, 3 string, 4 tensor, 6 floats, 7 ints; 5 and 10 graphs
		f      float32
		i      int64
		s      string
		t      *Tensor
		floats []float32
		ints   []int64
	}
)

// maxNodes bounds a graph; a BERT of 24 layers has about 2,000.
const maxNodes = 1 << 15

func readModel(b []byte) (modelProto, error) {
	m := modelProto{opsets: map[string]int64{}}
	err := fields(b, func(x field) error {
		switch x.id {
		case 7:
			if m.graph != nil {
				return errCut
			}
			g, err := readGraph(x.bytes)
			m.graph = &g
			return err
		case 8:
			domain, version := "", int64(0)
			err := fields(x.bytes, func(y field) error {
				switch y.id {
				case 1:
					domain = string(y.bytes)
				case 2:
					version = int64(y.number)
				}
				return nil
			})
			m.opsets[domain] = version
			return err
		case 25:
			return fmt.Errorf("functions inside the model are not supported; export it with them inlined")
		}
		return nil
	})
	if err == nil && m.graph == nil {
		err = errCut
	}
	return m, err
}

func readGraph(b []byte) (graphProto, error) {
	g := graphProto{initializers: map[string]*Tensor{}}
	err := fields(b, func(x field) error {
		switch x.id {
		case 1:
			if len(g.nodes) == maxNodes {
				return fmt.Errorf("more than %d nodes", maxNodes)
			}
			n, err := readNode(x.bytes)
			g.nodes = append(g.nodes, n)
			return err
		case 5:
			name, t, err := readTensor(x.bytes)
			if err != nil {
				return fmt.Errorf("initializer %q: %w", name, err)
			}
			g.initializers[name] = t
		case 11, 12:
			v, err := readValue(x.bytes)
			if x.id == 11 {
				g.inputs = append(g.inputs, v)
			} else {
				g.outputs = append(g.outputs, v)
			}
			return err
		case 15:
			return fmt.Errorf("sparse initializers are not supported")
		}
		return nil
	})
	return g, err
}

func readNode(b []byte) (nodeProto, error) {
	n := nodeProto{attributes: map[string]attribute{}}
	err := fields(b, func(x field) error {
		switch x.id {
		case 1:
			n.inputs = append(n.inputs, string(x.bytes))
		case 2:
			n.outputs = append(n.outputs, string(x.bytes))
		case 3:
			n.name = string(x.bytes)
		case 4:
			n.op = string(x.bytes)
		case 5:
			name, a, err := readAttribute(x.bytes)
			if err != nil {
				return fmt.Errorf("node %q: attribute %q: %w", n.name, name, err)
			}
			n.attributes[name] = a
		case 7:
			n.domain = string(x.bytes)
		}
		return nil
	})
	return n, err
}

func readAttribute(b []byte) (name string, a attribute, err error) {
	err = fields(b, func(x field) (err error) {
		switch x.id {
		case 1:
			name = string(x.bytes)
		case 2:
			a.f = x.float()
		case 3:
			a.i = int64(x.number)
		case 4:
			a.s = string(x.bytes)
		case 5:
			_, a.t, err = readTensor(x.bytes)
		case 7:
			a.floats, err = x.floats(a.floats)
		case 8:
			a.ints, err = x.integers(a.ints)
		case 20:
			a.kind = int64(x.number)
		}
		return err
	})
	return name, a, err
}

func readValue(b []byte) (valueProto, error) {
	var v valueProto
	err := fields(b, func(x field) error {
		switch x.id {
		case 1:
			v.name = string(x.bytes)
		case 2:
			return fields(x.bytes, func(y field) error {
				if y.id != 1 {
					return fmt.Errorf("value %q is not a tensor; sequences, maps and optional values are not supported", v.name)
				}
				return fields(y.bytes, func(z field) error {
					if z.id == 1 {
						v.typ = Type(z.number)
					}
					return nil
				})
			})
		}
		return nil
	})
	return v, err
}

// readTensor copies a TensorProto's elements out of the file, which must hold
// exactly as many as its dimensions say.
func readTensor(b []byte) (name string, t *Tensor, err error) {
	t = &Tensor{}
	var (
		dims, ints []int64
		floats     []float32
		doubles    []float64
		raw        []byte
	)
	err = fields(b, func(x field) (err error) {
		switch x.id {
		case 1:
			dims, err = x.integers(dims)
		case 2:
			t.Type = Type(x.number)
		case 4:
			floats, err = x.floats(floats)
		case 5, 7:
			ints, err = x.integers(ints)
		case 8:
			name = string(x.bytes)
		case 9:
			raw = x.bytes
		case 10:
			doubles, err = x.doubles(doubles)
		case 13, 14:
			if x.id == 13 || x.number != 0 {
				err = fmt.Errorf("its data lies in another file, which is not supported; save the model as one file")
			}
		}
		return err
	})
	if err != nil {
		return name, nil, err
	}
	if !t.Type.claimed() {
		return name, nil, fmt.Errorf("elements of type %v are not supported", t.Type)
	}
	if len(dims) > maxRank {
		return name, nil, fmt.Errorf("%d dimensions; at most %d are supported", len(dims), maxRank)
	}
	for _, d := range dims {
		if d < 0 || d > maxElements {
			return name, nil, fmt.Errorf("a dimension is %d", d)
		}
		t.Shape = append(t.Shape, int(d))
	}
	n, err := size(t.Shape)
	if err != nil {
		return name, nil, err
	}
	if raw != nil {
		return name, t, t.fromRaw(raw, n)
	}
	got := map[Type]int{Float32: len(floats), Float64: len(doubles)}
	held, ok := got[t.Type]
	if !ok {
		held = len(ints)
	}
	if held != n {
		return name, nil, fmt.Errorf("%d elements for shape %v", held, t.Shape)
	}
	switch t.Type {
	case Float32:
		t.Float32 = floats
	case Float64:
		t.Float64 = doubles
	case Int64:
		t.Int64 = ints
	case Int32:
		t.Int32 = make([]int32, n)
		for i, v := range ints {
			t.Int32[i] = int32(v)
		}
	case Bool:
		t.Bool = make([]bool, n)
		for i, v := range ints {
			t.Bool[i] = v != 0
		}
	}
	return name, t, nil
}

var typeBytes = map[Type]int{Float32: 4, Float64: 8, Int32: 4, Int64: 8, Bool: 1}

func (t *Tensor) fromRaw(raw []byte, n int) error {
	if len(raw) != n*typeBytes[t.Type] {
		return fmt.Errorf("%d bytes for shape %v of %v", len(raw), t.Shape, t.Type)
	}
	switch t.Type {
	case Float32:
		t.Float32 = make([]float32, n)
		for i := range t.Float32 {
			t.Float32[i] = math.Float32frombits(binary.LittleEndian.Uint32(raw[4*i:]))
		}
	case Float64:
		t.Float64 = make([]float64, n)
		for i := range t.Float64 {
			t.Float64[i] = math.Float64frombits(binary.LittleEndian.Uint64(raw[8*i:]))
		}
	case Int32:
		t.Int32 = make([]int32, n)
		for i := range t.Int32 {
			t.Int32[i] = int32(binary.LittleEndian.Uint32(raw[4*i:]))
		}
	case Int64:
		t.Int64 = make([]int64, n)
		for i := range t.Int64 {
			t.Int64[i] = int64(binary.LittleEndian.Uint64(raw[8*i:]))
		}
	case Bool:
		t.Bool = make([]bool, n)
		for i := range t.Bool {
			t.Bool[i] = raw[i] != 0
		}
	}
	return nil
}

// ParseTensor reads one TensorProto, the form in which the official tests
// keep inputs and outputs.
func ParseTensor(b []byte) (Tensor, error) {
	name, t, err := readTensor(b)
	if err != nil {
		return Tensor{}, fmt.Errorf("onnx: tensor %q: %w", name, err)
	}
	return *t, nil
}
