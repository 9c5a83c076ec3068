// SPDX-License-Identifier: Apache-2.0

package publish

import (
	"errors"
	"sync"

	"golang.org/x/mod/sumdb/tlog"

	"haechi/rules"
	"haechi/rules/delta"
	"haechi/server/store"
	"haechi/server/wire"
)

// maxDeltas bounds the encoded deltas that one edition keeps, in bytes. Deltas
// beyond it are encoded anew for each who asks.
const maxDeltas = 32 << 20

// edition is one release that clients are led to, with the frames that lead
// there. It never changes; since proofs depend on the size of the log, a new
// release replaces the edition.
type edition struct {
	store    *store.Store
	sequence uint64
	pack     rules.Pack
	hash     string // of pack
	size     int    // of pack, in canonical bytes
	note     string // empty for sequence 0
	proof    tlog.RecordProof
	snapshot func() []byte // encoded at the first call

	mu     sync.Mutex        // held while a delta is encoded: all who ask wait for one
	deltas map[uint64][]byte // by the sequence they start from; nil: none that is smaller than the snapshot
	kept   int               // bytes in deltas
}

// newEdition takes hash and size of the pack as well: they are known, and cost
// an encoding of the whole pack.
func newEdition(st *store.Store, sequence uint64, pack rules.Pack, hash string, size int, note string, proof tlog.RecordProof) *edition {
	e := &edition{
		store: st, sequence: sequence, pack: pack, hash: hash, size: size, note: note, proof: proof,
		deltas: map[uint64][]byte{},
	}
	e.snapshot = sync.OnceValue(func() []byte { return e.around(pack.Encode()) })
	return e
}

// around is the snapshot frame with a pack in it.
func (e *edition) around(pack []byte) []byte {
	return wire.Encode(wire.Snapshot{Sequence: e.sequence, Release: e.note, Proof: e.proof, Pack: pack})
}

// snapshotSize is the length of the snapshot frame, known before anybody has
// asked for it.
func (e *edition) snapshotSize() int {
	const empty = "{}"
	return len(e.around([]byte(empty))) - len(empty) + e.size
}

// since is the delta for a client at a sequence with a pack of that hash, or
// the snapshot where there is none or it would be no smaller.
func (e *edition) since(sequence uint64, pack string) ([]byte, error) {
	hash, err := e.store.PackHash(sequence)
	if err != nil && !errors.Is(err, store.ErrNotFound) {
		return nil, err
	}
	if hash != pack {
		return e.snapshot(), nil
	}
	frame, err := e.delta(sequence)
	if frame == nil && err == nil {
		frame = e.snapshot()
	}
	return frame, err
}

// delta is the frame that leads here from an earlier sequence, or nil where a
// snapshot would be no larger.
func (e *edition) delta(from uint64) ([]byte, error) {
	if from >= e.sequence {
		return nil, nil
	}
	e.mu.Lock()
	defer e.mu.Unlock()
	if frame, ok := e.deltas[from]; ok {
		return frame, nil
	}
	changes, err := e.store.Changes(from, e.sequence)
	if err != nil {
		return nil, err
	}
	// They are kept whole, because a later release may replace an earlier one;
	// they travel small.
	before, err := e.store.PackAt(from)
	if err != nil {
		return nil, err
	}
	if changes, err = delta.Shrink(before, changes); err != nil {
		return nil, err
	}
	frame := wire.Encode(wire.Delta{From: from, To: e.sequence, Release: e.note, Proof: e.proof, Changes: changes})
	if len(changes) > rules.MaxPackRules || len(frame) >= e.snapshotSize() {
		frame = nil
	} else if e.kept += len(frame); e.kept > maxDeltas {
		e.kept -= len(frame)
		return frame, nil
	}
	e.deltas[from] = frame
	return frame, nil
}
