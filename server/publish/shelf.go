// SPDX-License-Identifier: Apache-2.0

package publish

import (
	"errors"
	"fmt"
	"maps"
	"sync"

	"golang.org/x/mod/sumdb/tlog"

	"haechi/rules"
	"haechi/rules/trust"
	"haechi/server/store"
	"haechi/server/wire"
)

// maxLogs bounds the encoded log frames that a shelf keeps, by count.
const maxLogs = 1024

// shelf is everything that is served between two changes: the log, how it was
// signed, and the editions that clients may be led to. It never changes but for
// its cache; a release or a new checkpoint replaces it.
type shelf struct {
	root      trust.Root // newest
	log       trust.Log
	head      trust.Release // zero for an empty log
	headNote  string
	rotations map[uint64]string
	statement
	place   Place // of the entry that made it
	stable  *edition
	settled *edition // the newest stable one that is for everyone
	preview *edition // the newest of all
	rollout int      // of stable
	all     int      // rollout of preview

	mu   sync.Mutex
	logs map[uint64][]byte // encoded log frames by the size they start from
}

// heads returns what is newest on a channel.
func (s *shelf) heads(channel string) wire.Head {
	newest, rollout := s.stable, s.rollout
	if channel == trust.Preview {
		newest, rollout = s.preview, s.all
	}
	return wire.Head{
		Sequence: newest.sequence, Pack: newest.hash, Rollout: rollout,
		Settled: s.settled.sequence, SettledPack: s.settled.hash, Log: s.log.Size(),
	}
}

// edition returns the one at a sequence, or nil.
func (s *shelf) edition(sequence uint64) *edition {
	for _, e := range []*edition{s.preview, s.stable, s.settled} {
		if e.sequence == sequence {
			return e
		}
	}
	return nil
}

// target is the edition at a sequence. Where that has been superseded while the
// client asked, it is the newest that is for everyone.
func (s *shelf) target(sequence uint64) *edition {
	if e := s.edition(sequence); e != nil {
		return e
	}
	return s.settled
}

// evidence is the encoded log frame for a client that saw from releases. One
// that claims to have seen more than there are gets what is for a newcomer.
func (s *shelf) evidence(from uint64) ([]byte, error) {
	if from > s.log.Size() {
		from = 0
	}
	s.mu.Lock()
	defer s.mu.Unlock()
	if frame, ok := s.logs[from]; ok {
		return frame, nil
	}
	e, err := s.log.Prove(from, s.key, s.checkpoint, s.headNote, s.rotations)
	if err != nil {
		return nil, err
	}
	frame := wire.Encode(wire.Log(e))
	if len(s.logs) < maxLogs {
		s.logs[from] = frame
	}
	return frame, nil
}

// grown is the shelf after the releases that the store has and s lacks. Its
// statement is still to come.
func (s *shelf) grown(st *store.Store) (*shelf, error) {
	next := &shelf{root: s.root, log: s.log.Clone(), head: s.head, headNote: s.headNote, rotations: maps.Clone(s.rotations)}
	rollout := map[uint64]int{0: trust.Everyone}
	var stable, settled uint64
	if s.stable != nil {
		stable, settled = s.stable.sequence, s.settled.sequence
		rollout[stable] = s.rollout
	}
	notes := map[uint64]string{s.log.Size(): s.headNote}
	err := st.Notes(s.log.Size(), func(sequence uint64, msg string) error {
		r, err := trust.Open([]byte(msg), next.root)
		if err != nil {
			return fmt.Errorf("release %d does not count under this trust root: %w; serve it with the root it was published under, or give another --data", sequence, err)
		}
		if err := next.log.Append(r); err != nil {
			return err
		}
		if r.Root != nil {
			next.root, next.rotations[sequence] = *r.Root, msg
		}
		if r.Channel == trust.Stable {
			stable = sequence
			if r.Rollout == trust.Everyone {
				settled = sequence
			}
		}
		next.head, next.headNote, notes[sequence], rollout[sequence] = r, msg, msg, r.Rollout
		return nil
	})
	if err != nil {
		return nil, err
	}
	made := map[uint64]*edition{}
	place := func(sequence uint64) (*edition, error) {
		if made[sequence] != nil {
			return made[sequence], nil
		}
		e, err := s.reissue(st, &next.log, sequence)
		made[sequence] = e
		return e, err
	}
	var errs [3]error
	next.preview, errs[0] = place(next.log.Size())
	next.stable, errs[1] = place(stable)
	next.settled, errs[2] = place(settled)
	next.rollout, next.all = rollout[stable], rollout[next.log.Size()]
	return next, errors.Join(errs[:]...)
}

// reissue makes the edition at a sequence with its proof in a log, from the
// pack that s has of it or from the store.
func (s *shelf) reissue(st *store.Store, log *trust.Log, sequence uint64) (*edition, error) {
	var proof tlog.RecordProof
	if sequence > 0 {
		var err error
		if proof, err = log.Record(sequence); err != nil {
			return nil, err
		}
	}
	if s.preview != nil {
		if e := s.edition(sequence); e != nil {
			return newEdition(st, sequence, e.pack, e.hash, e.size, e.note, proof), nil
		}
	}
	r, err := st.Release(sequence)
	if err != nil {
		return nil, err
	}
	var pack rules.Pack
	if s.preview != nil && sequence == s.preview.sequence+1 {
		pack, err = rules.Apply(s.preview.pack, r.Changes)
	} else {
		pack, err = st.PackAt(sequence)
	}
	if err != nil {
		return nil, err
	}
	return newEdition(st, sequence, pack, r.Pack, r.Size, r.Note, proof), nil
}
