// SPDX-License-Identifier: Apache-2.0

package review

import (
	"cmp"
	"encoding/json"
	"errors"
	"slices"
	"strings"
	"time"
	"unicode/utf8"

	"haechi/rules"
	"haechi/server/review/export"
	"haechi/server/review/mask"
)

// What was published can join the regression corpus of the publish gate: rules
// that judge it as people did must go on doing so. A maintainer signs each
// sentence off, as it will be used: masked, with the kind that the corpus files
// it under. He cannot change what people decided; where he disagrees he declines
// and says why.

// MaxPrecedents bounds the corpus, and with it the time that a push is judged.
const MaxPrecedents = 2000

// Precedent is a sentence that people judged, in the form of the gate's corpus.
type Precedent struct {
	ID       string `json:"id"`
	Lang     string `json:"lang"`
	Topic    string `json:"topic"` // a rule's id
	Text     string `json:"text"`
	Question string `json:"question,omitempty"`
	Label    string `json:"label"`
	Expect   string `json:"expect"` // flag or pass
	Kind     string `json:"kind"`
}

// SignOff is a maintainer's decision about a published case.
type SignOff struct {
	Taken     bool      `json:"taken"`
	Precedent Precedent `json:"precedent,omitzero"` // where it was taken
	Answer    string    `json:"answer,omitempty"`   // whose text it is: erased with it
	Note      string    `json:"note,omitempty"`
	By        string    `json:"by"`
	At        time.Time `json:"at"`
}

// Stage is how far a published case is on its way into the corpus.
type Stage string

const (
	Proposed  Stage = "proposed"
	SignedOff Stage = "taken"
	Declined  Stage = "declined"
)

// Stages are all stages in their order.
var Stages = []Stage{Proposed, SignedOff, Declined}

// stage is empty for what is not published.
func (c *Case) stage() Stage {
	switch {
	case c.State != Published:
		return ""
	case c.SignOff == nil:
		return Proposed
	case c.SignOff.Taken:
		return SignedOff
	}
	return Declined
}

// Proposal is a published case with what would join the corpus.
type Proposal struct {
	Case
	Precedent Precedent
	Masked    bool  // personal data was taken out of the sentence or the question
	Problem   error // an *Invalid: why it cannot be taken as it is
}

// ProposalsSize is how many proposals a page has.
const ProposalsSize = 20

// Proposals returns the published cases at a stage that begin with number from,
// and how many there are. The oldest come first.
func (d *Desk) Proposals(who Person, stage Stage, from int) (out []Proposal, total int, err error) {
	if !who.Role.May(Publish) {
		return nil, 0, ErrForbidden
	}
	var ids []string
	d.mu.RLock()
	for i := range d.index.list {
		if d.index.list[i].stage == stage && stage != "" {
			ids = append(ids, d.index.list[i].id)
		}
	}
	d.mu.RUnlock()
	from = max(0, min(from, len(ids)))
	err = d.storage.View(func(r Reader) error {
		for _, id := range ids[from:min(from+ProposalsSize, len(ids))] {
			var c Case
			found, err := load(r, keyCase+id, &c)
			if err != nil {
				return err
			}
			if !found || c.stage() != stage {
				continue // since the index was read
			}
			p, _, err := propose(r, &c)
			if err != nil {
				return err
			}
			if stage == SignedOff {
				p.Precedent, p.Problem = c.SignOff.Precedent, nil
			}
			out = append(out, p)
		}
		return nil
	})
	return out, len(ids), err
}

// propose makes of a case what would join the corpus, and names the answer
// whose text it is.
func propose(r Reader, c *Case) (p Proposal, answer string, err error) {
	p.Case = *c
	var from *Answer
	err = r.Scan(keyAnswer+c.ID+"/", func(_ string, value []byte) error {
		var a Answer
		if err := json.Unmarshal(value, &a); err != nil {
			return err
		}
		if a.Sentence == c.Sentence && (from == nil || from.Question == "" && a.Question != "") {
			from = &a
		}
		return nil
	})
	if err != nil {
		return p, "", err
	}
	if from == nil || c.Outcome == nil {
		p.Problem = invalid("topic", "nothing", "there is no answer left")
		return p, "", nil
	}
	text, inText := mask.Mask(strings.Join(strings.Fields(c.Sentence), " "))
	question, inQuestion := mask.Mask(strings.Join(strings.Fields(from.Question), " "))
	p.Masked = len(inText)+len(inQuestion) > 0
	made := export.Sentences([]export.Finding{{
		Rule: cmp.Or(c.Rule, "unknown"), Language: c.Language, Sentence: text, Question: question, Verdict: export.Verdict(c.Outcome.Verdict),
	}}, 1)
	p.Precedent = Precedent{Lang: c.Language, Topic: c.Rule, Text: text, Question: question}
	if len(made) == 1 {
		p.Precedent.Label, p.Precedent.Expect, p.Precedent.Kind = made[0].Label, made[0].Expect, made[0].Kind
	}
	p.Problem = p.Precedent.settle(c)
	return p, from.ID, nil
}

