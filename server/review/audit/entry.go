// SPDX-License-Identifier: Apache-2.0

// Package audit makes an append-only log whose entries are chained by hash:
// [Head.Next] makes the entry that follows, which the caller stores; [Verify]
// walks what is stored and names the first broken entry. The package keeps
// nothing itself, so that an entry can be stored in one transaction with the act
// that it tells of.
//
// A chain shows that an entry was changed, taken out or put in. That the newest
// entries were cut off, or that the whole chain was written anew, shows only to
// someone who kept an earlier [Head]: publish it or write it down, and give it
// to Verify.
package audit

import (
	"bytes"
	"crypto/sha256"
	"encoding/hex"
	"encoding/json"
	"encoding/json/jsontext"
	"errors"
	"fmt"
	"time"
	"unicode/utf8"
)

// Limits of an entry, in bytes.
const (
	MaxDetails = 64 << 10
	MaxEntry   = 128 << 10
	maxField   = 512 // actor, action, subject
)

// context stands before what is hashed, so that a hash of this log can be taken
// for nothing else.
const context = "haechi review audit v1\n"

// layout writes every time alike: UTC, nine digits of a second.
const layout = "2006-01-02T15:04:05.000000000Z"

// ErrEntry says that bytes are no entry as this package writes them; do not
// store them.
var ErrEntry = errors.New("not an audit entry")

// Entry is one line of the log. Its stored form is its JSON in the canonical
// form of RFC 8785, so that one entry has one form only.
type Entry struct {
	Sequence uint64          `json:"sequence"` // from 1, without gaps
	Time     time.Time       `json:"-"`        // UTC
	Actor    string          `json:"actor"`    // a pseudonym, never a name
	Action   string          `json:"action"`   // such as "verdict"
	Subject  string          `json:"subject"`  // the id of what it was done to
	Details  json.RawMessage `json:"details"`  // a JSON object, canonical; {} if there is nothing to say
	Previous string          `json:"previous"` // the hash before, hexadecimal; "" in the first entry
	Hash     string          `json:"hash"`     // SHA-256 over context and the entry without its hash
}

// stored is an entry as JSON. A missing hash is left out: that is what is hashed.
type stored struct {
	Sequence uint64          `json:"sequence"`
	Time     string          `json:"time"`
	Actor    string          `json:"actor"`
	Action   string          `json:"action"`
	Subject  string          `json:"subject"`
	Details  json.RawMessage `json:"details"`
	Previous string          `json:"previous"`
	Hash     string          `json:"hash,omitempty"`
}

// canonical writes the entry with the given hash.
func (e Entry) canonical(hash string) ([]byte, error) {
	for _, s := range []string{e.Actor, e.Action, e.Subject} {
		if len(s) > maxField || !utf8.ValidString(s) {
			return nil, fmt.Errorf("%w: actor, action and subject must be UTF-8 of at most %d bytes", ErrEntry, maxField)
		}
	}
	if len(e.Details) > MaxDetails {
		return nil, fmt.Errorf("%w: details have %d bytes, at most %d are kept", ErrEntry, len(e.Details), MaxDetails)
	}
	if e.Sequence == 0 || e.Sequence > 1<<53 {
		return nil, fmt.Errorf("%w: sequence %d", ErrEntry, e.Sequence)
	}
	if y := e.Time.UTC().Year(); y < 1 || y > 9999 {
		return nil, fmt.Errorf("%w: year %d", ErrEntry, y)
	}
	b, err := json.Marshal(stored{
		Sequence: e.Sequence, Time: e.Time.UTC().Format(layout), Actor: e.Actor, Action: e.Action,
		Subject: e.Subject, Details: e.Details, Previous: e.Previous, Hash: hash,
	})
	if err != nil {
		return nil, fmt.Errorf("%w: %v", ErrEntry, err)
	}
	v := jsontext.Value(b)
	if err := v.Canonicalize(); err != nil {
		return nil, fmt.Errorf("%w: %v", ErrEntry, err)
	}
	return v, nil
}

// seal sets the hash and returns the stored form.
func (e *Entry) seal() ([]byte, error) {
	b, err := e.canonical("")
	if err != nil {
		return nil, err
	}
	e.Hash = digest(b)
	if b, err = e.canonical(e.Hash); err == nil && len(b) > MaxEntry {
		err = fmt.Errorf("%w: %d bytes, at most %d are kept", ErrEntry, len(b), MaxEntry)
	}
	return b, err
}

func digest(b []byte) string {
	h := sha256.New()
	h.Write([]byte(context))
	h.Write(b)
	return hex.EncodeToString(h.Sum(nil))
}

// details makes v a canonical JSON object.
func details(v any) (json.RawMessage, error) {
	if v == nil {
		return json.RawMessage("{}"), nil
	}
	b, err := json.Marshal(v)
	if err != nil {
		return nil, fmt.Errorf("%w: details: %v", ErrEntry, err)
	}
	c := jsontext.Value(b)
	if err := c.Canonicalize(); err != nil {
		return nil, fmt.Errorf("%w: details: %v", ErrEntry, err)
	}
	if c.Kind() != '{' {
		return nil, fmt.Errorf("%w: details must be a JSON object", ErrEntry)
	}
	return json.RawMessage(c), nil
}

// Parse reads one stored entry. It takes only the exact bytes that Next
// makes, with the right hash; whether the entry fits the chain is for Verify.
func Parse(line []byte) (Entry, error) {
	if len(line) > MaxEntry {
		return Entry{}, fmt.Errorf("%w: %d bytes, at most %d are kept", ErrEntry, len(line), MaxEntry)
	}
	var s stored
	d := json.NewDecoder(bytes.NewReader(line))
	d.DisallowUnknownFields()
	if err := d.Decode(&s); err != nil {
		return Entry{}, fmt.Errorf("%w: %v", ErrEntry, err)
	}
	at, err := time.Parse(layout, s.Time)
	if err != nil {
		return Entry{}, fmt.Errorf("%w: %v", ErrEntry, err)
	}
	e := Entry{
		Sequence: s.Sequence, Time: at, Actor: s.Actor, Action: s.Action, Subject: s.Subject,
		Details: s.Details, Previous: s.Previous,
	}
	if jsontext.Value(s.Details).Kind() != '{' {
		return Entry{}, fmt.Errorf("%w: details must be a JSON object", ErrEntry)
	}
	want, err := e.seal()
	if err != nil {
		return Entry{}, err
	}
	if s.Hash != e.Hash {
		return Entry{}, fmt.Errorf("%w: its content does not have the hash it states", ErrEntry)
	}
	if !bytes.Equal(line, want) {
		return Entry{}, fmt.Errorf("%w: the bytes are not in canonical form", ErrEntry)
	}
	return e, nil
}

// Line is the stored form of an entry that Next or Parse returned.
func (e Entry) Line() ([]byte, error) { return e.canonical(e.Hash) }
