// SPDX-License-Identifier: Apache-2.0

package store

import (
	"errors"
	"fmt"

	"github.com/dgraph-io/badger/v4"
)

// keyStanding is the key of the newest Standing; rewritten.
var keyStanding = []byte("standing")

// Standing is the newest signed statement about the log of releases, and how
// far a log that several servers share was read.
type Standing struct {
	Key        string `json:"key"`                // the online key's note
	Checkpoint string `json:"checkpoint"`         // the note of the statement
	Log        string `json:"log,omitempty"`      // the shared log's name; empty: this store is the log
	Position   uint64 `json:"position,omitempty"` // of the last entry that was read from it
}

// Standing returns what was recorded last, the zero value if nothing was.
func (s *Store) Standing() (Standing, error) {
	var st Standing
	err := s.db.View(func(txn *badger.Txn) error { return getJSON(txn, keyStanding, &st) })
	if err != nil && !errors.Is(err, badger.ErrKeyNotFound) {
		return Standing{}, fmt.Errorf("store: standing: %w", err)
	}
	return st, nil
}

// Record replaces the standing, with a release that follows the head if r is
// not nil, or changes nothing. Its errors are those of Append.
func (s *Store) Record(r *Release, standing Standing) error {
	err := s.write(func(txn *badger.Txn) error {
		if err := putJSON(txn, keyStanding, standing); err != nil || r == nil {
			return err
		}
		return r.follow(txn)
	})
	if errors.Is(err, badger.ErrConflict) { // another was first
		err = ErrStale
	}
	if err != nil {
		return fmt.Errorf("store: standing: %w", err)
	}
	return nil
}