// settle names a precedent and says why the corpus cannot take it for a case.
func (p *Precedent) settle(c *Case) error {
	p.Lang = c.Language
	p.ID = p.Topic + "." + p.Lang + "." + c.ID
	want := "pass"
	if c.Outcome.Verdict.NeedsSource() {
		want = "flag"
	}
	p.Expect = want
	switch {
	case !slices.Contains(rules.Languages, p.Lang):
		return invalid("topic", "language", "the corpus has no sentences in this language")
	case p.Topic == "" || len(p.Topic) > 100 || !nameShape.MatchString(p.Topic):
		return invalid("topic", "topic", "name the rule that it is about")
	case !slices.Contains(export.Kinds(p.Label), p.Kind) || (p.Label == "asserts") != (want == "flag"):
		return invalid("kind", "kind", "choose a kind that agrees with the verdict")
	}
	return nil
}

// SignOff lets a published case join the corpus, under a topic, label and kind;
// with question it is judged as the answer to its question.
func (d *Desk) SignOff(who Person, id string, revision int, topic, label, kind string, question bool) (Case, error) {
	if !who.Role.May(Publish) {
		return Case{}, ErrForbidden
	}
	return d.change(id, func(w Writer, c *Case) (Event, error) {
		if c.Revision != revision || c.State != Published || c.stage() == SignedOff {
			return Event{}, ErrMoved
		}
		p, answer, err := propose(w, c)
		if err != nil {
			return Event{}, err
		}
		if answer == "" {
			return Event{}, p.Problem
		}
		p.Precedent.Topic, p.Precedent.Label, p.Precedent.Kind = topic, label, kind
		if !question {
			p.Precedent.Question = ""
		}
		return d.signOff(who, c, p.Precedent, answer)
	})
}

// signOff writes the decision into a case that is about to be written.
func (d *Desk) signOff(who Person, c *Case, p Precedent, answer string) (Event, error) {
	if err := p.settle(c); err != nil {
		return Event{}, err
	}
	d.mu.RLock()
	taken := 0
	for i := range d.index.list {
		if d.index.list[i].stage == SignedOff {
			taken++
		}
	}
	d.mu.RUnlock()
	if taken >= MaxPrecedents {
		return Event{}, invalid("topic", "full", "the corpus is full; take older sentences out")
	}
	c.SignOff = &SignOff{Taken: true, Precedent: p, Answer: answer, By: who.ID, At: d.now().UTC()}
	return Event{Person: who.ID, Action: ActSignedOff, From: c.State, Verdict: c.Outcome.Verdict, Hash: fingerprint(p)}, nil
}

// Decline keeps a published case out of the corpus, or takes it out again.
func (d *Desk) Decline(who Person, id string, revision int, note string) (Case, error) {
	if !who.Role.May(Publish) {
		return Case{}, ErrForbidden
	}
	if note = clean(note); note == "" || utf8.RuneCountInString(note) > 500 {
		return Case{}, invalid("decline", "note", "say why, in at most 500 characters")
	}
	return d.change(id, func(_ Writer, c *Case) (Event, error) {
		if c.Revision != revision || c.State != Published || c.stage() == Declined {
			return Event{}, ErrMoved
		}
		c.SignOff = &SignOff{Note: note, By: who.ID, At: d.now().UTC()}
		return Event{Person: who.ID, Action: ActDeclined}, nil
	})
}

// Precedents are all that was signed off, by id: what the gate holds rules to.
// It is public, as the cases are.
func (d *Desk) Precedents() ([]Precedent, error) {
	d.writing.Lock() // so that none is forgotten between reading and keeping
	defer d.writing.Unlock()
	if d.precedents != nil {
		return d.precedents, nil
	}
	var ids []string
	d.mu.RLock()
	for i := range d.index.list {
		if d.index.list[i].stage == SignedOff {
			ids = append(ids, d.index.list[i].id)
		}
	}
	d.mu.RUnlock()
	out := []Precedent{}
	err := d.storage.View(func(r Reader) error {
		for _, id := range ids {
			var c Case
			found, err := load(r, keyCase+id, &c)
			if err == nil && (!found || c.stage() != SignedOff) {
				err = errors.New("review: the index and the records differ; restart the server")
			}
			if err != nil {
				return err
			}
			out = append(out, c.SignOff.Precedent)
		}
		return nil
	})
	if err != nil {
		return nil, err
	}
	slices.SortFunc(out, func(a, b Precedent) int { return strings.Compare(a.ID, b.ID) })
	d.precedents = out
	return out, nil
}
