// SPDX-License-Identifier: Apache-2.0

package onnx

import (
	"encoding/binary"
	"errors"
	"math"
	"slices"
	"strings"
	"testing"
)

// What writes small models, in the wire format.

func part(id int, b []byte) []byte {
	out := binary.AppendUvarint(nil, uint64(id)<<3|2)
	return append(binary.AppendUvarint(out, uint64(len(b))), b...)
}

func whole(id int, v uint64) []byte {
	return binary.AppendUvarint(binary.AppendUvarint(nil, uint64(id)<<3), v)
}

func join(parts ...[]byte) []byte { return slices.Concat(parts...) }

func named(id int, name string, typ Type) []byte {
	return part(id, join(part(1, []byte(name)), part(2, part(1, join(whole(1, uint64(typ)), part(2, nil))))))
}

func op(name string, out string, in ...string) []byte {
	var b []byte
	for _, i := range in {
		b = append(b, part(1, []byte(i))...)
	}
	return part(1, join(b, part(2, []byte(out)), part(4, []byte(name))))
}

func file(opset uint64, graph ...[]byte) []byte {
	return join(part(7, join(graph...)), part(8, whole(2, opset)))
}

// list is an int64 initializer of one dimension.
func list(name string, v ...int64) []byte {
	var raw []byte
	for _, x := range v {
		raw = binary.LittleEndian.AppendUint64(raw, uint64(x))
	}
	return part(5, join(whole(1, uint64(len(v))), whole(2, uint64(Int64)), part(8, []byte(name)), part(9, raw)))
}

func TestLoadNamesWhatIsWrong(t *testing.T) {
	x, y := named(11, "x", Float32), named(12, "y", Float32)
	for name, c := range map[string]struct {
		file        []byte
		want        string
		unsupported bool
	}{
		"empty":             {nil, "not an ONNX model", false},
		"text":              {[]byte("not an ONNX file"), "not an ONNX model", false},
		"cut":               {file(13, x, op("Relu", "y", "x"), y)[:30], "cut short", false},
		"operator":          {file(13, x, op("LSTM", "y", "x"), y), "operator LSTM", true},
		"opset":             {file(18, x, op("Relu", "y", "x"), y), "opset 18", true},
		"operator's opset":  {file(12, x, op("Softmax", "y", "x"), y), "operator Softmax of opset 12", true},
		"no opset":          {join(part(7, join(x, op("Relu", "y", "x"), y))), "opset", true},
		"type":              {file(13, named(11, "x", 10), op("Relu", "y", "x"), y), "float16", true},
		"operator's type":   {file(13, named(11, "x", Bool), op("Relu", "y", "x"), y), "[bool]", true},
		"unlike types":      {file(13, x, named(11, "z", Int64), op("Add", "y", "x", "z"), y), "unlike types [float int64]", false},
		"number of inputs":  {file(13, x, op("Add", "y", "x"), y), "1 inputs; 2 to 2", false},
		"nothing computes":  {file(13, x, op("Relu", "y", "z"), y), `needs "z"`, false},
		"no output":         {file(13, x, op("Relu", "z", "x"), y), `output "y"`, false},
		"twice":             {file(13, x, op("Relu", "y", "x"), op("Abs", "y", "x"), y), `two things compute "y"`, false},
		"cycle":             {file(13, x, op("Add", "y", "x", "z"), op("Relu", "z", "y"), y), "cycle", false},
		"output's type":     {file(13, x, op("Relu", "y", "x"), named(12, "y", Int64)), "said to be int64", false},
		"initializer's end": {file(13, x, op("Relu", "y", "x"), y, part(5, join(whole(1, 1<<20), whole(2, 1), part(9, make([]byte, 8))))), "8 bytes for shape [1048576]", false},
		"huge initializer":  {file(13, x, op("Relu", "y", "x"), y, part(5, join(whole(1, 1<<20), whole(1, 1<<20), whole(2, 1)))), "too many elements", false},
		"negative":          {file(13, x, op("Relu", "y", "x"), y, part(5, join(whole(1, math.MaxUint64), whole(2, 1)))), "dimension is -1", false},
		"huge constant":     {file(13, list("n", 1<<13, 1<<13), op("ConstantOfShape", "y", "n"), y), "too many elements", false},
		"other file":        {file(13, x, op("Relu", "y", "x"), y, part(5, join(whole(2, 1), whole(14, 1)))), "another file", false},
	} {
		t.Run(name, func(t *testing.T) {
			_, err := Load(c.file)
			if err == nil || !strings.Contains(err.Error(), c.want) || errors.Is(err, ErrUnsupported) != c.unsupported {
				t.Errorf("error %v, want one that says %q, unsupported %v", err, c.want, c.unsupported)
			}
		})
	}
}

