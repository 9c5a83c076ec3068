// SPDX-License-Identifier: Apache-2.0

package trust

import (
	"bytes"
	"encoding/json"
	"errors"
	"fmt"
	"time"

	"golang.org/x/mod/sumdb/tlog"

	"haechi/rules"
)

// MaxFrame is the largest update from the network in bytes.
const MaxFrame = 8 << 20

// Client says which releases are for a client.
type Client struct {
	Channel string `json:"channel"` // Stable or Preview; empty is Stable
	Bucket  int    `json:"bucket"`  // 0 to 99, drawn once: a rollout of n percent is for the buckets below n
}

// State is what a client holds: the pack in use, the release it came from, and
// what it knows of roots and the log. Release is the release's text hash, empty
// for the baseline (Sequence 0). Its JSON is what a host keeps beside the pack.
type State struct {
	Sequence uint64     `json:"sequence"`
	Release  string     `json:"release"`
	Created  time.Time  `json:"created"`
	Expires  time.Time  `json:"expires"`
	Root     Root       `json:"root"` // newest known; the zero value: the packaged one
	Seen     Seen       `json:"seen"`
	Pack     rules.Pack `json:"-"`
}

// Update is a delta or snapshot frame as it came from the network: nothing in
// it is believed yet. Changes and Pack stay undecoded until the release has
// proved to be signed.
type Update struct {
	Type     string           `json:"type"` // "delta" or "snapshot"
	From     uint64           `json:"from"` // delta
	To       uint64           `json:"to"`   // delta
	Sequence uint64           `json:"sequence"`
	Release  string           `json:"release"` // the signed note
	Proof    tlog.RecordProof `json:"proof"`   // that it is in the log of the evidence
	Changes  json.RawMessage  `json:"changes"` // delta
	Pack     json.RawMessage  `json:"pack"`    // snapshot
}

// ParseUpdate reads a delta or snapshot frame. Fields it does not know are
// passed over, so that later servers may send more.
func ParseUpdate(frame []byte) (Update, error) {
	if len(frame) > MaxFrame {
		return Update{}, fmt.Errorf("trust: frame of %d bytes: %w", len(frame), ErrTooLarge)
	}
	var u Update
	if err := json.Unmarshal(frame, &u); err != nil {
		return Update{}, fmt.Errorf("trust: %w: %w", ErrInvalid, err)
	}
	if u.Type != "delta" && u.Type != "snapshot" {
		return Update{}, fmt.Errorf("trust: %w: frame type %q is neither delta nor snapshot", ErrInvalid, u.Type)
	}
	return u, nil
}

// Accept returns the state after evidence and, where there is one, an update,
// or why they must be refused; have is never changed. root is the packaged one,
// used unless have knows a newer. It checks the evidence (see [Evidence]), then
// of the update, in this order: the sizes, the signatures, its place in the
// log, that it has not expired at now, that it is newer than have and for this
// client, that a delta starts at have, and that the resulting pack is the one
// that was signed. Without an update the state differs in Root and Seen only.
func Accept(root Root, now time.Time, have State, client Client, e Evidence, u *Update) (State, error) {
	if have.Root.Version > root.Version {
		root = have.Root
	}
	v, err := believe(root, now, have.Seen, e)
	if err != nil {
		return State{}, err
	}
	switch {
	case v.checkpoint.Size < have.Sequence:
		return State{}, fmt.Errorf("trust: a log of %d releases: %w (%d)", v.checkpoint.Size, ErrRollback, have.Sequence)
	case have.Sequence > 0 && v.head.Sequence == have.Sequence && v.head.TextHash() != have.Release:
		return State{}, fmt.Errorf("trust: %w: another release %d than the one in use", ErrFork, have.Sequence)
	}
	next := have
	next.Root, next.Seen = v.root, v.seen
	if u == nil {
		return next, nil
	}
	if n := len(u.Release) + len(u.Changes) + len(u.Pack); n > MaxFrame {
		return State{}, fmt.Errorf("trust: update of %d bytes: %w", n, ErrTooLarge)
	}
	if len(u.Pack) > rules.MaxPack {
		return State{}, fmt.Errorf("trust: pack of %d bytes: %w", len(u.Pack), ErrTooLarge)
	}
	r, err := v.release(*u)
	if err != nil {
		return State{}, err
	}
	switch {
	case !v.now.Before(r.Expires):
		return State{}, fmt.Errorf("trust: release %d: %w on %s", r.Sequence, ErrExpired, r.Expires.Format(time.DateOnly))
	case r.Sequence <= have.Sequence:
		return State{}, fmt.Errorf("trust: release %d: %w (%d)", r.Sequence, ErrRollback, have.Sequence)
	case !r.For(client):
		return State{}, fmt.Errorf("trust: release %d on channel %s for %d %%: %w", r.Sequence, r.Channel, r.Rollout, ErrOthers)
	}
	pack, err := u.result(have, r.Sequence)
	if err != nil {
		return State{}, err
	}
	if hash, size := pack.Sum(); size != r.Size || hash != r.Pack {
		return State{}, fmt.Errorf("trust: release %d: %w", r.Sequence, ErrMismatch)
	}
	next.Sequence, next.Release, next.Created, next.Expires, next.Pack = r.Sequence, r.TextHash(), r.Created, r.Expires, pack
	return next, nil
}

