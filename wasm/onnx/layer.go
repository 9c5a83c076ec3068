// SPDX-License-Identifier: Apache-2.0

package onnx

import (
	"fmt"
	"math"
)

// layer is GELU(a · weights + bias), the last two where a model has them:
// what encoders spend their time on. Its weights are packed at load.
type layer struct {
	weights     []float32
	down, right int // strides of the weights
	bias        []float32
	gelu        bool
	packed
}

func (l *layer) run(m *Model, s *step) error {
	a, v := m.input(s, 0), m.output(s)
	last := len(a.Shape) - 1
	if last < 0 || a.Shape[last] != l.k {
		return fmt.Errorf("shapes %v and %d × %d do not fit together", append([]int(nil), a.Shape...), l.k, l.columns)
	}
	v.shape(a.Shape)
	v.Shape[last] = l.columns
	dst, err := create[float32](m, v)
	if err != nil || len(dst) == 0 {
		return err
	}
	var done func([]float32)
	if l.gelu {
		done = gelu
	}
	l.multiply(dst, a.Float32, len(dst)/l.columns, done)
	return nil
}

// become makes a node a step of another kind.
func (n *node) become(op string, in []int, run kernel) {
	n.op, n.in, n.run, n.fused = op, in, run, true
}

func (n *node) becomeLayer(op string, in int, l layer) {
	n.layer = &l
	n.become(op, []int{in}, l.run)
}

// layers packs the weights of the layers that are left.
func (b *builder) layers() {
	for i := range b.nodes {
		if l := b.nodes[i].layer; l != nil {
			l.panels = make([]float32, packedSize(l.k, l.columns))
			l.pack(l.weights, l.down, l.right, l.bias, 1)
			l.weights, l.bias = nil, nil
			b.model.weights += l.k * l.columns
		}
	}
}

// linear: a MatMul or plain Gemm by a constant matrix.
func (b *builder) linear(n *node) {
	w := &b.model.values[n.in[1]]
	if !w.static || w.Type != Float32 || len(w.Shape) != 2 {
		return
	}
	l := layer{weights: w.Float32, down: w.Shape[1], right: 1, packed: packed{k: w.Shape[0], columns: w.Shape[1]}}
	if n.turned {
		l.down, l.right, l.k, l.columns = 1, w.Shape[1], w.Shape[1], w.Shape[0]
	}
	if n.op == "Gemm" && len(n.in) > 2 && n.in[2] >= 0 {
		c := &b.model.values[n.in[2]]
		if !c.static || len(c.Shape) != 1 || len(c.Float32) != l.columns {
			return
		}
		l.bias = c.Float32
	}
	if l.columns >= panel && l.k > 0 {
		n.becomeLayer(n.op, n.in[0], l)
	}
}

// biased: Add of a constant row to a layer.
func (b *builder) biased(n *node, by map[int]*node, uses []int) {
	for k, in := range n.in {
		c := &b.model.values[n.in[1-k]]
		made := by[in]
		if made == nil || made.layer == nil || made.layer.bias != nil || made.layer.gelu || uses[in] != 1 ||
			!c.static || len(c.Shape) != 1 || len(c.Float32) != made.layer.columns {
			continue
		}
		l := *made.layer
		l.bias = c.Float32
		n.becomeLayer("MatMul, Add", made.in[0], l)
		return
	}
}

