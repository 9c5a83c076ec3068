// SPDX-License-Identifier: Apache-2.0

package store

import "github.com/dgraph-io/badger/v4"

// FailCommits makes every commit of s, from now on, return err: after it has
// written everything (persisted) or before.
func FailCommits(s *Store, persisted bool, err error) {
	s.commit = func(txn *badger.Txn) error {
		if persisted {
			if err := txn.Commit(); err != nil {
				return err
			}
		}
		return err
	}
}
