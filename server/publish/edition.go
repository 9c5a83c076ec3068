// SPDX-License-Identifier: Apache-2.0

package publish

import (
	"errors"
	"sync"

	"haechi/rules"
	"haechi/rules/trust"
	"haechi/server/store"
	"haechi/server/wire"
)

// maxDeltas bounds the encoded deltas that one edition keeps, in bytes. Deltas
// beyond it are encoded anew for each who asks.
const maxDeltas = 32 << 20

// edition is one head with the frames that lead to it. Its state never
// changes; a new release replaces the edition and with it the frames.
type edition struct {
	store    *store.Store
	state    trust.State
	note     string
	head     wire.Head
	snapshot func() []byte // encoded at the first call

	mu     sync.Mutex        // held while a delta is encoded: all who ask wait for one
	deltas map[uint64][]byte // by the sequence they start from
	kept   int               // bytes in deltas
}

func newEdition(st *store.Store, state trust.State, note string) *edition {
	return &edition{
		store: st, state: state, note: note,
		head: wire.Head{Sequence: state.Sequence, Pack: state.Pack.Hash()},
		snapshot: sync.OnceValue(func() []byte {
			return wire.Encode(wire.Snapshot{Sequence: state.Sequence, Release: note, Pack: state.Pack.Encode()})
		}),
		deltas: map[uint64][]byte{},
	}
}

// Head returns the frame that says what is newest.
func (p *Publisher) Head() wire.Head { return p.current.Load().head }

// Snapshot returns the encoded frame with the whole pack. It is shared: the
// caller must not change it.
func (p *Publisher) Snapshot() []byte { return p.current.Load().snapshot() }

// Since returns the encoded frame that leads a client at a sequence, with a
// pack of that hash, to the head: a delta, or a snapshot where there is none or
// it would be no smaller. It is shared: the caller must not change it.
func (p *Publisher) Since(sequence uint64, pack string) ([]byte, error) {
	return p.current.Load().since(sequence, pack)
}

func (e *edition) since(sequence uint64, pack string) ([]byte, error) {
	if sequence >= e.head.Sequence {
		return e.snapshot(), nil
	}
	hash, err := e.store.PackHash(sequence)
	if err != nil && !errors.Is(err, store.ErrNotFound) {
		return nil, err
	}
	if hash != pack {
		return e.snapshot(), nil
	}
	e.mu.Lock()
	defer e.mu.Unlock()
	if frame, ok := e.deltas[sequence]; ok {
		return frame, nil
	}
	changes, err := e.store.Changes(sequence, e.head.Sequence)
	if err != nil {
		return nil, err
	}
	frame := wire.Encode(wire.Delta{From: sequence, To: e.head.Sequence, Release: e.note, Changes: changes})
	if len(changes) > rules.MaxPackRules || len(frame) >= len(e.snapshot()) {
		frame = e.snapshot()
	} else if e.kept += len(frame); e.kept > maxDeltas {
		e.kept -= len(frame)
		return frame, nil
	}
	e.deltas[sequence] = frame
	return frame, nil
}
