// SPDX-License-Identifier: Apache-2.0

package trust

import (
	"crypto/sha256"
	"encoding/hex"
	"fmt"
	"strconv"
	"strings"
	"time"

	"golang.org/x/mod/sumdb/note"

	"haechi/rules"
)

const (
	// MaxSequence is the largest sequence: JavaScript counts exactly to here.
	MaxSequence = 1<<53 - 1
	// MaxNote is the largest signed release in bytes: 100 signatures fit.
	MaxNote = 32 << 10

	heading = "haechi release v1"
	instant = "2006-01-02T15:04:05Z" // UTC, whole seconds
)

// NoPrevious is the Previous of sequence 1: the baseline has no release text.
var NoPrevious = strings.Repeat("0", 2*sha256.Size)

// Release is what maintainers sign. Created and Expires are whole seconds UTC.
type Release struct {
	Sequence uint64
	Previous string // TextHash of the release before, or NoPrevious
	Pack     string // hash of the canonical pack after this release
	Size     int    // bytes of that pack
	Created  time.Time
	Expires  time.Time
}

// Text is the canonical text that is signed. One release has one text.
func (r Release) Text() string {
	return fmt.Sprintf("%s\nsequence %d\nprevious %s\npack %s\nsize %d\ncreated %s\nexpires %s\n",
		heading, r.Sequence, r.Previous, r.Pack, r.Size,
		r.Created.UTC().Format(instant), r.Expires.UTC().Format(instant))
}

// TextHash is the lower-case hexadecimal SHA-256 of Text: the name of this
// release in the Previous of the next.
func (r Release) TextHash() string {
	return hash([]byte(r.Text()))
}

// Sign returns the note of a release with one signature for each signer. It
// refuses a release that no client could accept.
func Sign(r Release, signers ...note.Signer) ([]byte, error) {
	if len(signers) == 0 {
		return nil, fmt.Errorf("trust: sign: %w", ErrUnsigned)
	}
	if _, err := parseRelease(r.Text()); err != nil {
		return nil, fmt.Errorf("trust: sign: %w", err)
	}
	msg, err := note.Sign(&note.Note{Text: r.Text()}, signers...)
	if err != nil {
		return nil, fmt.Errorf("trust: sign: %w", err)
	}
	return msg, nil
}

// Open returns the release in a note that at least root.Threshold distinct
// keys of root signed; signatures by other keys count nothing, a wrong
// signature by a known key spoils the note.
func Open(msg []byte, root Root) (Release, error) {
	if len(msg) > MaxNote {
		return Release{}, fmt.Errorf("trust: release of %d bytes: %w", len(msg), ErrTooLarge)
	}
	known, err := root.verifiers()
	if err != nil {
		return Release{}, err
	}
	n, err := note.Open(msg, known)
	if err != nil {
		return Release{}, fmt.Errorf("trust: %w: %w", ErrUnsigned, err)
	}
	// note.Open lists each key once, however often it signed.
	if len(n.Sigs) < root.Threshold {
		return Release{}, fmt.Errorf("trust: %w: %d of %d signatures", ErrUnsigned, len(n.Sigs), root.Threshold)
	}
	return parseRelease(n.Text)
}

// parseRelease reads the text that Text writes, and no other spelling of it.
func parseRelease(text string) (Release, error) {
	lines := strings.Split(text, "\n")
	if len(lines) != 8 || lines[0] != heading {
		return Release{}, fmt.Errorf("trust: %w: not a release of version 1", ErrInvalid)
	}
	var values [6]string
	for i, field := range []string{"sequence", "previous", "pack", "size", "created", "expires"} {
		name, value, _ := strings.Cut(lines[i+1], " ")
		if name != field {
			return Release{}, fmt.Errorf("trust: %w: release line %d is not %q", ErrInvalid, i+2, field)
		}
		values[i] = value
	}
	sequence, err1 := strconv.ParseUint(values[0], 10, 64)
	size, err2 := strconv.Atoi(values[3])
	created, err3 := time.Parse(instant, values[4])
	expires, err4 := time.Parse(instant, values[5])
	for _, err := range []error{err1, err2, err3, err4} {
		if err != nil {
			return Release{}, fmt.Errorf("trust: %w: release: %w", ErrInvalid, err)
		}
	}
	r := Release{Sequence: sequence, Previous: values[1], Pack: values[2], Size: size, Created: created, Expires: expires}
	switch {
	case r.Text() != text:
		return Release{}, fmt.Errorf("trust: %w: release is not in canonical form", ErrInvalid)
	case r.Sequence < 1 || r.Sequence > MaxSequence:
		return Release{}, fmt.Errorf("trust: %w: release sequence %d", ErrInvalid, r.Sequence)
	case !IsHash(r.Previous) || !IsHash(r.Pack):
		return Release{}, fmt.Errorf("trust: %w: release hashes are 64 lower-case hexadecimal digits", ErrInvalid)
	case r.Sequence == 1 && r.Previous != NoPrevious, r.Sequence > 1 && r.Previous == NoPrevious:
		return Release{}, fmt.Errorf("trust: %w: only release 1 has no previous release", ErrInvalid)
	case r.Size < 1:
		return Release{}, fmt.Errorf("trust: %w: release size %d", ErrInvalid, r.Size)
	case r.Size > rules.MaxPack:
		return Release{}, fmt.Errorf("trust: pack of %d bytes: %w", r.Size, ErrTooLarge)
	case !r.Expires.After(r.Created):
		return Release{}, fmt.Errorf("trust: %w: release expires before it was created", ErrInvalid)
	}
	return r, nil
}

func hash(data []byte) string {
	sum := sha256.Sum256(data)
	return hex.EncodeToString(sum[:])
}

// IsHash reports whether s is a SHA-256 as releases and frames write it: 64
// lower-case hexadecimal digits.
func IsHash(s string) bool {
	return len(s) == 2*sha256.Size && strings.Trim(s, "0123456789abcdef") == ""
}
