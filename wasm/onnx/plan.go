// SPDX-License-Identifier: Apache-2.0

package onnx

import "slices"

// Exporters write much arithmetic on shapes into a graph. What depends on the
// inputs' shapes alone is computed once for each of them and kept as a plan;
// in a graph of hashed n-grams that is half of the steps.

// Limits of what is kept. When there are too many plans one of them goes.
const (
	maxPlans    = 256
	maxPlanned  = 1 << 12 // elements of one plan
	maxConstant = 64      // elements of a constant that shape arithmetic works with
)

// shapes are the inputs' dimensions, each list after its length; the key of a plan.
type shapes [8]int

// plan holds the values that depend on shapes alone and that other steps read,
// in the order of Model.planned.
type plan []Tensor

// key is false where the inputs have too many dimensions.
func key(inputs []Tensor) (k shapes, ok bool) {
	n := 0
	for i := range inputs {
		s := inputs[i].Shape
		if n+1+len(s) > len(k) {
			return k, false
		}
		k[n] = len(s)
		copy(k[n+1:], s)
		n += 1 + len(s)
	}
	return k, true
}

// split finds the steps that depend on shapes alone: Shape of a value whose
// shape no element decides, and what is computed from such values only.
func (b *builder) split() {
	m := &b.model
	decided := make([]bool, len(m.values)) // its shape follows from the inputs' shapes
	shaped := make([]bool, len(m.values))  // so do its elements
	for _, i := range m.in {
		decided[i] = true
	}
	for i := range m.values {
		if m.values[i].static {
			decided[i], shaped[i] = true, m.values[i].length() <= maxConstant
		}
	}
	var skipped []int // values that nothing needs after steps left out
	for i := range m.steps {
		s, op := &m.steps[i], operators[m.steps[i].op]
		known, same := op.build != nil || s.fused, len(s.in) > 0
		if s.fused {
			op = operator{}
		}
		for k, v := range s.in {
			if v < 0 {
				continue
			}
			static := m.values[v].static
			known = known && decided[v] && (!slices.Contains(op.shapes, k) || shaped[v] || static)
			same = same && shaped[v]
		}
		same = known && (same || s.op == "Shape")
		for _, o := range s.out {
			decided[o], shaped[o] = known, same
		}
		if same {
			skipped = append(skipped, s.done...)
			continue
		}
		for _, v := range s.in {
			if v >= 0 && shaped[v] && !m.values[v].static && !slices.Contains(m.planned, v) {
				m.planned = append(m.planned, v)
			}
		}
		kept := *s
		kept.done = slices.Concat(skipped, s.done)
		skipped = nil
		m.rest = append(m.rest, kept)
	}
	for _, o := range m.out {
		if shaped[o] && !m.values[o].static && !slices.Contains(m.planned, o) {
			m.planned = append(m.planned, o)
		}
	}
	for i := range m.steps {
		for _, o := range m.steps[i].out {
			m.steps[i].plans = m.steps[i].plans || slices.Contains(m.planned, o)
		}
	}
	m.plans = map[shapes]plan{}
}

// follow sets the planned values; the steps in rest can run then.
func (m *Model) follow(p plan) {
	for i, v := range m.planned {
		m.values[v].Tensor = p[i]
	}
}

// note copies what a step gave, if it is planned, into a plan in the making.
// The plan becomes nil when it grows too large.
func (m *Model) note(p plan, s *step) plan {
	if p == nil || !s.plans {
		return p
	}
	for _, o := range s.out {
		if i := slices.Index(m.planned, o); i >= 0 {
			p[i] = m.values[o].Tensor.clone()
		}
	}
	n := 0
	for i := range p {
		n += p[i].length()
	}
	if n > maxPlanned {
		return nil
	}
	return p
}

// keep remembers a finished plan.
func (m *Model) keep(k shapes, p plan) {
	if len(m.plans) >= maxPlans {
		for any := range m.plans {
			delete(m.plans, any)
			break
		}
	}
	m.plans[k] = p
}

// clone copies a tensor with its elements.
func (t *Tensor) clone() Tensor {
	return Tensor{t.Type, slices.Clone(t.Shape), slices.Clone(t.Float32), slices.Clone(t.Float64), slices.Clone(t.Int32), slices.Clone(t.Int64), slices.Clone(t.Bool)}
}