func TestRunRefusesBadInputs(t *testing.T) {
	m := loadOwn(t)
	good := sentence(7)
	for name, in := range map[string][]Tensor{
		"too few":     good[:1],
		"type":        {good[0], {Type: Float32, Shape: []int{1, 7}, Float32: make([]float32, 7)}},
		"shape":       {good[0], {Type: Int64, Shape: []int{1, 8}, Int64: make([]int64, 7)}},
		"lengths":     {good[0], sentence(9)[0]},
		"one batch":   {{Type: Int64, Shape: []int{7}, Int64: make([]int64, 7)}, good[1]},
		"huge":        {{Type: Int64, Shape: []int{1 << 20, 1 << 20}}, good[1]},
		"negative":    {{Type: Int64, Shape: []int{-1, 7}}, good[1]},
		"many ranks":  {{Type: Int64, Shape: make([]int, 9)}, good[1]},
		"no elements": {{Type: Int64, Shape: []int{1, 7}}, good[1]},
	} {
		if _, err := m.Run(in, nil); err == nil {
			t.Errorf("%s: no error", name)
		}
		if _, err := m.Run(good, nil); err != nil {
			t.Fatalf("after %s: %v", name, err)
		}
	}
}

// TestBatchesAgreeWithOneByOne: fused steps see batches too.
func TestBatchesAgreeWithOneByOne(t *testing.T) {
	m := loadOwn(t)
	a, b := sentence(40), sentence(40)
	for i := range b[0].Int64 {
		b[0].Int64[i] = int64(9 + i*i%5000)
	}
	shape := []int{2, 40}
	both := []Tensor{
		{Type: Int64, Shape: shape, Int64: slices.Concat(a[0].Int64, b[0].Int64)},
		{Type: Int64, Shape: shape, Int64: slices.Concat(a[1].Int64, b[1].Int64)},
	}
	out, err := m.Run(both, nil)
	if err != nil {
		t.Fatal(err)
	}
	together := slices.Clone(out[0].Float32)
	for i, in := range [][]Tensor{a, b} {
		out, err := m.Run(in, nil)
		if err != nil {
			t.Fatal(err)
		}
		for k, x := range out[0].Float32 {
			if math.Abs(float64(x-together[i*6+k])) > 1e-5 {
				t.Errorf("logit %d of sentence %d: %v alone, %v together", k, i, x, together[i*6+k])
			}
		}
	}
}

// FuzzLoad: no bytes make Load panic or take memory beyond what they hold, and
// what loads runs or fails with an error.
func FuzzLoad(f *testing.F) {
	x, y := named(11, "x", Float32), named(12, "y", Float32)
	f.Add(file(13, x, op("Relu", "z", "x"), op("Softmax", "y", "z"), y))
	f.Add(file(13, x, list("n", 1, 2), op("Reshape", "z", "x", "n"), op("MatMul", "y", "z", "x"), y))
	f.Add(file(13, x, list("n", 0), list("m", 3), op("Slice", "z", "x", "n", "m"), op("ReduceSum", "y", "z"), y))
	f.Add(file(17, x, list("n", 0, -1), op("Gather", "z", "x", "n"), op("LayerNormalization", "y", "z", "z"), y))
	f.Fuzz(func(t *testing.T, b []byte) {
		m, err := Load(b)
		if err != nil {
			return
		}
		var in []Tensor
		for _, v := range m.Inputs() {
			x := Tensor{Type: v.Type, Shape: []int{2, 2}}
			switch v.Type {
			case Float32:
				x.Float32 = []float32{1, 2, 3, 4}
			case Float64:
				x.Float64 = []float64{1, 2, 3, 4}
			case Int32:
				x.Int32 = []int32{0, 1, 0, 1}
			case Int64:
				x.Int64 = []int64{0, 1, 0, 1}
			case Bool:
				x.Bool = []bool{true, false, true, false}
			}
			in = append(in, x)
		}
		_, _ = m.Run(in, nil)
	})
}
