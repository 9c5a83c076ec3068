// SPDX-License-Identifier: Apache-2.0

package detect

import "strings"

// maxRemembered is how many sentences, and how many headings and questions, a
// memory holds: several long answers. It is emptied when full.
const maxRemembered = 1000

// Memory keeps what was worked out of each sentence, by the words that count
// for it, so that an answer that grows costs only its new sentences. It serves
// one call at a time. The zero value is empty and a nil one keeps nothing.
type Memory struct {
	index     *index // whose rules
	sentences map[place]remembered
	contexts  map[string]context
}

// place is all on which the candidates of a sentence depend, but the rules.
type place struct {
	raw, heading, columns, before string // as they stand in the text
	ask                           string // the question, folded, where it counts
	kind                          lineKind
	moved                         bool // the question counted for the sentence before
}

// remembered is what a sentence gave. Its candidates have no place yet.
type remembered struct {
	own        context
	candidates []Candidate
}

// begin forgets what was worked out by other rules.
func (m *Memory) begin(e *Engine) {
	if m != nil && m.index != e.index {
		*m = Memory{index: e.index, sentences: map[place]remembered{}, contexts: map[string]context{}}
	}
}

func (m *Memory) recall(p place) (remembered, bool) {
	if m == nil {
		return remembered{}, false
	}
	r, ok := m.sentences[p]
	return r, ok
}

func (m *Memory) keep(p place, r remembered) {
	if m == nil {
		return
	}
	if len(m.sentences) >= maxRemembered {
		clear(m.sentences)
	}
	// The whole text would stay with each part of it.
	p.raw, p.heading, p.columns, p.before, p.ask = strings.Clone(p.raw), strings.Clone(p.heading), strings.Clone(p.columns), strings.Clone(p.before), strings.Clone(p.ask)
	m.sentences[p] = r
}

// context is the context that a heading or a question gives.
func (m *Memory) context(e *Engine, s string) context {
	if m == nil {
		return e.context(s)
	}
	c, ok := m.contexts[s]
	if !ok {
		c = e.context(s)
		if len(m.contexts) >= maxRemembered {
			clear(m.contexts)
		}
		m.contexts[strings.Clone(s)] = c
	}
	return c
}
