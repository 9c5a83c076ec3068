// SPDX-License-Identifier: Apache-2.0

package onnx

import (
	"errors"
	"fmt"
	"slices"
)

// node is a step while the graph is being prepared.
type node struct {
	step
	attributes map[string]attribute
	types      []Type // of the inputs, 0 where missing
	gives      []Type // of the outputs; set by the operator's builder
	outputs    int    // how many the file names
	axis       int64  // of a Gather
	turned     bool   // a Gemm's right factor is transposed
	plain      bool   // a Gemm does nothing else beside
	last       bool   // a ReduceMean is over the last dimension, and keeps it
	layer      *layer // what it is part of, from fusing on
}

// builder turns a file's graph into steps.
type builder struct {
	model Model
	opset int64
	types []Type // of each value
	index map[string]int
	nodes []node
}

// Load prepares a model. Its errors name what is not supported.
func Load(file []byte) (m *Model, err error) { return load(file, true) }

// load can leave every node a step of its own, for a test to compare with.
func load(file []byte, fuse bool) (m *Model, err error) {
	defer func() {
		if err != nil {
			m, err = nil, fmt.Errorf("onnx: load: %w", err)
		}
	}()
	p, err := readModel(file)
	if err != nil {
		return nil, err
	}
	b := builder{index: map[string]int{}}
	if b.opset, err = opset(p.opsets); err != nil {
		return nil, err
	}
	if err := b.ends(p.graph); err != nil {
		return nil, err
	}
	ordered, err := order(p.graph, b.index)
	if err != nil {
		return nil, err
	}
	for _, n := range ordered {
		if err := b.add(n); err != nil {
			return nil, fmt.Errorf("%s %q: %w", n.op, n.name, err)
		}
	}
	for _, v := range p.graph.outputs {
		i, ok := b.index[v.name]
		if !ok {
			return nil, fmt.Errorf("nothing computes the output %q", v.name)
		}
		if v.typ != 0 && v.typ != b.types[i] {
			return nil, fmt.Errorf("output %q is said to be %v, and is %v", v.name, v.typ, b.types[i])
		}
		b.model.outputs = append(b.model.outputs, Value{v.name, b.types[i]})
		b.model.out = append(b.model.out, i)
	}
	b.prune()
	if fuse {
		b.fuse()
		b.prune()
	}
	b.layers()
	b.finish()
	b.split()
	return &b.model, nil
}

// opset is the version of the standard operators that a model asks for.
func opset(opsets map[string]int64) (int64, error) {
	for domain, v := range opsets {
		if domain != "" && domain != "ai.onnx" {
			continue // refused where a node uses it
		}
		if v < 1 || v > maxOpset {
			return 0, fmt.Errorf("opset %d: %w; export the model with opset 13 to %d", v, ErrUnsupported, maxOpset)
		}
		return v, nil
	}
	return 0, fmt.Errorf("a model without an opset of the standard operators: %w", ErrUnsupported)
}

// ends makes values of constants and inputs.
func (b *builder) ends(g *graphProto) error {
	for name, t := range g.initializers {
		i := b.value(name, t.Type)
		b.model.values[i].static = true
		b.model.values[i].Tensor = *t
	}
	for _, v := range g.inputs {
		if _, ok := g.initializers[v.name]; ok {
			continue // a default that the caller may not change
		}
		if _, ok := b.index[v.name]; ok {
			return fmt.Errorf("input %q is there twice", v.name)
		}
		if !v.typ.claimed() {
			return fmt.Errorf("input %q of type %v: %w", v.name, v.typ, ErrUnsupported)
		}
		b.model.in = append(b.model.in, b.value(v.name, v.typ))
		b.model.inputs = append(b.model.inputs, Value{v.name, v.typ})
	}
	return nil
}

func (b *builder) value(name string, t Type) int {
	i := len(b.model.values)
	b.model.values = append(b.model.values, value{})
	b.types = append(b.types, t)
	if name != "" {
		b.index[name] = i
	}
	return i
}

// constant adds a value that is known at load.
func (b *builder) constant(t Tensor) int {
	i := b.value("", t.Type)
	b.model.values[i].Tensor, b.model.values[i].static = t, true
	return i
}

