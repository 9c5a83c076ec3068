// SPDX-License-Identifier: Apache-2.0

package trust

import (
	"crypto/sha256"
	"encoding/hex"
	"errors"
	"fmt"
	"slices"
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

	heading = "haechi release v2"
	instant = "2006-01-02T15:04:05Z" // UTC, whole seconds
)

// NoPrevious is the Previous of sequence 1: the baseline has no release text.
var NoPrevious = strings.Repeat("0", 2*sha256.Size)

// The channels. A client of the preview channel takes every release, one of the
// stable channel only those that say so.
const (
	Stable  = "stable"
	Preview = "preview"
)

// Everyone is the Rollout of a release that is for all clients of its channel.
const Everyone = 100

// Release is what maintainers sign. Created and Expires are whole seconds UTC.
type Release struct {
	Sequence uint64
	Previous string // TextHash of the release before, or NoPrevious
	Pack     string // hash of the canonical pack after this release
	Size     int    // bytes of that pack
	Created  time.Time
	Expires  time.Time
	Channel  string // Stable or Preview
	Rollout  int    // percent of the channel's clients, 1 to Everyone
	Under    uint64 // version of the root whose maintainers sign it
	Root     *Root  // whose signatures count from the next release on; nil: no change
}

// Text is the canonical text that is signed. One release has one text.
func (r Release) Text() string {
	text := fmt.Sprintf("%s\nsequence %d\nprevious %s\npack %s\nsize %d\ncreated %s\nexpires %s\nchannel %s\nrollout %d\nunder %d\n",
		heading, r.Sequence, r.Previous, r.Pack, r.Size,
		r.Created.UTC().Format(instant), r.Expires.UTC().Format(instant), r.Channel, r.Rollout, r.Under)
	if r.Root != nil {
		text += r.Root.lines()
	}
	return text
}

// TextHash is the lower-case hexadecimal SHA-256 of Text: the name of this
// release in the Previous of the next.
func (r Release) TextHash() string {
	return hash([]byte(r.Text()))
}

// For reports whether a client takes the release: its channel and its bucket,
// 0 to 99, which it drew once and keeps.
func (r Release) For(c Client) bool {
	return (r.Channel == Stable || c.Channel == Preview) && c.Bucket < r.Rollout
}

// Sign returns the note of a release with one signature for each signer. It
// refuses a release that no client could accept.
func Sign(r Release, signers ...note.Signer) ([]byte, error) {
	if _, err := parseRelease(r.Text()); err != nil {
		return nil, fmt.Errorf("trust: sign: %w", err)
	}
	return sign(r.Text(), signers)
}

// AddSignature returns a note, of a release or an online key, with one more
// signature.
func AddSignature(msg []byte, signer note.Signer) ([]byte, error) {
	if len(msg) > MaxNote {
		return nil, fmt.Errorf("trust: note of %d bytes: %w", len(msg), ErrTooLarge)
	}
	n, err := note.Open(msg, note.VerifierList())
	var unverified *note.UnverifiedNoteError
	if errors.As(err, &unverified) {
		n, err = unverified.Note, nil
	}
	if err != nil {
		return nil, fmt.Errorf("trust: sign: %w: %w", ErrInvalid, err)
	}
	for _, s := range n.UnverifiedSigs {
		if s.Name == signer.Name() && s.Hash == signer.KeyHash() {
			return nil, fmt.Errorf("trust: sign: %s has signed this already", signer.Name())
		}
	}
	// note.Sign keeps the signatures that are there, verified or not.
	signed, err := note.Sign(n, signer)
	if err != nil {
		return nil, fmt.Errorf("trust: sign: %w", err)
	}
	return signed, nil
}

func sign(text string, signers []note.Signer) ([]byte, error) {
	if len(signers) == 0 {
		return nil, fmt.Errorf("trust: sign: %w", ErrUnsigned)
	}
	msg, err := note.Sign(&note.Note{Text: text}, signers...)
	if err != nil {
		return nil, fmt.Errorf("trust: sign: %w", err)
	}
	return msg, nil
}

// Open returns the release in a note that root.Threshold maintainers signed. A
// release that brings a new root must be signed by enough of its keys too, so
// that nobody rotates to keys that nobody holds. Since a release names the root
// it was signed under, a server cannot hide from a client that the maintainers
// have changed, even where the old ones who stay would be enough.
func Open(msg []byte, root Root) (Release, error) {
	text, err := root.open(msg)
	if err != nil {
		return Release{}, err
	}
	r, err := parseRelease(text)
	switch {
	case err != nil:
		return Release{}, err
	case r.Root != nil && r.Root.Version == root.Version:
		return r, nil // the release that brought this root
	case r.Under != root.Version:
		return Release{}, fmt.Errorf("trust: %w: release %d was signed under root %d, not %d", ErrInvalid, r.Sequence, r.Under, root.Version)
	case r.Root == nil:
		return r, nil
	}
	if _, err := r.Root.open(msg); err != nil {
		return Release{}, fmt.Errorf("the new root: %w", err)
	}
	return r, nil
}

