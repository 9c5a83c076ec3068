// SPDX-License-Identifier: Apache-2.0

package review

import (
	"bufio"
	"cmp"
	"fmt"
	"io"
	"iter"

	"haechi/server/review/audit"
)

// The trail says who did what at the desk: one hash-chained entry for each act
// of consequence, kept in the transaction of the act. It is never rewritten, so
// it names people by their pseudonyms and holds no text from outside and none
// that somebody wrote, and of a verdict its hash only, so that who reads the
// trail sees none that is still blind.
//
// What nobody signed in for leaves an entry only if it changed something:
// strangers could fill the disk otherwise.

// The acts beside those of events.
const (
	ActSignedIn    = "signed-in"
	ActGuessed     = "guessed" // a wrong password for an account that is there
	ActSignedOut   = "signed-out"
	ActInvited     = "invited"
	ActJoinedDesk  = "account-made"
	ActChanged     = "account-changed" // role, or shut
	ActPassword    = "password-changed"
	ActTokenMade   = "token-made"
	ActTokenEnded  = "token-revoked"
	ActConnected   = "sign-in-connected" // an account of the identity provider
	ActImported    = "imported"
	ActExported    = "exported"
	ActSignedOff   = "signed-off"
	ActDeclined    = "declined"
	actorOperator  = "operator"  // whoever may read the data directory
	actorReceipt   = "receipt"   // whoever holds one
	actorRetention = "retention" // the time that things are kept is over
)

// about are an entry's details. None is a text that people wrote.
type about map[string]any

// note adds an entry to the trail within a change.
func (d *Desk) note(w Writer, actor, action, subject string, details about) error {
	var head audit.Head
	if _, err := load(w, keyTrailHead, &head); err != nil {
		return err
	}
	if details == nil {
		details = about{}
	}
	e, line, err := head.Next(d.now(), actor, action, subject, details)
	if err != nil {
		return fmt.Errorf("review: %w", err)
	}
	if err := w.Put(trailKey(e.Sequence), line); err != nil {
		return err
	}
	return save(w, keyTrailHead, e.Head())
}

// trailKey sorts as the numbers do.
func trailKey(sequence uint64) string { return fmt.Sprintf("%s%016d", keyTrail, sequence) }

// pseudonym is what the trail calls a person.
func pseudonym(r Reader, id string) (string, error) {
	var p Person
	found, err := load(r, keyPerson+id, &p)
	if err == nil && !found {
		return id, nil // as tests have them
	}
	return p.Pseudonym, err
}

// follow notes an event of a case, if it is one of consequence: what came in
// is none.
func (d *Desk) follow(w Writer, e Event) error {
	details := about{"number": e.Number, "from": e.From, "to": e.To}
	switch e.Action {
	case ActReceived, ActJoined, ActRepeated:
		return nil
	case ActAssigned:
		to, err := pseudonym(w, e.About)
		if err != nil {
			return err
		}
		details["person"] = to
	case ActWithdrawn: // About is the reason that somebody wrote
	default:
		if e.About != "" {
			details["about"] = e.About
		}
	}
	if e.Hash != "" {
		details["hash"] = e.Hash
	}
	if e.Action != ActJudged && e.Action != ActUndone && e.Verdict != "" {
		details["verdict"] = e.Verdict
	}
	actor := e.actor
	if actor == "" {
		var err error
		if actor, err = pseudonym(w, e.Person); err != nil {
			return err
		}
	}
	return d.note(w, actor, e.Action, e.Case, details)
}

// Exported notes that a person took findings out of the desk, in a form such as
// "csv".
func (d *Desk) Exported(who Person, form string, findings int) error {
	d.writing.Lock()
	defer d.writing.Unlock()
	return d.storage.Update(func(w Writer) error {
		return d.note(w, cmp.Or(who.Pseudonym, who.ID), ActExported, form, about{"findings": findings})
	})
}

// Trail returns up to limit entries that end with number last, the newest
// first, and the head. last 0 is the head's.
func (d *Desk) Trail(who Person, last uint64, limit int) (out []audit.Entry, head audit.Head, err error) {
	if !who.Role.May(Staff) {
		return nil, head, ErrForbidden
	}
	err = d.storage.View(func(r Reader) error {
		if _, err := load(r, keyTrailHead, &head); err != nil {
			return err
		}
		if last == 0 || last > head.Sequence {
			last = head.Sequence
		}
		for n := last; n > 0 && len(out) < limit; n-- {
			line, err := r.Get(trailKey(n))
			if err != nil {
				return err
			}
			e, err := audit.Parse(line)
			if err != nil {
				return &audit.Broken{Sequence: n, Reason: err.Error()}
			}
			out = append(out, e)
		}
		return nil
	})
	return out, head, err
}

// VerifyTrail walks the whole trail. An *audit.Broken names the first entry
// that does not fit.
func (d *Desk) VerifyTrail(who Person) (head audit.Head, err error) {
	if !who.Role.May(Staff) {
		return head, ErrForbidden
	}
	err = d.storage.View(func(r Reader) error {
		var known audit.Head
		if _, err := load(r, keyTrailHead, &known); err != nil {
			return err
		}
		head, err = audit.Verify(trailOf(r), known)
		return err
	})
	return head, err
}

// trailOf yields the stored entries.
func trailOf(r Reader) iter.Seq2[[]byte, error] {
	return func(yield func([]byte, error) bool) {
		err := r.Scan(keyTrail, func(_ string, line []byte) error {
			if !yield(line, nil) {
				return errEnough
			}
			return nil
		})
		if err != nil && err != errEnough {
			yield(nil, err)
		}
	}
}

// ExportTrail writes the trail as JSONL, as "haechi log verify --audit" reads
// it. That it was exported is its last entry.
func (d *Desk) ExportTrail(who Person, out io.Writer) error {
	if !who.Role.May(Staff) {
		return ErrForbidden
	}
	if err := d.Exported(who, "audit", 0); err != nil {
		return err
	}
	return d.storage.View(func(r Reader) error {
		b := bufio.NewWriter(out)
		for line, err := range trailOf(r) {
			if err != nil {
				return err
			}
			b.Write(line)
			b.WriteByte('\n')
		}
		return b.Flush()
	})
}
