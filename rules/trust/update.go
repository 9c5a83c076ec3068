// SPDX-License-Identifier: Apache-2.0

package trust

import (
	"bytes"
	"encoding/json"
	"errors"
	"fmt"
	"time"

	"haechi/rules"
)

// MaxFrame is the largest update from the network in bytes.
const MaxFrame = 8 << 20

// State is what a client holds: the pack in use and the release it came from.
// Release is the release's text hash, empty for the baseline (Sequence 0).
type State struct {
	Sequence uint64
	Release  string
	Pack     rules.Pack
}

// Update is a delta or snapshot frame as it came from the network: nothing in
// it is believed yet. Changes and Pack stay undecoded until the release has
// proved to be signed.
type Update struct {
	Type     string          `json:"type"` // "delta" or "snapshot"
	From     uint64          `json:"from"` // delta
	To       uint64          `json:"to"`   // delta
	Sequence uint64          `json:"sequence"`
	Release  string          `json:"release"` // the signed note
	Changes  json.RawMessage `json:"changes"` // delta
	Pack     json.RawMessage `json:"pack"`    // snapshot
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

// Accept returns the state after an update, or why it must be refused; have is
// never changed. In this order it checks the sizes, the signatures under root,
// that the release has not expired at now, that it is newer than have, that a
// delta starts at have, and that the resulting pack is the one that was signed.
func Accept(root Root, now time.Time, have State, u Update) (State, error) {
	if n := len(u.Release) + len(u.Changes) + len(u.Pack); n > MaxFrame {
		return State{}, fmt.Errorf("trust: update of %d bytes: %w", n, ErrTooLarge)
	}
	if len(u.Pack) > rules.MaxPack {
		return State{}, fmt.Errorf("trust: pack of %d bytes: %w", len(u.Pack), ErrTooLarge)
	}
	r, err := Open([]byte(u.Release), root)
	if err != nil {
		return State{}, err
	}
	if !now.Before(r.Expires) {
		return State{}, fmt.Errorf("trust: release %d: %w on %s", r.Sequence, ErrExpired, r.Expires.Format(time.DateOnly))
	}
	if r.Sequence <= have.Sequence {
		return State{}, fmt.Errorf("trust: release %d: %w (%d)", r.Sequence, ErrRollback, have.Sequence)
	}
	pack, err := u.result(have, r.Sequence)
	if err != nil {
		return State{}, err
	}
	if canonical := pack.Encode(); len(canonical) != r.Size || hash(canonical) != r.Pack {
		return State{}, fmt.Errorf("trust: release %d: %w", r.Sequence, ErrMismatch)
	}
	return State{Sequence: r.Sequence, Release: r.TextHash(), Pack: pack}, nil
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
