// SPDX-License-Identifier: Apache-2.0

package review

import (
	"errors"
	"slices"
	"time"
)

// State is how far a case has come.
type State string

const (
	New            State = "new"
	InReview       State = "in-review"       // one verdict of two
	DoubleReviewed State = "double-reviewed" // both; with an outcome where they agree
	Adjudicated    State = "adjudicated"
	Published      State = "published"
	Withdrawn      State = "withdrawn"
)

// States are all states in their order.
var States = []State{New, InReview, DoubleReviewed, Adjudicated, Published, Withdrawn}

// Needed is how many people judge a case, each without knowing of the others.
const Needed = 2

// Case is a sentence that was sent in, with everything that says the same under
// the same rule: one judgement serves all of it.
type Case struct {
	ID          string    `json:"id"`
	Rule        string    `json:"rule,omitempty"` // empty: whoever sent it named none
	Proposition string    `json:"proposition,omitempty"`
	Language    string    `json:"language"`
	Sentence    string    `json:"sentence"` // of the first answer; empty once everything was erased
	Sites       []string  `json:"sites,omitempty"`
	Score       float64   `json:"score,omitempty"` // the highest
	Answers     int       `json:"answers"`         // with different content
	Reports     int       `json:"reports"`         // how often they were sent
	Received    time.Time `json:"received"`
	Changed     time.Time `json:"changed"`

	State      State       `json:"state"`
	Revision   int         `json:"revision"` // events so far
	Assigned   []string    `json:"assigned,omitempty"`
	Judgements []Judgement `json:"judgements,omitempty"`
	Outcome    *Outcome    `json:"outcome,omitempty"`
	Published  time.Time   `json:"published,omitzero"`
	SignOff    *SignOff    `json:"signOff,omitempty"` // of a published case: whether it joins the gate's corpus
	Reason     string      `json:"reason,omitempty"`  // of a withdrawal
}

var (
	// ErrForbidden: the person's role, or a part that he had in the case, does
	// not allow it.
	ErrForbidden = errors.New("review: not allowed")
	// ErrNotFound: there is nothing with this name, or there no longer is.
	ErrNotFound = errors.New("review: not found")
	// ErrMoved: the case is no longer in the state that was acted on. Look at
	// it again.
	ErrMoved = errors.New("review: the case has moved on")
	// ErrTaken: others have it in hand. Take another one.
	ErrTaken = errors.New("review: others are at work on this case")
	// ErrFull: the desk keeps as much as it may.
	ErrFull = errors.New("review: the desk is full")
)

// JudgementOf returns what a person judged, or nil.
func (c *Case) JudgementOf(person string) *Judgement {
	for i := range c.Judgements {
		if c.Judgements[i].Person == person {
			return &c.Judgements[i]
		}
	}
	return nil
}

// Open says that verdicts are still wanted.
func (c *Case) Open() bool { return c.State == New || c.State == InReview }

// Settled says that nobody's verdict can be swayed any more, so that everybody
// may see all of them.
func (c *Case) Settled() bool { return c.State == Adjudicated || c.State == Published }

// SeenBy returns the case as a person may see it. Until it is settled that is
// one's own verdict only; who may adjudicate, and did not judge, sees both once
// both are there.
func (c Case) SeenBy(p Person) Case {
	if c.Settled() || c.State == DoubleReviewed && p.Role.May(Adjudicate) && c.JudgementOf(p.ID) == nil {
		return c
	}
	own := c.JudgementOf(p.ID)
	c.Judgements, c.Outcome = nil, nil
	if own != nil {
		c.Judgements = []Judgement{*own}
	}
	return c
}

// weigh sets state and outcome by the judgements that are there.
func (c *Case) weigh(now time.Time) {
	c.Outcome = nil
	switch n := len(c.Judgements); {
	case n == 0:
		c.State = New
	case n < Needed:
		c.State = InReview
	default:
		c.State = DoubleReviewed
		first := c.Judgements[0]
		for _, j := range c.Judgements[1:] {
			if j.Verdict != first.Verdict {
				return
			}
		}
		if first.Verdict != CannotJudge { // nobody could: a third has to look
			o := c.Proposal()
			o.Verdict, o.At = first.Verdict, now
			c.Outcome = &o
		}
	}
}

// Proposal is what an adjudicator begins with: all sources, all notes, the
// first wording, and no verdict.
func (c *Case) Proposal() Outcome {
	var o Outcome
	for _, j := range c.Judgements {
		for _, s := range j.Sources {
			if !slices.Contains(o.Sources, s) && len(o.Sources) < MaxSources {
				o.Sources = append(o.Sources, s)
			}
		}
		if o.Wording == "" {
			o.Wording = j.Wording
		}
	}
	return o
}
