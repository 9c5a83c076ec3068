// SPDX-License-Identifier: Apache-2.0

package store

import (
	"errors"
	"testing"

	"github.com/dgraph-io/badger/v4"
)

// The layouts of tomorrow: what an old store becomes, and what happens when
// that fails.
func TestUpgradeMigratesInOneTransaction(t *testing.T) {
	s, err := Open(t.TempDir(), nil, nil)
	if err != nil {
		t.Fatal(err)
	}
	defer s.Close()
	put := func(key, value string) func(*badger.Txn) error {
		return func(txn *badger.Txn) error { return txn.Set([]byte(key), []byte(value)) }
	}
	read := func(key string) string {
		t.Helper()
		var value string
		err := s.db.View(func(txn *badger.Txn) error { return getString(txn, []byte(key), &value) })
		if err != nil && !errors.Is(err, badger.ErrKeyNotFound) {
			t.Fatal(err)
		}
		return value
	}
	one, two := layouts[len(layouts)-1], layout{"next", put("new", "two")}
	broken := layout{"after next", func(txn *badger.Txn) error {
		return errors.Join(put("new", "three")(txn), errors.New("cannot"))
	}}

	if err := s.upgrade([]layout{one, two, broken}); err == nil {
		t.Error("a migration that fails was reported as done")
	}
	if read("format") != one.name || read("new") != "" {
		t.Errorf("half migrated: format %q, new %q", read("format"), read("new"))
	}
	if err := s.upgrade([]layout{one, two}); err != nil || read("format") != "next" || read("new") != "two" {
		t.Errorf("%v: format %q, new %q", err, read("format"), read("new"))
	}
	if err := s.upgrade([]layout{one, two}); err != nil { // nothing to do
		t.Error(err)
	}
	if err := s.upgrade([]layout{one}); !errors.Is(err, ErrFormat) {
		t.Errorf("a program that knows only the old one: %v, want ErrFormat", err)
	}
	if read("format") != "next" || read("writer") != version() {
		t.Errorf("the stamp: %q by %q", read("format"), read("writer"))
	}
}

// The first programs left no writer; theirs is written once.
func TestUpgradeStampsTheWriter(t *testing.T) {
	s, err := Open(t.TempDir(), nil, nil)
	if err != nil {
		t.Fatal(err)
	}
	defer s.Close()
	for _, change := range []func(*badger.Txn) error{
		func(txn *badger.Txn) error { return txn.Delete(keyWriter) },
		func(txn *badger.Txn) error { return txn.Set(keyWriter, []byte("v0.0.1")) },
	} {
		if err := s.db.Update(change); err != nil {
			t.Fatal(err)
		}
		var writer string
		if err := s.upgrade(layouts); err != nil {
			t.Fatal(err)
		}
		if err := s.db.View(func(txn *badger.Txn) error { return getString(txn, keyWriter, &writer) }); err != nil || writer != version() {
			t.Errorf("writer %q, %v", writer, err)
		}
	}
}
