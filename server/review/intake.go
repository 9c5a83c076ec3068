// SPDX-License-Identifier: Apache-2.0

package review

import (
	"crypto/sha256"
	"encoding/hex"
	"fmt"
	"slices"
	"strings"
	"time"
)

// MaxCases bounds the cases of a desk, and with them its memory: the queue
// keeps about 300 bytes of each.
const MaxCases = 200_000

// batch is how many reports are taken in one transaction: with the longest
// texts they stay well under what a transaction may hold.
const batch = 25

// Receipt is what a sender gets for a report. The code is given once and kept
// as a hash: who has it may see what became of the report, and delete it.
type Receipt struct {
	Code    string    `json:"receipt"`
	Expires time.Time `json:"expires"`
}

// Taken is what became of one of the reports that were given to Take.
type Taken struct {
	Receipt
	Case string
	Kind string // ActReceived: a new case; ActJoined: one that is similar; ActRepeated: it was there
	Err  error  // an *Invalid, and nothing was kept
}

// Take checks reports and keeps those that are valid; the result has one entry
// for each. Equal ones are kept once. With ErrFull, or when the disk fails,
// those without a receipt code were not kept.
func (d *Desk) Take(origin string, reports []Report) ([]Taken, error) {
	out := make([]Taken, len(reports))
	for start := 0; start < len(reports); start += batch {
		end := min(start+batch, len(reports))
		if err := d.takeBatch(origin, reports[start:end], out[start:end]); err != nil {
			return out, err
		}
	}
	return out, nil
}

// ImportFor takes the answers of a class in for a person.
func (d *Desk) ImportFor(who Person, reports []Report) ([]Taken, error) {
	if !who.Role.May(Import) {
		return nil, ErrForbidden
	}
	return d.Take(who.ID, reports)
}

func (d *Desk) takeBatch(origin string, reports []Report, out []Taken) error {
	d.writing.Lock()
	defer d.writing.Unlock()
	d.mu.RLock()
	room := d.maxCases - len(d.index.list)
	d.mu.RUnlock()
	changed := map[string]*Case{}
	taken := make([]Taken, len(reports))
	err := d.storage.Update(func(w Writer) error {
		for i, r := range reports {
			if err := r.check(); err != nil {
				taken[i].Err = err
				continue
			}
			c, t, err := d.takeOne(w, origin, r, d.ticket(), room)
			if err != nil {
				return err
			}
			taken[i] = t
			if t.Kind == ActReceived {
				room--
			}
			changed[c.ID] = c
		}
		if origin == OriginCitizen || len(changed) == 0 {
			return nil
		}
		by, err := pseudonym(w, origin)
		if err != nil {
			return err
		}
		return d.note(w, by, ActImported, "", about{"answers": len(reports)})
	})
	if err != nil {
		return err
	}
	copy(out, taken)
	for _, c := range changed {
		d.remember(c)
	}
	return nil
}

// ticket is what a report goes by from the moment at which it was received.
type ticket struct {
	Receipt
	hash     string // of the code, which may be empty
	received time.Time
}

func (d *Desk) ticket() ticket {
	now := d.now().UTC()
	code := newReceipt()
	return ticket{Receipt{Code: code, Expires: now.Add(d.retention).Truncate(time.Second)}, receiptHash(code), now}
}

func (d *Desk) takeOne(w Writer, origin string, r Report, under ticket, room int) (*Case, Taken, error) {
	now := under.received
	t := Taken{Receipt: under.Receipt}
	a := Answer{Report: r, Content: r.content(), Origin: origin, Received: now}
	var place string // CASE/ANSWER
	found, err := load(w, keyContent+a.Content, &place)
	if err != nil {
		return nil, t, err
	}
	if found {
		if found, err = load(w, keyAnswer+place, &a); err != nil {
			return nil, t, err
		}
	}
	c := &Case{}
	switch {
	case found:
		t.Kind = ActRepeated
		if found, err = load(w, keyCase+a.Case, c); err == nil && !found {
			err = fmt.Errorf("review: answer %s without its case: %w", a.ID, ErrNotFound)
		}
	default:
		if c, err = similar(w, r.Rule, r.Sentence); err != nil {
			return nil, t, err
		}
		t.Kind = ActJoined
		if c == nil {
			if room <= 0 {
				return nil, t, ErrFull
			}
			t.Kind = ActReceived
			c = &Case{
				ID: newID(), Rule: r.Rule, Proposition: r.Proposition, Language: r.Language,
				Sentence: r.Sentence, Received: now, State: New,
			}
			if err := putNear(w, c); err != nil {
				return nil, t, err
			}
		}
		a.ID, a.Case = newID(), c.ID
		c.Answers++
	}
	if err != nil {
		return nil, t, err
	}
	t.Case = c.ID
	hash := under.hash
	a.Reports++
	a.Expires = t.Expires // the last one who sends it counts
	a.Receipts = append(a.Receipts, hash)
	if len(a.Receipts) > maxReceipts {
		if err := w.Delete(keyReceipt + a.Receipts[0]); err != nil {
			return nil, t, err
		}
		a.Receipts = a.Receipts[1:]
	}
	c.Reports++
	c.Score = max(c.Score, r.Score)
	if !slices.Contains(c.Sites, r.Site) && len(c.Sites) < maxSites {
		c.Sites = append(c.Sites, r.Site)
	}
	place = a.Case + "/" + a.ID
	for key, value := range map[string]any{
		keyAnswer + place:      a,
		keyContent + a.Content: place,
		keyReceipt + hash:      place,
		keyExpiry + a.Expires.Format(time.DateOnly) + "/" + place: a.Expires,
	} {
		if err := save(w, key, value); err != nil {
			return nil, t, err
		}
	}
	e := Event{Action: t.Kind, About: a.ID}
	if t.Kind != ActReceived {
		e.From = c.State
	}
	if origin != OriginCitizen {
		e.Person = origin
	}
	return c, t, d.record(w, c, e)
}

const (
	maxReceipts = 100 // of one answer; after that the oldest no longer opens anything
	maxSites    = 30  // named with one case
)

func putNear(w Writer, c *Case) error {
	for _, key := range nearKeys(c.Rule, c.Sentence) {
		if err := w.Put(key+c.ID, []byte{}); err != nil {
			return err
		}
	}
	return nil
}

func deleteNear(w Writer, c *Case) error {
	if c.Sentence == "" {
		return nil
	}
	for _, key := range nearKeys(c.Rule, c.Sentence) {
		if err := w.Delete(key + c.ID); err != nil {
			return err
		}
	}
	return nil
}

// newReceipt is 100 random bits in groups that can be read out.
func newReceipt() string {
	s := draw(13)[:20]
	return s[:4] + "-" + s[4:8] + "-" + s[8:12] + "-" + s[12:16] + "-" + s[16:]
}

// receiptHash takes a code as people copy it: without hyphens, in small
// letters, with letters for the digits that they look like.
func receiptHash(code string) string {
	code = strings.NewReplacer("-", "", " ", "", "O", "0", "I", "1", "L", "1").Replace(strings.ToUpper(strings.TrimSpace(code)))
	sum := sha256.Sum256([]byte("receipt " + code))
	return hex.EncodeToString(sum[:])
}
