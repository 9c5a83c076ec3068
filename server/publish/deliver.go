// SPDX-License-Identifier: Apache-2.0

package publish

import (
	"errors"
	"fmt"
	"time"

	"haechi/rules"
	"haechi/rules/trust"
	"haechi/server/store"
)

// maxSkew is by how much the clocks of servers that share a log may differ. A
// statement is never older than the one before it, unless that came from a
// clock that was wrong by more.
const maxSkew = 10 * time.Minute

// statement is what is signed about the log as it stands. The zero value says
// nothing.
type statement struct {
	online     trust.OnlineKey
	key        string    // its note
	checkpoint string    // note
	signed     time.Time // when the checkpoint was
}

// kept is the statement as the store keeps it, with the place of its entry.
func (s statement) kept(at Place) store.Standing {
	return store.Standing{Key: s.key, Checkpoint: s.checkpoint, Log: at.Log, Position: at.Position}
}

// believes checks a statement about a log under a root as clients will, except
// for what may have expired.
func believes(root trust.Root, log *trust.Log, key, checkpoint string) (statement, error) {
	online, err := trust.OpenOnlineKey([]byte(key), root)
	if err != nil {
		return statement{}, err
	}
	c, err := trust.OpenCheckpoint([]byte(checkpoint), online)
	if err != nil {
		return statement{}, err
	}
	hash, err := log.Hash(log.Size())
	if err != nil {
		return statement{}, err
	}
	if c.Size != log.Size() || c.Hash != hash {
		return statement{}, fmt.Errorf("the checkpoint is of another log than that of the %d releases here: %w", log.Size(), trust.ErrFork)
	}
	return statement{online: online, key: key, checkpoint: checkpoint, signed: c.Created}, nil
}

// sign states the first size releases of a log as of now.
func (p *Publisher) sign(s *shelf, log *trust.Log, size uint64, root trust.Root, key string) (string, error) {
	online, err := trust.OpenOnlineKey([]byte(key), root)
	if err != nil {
		return "", fmt.Errorf("%w; have it signed under the newest root with \"haechi keys lend\"", err)
	}
	hash, err := log.Hash(size)
	if err != nil {
		return "", err
	}
	now := p.now().UTC().Truncate(time.Second)
	if ahead := s.signed.Sub(now); ahead > 0 && ahead < maxSkew {
		now = s.signed
	}
	c := trust.Checkpoint{Size: size, Hash: hash, Created: now, Expires: now.Add(trust.MaxCheckpoint)}
	signed, err := trust.SignCheckpoint(c, p.online)
	if err != nil {
		return "", err
	}
	if _, err := trust.OpenCheckpoint(signed, online); err != nil {
		return "", fmt.Errorf("the online key that this server holds is not the one that was lent to it: %w", err)
	}
	return string(signed), nil
}

// standing is the shelf with the statement that the store has, if that is of
// this log. From a log that is no longer followed nothing is taken over.
func (s *shelf) standing(st *store.Store, shared bool) (*shelf, error) {
	kept, err := st.Standing()
	if err != nil || kept.Checkpoint == "" || (kept.Log != "") != shared {
		return s, err
	}
	said, err := believes(s.root, &s.log, kept.Key, kept.Checkpoint)
	if err != nil {
		return s, nil // of another root: it is signed anew
	}
	return s.stated(said, Place{Log: kept.Log, Position: kept.Position}), nil
}

// stated is the same shelf under another statement.
func (s *shelf) stated(said statement, at Place) *shelf {
	return &shelf{
		root: s.root, log: s.log, head: s.head, headNote: s.headNote, rotations: s.rotations,
		stable: s.stable, settled: s.settled, preview: s.preview, rollout: s.rollout, all: s.all,
		statement: said, place: at, logs: map[uint64][]byte{},
	}
}

