// SPDX-License-Identifier: Apache-2.0

package trust

import (
	"fmt"
	"maps"
	"slices"

	"golang.org/x/mod/sumdb/tlog"
)

// Log is the Merkle log of releases, built from their texts: call [Log.Append]
// with each release in order. It is held in memory, 64 bytes a release, since
// the releases themselves are what is stored. The zero value is empty. It is
// not safe for use by several goroutines while it grows.
type Log struct {
	size   int64
	hashes []tlog.Hash // in the order of tlog.StoredHashIndex
}

// Append adds the next release. It refuses any other.
func (l *Log) Append(r Release) error {
	if r.Sequence != l.Size()+1 {
		return fmt.Errorf("trust: release %d after %d in the log", r.Sequence, l.size)
	}
	added, err := tlog.StoredHashes(l.size, r.Leaf(), l.reader())
	if err != nil {
		return fmt.Errorf("trust: log: %w", err)
	}
	l.hashes = append(l.hashes, added...)
	l.size++
	return nil
}

// Clone returns a log that grows apart from this one: what is appended to either
// is not in the other. An assigned copy may share memory that both write to.
func (l *Log) Clone() Log { return Log{size: l.size, hashes: slices.Clip(l.hashes)} }

// Size counts the releases.
func (l *Log) Size() uint64 { return uint64(l.size) }

// Hash is the root hash of the first size releases.
func (l *Log) Hash(size uint64) (tlog.Hash, error) {
	if size > l.Size() {
		return tlog.Hash{}, l.beyond(size)
	}
	return tlog.TreeHash(int64(size), l.reader())
}

// Record proves that a release is in the log.
func (l *Log) Record(sequence uint64) (tlog.RecordProof, error) {
	if sequence < 1 || sequence > l.Size() {
		return nil, l.beyond(sequence)
	}
	return tlog.ProveRecord(l.size, int64(sequence-1), l.reader())
}

// Consistency proves that the first from releases are a prefix; from 0 and the
// size itself need no proof.
func (l *Log) Consistency(from uint64) (tlog.TreeProof, error) {
	switch {
	case from > l.Size():
		return nil, l.beyond(from)
	case from == 0 || from == l.Size():
		return tlog.TreeProof{}, nil
	}
	return tlog.ProveTree(l.size, int64(from), l.reader())
}

func (l *Log) beyond(n uint64) error {
	return fmt.Errorf("trust: the log has %d releases, not %d: %w", l.size, n, ErrLog)
}

func (l *Log) reader() tlog.HashReader {
	return tlog.HashReaderFunc(func(indexes []int64) ([]tlog.Hash, error) {
		out := make([]tlog.Hash, len(indexes))
		for i, index := range indexes {
			if index >= int64(len(l.hashes)) {
				return nil, fmt.Errorf("trust: log: no hash %d", index)
			}
			out[i] = l.hashes[index]
		}
		return out, nil
	})
}

// Prove returns the evidence for a client that saw from releases: head and
// rotations are the notes of the release at the last leaf and of every release
// that brought a root, with their sequences.
func (l *Log) Prove(from uint64, key, checkpoint, head string, rotations map[uint64]string) (Evidence, error) {
	e := Evidence{Type: "log", From: from, Key: key, Checkpoint: checkpoint, Head: head, HeadProof: tlog.RecordProof{}, Rotations: []Rotation{}}
	var err error
	if e.Consistency, err = l.Consistency(from); err != nil {
		return Evidence{}, err
	}
	if l.size > 0 {
		if e.HeadProof, err = l.Record(l.Size()); err != nil {
			return Evidence{}, err
		}
	}
	for _, sequence := range slices.Sorted(maps.Keys(rotations)) {
		proof, err := l.Record(sequence)
		if err != nil {
			return Evidence{}, err
		}
		e.Rotations = append(e.Rotations, Rotation{Release: rotations[sequence], Proof: proof})
	}
	return e, nil
}
