// SPDX-License-Identifier: Apache-2.0

package trust

import (
	"fmt"
	"strconv"
	"strings"
	"time"

	"golang.org/x/mod/sumdb/note"
	"golang.org/x/mod/sumdb/tlog"
)

// MaxCheckpoint is the longest life of a checkpoint: the longest that a server
// can hide a newer release from a client without the client knowing.
const MaxCheckpoint = 7 * 24 * time.Hour

const origin = "haechi rules log v1"

// Checkpoint is the state of the log as a server's online key signs it: the
// text of a C2SP checkpoint with two more lines. Size counts releases.
type Checkpoint struct {
	Size    uint64
	Hash    tlog.Hash
	Created time.Time
	Expires time.Time
}

// Text is the canonical text that is signed.
func (c Checkpoint) Text() string {
	return fmt.Sprintf("%s\n%d\n%s\ncreated %s\nexpires %s\n",
		origin, c.Size, c.Hash, c.Created.UTC().Format(instant), c.Expires.UTC().Format(instant))
}

// SignCheckpoint returns the note of a checkpoint. It refuses one that no
// client would take.
func SignCheckpoint(c Checkpoint, online note.Signer) ([]byte, error) {
	if _, err := parseCheckpoint(c.Text()); err != nil {
		return nil, err
	}
	return sign(c.Text(), []note.Signer{online})
}

// OpenCheckpoint returns the checkpoint in a note that key signed. Whether the
// key or the checkpoint has expired is for the caller to ask.
func OpenCheckpoint(msg []byte, key OnlineKey) (Checkpoint, error) {
	text, err := Root{Version: 1, Threshold: 1, Keys: []string{key.Key}}.open(msg)
	if err != nil {
		return Checkpoint{}, fmt.Errorf("checkpoint: %w", err)
	}
	return parseCheckpoint(text)
}

func parseCheckpoint(text string) (Checkpoint, error) {
	wrong := func(what any) (Checkpoint, error) {
		return Checkpoint{}, fmt.Errorf("trust: %w: checkpoint: %v", ErrInvalid, what)
	}
	lines := strings.Split(text, "\n")
	if len(lines) != 6 || lines[0] != origin {
		return wrong("not of version 1")
	}
	size, err1 := strconv.ParseUint(lines[1], 10, 64)
	hash, err2 := tlog.ParseHash(lines[2])
	created, err3 := time.Parse("created "+instant, lines[3])
	expires, err4 := time.Parse("expires "+instant, lines[4])
	for _, err := range []error{err1, err2, err3, err4} {
		if err != nil {
			return wrong(err)
		}
	}
	c := Checkpoint{Size: size, Hash: hash, Created: created, Expires: expires}
	switch {
	case c.Text() != text:
		return wrong("not in canonical form")
	case c.Size > MaxSequence:
		return wrong("size out of range")
	case !c.Expires.After(c.Created) || c.Expires.Sub(c.Created) > MaxCheckpoint:
		return wrong("it lives at least a second and at most seven days")
	}
	return c, nil
}

// Leaf is the record of a release in the log.
func (r Release) Leaf() []byte { return []byte(r.Text()) }