// order returns the nodes so that each comes after what it needs.
func order(g *graphProto, known map[string]int) ([]nodeProto, error) {
	from := map[string]int{} // value → node
	for i, n := range g.nodes {
		for _, o := range n.outputs {
			if o == "" {
				continue
			}
			_, twice := from[o]
			if _, given := known[o]; given || twice {
				return nil, fmt.Errorf("two things compute %q", o)
			}
			from[o] = i
		}
	}
	waits := make([]int, len(g.nodes))
	feeds := make([][]int, len(g.nodes))
	var ready []int
	for i, n := range g.nodes {
		for _, in := range n.inputs {
			if j, ok := from[in]; ok && in != "" {
				waits[i]++
				feeds[j] = append(feeds[j], i)
			} else if _, ok := known[in]; !ok && in != "" {
				return nil, fmt.Errorf("%s %q needs %q, which nothing computes", n.op, n.name, in)
			}
		}
		if waits[i] == 0 {
			ready = append(ready, i)
		}
	}
	var out []nodeProto
	for len(ready) > 0 {
		i := ready[0]
		ready = ready[1:]
		out = append(out, g.nodes[i])
		for _, j := range feeds[i] {
			if waits[j]--; waits[j] == 0 {
				ready = append(ready, j)
			}
		}
	}
	if len(out) < len(g.nodes) {
		return nil, errors.New("the graph has a cycle")
	}
	return out, nil
}

// add prepares one node, and works it out at once where it can.
func (b *builder) add(p nodeProto) error {
	if p.domain != "" && p.domain != "ai.onnx" {
		return fmt.Errorf("operator %s of domain %q: %w", p.op, p.domain, ErrUnsupported)
	}
	op, ok := operators[p.op]
	if !ok {
		return fmt.Errorf("operator %s: %w", p.op, ErrUnsupported)
	}
	if b.opset < op.since {
		return fmt.Errorf("operator %s of opset %d: %w; export the model with opset 13 to %d", p.op, b.opset, ErrUnsupported, maxOpset)
	}
	n := node{step: step{op: p.op, name: p.name}, attributes: p.attributes, outputs: len(p.outputs)}
	for _, in := range p.inputs {
		if in == "" {
			n.in, n.types = append(n.in, -1), append(n.types, 0)
			continue
		}
		i := b.index[in]
		n.in, n.types = append(n.in, i), append(n.types, b.types[i])
	}
	if len(n.in) < op.least || len(n.in) > op.most || slices.Contains(n.in[:op.least], -1) {
		return fmt.Errorf("%d inputs; %d to %d are expected", len(n.in), op.least, op.most)
	}
	var err error
	if n.run, err = op.build(b, &n); err != nil {
		return err
	}
	for name := range n.attributes {
		return fmt.Errorf("attribute %q: %w", name, ErrUnsupported)
	}
	if len(p.outputs) == 0 || p.outputs[0] == "" || len(p.outputs) > len(n.gives) {
		return fmt.Errorf("%d outputs; %d are expected", len(p.outputs), len(n.gives))
	}
	for i, name := range p.outputs {
		n.out = append(n.out, b.value(name, n.gives[i]))
	}
	if !slices.ContainsFunc(n.in, func(i int) bool { return i >= 0 && !b.model.values[i].static }) {
		return b.fold(&n)
	}
	b.nodes = append(b.nodes, n)
	return nil
}

// fold works out a node whose inputs are constants.
func (b *builder) fold(n *node) (err error) {
	defer func() {
		if p := recover(); p != nil {
			err = fmt.Errorf("%v", p)
		}
	}()
	if err := n.run(&b.model, &n.step); err != nil {
		return err
	}
	for _, o := range n.out {
		v := &b.model.values[o]
		// Its memory is its own from now on; what it shows of a constant stays.
		v.Shape = slices.Clone(v.Shape)
		v.store, v.static = nil, true
	}
	return nil
}

// prune drops the nodes that no output needs.
func (b *builder) prune() {
	needed := make([]bool, len(b.model.values))
	for _, o := range b.model.out {
		needed[o] = true
	}
	var kept []node
	for _, n := range slices.Backward(b.nodes) {
		if !slices.ContainsFunc(n.out, func(o int) bool { return needed[o] }) {
			continue
		}
		for _, o := range n.out {
			needed[o] = true
		}
		for _, i := range n.in {
			if i >= 0 {
				needed[i] = true
			}
		}
		kept = append(kept, n)
	}
	slices.Reverse(kept)
	b.nodes = kept
	for v := range needed {
		if !needed[v] {
			b.model.values[v] = value{} // weights that folding has used up
		}
	}
}

// finish notes when each value is used last.
func (b *builder) finish() {
	m := &b.model
	last := make([]int, len(m.values))
	for i, n := range b.nodes {
		for _, v := range slices.Concat(n.in, n.out) {
			if v >= 0 {
				last[v] = i
			}
		}
	}
	for i, n := range b.nodes {
		for _, v := range slices.Concat(n.in, n.out) {
			if v >= 0 && last[v] == i && !m.values[v].static && !slices.Contains(m.in, v) && !slices.Contains(m.out, v) && !slices.Contains(n.done, v) {
				n.done = append(n.done, v)
			}
		}
		m.steps = append(m.steps, n.step)
		m.steps[len(m.steps)-1].done = n.done
	}
}
