// SPDX-License-Identifier: Apache-2.0

package review

import (
	"encoding/json"
	"errors"
	"iter"
	"slices"
)

// Settled is a case with an outcome, as it leaves the desk.
type Settled struct {
	Case
	Answers   []Answer // one of each chatbot, the one with the case's sentence first
	Reviewers []string // pseudonyms
}

// sampled bounds how many answers of a case are read to find one of each
// chatbot.
const sampled = 200

// SettledIDs returns the cases under a filter that have an outcome which the
// person may see, newest first.
func (d *Desk) SettledIDs(who Person, f Filter) ([]string, error) {
	if !who.Role.May(See) {
		return nil, ErrForbidden
	}
	fits := f.sieve(d.now())
	var out []string
	d.mu.RLock()
	defer d.mu.RUnlock()
	for i := range d.index.list {
		e := &d.index.list[i]
		if e.shows(who) && (f.State == "" || e.state == f.State) && (f.Outcome == "" || e.outcome == f.Outcome) && fits(e) {
			out = append(out, e.id)
		}
	}
	slices.Reverse(out)
	return out, nil
}

// shows says whether there is an outcome that a person may see; see SeenBy.
func (e *entry) shows(who Person) bool {
	switch e.state {
	case Adjudicated, Published:
		return e.outcome != ""
	case DoubleReviewed:
		return e.outcome != "" && who.Role.May(Adjudicate) && !slices.Contains(e.judges, who.ID)
	}
	return false
}

// Settled reads cases one after the other, so that none but the one at hand is
// in memory. Those without an outcome that the person may see are left out.
func (d *Desk) Settled(who Person, ids []string) iter.Seq2[Settled, error] {
	return func(yield func(Settled, error) bool) {
		if !who.Role.May(See) {
			yield(Settled{}, ErrForbidden)
			return
		}
		names, err := d.pseudonyms()
		if err != nil {
			yield(Settled{}, err)
			return
		}
		for _, id := range ids {
			var s Settled
			err := d.storage.View(func(r Reader) (err error) {
				s.Case, s.Answers, err = whole(r, id)
				return err
			})
			if errors.Is(err, ErrNotFound) {
				continue
			}
			if err != nil {
				yield(Settled{}, err)
				return
			}
			s.Case = s.Case.SeenBy(who)
			if s.Outcome == nil {
				continue
			}
			for _, j := range s.Judgements {
				s.Reviewers = append(s.Reviewers, names[j.Person])
			}
			if !yield(s, nil) {
				return
			}
		}
	}
}

// whole reads a case with an answer of each chatbot.
func whole(r Reader, id string) (c Case, answers []Answer, err error) {
	found, err := load(r, keyCase+id, &c)
	if err != nil {
		return c, nil, err
	}
	if !found {
		return c, nil, ErrNotFound
	}
	read := 0
	err = r.Scan(keyAnswer+id+"/", func(_ string, value []byte) error {
		if read++; read > sampled {
			return errEnough
		}
		var a Answer
		if err := json.Unmarshal(value, &a); err != nil {
			return err
		}
		i := slices.IndexFunc(answers, func(other Answer) bool { return other.Site == a.Site })
		switch {
		case i < 0:
			answers = append(answers, a)
		case a.Sentence == c.Sentence && answers[i].Sentence != c.Sentence:
			answers[i] = a
		}
		return nil
	})
	if errors.Is(err, errEnough) {
		err = nil
	}
	slices.SortStableFunc(answers, func(a, b Answer) int {
		switch ours, theirs := a.Sentence == c.Sentence, b.Sentence == c.Sentence; {
		case ours && !theirs:
			return -1
		case theirs && !ours:
			return 1
		}
		return 0
	})
	return c, answers, err
}
