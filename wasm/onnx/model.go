// SPDX-License-Identifier: Apache-2.0

// Package onnx runs ONNX models: call [Load] with the bytes of a model.onnx,
// then [Model.Run] with its inputs.
//
// It claims the operators in operators.go, opsets up to 17, and tensors of
// float, double, int32, int64 and bool, as far as each operator's row says.
// Anything else is refused at load, by name. For what it claims it passes the
// official backend node tests. It is written for small models of text on one
// core: nothing is padded, what depends on constants alone is worked out at
// load, patterns that hashed n-grams and encoders use run as one step, and
// after the first runs nothing is allocated.
package onnx

import (
	"errors"
	"fmt"
	"slices"
)

// ErrUnsupported is wrapped by the error of a model that is well formed but
// needs what this package does not claim. Use another model, or add it here.
var ErrUnsupported = errors.New("not supported")

// maxOpset is the last opset that is claimed. All operators are of 13 and
// later; those of them that have not changed since are taken from older ones.
const maxOpset = 17

// Value names an input or output of a model.
type Value struct {
	Name string
	Type Type
}

// Model is a loaded graph with its weights. One Run at a time.
type Model struct {
	inputs, outputs []Value
	steps           []step
	rest            []step          // those that do not depend on shapes alone; see plan.go
	planned         []int           // values that rest needs of the others
	plans           map[shapes]plan // for shapes that were run before
	values          []value         // by index; constants hold their tensors from load on
	in, out         []int           // indices into values
	pool            pool
	weights         int
}

// step is one node, ready to run.
type step struct {
	op   string
	name string // for errors
	in   []int  // indices into values; -1 where an optional input is missing
	out  []int
	run  kernel
	done []int // values that nothing needs after this step

	plans bool // some of what it gives is planned
	fused bool // it stands for several nodes; its output's shape follows from its inputs' shapes
}

// kernel computes a step's outputs from its inputs.
type kernel func(m *Model, s *step) error

// value is what flows between steps.
type value struct {
	Tensor
	dims   [maxRank]int // what Shape lies in while running
	store  *store       // whose memory it shows; nil for constants and inputs
	static bool         // a constant
}

// Inputs names what Run wants, in order.
func (m *Model) Inputs() []Value { return slices.Clone(m.inputs) }

// Outputs names what Run gives, in order.
func (m *Model) Outputs() []Value { return slices.Clone(m.outputs) }

// Weights is how many of the model's weights every token is multiplied with:
// what a token costs, beside what a run costs.
func (m *Model) Weights() int { return m.weights }

// Forget lets the memory go that runs have left.
func (m *Model) Forget() {
	m.drop()
	m.pool = pool{}
	clear(m.plans)
}

// Run computes the outputs for inputs in the order of [Model.Inputs]. The
// outputs are appended to out; their elements are valid until the next Run.
func (m *Model) Run(inputs []Tensor, out []Tensor) (_ []Tensor, err error) {
	if len(inputs) != len(m.inputs) {
		return nil, fmt.Errorf("onnx: %d inputs; the model has %d", len(inputs), len(m.inputs))
	}
	var s *step // the one that runs
	defer func() {
		if p := recover(); p != nil {
			err = s.failed(fmt.Errorf("%v", p))
		}
		if err != nil {
			m.drop()
		}
	}()
	m.drop()
	for i := range inputs {
		t := &inputs[i]
		n, err := size(t.Shape)
		if err == nil && (t.Type != m.inputs[i].Type || len(t.Shape) > maxRank || t.length() != n) {
			err = fmt.Errorf("%d elements of %v in shape %v; %v is expected", t.length(), t.Type, t.Shape, m.inputs[i].Type)
		}
		if err != nil {
			return nil, fmt.Errorf("onnx: input %q: %w", m.inputs[i].Name, err)
		}
		v := &m.values[m.in[i]]
		v.shape(t.Shape)
		v.window(t, 0, n)
	}
	k, ok := key(inputs)
	steps, making := m.steps, plan(nil)
	if p := m.plans[k]; ok && p != nil {
		m.follow(p)
		steps = m.rest
	} else if ok {
		making = make(plan, len(m.planned))
	}
	for i := range steps {
		s = &steps[i]
		if err := s.run(m, s); err != nil {
			return nil, s.failed(err)
		}
		making = m.note(making, s)
		for _, d := range s.done {
			m.release(d)
		}
	}
	if making != nil {
		m.keep(k, making)
	}
	for _, i := range m.out {
		out = append(out, m.values[i].Tensor)
	}
	return out, nil
}

// failed says which node an error is of. A panic, such as an index out of
// range or a division by zero, is the model's fault and becomes one too.
func (s *step) failed(err error) error {
	return fmt.Errorf("onnx: %s %q: %w", s.op, s.name, err)
}

// drop gives back what the run before left.
func (m *Model) drop() {
	for i := range m.values {
		m.release(i)
	}
}

func (m *Model) release(i int) {
	v := &m.values[i]
	if v.store != nil {
		m.pool.put(v.store)
		v.store = nil
	}
}

// input is a step's kth input, nil where it is missing.
func (m *Model) input(s *step, k int) *value {
	if k >= len(s.in) || s.in[k] < 0 {
		return nil
	}
	return &m.values[s.in[k]]
}

func (m *Model) output(s *step) *value { return &m.values[s.out[0]] }

// shape sets a value's shape to a copy.
func (v *value) shape(dims []int) {
	v.Shape = v.dims[:copy(v.dims[:], dims)]
}

// create gives a value memory for its shape. It holds what was there before.
func create[T element](m *Model, v *value) ([]T, error) {
	n, err := size(v.Shape)
	if err == nil && n > maxComputed {
		err = errTooLarge
	}
	if err != nil {
		return nil, err
	}
	v.store = m.pool.get(typeOf[T](), n)
	v.window(&v.store.Tensor, 0, n)
	return *data[T](&v.Tensor), nil
}

// show makes v show n elements of src, which stays alive as long. v's shape is
// set by the caller.
func (v *value) show(src *value, from, n int) {
	v.window(&src.Tensor, from, n)
	if v.store = src.store; v.store != nil {
		v.store.users++
	}
}
