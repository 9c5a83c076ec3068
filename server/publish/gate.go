// SPDX-License-Identifier: Apache-2.0

package publish

import (
	"errors"
	"fmt"

	"haechi/rules"
)

// CodeGate says that the rules are valid and signed, but would make judgements
// worse; the problems and changes say where.
const CodeGate = "gate"

// Gate judges what a push would change for readers, before it is published.
type Gate interface {
	// Judge says why after must not take the place of before, one reason a line,
	// and which sentences it changes. files are the rules that are put, with
	// their examples. Rules that cannot be run are a problem, not an error. It
	// may take minutes, and is called for one push at a time.
	Judge(before, after rules.Pack, files []rules.Rule) (problems []string, changes []Sentence, err error)
}

// Sentence is one that other rules flag than before.
type Sentence struct {
	Text   string   `json:"text"`
	Expect string   `json:"expect"`           // flag or pass
	People bool     `json:"people,omitempty"` // people judged it so at the review desk
	Before []string `json:"before"`           // rules that flag it
	After  []string `json:"after"`
}

// judge asks the gate, if there is one. A push that only switches rules off, or
// takes them away, is not held up: nothing new can be flagged, and a rule that
// does harm must be gone at once.
func (p *Publisher) judge(before, after rules.Pack, changes []rules.Change, files []rules.Rule) ([]Sentence, error) {
	if p.gate == nil || retires(changes) {
		return nil, nil
	}
	problems, sentences, err := p.gate.Judge(before, after, files)
	if err != nil {
		return nil, fmt.Errorf("publish: %w", err)
	}
	if len(problems) > 0 {
		r := refuse(CodeGate, errors.New("the rules would make judgements worse; \"haechi rules test\" shows the same on your machine"))
		r.Problems, r.Changes = problems, sentences
		return nil, r
	}
	return sentences, nil
}

// retires reports whether a change does nothing but disable and remove.
func retires(changes []rules.Change) bool {
	for _, c := range changes {
		if c.Removes() {
			continue
		}
		if c.Put == nil || !c.Put.Disabled {
			return false
		}
	}
	return true
}
