// SPDX-License-Identifier: Apache-2.0

package store

import (
	"errors"
	"fmt"
	"math"
	"time"

	"github.com/dgraph-io/badger/v4"
)

// Reserve is how many bytes the disk must have free before anything is
// written: a release (8 MiB at most, kept twice), the flush of a full memtable
// and the compaction that may follow it.
//
// Badger writes into sparse files that are mapped into memory. Where the disk
// is full such a write is no error but SIGBUS, in one of Badger's goroutines,
// and ends the process. So a full disk has to be noticed before it is written
// to. If another program fills it in the same moment, the process dies as in a
// power cut: nothing that was answered with success is lost, and a restart
// finds the last good head.
const Reserve = 64 << 20

var (
	// ErrFull: the disk has too little room to write. Free some and do the
	// same again; nothing has changed, and no restart is needed.
	ErrFull = errors.New("the disk is full")
	// ErrBroken: a write failed half-way, so what is on disk is unknown. Stop
	// and start the server: the store is checked when it is opened.
	ErrBroken = errors.New("a write to the store failed; restart the server")
)

// roomFor returns ErrFull unless need bytes are free on the disk of dir.
func roomFor(dir string, need uint64) error {
	free, err := freeBytes(dir)
	if err != nil {
		return err
	}
	if free < need {
		return fmt.Errorf("%w: %s has %d MiB free, and %d MiB are needed; free some", ErrFull, dir, free>>20, need>>20)
	}
	return nil
}

// write commits what fill puts into one transaction, or changes nothing. After
// a commit that failed for no known reason the store takes no more writes, and
// its head cannot be read: it may be one that a crash would undo.
func (s *Store) write(fill func(*badger.Txn) error) error {
	if s.broken.Load() {
		return ErrBroken
	}
	if err := roomFor(s.dir, Reserve); err != nil {
		return err
	}
	txn := s.db.NewTransaction(true)
	if err := fill(txn); err != nil {
		txn.Discard()
		return err
	}
	err := inTime(patience, func() error {
		defer txn.Discard()
		return s.commit(txn)
	})
	if err == nil || errors.Is(err, badger.ErrConflict) || errors.Is(err, badger.ErrTxnTooBig) {
		return err // the last two are noticed before anything is written
	}
	if s.broken.CompareAndSwap(false, true) {
		close(s.failed)
	}
	return fmt.Errorf("%w: %w", ErrBroken, err)
}

// Badger tries for ever to write out a full memtable, and holds up commits and
// its closing meanwhile. So a write may take only so long, and closing after a
// write that failed even less.
const (
	patience     = time.Minute
	lastPatience = 5 * time.Second
)

// inTime returns what write returns, or ErrBroken when that takes too long. Then
// write goes on and must own what it uses.
func inTime(within time.Duration, write func() error) error {
	done := make(chan error, 1)
	go func() { done <- write() }()
	select {
	case err := <-done:
		return err
	case <-time.After(within):
		return fmt.Errorf("%w: the disk has taken nothing for %v", ErrBroken, within)
	}
}

// Failed is closed when a write has failed with ErrBroken. What was read
// before may be served on, but the process should end and be started anew.
func (s *Store) Failed() <-chan struct{} { return s.failed }

// noLimit is what freeBytes says where it cannot tell.
const noLimit = math.MaxUint64
