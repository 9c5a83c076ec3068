// SPDX-License-Identifier: Apache-2.0

// Package review is the desk where people decide what is a distortion: [Open]
// it over a storage, [Desk.Take] in reports, let people [Desk.Judge] the cases
// that [Desk.Next] gives them and [Desk.Adjudicate] those on which two differ.
//
// The machine only asks. Each case is judged by two people who do not see each
// other's verdict; where both hold the same that is the outcome, else a third
// settles it. Every step of a case is an [Event] that is never changed, and every
// act of consequence an entry of the trail ([Desk.Trail]). What citizens sent is
// erased when its time is over or they ask for it.
//
// The package knows people and rights, but neither HTTP nor Badger.
package review

import (
	"cmp"
	"crypto/rand"
	"encoding/base32"
	"encoding/json"
	"strings"
	"sync"
	"time"
)

// Retention is how long what was sent in is kept, unless a Config says
// otherwise.
const Retention = 180 * 24 * time.Hour

// Config is what a desk needs to know. Its zero value does.
type Config struct {
	Now       func() time.Time // nil: time.Now
	Retention time.Duration    // 0: Retention
	MaxCases  int              // 0: MaxCases
}

// Desk is an open desk. Its methods may be called from any goroutine.
type Desk struct {
	storage   Storage
	now       func() time.Time
	retention time.Duration
	maxCases  int
	hashing   chan struct{} // holds one for each password being hashed

	writing    sync.Mutex  // held for one change with its commit
	precedents []Precedent // under writing; nil: to be read again

	mu      sync.RWMutex // held for memory accesses and a walk over the index
	index   *index       // under mu
	holds   holds        // under mu
	public  *public      // under mu; nil before anybody asked
	reports reports      // under mu
}

// Open opens the desk whose records are in a storage.
func Open(storage Storage, c Config) (*Desk, error) {
	d := &Desk{
		storage: storage, now: c.Now,
		retention: cmp.Or(c.Retention, Retention), maxCases: cmp.Or(c.MaxCases, MaxCases),
		hashing: make(chan struct{}, maxHashing),
		index:   newIndex(), holds: holds{},
	}
	if d.now == nil {
		d.now = time.Now
	}
	err := storage.View(func(r Reader) error {
		return r.Scan(keyCase, func(_ string, value []byte) error {
			var c Case
			if err := json.Unmarshal(value, &c); err != nil {
				return err
			}
			d.index.put(&c)
			return nil
		})
	})
	if err != nil {
		return nil, err
	}
	d.index.sort()
	return d, nil
}

// Case returns a case as a person may see it.
func (d *Desk) Case(who Person, id string) (Case, error) {
	if !who.Role.May(See) {
		return Case{}, ErrForbidden
	}
	c, err := d.read(id)
	return c.SeenBy(who), err
}

func (d *Desk) read(id string) (c Case, err error) {
	err = d.storage.View(func(r Reader) error {
		found, err := load(r, keyCase+id, &c)
		if err == nil && !found {
			err = ErrNotFound
		}
		return err
	})
	return c, err
}

// Answers returns up to limit answers of a case, for people who may see it.
func (d *Desk) Answers(who Person, id string, limit int) ([]Answer, error) {
	if !who.Role.May(See) {
		return nil, ErrForbidden
	}
	var out []Answer
	err := d.storage.View(func(r Reader) error {
		err := r.Scan(keyAnswer+id+"/", func(_ string, value []byte) error {
			if len(out) == limit {
				return errEnough
			}
			var a Answer
			if err := json.Unmarshal(value, &a); err != nil {
				return err
			}
			out = append(out, a)
			return nil
		})
		if err == errEnough {
			err = nil
		}
		return err
	})
	return out, err
}

// change lets do alter a case and writes it with the event that do returns.
func (d *Desk) change(id string, do func(w Writer, c *Case) (Event, error)) (Case, error) {
	d.writing.Lock()
	defer d.writing.Unlock()
	var c Case
	err := d.storage.Update(func(w Writer) error {
		found, err := load(w, keyCase+id, &c)
		if err != nil {
			return err
		}
		if !found {
			return ErrNotFound
		}
		from := c.State
		e, err := do(w, &c)
		if err != nil {
			return err
		}
		if e.From == "" {
			e.From = from
		}
		return d.record(w, &c, e)
	})
	if err != nil {
		return Case{}, err
	}
	d.remember(&c)
	return c, nil
}

// remember brings the index to what was just committed. writing is held.
func (d *Desk) remember(cases ...*Case) {
	d.mu.Lock()
	defer d.mu.Unlock()
	for _, c := range cases {
		if i, ok := d.index.at[c.ID]; c.stage() == SignedOff || ok && d.index.list[i].stage == SignedOff {
			d.precedents = nil
		}
		d.index.put(c)
	}
}

// newID draws a name of 80 random bits.
func newID() string { return strings.ToLower(draw(10)) }

// draw returns n random bytes in letters and digits.
func draw(n int) string {
	b := make([]byte, n)
	rand.Read(b) // never fails
	return crockford.EncodeToString(b)
}

// crockford leaves out letters that are taken for digits.
var crockford = base32.NewEncoding("0123456789ABCDEFGHJKMNPQRSTVWXYZ").WithPadding(base32.NoPadding)
