// SPDX-License-Identifier: Apache-2.0

package trust

import (
	"encoding/json"
	"fmt"
	"time"

	"golang.org/x/mod/sumdb/tlog"
)

// maxProof bounds a proof in hashes: a log of 2^53 leaves needs no more.
const maxProof = 128

// maxRotations bounds how many new roots one client catches up with at once.
const maxRotations = 64

// Evidence is a log frame as it came from the network: how the log stands, with
// what proves it to a client that saw From releases before. Nothing in it is
// believed yet.
type Evidence struct {
	Type        string           `json:"type"` // "log"
	From        uint64           `json:"from"`
	Key         string           `json:"key"`         // the online key's note
	Checkpoint  string           `json:"checkpoint"`  // its note
	Head        string           `json:"head"`        // the note of the release at the last leaf; empty for an empty log
	HeadProof   tlog.RecordProof `json:"head_proof"`  // that Head is the last leaf
	Consistency tlog.TreeProof   `json:"consistency"` // that the first From leaves are those seen before
	Rotations   []Rotation       `json:"rotations"`   // releases that brought new roots, oldest first
}

// Rotation is a release that brought a new root, and its place in the log.
type Rotation struct {
	Release string           `json:"release"` // the note
	Proof   tlog.RecordProof `json:"proof"`
}

// ParseEvidence reads a log frame. Fields it does not know are passed over, so
// that later servers may send more.
func ParseEvidence(frame []byte) (Evidence, error) {
	if len(frame) > MaxFrame {
		return Evidence{}, fmt.Errorf("trust: frame of %d bytes: %w", len(frame), ErrTooLarge)
	}
	var e Evidence
	if err := json.Unmarshal(frame, &e); err != nil {
		return Evidence{}, fmt.Errorf("trust: %w: %w", ErrInvalid, err)
	}
	if e.Type != "log" {
		return Evidence{}, fmt.Errorf("trust: %w: frame type %q is not log", ErrInvalid, e.Type)
	}
	return e, nil
}

// Seen is what a client remembers of the log: the newest checkpoint it
// believed. The zero value has seen nothing.
type Seen struct {
	Size    uint64    `json:"size"`
	Hash    tlog.Hash `json:"hash"`
	Key     uint64    `json:"key"`     // version of the online key that signed it
	Created time.Time `json:"created"` // when it was signed: how fresh the rules are known to be
}

// view is a checkpoint that was believed, with what came with it.
type view struct {
	root       Root
	seen       Seen
	checkpoint Checkpoint
	head       Release   // zero for an empty log
	now        time.Time // the instant at which it was believed
}

// believe checks evidence in this order: sizes; the chain of roots; the online
// key under the newest root; the checkpoint; that it is neither older nor
// smaller than the one seen and that the log seen is a prefix; the rotations'
// places in the log; that the release at the last leaf is signed and is there.
//
// A clock set back does not revive what has expired: now is never before the
// checkpoint seen. A key that lets forget lets that instant go too, because a
// stolen key may have signed one far ahead, after which nothing would count.
func believe(root Root, now time.Time, seen Seen, e Evidence) (view, error) {
	if len(e.HeadProof) > maxProof || len(e.Consistency) > maxProof || len(e.Rotations) > maxRotations {
		return view{}, fmt.Errorf("trust: proofs: %w", ErrTooLarge)
	}
	rotations, root, err := follow(root, e.Rotations)
	if err != nil {
		return view{}, err
	}
	key, err := OpenOnlineKey([]byte(e.Key), root)
	if err != nil {
		return view{}, err
	}
	if key.Version > seen.Key && key.Forget {
		seen = Seen{}
	}
	if now.Before(seen.Created) {
		now = seen.Created
	}
	switch {
	case key.Version < seen.Key:
		return view{}, fmt.Errorf("trust: online key %d after %d: %w", key.Version, seen.Key, ErrRollback)
	case !now.Before(key.Expires):
		return view{}, fmt.Errorf("trust: online key: %w on %s", ErrExpired, key.Expires.Format(time.DateOnly))
	}
	c, err := OpenCheckpoint([]byte(e.Checkpoint), key)
	if err != nil {
		return view{}, err
	}
	// Clients take no checkpoint older than the last, so one of the far future
	// would cut them off from every honest one.
	if !c.Created.Before(key.Expires) {
		return view{}, fmt.Errorf("trust: %w: checkpoint of %s under a key lent until %s", ErrInvalid, c.Created.Format(instant), key.Expires.Format(instant))
	}
	if !now.Before(c.Expires) {
		return view{}, fmt.Errorf("trust: checkpoint: %w on %s", ErrExpired, c.Expires.Format(time.DateOnly))
	}
	if err := extends(seen, c, e); err != nil {
		return view{}, err
	}
	v := view{root: root, now: now, checkpoint: c, seen: Seen{Size: c.Size, Hash: c.Hash, Key: key.Version, Created: c.Created}}
	for i, r := range rotations {
		if err := v.holds(r, e.Rotations[i].Proof); err != nil {
			return view{}, fmt.Errorf("root %d: %w", r.Root.Version, err)
		}
	}
	if c.Size == 0 {
		if empty, _ := tlog.TreeHash(0, nil); c.Hash != empty || e.Head != "" {
			return view{}, fmt.Errorf("trust: %w: an empty log with a hash or a head", ErrFork)
		}
		return v, nil
	}
	if v.head, err = Open([]byte(e.Head), root); err != nil {
		return view{}, fmt.Errorf("head: %w", err)
	}
	if v.head.Sequence != c.Size {
		return view{}, fmt.Errorf("trust: %w: %d releases, and the last is %d", ErrFork, c.Size, v.head.Sequence)
	}
	if err := v.holds(v.head, e.HeadProof); err != nil {
		return view{}, err
	}
	return v, v.knows(v.head)
}