// Signers are the names of the keys of root that signed a note, sorted. A note that
// cannot be read, or with a wrong signature, has none.
func Signers(msg []byte, root Root) []string {
	names := []string{}
	if len(msg) > MaxNote {
		return names
	}
	known, err := root.verifiers()
	if err != nil {
		return names
	}
	if n, err := note.Open(msg, known); err == nil {
		for _, s := range n.Sigs {
			names = append(names, s.Name)
		}
	}
	slices.Sort(names)
	return names
}

// ParseRelease reads the release in a note without believing it: for people who
// are about to sign it, and for tools that show it.
func ParseRelease(msg []byte) (Release, error) {
	if len(msg) > MaxNote {
		return Release{}, fmt.Errorf("trust: note of %d bytes: %w", len(msg), ErrTooLarge)
	}
	text, _, ok := strings.Cut(string(msg), "\n\n")
	if !ok {
		return Release{}, fmt.Errorf("trust: %w: not a signed note", ErrInvalid)
	}
	return parseRelease(text + "\n")
}

// fields are the lines of every release, in their order.
var fields = []string{"sequence", "previous", "pack", "size", "created", "expires", "channel", "rollout", "under"}

// parseRelease reads the text that Text writes, and no other spelling of it.
func parseRelease(text string) (Release, error) {
	body, ended := strings.CutSuffix(text, "\n")
	lines := strings.Split(body, "\n")
	if !ended || len(lines) < 1+len(fields) || lines[0] != heading {
		return Release{}, fmt.Errorf("trust: %w: not a release of version 2", ErrInvalid)
	}
	values, err := valuesOf(lines[1:], fields)
	if err != nil {
		return Release{}, fmt.Errorf("trust: %w: release: %w", ErrInvalid, err)
	}
	sequence, err1 := strconv.ParseUint(values[0], 10, 64)
	size, err2 := strconv.Atoi(values[3])
	created, err3 := time.Parse(instant, values[4])
	expires, err4 := time.Parse(instant, values[5])
	rollout, err5 := strconv.Atoi(values[7])
	under, err6 := strconv.ParseUint(values[8], 10, 64)
	for _, err := range []error{err1, err2, err3, err4, err5, err6} {
		if err != nil {
			return Release{}, fmt.Errorf("trust: %w: release: %w", ErrInvalid, err)
		}
	}
	r := Release{
		Sequence: sequence, Previous: values[1], Pack: values[2], Size: size,
		Created: created, Expires: expires, Channel: values[6], Rollout: rollout, Under: under,
	}
	if rest := lines[1+len(fields):]; len(rest) > 0 {
		root, err := parseRootLines(rest)
		if err != nil {
			return Release{}, err
		}
		r.Root = root
	}
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
	case r.Channel != Stable && r.Channel != Preview:
		return Release{}, fmt.Errorf("trust: %w: channel %.20q is neither stable nor preview", ErrInvalid, r.Channel)
	case r.Rollout < 1 || r.Rollout > Everyone:
		return Release{}, fmt.Errorf("trust: %w: rollout %d is not 1 to 100", ErrInvalid, r.Rollout)
	case r.Under < 1 || r.Under > MaxSequence:
		return Release{}, fmt.Errorf("trust: %w: release under root %d; the first is 1", ErrInvalid, r.Under)
	case r.Root != nil && r.Root.Version != r.Under+1:
		return Release{}, fmt.Errorf("trust: %w: release %d brings root %d under root %d", ErrInvalid, r.Sequence, r.Root.Version, r.Under)
	case r.Root != nil && (r.Channel != Stable || r.Rollout != Everyone):
		return Release{}, fmt.Errorf("trust: %w: new keys are for everyone: channel stable, rollout 100", ErrInvalid)
	}
	return r, nil
}

// valuesOf reads lines of a name and a value each; more lines may follow.
func valuesOf(lines, names []string) ([]string, error) {
	values := make([]string, len(names))
	for i, want := range names {
		name, value, _ := strings.Cut(lines[i], " ")
		if name != want {
			return nil, fmt.Errorf("line %d is not %q", i+2, want) // the heading is line 1
		}
		values[i] = value
	}
	return values, nil
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