// release is the update's release, signed and in the log.
func (v view) release(u Update) (Release, error) {
	r, err := Open([]byte(u.Release), v.root)
	if err != nil {
		return Release{}, err
	}
	if r.Sequence == v.head.Sequence && r.TextHash() == v.head.TextHash() {
		return r, nil // proved as the head
	}
	if err := v.holds(r, u.Proof); err != nil {
		return Release{}, err
	}
	return r, v.knows(r)
}

// result is the pack that the update leads to, its frame held against the
// signed sequence. Its content is not checked against the release yet.
func (u Update) result(have State, sequence uint64) (rules.Pack, error) {
	switch u.Type {
	case "delta":
		if u.From != have.Sequence {
			return rules.Pack{}, fmt.Errorf("trust: %w: from %d, have %d", ErrGap, u.From, have.Sequence)
		}
		if u.To != sequence {
			return rules.Pack{}, fmt.Errorf("trust: delta to %d with release %d: %w", u.To, sequence, ErrMismatch)
		}
		changes, err := decodeChanges(u.Changes)
		if err != nil {
			return rules.Pack{}, err
		}
		pack, err := rules.Apply(have.Pack, changes)
		var invalid *rules.InvalidError
		if errors.As(err, &invalid) {
			return rules.Pack{}, fmt.Errorf("trust: %w: %w", ErrInvalid, err)
		}
		if err != nil { // for instance a removal of what is not there: another base
			return rules.Pack{}, fmt.Errorf("trust: %w: %w", ErrMismatch, err)
		}
		return pack, nil
	case "snapshot":
		if u.Sequence != sequence {
			return rules.Pack{}, fmt.Errorf("trust: snapshot %d with release %d: %w", u.Sequence, sequence, ErrMismatch)
		}
		pack, err := rules.ParsePack(u.Pack)
		if err != nil {
			return rules.Pack{}, fmt.Errorf("trust: %w: %w", ErrInvalid, err)
		}
		return pack, nil
	}
	return rules.Pack{}, fmt.Errorf("trust: %w: update type %q", ErrInvalid, u.Type)
}

func decodeChanges(data []byte) ([]rules.Change, error) {
	var changes []rules.Change
	d := json.NewDecoder(bytes.NewReader(data))
	// A field that this program does not know would be lost from the pack.
	d.DisallowUnknownFields()
	if err := d.Decode(&changes); err != nil {
		return nil, fmt.Errorf("trust: %w: changes: %w", ErrInvalid, err)
	}
	if len(changes) > rules.MaxPackRules {
		return nil, fmt.Errorf("trust: %d changes: %w", len(changes), ErrTooLarge)
	}
	return changes, nil
}
