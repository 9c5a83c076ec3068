// SPDX-License-Identifier: Apache-2.0

package review

import (
	"cmp"
	"slices"
	"time"
)

// Judge gives a person's verdict on a case. When it returns without an error,
// the verdict is on disk.
func (d *Desk) Judge(who Person, id string, j Judgement) (Case, error) {
	if !who.Role.May(Judge) {
		return Case{}, ErrForbidden
	}
	if err := j.check(); err != nil {
		return Case{}, err
	}
	if _, err := d.Hold(who, id); err != nil {
		return Case{}, d.whyNot(who, id, err)
	}
	c, err := d.change(id, func(w Writer, c *Case) (Event, error) {
		if !c.Open() || c.JudgementOf(who.ID) != nil {
			return Event{}, ErrMoved
		}
		now := d.now().UTC()
		j.Person, j.At = who.ID, now
		c.Judgements = append(c.Judgements, j)
		c.weigh(now)
		if err := w.Delete(draftKey(id, who)); err != nil {
			return Event{}, err
		}
		return Event{Person: who.ID, Action: ActJudged, Verdict: j.Verdict, Hash: fingerprint(j)}, nil
	})
	if err == nil {
		d.LetGo(who, id)
	}
	return c.SeenBy(who), err
}

// whyNot tells a case that is past judging from one that others hold.
func (d *Desk) whyNot(who Person, id string, err error) error {
	if c, readErr := d.read(id); readErr == nil && (!c.Open() || c.JudgementOf(who.ID) != nil) {
		return ErrMoved
	}
	return err
}

// Undo takes a person's verdict back, as long as nobody settled the case, and
// keeps what he wrote as his draft.
func (d *Desk) Undo(who Person, id string) (Case, error) {
	if !who.Role.May(Judge) {
		return Case{}, ErrForbidden
	}
	c, err := d.change(id, func(w Writer, c *Case) (Event, error) {
		own := c.JudgementOf(who.ID)
		if own == nil || c.State != InReview && c.State != DoubleReviewed {
			return Event{}, ErrMoved
		}
		draft := *own
		c.Judgements = slices.DeleteFunc(c.Judgements, func(j Judgement) bool { return j.Person == who.ID })
		c.weigh(d.now().UTC())
		if err := save(w, draftKey(id, who), draft); err != nil {
			return Event{}, err
		}
		return Event{Person: who.ID, Action: ActUndone, Verdict: draft.Verdict}, nil
	})
	if err == nil {
		d.mu.Lock()
		d.holds.take(id, who.ID, d.now())
		d.mu.Unlock()
	}
	return c.SeenBy(who), err
}

func draftKey(id string, who Person) string { return keyDraft + id + "/" + who.ID }

// SaveDraft keeps what a person has written so far, and renews his hold.
func (d *Desk) SaveDraft(who Person, id string, j Judgement) error {
	if !who.Role.May(Judge) {
		return ErrForbidden
	}
	if err := j.tidy(); err != nil {
		return err
	}
	if j.Verdict != "" && !j.Verdict.Known() {
		return invalid("verdict", "verdict", "choose one of the five verdicts")
	}
	if _, err := d.Hold(who, id); err != nil {
		return d.whyNot(who, id, err)
	}
	d.writing.Lock()
	defer d.writing.Unlock()
	return d.storage.Update(func(w Writer) error {
		var c Case
		if found, err := load(w, keyCase+id, &c); err != nil || !found || !c.Open() || c.JudgementOf(who.ID) != nil {
			return cmp.Or(err, ErrMoved)
		}
		j.Person, j.At = who.ID, d.now().UTC()
		return save(w, draftKey(id, who), j)
	})
}

// Draft returns what a person has written so far; found is false for nothing.
func (d *Desk) Draft(who Person, id string) (j Judgement, found bool, err error) {
	err = d.storage.View(func(r Reader) error {
		found, err = load(r, draftKey(id, who), &j)
		return err
	})
	return j, found, err
}

// Adjudicate settles a double-reviewed case. The adjudicator must not have
// judged it, and revision must be that of the case he looked at.
func (d *Desk) Adjudicate(who Person, id string, revision int, o Outcome) (Case, error) {
	if !who.Role.May(Adjudicate) {
		return Case{}, ErrForbidden
	}
	j := Judgement{Verdict: o.Verdict, Sources: o.Sources, Note: o.Note, Wording: o.Wording}
	if err := j.check(); err != nil {
		return Case{}, err
	}
	return d.change(id, func(w Writer, c *Case) (Event, error) {
		if c.JudgementOf(who.ID) != nil {
			return Event{}, ErrForbidden
		}
		if c.Revision != revision || c.State != DoubleReviewed && c.State != Adjudicated {
			return Event{}, ErrMoved
		}
		c.State = Adjudicated
		c.Outcome = &Outcome{Verdict: j.Verdict, Sources: j.Sources, Note: j.Note, Wording: j.Wording, By: who.ID, At: d.now().UTC()}
		return Event{Person: who.ID, Action: ActAdjudicated, Verdict: j.Verdict, Hash: fingerprint(c.Outcome)}, nil
	})
}

