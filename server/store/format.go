// SPDX-License-Identifier: Apache-2.0

package store

import (
	"errors"
	"fmt"
	"runtime/debug"

	"github.com/dgraph-io/badger/v4"
)

// layout is one layout of the keys that this program knows. migrate brings a
// store from the layout before; the first has none.
type layout struct {
	name    string
	migrate func(*badger.Txn) error
}

// layouts, the oldest first; the last is what this program writes. A store with
// a name that is not here was written by a later program and is refused.
var layouts = []layout{{name: "2"}} // 1 was never released

var (
	keyFormat = []byte("format")
	keyWriter = []byte("writer")
)

// version names the program, for the stamp and for whom it is shown to.
func version() string {
	info, ok := debug.ReadBuildInfo()
	if !ok || info.Main.Version == "" {
		return "(devel)"
	}
	return info.Main.Version
}

// stamp writes the newest layout's name and the program's version.
func stamp(txn *badger.Txn, known []layout) error {
	return errors.Join(
		txn.Set(keyFormat, []byte(known[len(known)-1].name)),
		txn.Set(keyWriter, []byte(version())),
	)
}

// upgrade brings the store to the newest of the known layouts, in one
// transaction: after a failure it is as it was. It returns
// badger.ErrKeyNotFound for a store without a stamp and ErrFormat for one that
// a later program wrote.
func (s *Store) upgrade(known []layout) error {
	var name, writer string
	err := s.db.View(func(txn *badger.Txn) error {
		if err := getString(txn, keyFormat, &name); err != nil {
			return err
		}
		err := getString(txn, keyWriter, &writer) // stores of the first programs have none
		if errors.Is(err, badger.ErrKeyNotFound) {
			err = nil
		}
		return err
	})
	if err != nil {
		return err
	}
	at := -1
	for i, l := range known {
		if l.name == name {
			at = i
		}
	}
	if at < 0 {
		return fmt.Errorf("format %.20q, last written by haechi %.40q, while this is %s: %w; use that version, or restore a backup made with this one", name, writer, version(), ErrFormat)
	}
	newer := known[at+1:]
	if len(newer) == 0 && writer == version() {
		return nil
	}
	return s.write(func(txn *badger.Txn) error {
		for _, l := range newer {
			if err := l.migrate(txn); err != nil {
				return fmt.Errorf("from format %q to %q: %w", name, l.name, err)
			}
		}
		return stamp(txn, known)
	})
}

func getString(txn *badger.Txn, key []byte, into *string) error {
	return get(txn, key, func(data []byte) error { *into = string(data); return nil })
}
