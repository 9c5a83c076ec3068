// SPDX-License-Identifier: Apache-2.0

package review

import (
	"crypto/sha256"
	"encoding/hex"
	"encoding/json"
	"fmt"
	"time"
)

// Event is one step of a case. Events are added and never changed, so they hold
// no text that somebody may ask to have erased: of a judgement the verdict and
// the hash of all of it.
type Event struct {
	Case    string    `json:"case"`
	Number  int       `json:"number"` // from 1, without a hole
	At      time.Time `json:"at"`
	Person  string    `json:"person,omitempty"` // id; empty for what nobody at the desk did
	Action  string    `json:"action"`
	From    State     `json:"from,omitempty"`
	To      State     `json:"to"`
	Verdict Verdict   `json:"verdict,omitempty"`
	Hash    string    `json:"hash,omitempty"` // SHA-256 of the judgement's or outcome's JSON
	About   string    `json:"about,omitempty"`

	actor string // what the trail names where no person acted
}

// The actions of events.
const (
	ActReceived    = "received"
	ActJoined      = "joined" // another answer that says the same
	ActRepeated    = "repeated"
	ActJudged      = "judged"
	ActUndone      = "undone"
	ActAdjudicated = "adjudicated"
	ActAssigned    = "assigned"
	ActSplit       = "split" // an answer was taken out, About names its new case
	ActPublished   = "published"
	ActWithdrawn   = "withdrawn"
	ActErased      = "erased" // an answer was deleted
)

func fingerprint(value any) string {
	b, err := json.Marshal(value)
	if err != nil {
		panic(err) // plain structs and strings: cannot fail
	}
	sum := sha256.Sum256(b)
	return hex.EncodeToString(sum[:])
}

// record writes a case with the event that led to it.
func (d *Desk) record(w Writer, c *Case, e Event) error {
	c.Revision++
	c.Changed = d.now().UTC()
	e.Case, e.Number, e.At, e.To = c.ID, c.Revision, c.Changed, c.State
	if err := save(w, fmt.Sprintf("%s%s/%010d", keyHistory, c.ID, e.Number), e); err != nil {
		return err
	}
	if err := d.follow(w, e); err != nil {
		return err
	}
	return save(w, keyCase+c.ID, c)
}

// History returns the steps of a case, the first one first, as a person may
// see them: of judgements that are still blind, only one's own.
func (d *Desk) History(who Person, id string) ([]Event, error) {
	c, err := d.Case(who, id)
	if err != nil {
		return nil, err
	}
	open := len(c.Judgements) > 1 || c.Settled() || c.State == Withdrawn
	var out []Event
	err = d.storage.View(func(r Reader) error {
		return r.Scan(keyHistory+id+"/", func(_ string, b []byte) error {
			var e Event
			if err := json.Unmarshal(b, &e); err != nil {
				return err
			}
			if !open && e.Person != who.ID && (e.Action == ActJudged || e.Action == ActUndone) {
				e.Person, e.Verdict, e.Hash = "", "", ""
			}
			out = append(out, e)
			return nil
		})
	})
	return out, err
}