// gelus: Mul of x, ½ and 1 + erf(x/√2), in any order; with the layer before it,
// if nothing else needs that.
func (b *builder) gelus(n *node, by map[int]*node, uses []int) {
	factors := b.factors(nil, n, by, uses)
	if len(factors) != 3 {
		return
	}
	x, half := -1, false
	var whole *node
	for _, f := range factors {
		made := by[f]
		switch c, ok := b.real(f); {
		case ok && c == 0.5:
			half = true
		case !ok && made != nil && made.op == "Add" && whole == nil && uses[f] == 1:
			whole = made
		default:
			x = f
		}
	}
	if !half || x < 0 || whole == nil {
		return
	}
	e, one := b.other(whole)
	bell := by[e]
	if one != 1 || bell == nil || bell.op != "Erf" || uses[e] != 1 {
		return
	}
	part := by[bell.in[0]]
	if part == nil || uses[bell.in[0]] != 1 {
		return
	}
	of, c := b.other(part)
	if of != x || !(part.op == "Div" && part.in[0] == x && math.Abs(float64(c)-math.Sqrt2) < 1e-6) && !(part.op == "Mul" && math.Abs(float64(c)-math.Sqrt2/2) < 1e-6) {
		return
	}
	if made := by[x]; made != nil && made.layer != nil && !made.layer.gelu && uses[x] == 2 {
		l := *made.layer
		l.gelu = true
		n.becomeLayer("MatMul, Gelu", made.in[0], l)
		return
	}
	n.become("Gelu", []int{x}, func(m *Model, s *step) error {
		a, v := m.input(s, 0), m.output(s)
		v.shape(a.Shape)
		dst, err := create[float32](m, v)
		if err == nil {
			copy(dst, a.Float32)
			gelu(dst)
		}
		return err
	})
}

// factors lists what is multiplied by a Mul and those before it.
func (b *builder) factors(list []int, n *node, by map[int]*node, uses []int) []int {
	for _, in := range n.in {
		if made := by[in]; made != nil && made.op == "Mul" && uses[in] == 1 {
			list = b.factors(list, made, by, uses)
		} else {
			list = append(list, in)
		}
	}
	return list
}

// real is a constant float of one element.
func (b *builder) real(i int) (float32, bool) {
	v := &b.model.values[i]
	if !v.static || v.Type != Float32 || len(v.Float32) != 1 {
		return 0, false
	}
	return v.Float32[0], true
}

// other splits a node of two inputs into a value and a constant; the value is
// -1 where there is none.
func (b *builder) other(n *node) (int, float32) {
	if len(n.in) == 2 {
		for k := range 2 {
			if c, ok := b.real(n.in[1-k]); ok && !b.model.values[n.in[k]].static {
				return n.in[k], c
			}
		}
	}
	return -1, 0
}

// scaled: MatMul divided by, or times, a constant.
func (b *builder) scaled(n *node, by map[int]*node, uses []int) {
	in, c := b.other(n)
	made := by[in]
	if made == nil || made.op != "MatMul" || made.layer != nil || uses[in] != 1 || n.op == "Div" && (n.in[0] != in || c == 0) {
		return
	}
	if n.op == "Div" {
		c = 1 / c
	}
	n.become("MatMul, "+n.op, made.in, productBy(c))
}

// normalized: what older opsets write for LayerNormalization: (x − mean) /
// √(mean of squares of that + ε) · scale + bias.
func (b *builder) normalized(n *node, by map[int]*node) {
	made := func(i int, op string) *node {
		if m := by[i]; i >= 0 && m != nil && m.op == op && !m.fused {
			return m
		}
		return nil
	}
	// constant gives the other side of a sum or product with a constant row.
	constant := func(n *node) (in, row int) {
		for k := range 2 {
			if v := &b.model.values[n.in[1-k]]; v.static && v.Type == Float32 && len(v.Shape) == 1 {
				return n.in[k], n.in[1-k]
			}
		}
		return -1, -1
	}
	product, bias := constant(n)
	times := made(product, "Mul")
	if times == nil {
		return
	}
	quotient, scale := constant(times)
	div := made(quotient, "Div")
	if div == nil {
		return
	}
	less, root := made(div.in[0], "Sub"), made(div.in[1], "Sqrt")
	if less == nil || root == nil {
		return
	}
	sum := made(root.in[0], "Add")
	if sum == nil {
		return
	}
	variance, epsilon := b.other(sum)
	mean, squares := made(less.in[1], "ReduceMean"), made(variance, "ReduceMean")
	if mean == nil || squares == nil || !mean.last || !squares.last || mean.in[0] != less.in[0] {
		return
	}
	square := made(squares.in[0], "Pow")
	if square == nil || square.in[0] != div.in[0] {
		return
	}
	if two, ok := b.real(square.in[1]); !ok || two != 2 {
		return
	}
	if a, c := &b.model.values[scale], &b.model.values[bias]; len(a.Float32) != len(c.Float32) || len(a.Float32) == 1 {
		return
	}
	n.become("LayerNormalization", []int{less.in[0], scale, bias}, normalizer(-1, epsilon))
}