// knows refuses a release that brings a root which the rotations did not lead
// to: the server hides it, so that keys which were taken away go on counting.
func (v view) knows(r Release) error {
	if r.Root != nil && r.Root.Version > v.root.Version {
		return fmt.Errorf("trust: %w: release %d brings root %d, which the evidence hides", ErrInvalid, r.Sequence, r.Root.Version)
	}
	return nil
}

// follow goes from a root to the newest that the rotations prove, and passes
// over those it has behind it. It returns the rotations' releases.
func follow(root Root, rotations []Rotation) ([]Release, Root, error) {
	var out []Release
	for _, rotation := range rotations {
		r, err := ParseRelease([]byte(rotation.Release))
		switch {
		case err != nil:
			return nil, Root{}, err
		case r.Root == nil:
			return nil, Root{}, fmt.Errorf("trust: %w: release %d brings no root", ErrInvalid, r.Sequence)
		case r.Root.Version > root.Version:
			if r, err = Open([]byte(rotation.Release), root); err != nil {
				return nil, Root{}, fmt.Errorf("root %d: %w", root.Version+1, err)
			}
			root = *r.Root
		}
		out = append(out, r)
	}
	return out, root, nil
}

// extends holds a checkpoint against what was seen before.
func extends(seen Seen, c Checkpoint, e Evidence) error {
	switch {
	case c.Size < seen.Size || c.Created.Before(seen.Created):
		return fmt.Errorf("trust: checkpoint of %d releases on %s: %w (%d on %s)", c.Size, c.Created.Format(instant), ErrRollback, seen.Size, seen.Created.Format(instant))
	case seen.Size == 0:
		return nil
	case e.From != seen.Size:
		return fmt.Errorf("trust: %w: proof from %d, seen %d", ErrGap, e.From, seen.Size)
	}
	if err := tlog.CheckTree(e.Consistency, int64(c.Size), c.Hash, int64(seen.Size), seen.Hash); err != nil {
		return fmt.Errorf("trust: %w: the log of %d releases does not continue the one of %d: %w", ErrFork, c.Size, seen.Size, err)
	}
	return nil
}

// holds checks that a release is the leaf at its place.
func (v view) holds(r Release, proof tlog.RecordProof) error {
	if len(proof) > maxProof {
		return fmt.Errorf("trust: proof: %w", ErrTooLarge)
	}
	if r.Sequence > v.checkpoint.Size {
		return fmt.Errorf("trust: %w: release %d is beyond the log's end at %d", ErrLog, r.Sequence, v.checkpoint.Size)
	}
	if err := tlog.CheckRecord(proof, int64(v.checkpoint.Size), v.checkpoint.Hash, int64(r.Sequence-1), tlog.RecordHash(r.Leaf())); err != nil {
		return fmt.Errorf("trust: %w: release %d: %w", ErrLog, r.Sequence, err)
	}
	return nil
}
