// SPDX-License-Identifier: Apache-2.0

package review

import (
	"encoding/json"
	"errors"
	"slices"
	"strings"
	"time"
)

// Status is what the holder of a receipt learns.
type Status struct {
	State    State     `json:"state"`
	Received time.Time `json:"received"`
	Expires  time.Time `json:"expires"`
	Sentence string    `json:"sentence"`
	Verdict  Verdict   `json:"verdict,omitempty"` // once it is published
}

// Status returns what became of a report.
func (d *Desk) Status(code string) (Status, error) {
	var s Status
	err := d.storage.View(func(r Reader) error {
		a, c, err := byReceipt(r, receiptHash(code))
		if err != nil {
			return err
		}
		s = Status{State: c.State, Received: a.Received, Expires: a.Expires, Sentence: a.Sentence}
		if c.State == DoubleReviewed || c.State == Adjudicated {
			s.State = InReview // the desk's own business until it is published
		}
		if c.State == Published {
			s.Verdict = c.Outcome.Verdict
		}
		return nil
	})
	return s, err
}

func byReceipt(r Reader, hash string) (a Answer, c Case, err error) {
	var place string
	for _, step := range []struct {
		key  func() string
		into any
	}{
		{func() string { return keyReceipt + hash }, &place},
		{func() string { return keyAnswer + place }, &a},
		{func() string { return keyCase + a.Case }, &c},
	} {
		found, err := load(r, step.key(), step.into)
		if err != nil {
			return a, c, err
		}
		if !found {
			return a, c, ErrNotFound
		}
	}
	return a, c, nil
}

// Delete erases what was sent with a receipt. An answer that others sent too
// stays theirs until they delete it; the receipt then opens nothing any more.
func (d *Desk) Delete(code string) error {
	hash := receiptHash(code)
	var at string
	err := d.storage.View(func(r Reader) error {
		_, c, err := byReceipt(r, hash)
		at = c.ID
		return err
	})
	if err != nil {
		return err
	}
	_, err = d.change(at, func(w Writer, c *Case) (Event, error) {
		a, _, err := byReceipt(w, hash)
		if err != nil {
			return Event{}, err
		}
		if a.Case != c.ID { // it was split off meanwhile
			return Event{}, ErrMoved
		}
		if err := w.Delete(keyReceipt + hash); err != nil {
			return Event{}, err
		}
		a.Receipts = slices.DeleteFunc(a.Receipts, func(h string) bool { return h == hash })
		if a.Reports--; a.Reports > 0 {
			c.Reports--
			return Event{Action: ActErased, About: a.ID, actor: actorReceipt}, save(w, keyAnswer+a.Case+"/"+a.ID, a)
		}
		a.Reports = 1 // what erase takes off
		return Event{Action: ActErased, About: a.ID, actor: actorReceipt}, d.erase(w, c, &a)
	})
	return err
}

// erase deletes an answer with all that leads to it. With its last answer a
// case loses its texts, those that people wrote about it included, and is
// withdrawn.
func (d *Desk) erase(w Writer, c *Case, a *Answer) error {
	keys := []string{
		keyAnswer + a.Case + "/" + a.ID, keyContent + a.Content,
		keyExpiry + a.Expires.Format(time.DateOnly) + "/" + a.Case + "/" + a.ID,
	}
	for _, h := range a.Receipts {
		keys = append(keys, keyReceipt+h)
	}
	for _, k := range keys {
		if err := w.Delete(k); err != nil {
			return err
		}
	}
	c.Answers--
	c.Reports -= a.Reports
	if c.SignOff != nil && c.SignOff.Answer == a.ID { // another answer's text must be signed off anew
		c.SignOff = nil
	}
	var rest *Answer
	var sites []string
	err := w.Scan(keyAnswer+c.ID+"/", func(_ string, value []byte) error {
		var other Answer
		if err := json.Unmarshal(value, &other); err != nil {
			return err
		}
		if rest == nil || other.Sentence == c.Sentence {
			rest = &other
		}
		if !slices.Contains(sites, other.Site) && len(sites) < maxSites {
			sites = append(sites, other.Site)
		}
		return nil
	})
	if err != nil {
		return err
	}
	if rest != nil {
		c.Sites = sites
		if rest.Sentence == c.Sentence {
			return nil
		}
		if err := deleteNear(w, c); err != nil {
			return err
		}
		c.Sentence = rest.Sentence
		return putNear(w, c)
	}
	if err := deleteNear(w, c); err != nil {
		return err
	}
	c.Sentence, c.State, c.Reason, c.SignOff = "", Withdrawn, "erased", nil
	for i := range c.Judgements {
		j := &c.Judgements[i]
		j.Sources, j.Note, j.Wording = nil, "", ""
	}
	if c.Outcome != nil {
		c.Outcome = &Outcome{Verdict: c.Outcome.Verdict, By: c.Outcome.By, At: c.Outcome.At}
	}
	return deleteDrafts(w, c.ID)
}

