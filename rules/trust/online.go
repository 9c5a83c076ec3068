// SPDX-License-Identifier: Apache-2.0

package trust

import (
	"fmt"
	"strconv"
	"strings"
	"time"

	"golang.org/x/mod/sumdb/note"
)

// MaxOnline is the longest life of an online key.
const MaxOnline = 90 * 24 * time.Hour

const onlineHeading = "haechi online key v1"

// OnlineKey is what maintainers sign to let a server sign checkpoints with Key
// until Expires. A client that knows a version takes no lower one. With Forget,
// what clients saw under lower versions counts no more: the way back after a
// stolen key has shown some of them another log.
type OnlineKey struct {
	Version uint64
	Key     string // verifier key of the note package
	Created time.Time
	Expires time.Time
	Forget  bool
}

// Text is the canonical text that is signed.
func (k OnlineKey) Text() string {
	forget := "no"
	if k.Forget {
		forget = "yes"
	}
	return fmt.Sprintf("%s\nversion %d\nkey %s\ncreated %s\nexpires %s\nforget %s\n",
		onlineHeading, k.Version, k.Key, k.Created.UTC().Format(instant), k.Expires.UTC().Format(instant), forget)
}

// SignOnlineKey returns the note that lends an online key. It refuses one that
// no client would take.
func SignOnlineKey(k OnlineKey, signers ...note.Signer) ([]byte, error) {
	if _, err := parseOnlineKey(k.Text()); err != nil {
		return nil, err
	}
	return sign(k.Text(), signers)
}

// OpenOnlineKey returns the key in a note that root.Threshold maintainers
// signed. Whether it has expired is for the caller to ask.
func OpenOnlineKey(msg []byte, root Root) (OnlineKey, error) {
	text, err := root.open(msg)
	if err != nil {
		return OnlineKey{}, fmt.Errorf("online key: %w", err)
	}
	return parseOnlineKey(text)
}

func parseOnlineKey(text string) (OnlineKey, error) {
	wrong := func(what string, err error) (OnlineKey, error) {
		if err != nil {
			return OnlineKey{}, fmt.Errorf("trust: %w: online key: %s: %w", ErrInvalid, what, err)
		}
		return OnlineKey{}, fmt.Errorf("trust: %w: online key: %s", ErrInvalid, what)
	}
	lines := strings.Split(text, "\n")
	if len(lines) != 7 || lines[0] != onlineHeading {
		return wrong("not of version 1", nil)
	}
	values, err := valuesOf(lines[1:], []string{"version", "key", "created", "expires", "forget"})
	if err != nil {
		return wrong("a line", err)
	}
	version, err1 := strconv.ParseUint(values[0], 10, 64)
	created, err2 := time.Parse(instant, values[2])
	expires, err3 := time.Parse(instant, values[3])
	_, err4 := note.NewVerifier(values[1])
	for _, err := range []error{err1, err2, err3, err4} {
		if err != nil {
			return wrong("a field", err)
		}
	}
	k := OnlineKey{Version: version, Key: values[1], Created: created, Expires: expires, Forget: values[4] == "yes"}
	switch {
	case k.Text() != text:
		return wrong("not in canonical form", nil)
	case k.Version < 1 || k.Version > MaxSequence:
		return wrong("version out of range", nil)
	case !k.Expires.After(k.Created) || k.Expires.Sub(k.Created) > MaxOnline:
		return wrong("it lives at least a second and at most 90 days", nil)
	}
	return k, nil
}