// Publish makes a case with an outcome public. With signOff it joins the gate's
// corpus at once, as it would be proposed; what needs a look must be signed off
// by itself.
func (d *Desk) Publish(who Person, id string, revision int, signOff bool) (Case, error) {
	if !who.Role.May(Publish) {
		return Case{}, ErrForbidden
	}
	return d.change(id, func(w Writer, c *Case) (Event, error) {
		if c.Revision != revision || c.State != DoubleReviewed && c.State != Adjudicated || c.Outcome == nil {
			return Event{}, ErrMoved
		}
		if c.Outcome.Verdict == CannotJudge {
			return Event{}, invalid("verdict", "undecided", "what nobody could judge cannot be published; withdraw it, or have it adjudicated again")
		}
		from := c.State
		c.State, c.Published = Published, d.now().UTC()
		e := Event{Person: who.ID, Action: ActPublished, From: from, Verdict: c.Outcome.Verdict, Hash: fingerprint(c.Outcome)}
		if !signOff {
			return e, nil
		}
		p, answer, err := propose(w, c)
		if err != nil {
			return Event{}, err
		}
		if p.Problem != nil || p.Masked {
			return Event{}, invalid("signoff", "look", "this sentence needs a look; publish it, then sign it off")
		}
		if err := d.record(w, c, e); err != nil { // as a step of its own, before that of signing off
			return Event{}, err
		}
		return d.signOff(who, c, p.Precedent, answer)
	})
}

// Withdraw takes a case out of the queue, or back from the public.
func (d *Desk) Withdraw(who Person, id string, revision int, reason string) (Case, error) {
	if !who.Role.May(Publish) {
		return Case{}, ErrForbidden
	}
	if reason = clean(reason); reason == "" || len([]rune(reason)) > 500 {
		return Case{}, invalid("reason", "reason", "give a reason of at most 500 characters")
	}
	return d.change(id, func(w Writer, c *Case) (Event, error) {
		if c.Revision != revision || c.State == Withdrawn {
			return Event{}, ErrMoved
		}
		c.State, c.Reason, c.SignOff = Withdrawn, reason, nil
		return Event{Person: who.ID, Action: ActWithdrawn, About: reason}, deleteDrafts(w, id)
	})
}

// AssignTo gives open cases to a person, who then gets them first; a case in
// which all places are taken is left out. It returns how many he was given.
func (d *Desk) AssignTo(who Person, person string, ids []string) (given int, err error) {
	if !who.Role.May(Assign) {
		return 0, ErrForbidden
	}
	p, err := d.PersonByID(person)
	if err != nil {
		return 0, err
	}
	if p.Disabled || !p.Role.May(Judge) {
		return 0, invalid("person", "person", "this person judges no cases")
	}
	for _, id := range ids {
		_, err := d.change(id, func(w Writer, c *Case) (Event, error) {
			var judges []string
			for _, j := range c.Judgements {
				judges = append(judges, j.Person)
			}
			if !c.Open() || slices.Contains(c.Assigned, person) || slices.Contains(judges, person) || taken(judges, c.Assigned) >= Needed {
				return Event{}, errNothing
			}
			c.Assigned = append(c.Assigned, person)
			return Event{Person: who.ID, Action: ActAssigned, About: person}, nil
		})
		switch {
		case err == nil:
			given++
		case err != errNothing:
			return given, err
		}
	}
	return given, nil
}

// Split takes an answer that says something else out of a case that nobody has
// judged, and makes it a case of its own.
func (d *Desk) Split(who Person, id, answer string) (string, error) {
	if !who.Role.May(Judge) {
		return "", ErrForbidden
	}
	var fresh *Case
	_, err := d.change(id, func(w Writer, c *Case) (Event, error) {
		var a Answer
		found, err := load(w, keyAnswer+id+"/"+answer, &a)
		if err != nil {
			return Event{}, err
		}
		if !found {
			return Event{}, ErrNotFound
		}
		if c.State != New || c.Answers < 2 {
			return Event{}, ErrMoved
		}
		receipts, reports := a.Receipts, a.Reports
		if err := d.erase(w, c, &a); err != nil {
			return Event{}, err
		}
		fresh = &Case{
			ID: newID(), Rule: a.Rule, Proposition: a.Proposition, Language: a.Language, Sentence: a.Sentence,
			Sites: []string{a.Site}, Score: a.Score, Answers: 1, Reports: reports, Received: a.Received, State: New,
		}
		a.Case = fresh.ID
		place := a.Case + "/" + a.ID
		put := map[string]any{keyAnswer + place: a, keyContent + a.Content: place, keyExpiry + a.Expires.Format(time.DateOnly) + "/" + place: a.Expires}
		for _, h := range receipts {
			put[keyReceipt+h] = place
		}
		for key, value := range put {
			if err := save(w, key, value); err != nil {
				return Event{}, err
			}
		}
		if err := putNear(w, fresh); err != nil {
			return Event{}, err
		}
		if err := d.record(w, fresh, Event{Person: who.ID, Action: ActSplit, About: id}); err != nil {
			return Event{}, err
		}
		return Event{Person: who.ID, Action: ActSplit, About: fresh.ID}, nil
	})
	if err != nil {
		return "", err
	}
	d.remember(fresh)
	return fresh.ID, nil
}
