// SPDX-License-Identifier: Apache-2.0

package bert

import (
	"encoding/binary"
	"fmt"
	"math"
	"math/rand/v2"
	"slices"
)

// graph is an ONNX graph in the making. Field numbers are those of onnx.proto.
type graph struct {
	rng                    *rand.Rand
	last                   int // number of the last name
	nodes, inputs, weights []byte
}

const opset = 13

// Element types and attribute kinds, by their numbers in the format.
const (
	float32s, int64s            = 1, 7
	kindFloat, kindInt, kindAll = 1, 2, 7
)

func field(id int, b []byte) []byte {
	out := binary.AppendUvarint(nil, uint64(id)<<3|2)
	return append(binary.AppendUvarint(out, uint64(len(b))), b...)
}

func text(id int, s string) []byte { return field(id, []byte(s)) }

func number(id int, v int64) []byte {
	return binary.AppendUvarint(binary.AppendUvarint(nil, uint64(id)<<3), uint64(v))
}

func (g *graph) name() string {
	g.last++
	return fmt.Sprintf("v%d", g.last)
}

func (g *graph) input(names ...string) {
	for _, n := range names {
		dims := slices.Concat(field(1, text(2, "batch")), field(1, text(2, "tokens")))
		g.inputs = append(g.inputs, field(11, named(n, int64s, dims))...)
	}
}

func named(name string, kind int64, dims []byte) []byte {
	return slices.Concat(text(1, name), field(2, field(1, slices.Concat(number(1, kind), field(2, dims)))))
}

func (g *graph) node(op string, in ...string) string { return g.attributed(op, in) }

func (g *graph) attributed(op string, in []string, attributes ...[]byte) string {
	out := g.name()
	var b []byte
	for _, i := range in {
		b = append(b, text(1, i)...)
	}
	b = slices.Concat(b, text(2, out), text(3, op+"_"+out), text(4, op))
	for _, a := range attributes {
		b = append(b, field(5, a)...)
	}
	g.nodes = append(g.nodes, field(1, b)...)
	return out
}

func whole(name string, v int64) []byte {
	return slices.Concat(text(1, name), number(3, v), number(20, kindInt))
}

func real(name string, v float32) []byte {
	b := append(binary.AppendUvarint(nil, 2<<3|5), binary.LittleEndian.AppendUint32(nil, math.Float32bits(v))...)
	return slices.Concat(text(1, name), b, number(20, kindFloat))
}

func wholes(name string, vs ...int64) []byte {
	b := text(1, name)
	for _, v := range vs {
		b = append(b, number(8, v)...)
	}
	return append(b, number(20, kindAll)...)
}

func (g *graph) cast(x string) string {
	return g.attributed("Cast", []string{x}, whole("to", float32s))
}

func (g *graph) concat(in ...string) string { return g.attributed("Concat", in, whole("axis", 0)) }

func (g *graph) softmax(x string) string {
	return g.attributed("Softmax", []string{x}, whole("axis", -1))
}

func (g *graph) transposed(x string, order ...int64) string {
	return g.attributed("Transpose", []string{x}, wholes("perm", order...))
}

func (g *graph) mean(x string) string {
	return g.attributed("ReduceMean", []string{x}, wholes("axes", -1), whole("keepdims", 1))
}

// gather takes the first of a dimension.
func (g *graph) gather(x string, axis int64) string {
	return g.attributed("Gather", []string{x, g.whole(0)}, whole("axis", axis))
}

func (g *graph) tensor(kind int64, shape []int64, raw []byte) string {
	name := g.name()
	var b []byte
	for _, d := range shape {
		b = append(b, number(1, d)...)
	}
	g.weights = append(g.weights, field(5, slices.Concat(b, number(2, kind), text(8, name), field(9, raw)))...)
	return name
}

func (g *graph) floats(shape []int, next func() float32) string {
	n, dims := 1, make([]int64, len(shape))
	for i, d := range shape {
		n *= d
		dims[i] = int64(d)
	}
	var raw []byte
	for range n {
		raw = binary.LittleEndian.AppendUint32(raw, math.Float32bits(next()))
	}
	return g.tensor(float32s, dims, raw)
}

// random is a tensor around 0, with this standard deviation.
func (g *graph) random(deviation float64, shape ...int) string {
	return g.floats(shape, func() float32 { return float32(g.rng.NormFloat64() * deviation) })
}

// around is a row of numbers near another.
func (g *graph) around(x float64, n int) string {
	return g.floats([]int{n}, func() float32 { return float32(x + 0.1*g.rng.NormFloat64()) })
}

func (g *graph) real(x float32) string { return g.floats(nil, func() float32 { return x }) }

func (g *graph) whole64(shape, v []int64) string {
	var raw []byte
	for _, x := range v {
		raw = binary.LittleEndian.AppendUint64(raw, uint64(x))
	}
	return g.tensor(int64s, shape, raw)
}

func (g *graph) whole(v int64) string { return g.whole64(nil, []int64{v}) }

func (g *graph) list(v ...int64) string { return g.whole64([]int64{int64(len(v))}, v) }

// file ends the graph with its output, a row of logits for each text.
func (g *graph) file(logits string, labels int) []byte {
	g.nodes = append(g.nodes, field(1, slices.Concat(text(1, logits), text(2, "logits"), text(3, "end"), text(4, "Identity")))...)
	dims := slices.Concat(field(1, text(2, "batch")), field(1, number(1, int64(labels))))
	out := field(12, named("logits", float32s, dims))
	body := slices.Concat(g.nodes, text(2, "bert"), g.weights, g.inputs, out)
	return slices.Concat(number(1, 8), field(7, body), field(8, slices.Concat(text(1, ""), number(2, opset))))
}