// deliver stores and serves the next entry of the log. What comes from a log
// that is shared is checked like what comes from a maintainer: who can write to
// the log can stop this server, but not make it serve what clients refuse.
func (p *Publisher) deliver(e Entry, at Place) error {
	p.serving.Lock()
	defer p.serving.Unlock()
	s := p.current.Load()
	said := s.statement
	var err error
	switch r := e.Release; {
	case r == nil && e.Size < s.log.Size(): // of long ago; the log is read once more
	case r != nil && r.Sequence < s.log.Size() || r != nil && r.Sequence == 0:
		if err := p.same(*r); err != nil { // it has it already
			return err
		}
	case r != nil && r.Sequence == s.log.Size():
		if err := p.same(*r); err != nil {
			return err
		}
		fallthrough
	case r == nil:
		if said, err = s.newer(s.root, &s.log, e); err != nil {
			return err
		}
	default:
		return p.grow(s, *r, e, at)
	}
	if err := p.store.Record(nil, said.kept(at)); err != nil && !errors.Is(err, store.ErrFull) {
		return err // on a full disk it is not kept, but served
	}
	p.current.Store(s.stated(said, at))
	if e.Release != nil {
		p.held.Store(e.Release.Sequence + 1)
	}
	return nil
}

// grow stores and serves the release after the head.
func (p *Publisher) grow(s *shelf, r store.Release, e Entry, at Place) error {
	root, log, err := s.admits(r)
	if err != nil {
		return err
	}
	said, err := s.newer(root, &log, e)
	if err != nil {
		return err
	}
	if err := p.store.Record(&r, said.kept(at)); err != nil {
		return err
	}
	next, err := s.grown(p.store)
	if err != nil {
		return err
	}
	p.current.Store(next.stated(said, at))
	p.held.Store(r.Sequence + 1)
	p.announce()
	return nil
}

// newer is the statement of an entry about a log, or the one that s has where
// clients would take that for the newer of the two.
func (s *shelf) newer(root trust.Root, log *trust.Log, e Entry) (statement, error) {
	said, err := believes(root, log, e.Key, e.Checkpoint)
	if err != nil {
		return statement{}, err
	}
	before := s.signed.Sub(said.signed)
	older := said.online.Version < s.online.Version || said.online.Version == s.online.Version && before > 0 && before < maxSkew
	if older && log.Size() == s.log.Size() {
		return s.statement, nil
	}
	return said, nil
}

// same refuses another release than the one that the store has of its number.
func (p *Publisher) same(r store.Release) error {
	kept, err := p.store.Release(r.Sequence)
	if err != nil {
		return err
	}
	if kept.Text != r.Text || kept.Pack != r.Pack {
		return fmt.Errorf("release %d of the log is not the one that this server has: %w", r.Sequence, trust.ErrFork)
	}
	return nil
}

// admits checks a release against the head that it must follow. It returns the
// root and the log after it.
func (s *shelf) admits(r store.Release) (trust.Root, trust.Log, error) {
	root, log := s.root, s.log.Clone()
	fail := func(err error) (trust.Root, trust.Log, error) {
		return root, log, fmt.Errorf("release %d: %w", r.Sequence, err)
	}
	release, err := trust.Open([]byte(r.Note), root)
	if err != nil {
		return fail(err)
	}
	previous := trust.NoPrevious
	if log.Size() > 0 {
		previous = s.head.TextHash()
	}
	if release.Sequence != r.Sequence || release.TextHash() != r.Text {
		return fail(fmt.Errorf("the note is of another release: %w", trust.ErrInvalid))
	}
	if release.Sequence != log.Size()+1 {
		return fail(fmt.Errorf("%w after release %d; restore a backup of another server of the cluster into this one", trust.ErrGap, log.Size()))
	}
	if release.Previous != previous {
		return fail(trust.ErrFork)
	}
	if err := log.Append(release); err != nil {
		return fail(err)
	}
	pack, err := rules.Apply(s.preview.pack, r.Changes)
	if err != nil {
		return fail(err)
	}
	if hash, size := pack.Sum(); hash != release.Pack || size != release.Size || hash != r.Pack || size != r.Size {
		return fail(trust.ErrMismatch)
	}
	if release.Root != nil {
		root = *release.Root
	}
	return root, log, nil
}
