// SPDX-License-Identifier: Apache-2.0

package review

import (
	"slices"
	"time"
)

// HoldFor is how long a case stays with a person who does nothing; a draft and
// opening the case renew it.
const HoldFor = 20 * time.Minute

// holds are the cases that people have in hand, by case. They are in memory
// only: a restart lets go of all of them, and no verdict depends on them.
type holds map[string][]hold

type hold struct {
	person string
	until  time.Time
}

func (h holds) take(id, person string, now time.Time) {
	h.drop(id, person, now)
	h[id] = append(h[id], hold{person, now.Add(HoldFor)})
}

// drop ends a person's hold and those that ran out.
func (h holds) drop(id, person string, now time.Time) {
	rest := slices.DeleteFunc(h[id], func(x hold) bool { return x.person == person || !x.until.After(now) })
	if len(rest) == 0 {
		delete(h, id)
		return
	}
	h[id] = rest
}

func (h holds) has(id, person string, now time.Time) bool {
	return slices.ContainsFunc(h[id], func(x hold) bool { return x.person == person && x.until.After(now) })
}

func (h holds) people(id string, now time.Time) (out []string) {
	for _, x := range h[id] {
		if x.until.After(now) {
			out = append(out, x.person)
		}
	}
	return out
}

func (h holds) others(id, person string, now time.Time) (n int) {
	for _, x := range h[id] {
		if x.person != person && x.until.After(now) {
			n++
		}
	}
	return n
}

// Hold gives a person a case that he opened, if a place in it is free, and says
// for how long. ErrTaken: others fill its places.
func (d *Desk) Hold(who Person, id string) (until time.Time, err error) {
	if !who.Role.May(Judge) {
		return until, ErrForbidden
	}
	now := d.now()
	d.mu.Lock()
	defer d.mu.Unlock()
	i, ok := d.index.at[id]
	if !ok {
		return until, ErrNotFound
	}
	if !d.free(&d.index.list[i], who, now) {
		return until, ErrTaken
	}
	d.holds.take(id, who.ID, now)
	return now.Add(HoldFor), nil
}

// LetGo gives a case back.
func (d *Desk) LetGo(who Person, id string) {
	d.mu.Lock()
	defer d.mu.Unlock()
	d.holds.drop(id, who.ID, d.now())
}