func deleteDrafts(w Writer, id string) error {
	var drafts []string
	err := w.Scan(keyDraft+id+"/", func(key string, _ []byte) error { drafts = append(drafts, key); return nil })
	for _, k := range drafts {
		err = errors.Join(err, w.Delete(k))
	}
	return err
}

// Expire erases what has been kept for as long as it may, and sessions and
// invitations that have run out. Published findings stay, without the receipts
// that lead to their senders, until they are withdrawn or deleted. It returns
// how many answers it erased.
func (d *Desk) Expire() (erased int, err error) {
	now := d.now().UTC()
	var due []string
	err = d.storage.View(func(r Reader) error {
		err := r.Scan(keyExpiry, func(key string, value []byte) error {
			day, place, _ := strings.Cut(strings.TrimPrefix(key, keyExpiry), "/")
			if day > now.Format(time.DateOnly) {
				return errEnough
			}
			var at time.Time
			if err := json.Unmarshal(value, &at); err != nil {
				return err
			}
			if !at.After(now) {
				due = append(due, day+"/"+place)
			}
			return nil
		})
		if errors.Is(err, errEnough) {
			err = nil
		}
		return err
	})
	if err != nil {
		return 0, err
	}
	for _, entry := range due {
		_, place, _ := strings.Cut(entry, "/")
		id, _, _ := strings.Cut(place, "/")
		gone := false
		_, err := d.change(id, func(w Writer, c *Case) (Event, error) {
			if err := w.Delete(keyExpiry + entry); err != nil {
				return Event{}, err
			}
			var a Answer
			found, err := load(w, keyAnswer+place, &a)
			if err != nil || !found || a.Expires.After(now) { // deleted, or sent again since
				return Event{}, errors.Join(err, errNothing)
			}
			if c.State == Published {
				for _, h := range a.Receipts {
					if err := w.Delete(keyReceipt + h); err != nil {
						return Event{}, err
					}
				}
				a.Receipts = nil
				return Event{Action: ActErased, About: a.ID, actor: actorRetention}, save(w, keyAnswer+place, a)
			}
			gone = true
			return Event{Action: ActErased, About: a.ID, actor: actorRetention}, d.erase(w, c, &a)
		})
		switch {
		case errors.Is(err, errNothing), errors.Is(err, ErrNotFound):
			if err := d.drop(keyExpiry + entry); err != nil {
				return erased, err
			}
		case err != nil:
			return erased, err
		case gone:
			erased++
		}
	}
	return erased, d.expireAccess(now)
}

// errNothing undoes a change that turned out to be none.
var errNothing = errors.New("nothing to do")

func (d *Desk) drop(keys ...string) error {
	d.writing.Lock()
	defer d.writing.Unlock()
	return d.storage.Update(func(w Writer) error {
		for _, k := range keys {
			if err := w.Delete(k); err != nil {
				return err
			}
		}
		return nil
	})
}
