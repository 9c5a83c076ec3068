// SPDX-License-Identifier: Apache-2.0

package store_test

import (
	"errors"
	"testing"

	"haechi/rules"
	"haechi/server/store"
)

// A release and how the log stands with it are one change, or none.
func TestRecordKeepsBothOrNeither(t *testing.T) {
	dir := t.TempDir()
	s := open(t, dir, baseline("a", "b"))
	if st, err := s.Standing(); err != nil || st != (store.Standing{}) {
		t.Errorf("a new store stands at %+v, %v", st, err)
	}
	next, err := rules.NewPack(baseline("a", "b", "c"))
	if err != nil {
		t.Fatal(err)
	}
	r := release(t, s, next)
	first := store.Standing{Key: "k", Checkpoint: "c1", Log: "shared", Position: 7}
	if err := s.Record(&r, first); err != nil {
		t.Fatal(err)
	}
	if err := s.Record(&r, store.Standing{Checkpoint: "c2", Position: 8}); !errors.Is(err, store.ErrStale) {
		t.Errorf("the same release again: %v", err)
	}
	closeStore(t, s)
	s = open(t, dir, nil)
	defer closeStore(t, s)
	if st, err := s.Standing(); err != nil || st != first {
		t.Errorf("%+v, %v; want %+v", st, err, first)
	}
	if head, err := s.Head(); err != nil || head.Sequence != 1 {
		t.Errorf("%+v, %v", head, err)
	}
	second := store.Standing{Key: "k", Checkpoint: "c2"}
	if err := s.Record(nil, second); err != nil {
		t.Fatal(err)
	}
	if st, err := s.Standing(); err != nil || st != second {
		t.Errorf("%+v, %v; want %+v", st, err, second)
	}
}

// What a store began with opens another one with the same pack.
func TestABaselineOpensAnotherStore(t *testing.T) {
	s := open(t, t.TempDir(), baseline("a", "b"))
	defer closeStore(t, s)
	first, err := s.Release(0)
	if err != nil {
		t.Fatal(err)
	}
	files, sites, err := first.Baseline()
	if err != nil {
		t.Fatal(err)
	}
	other, err := store.Open(t.TempDir(), files, nil, sites...)
	if err != nil {
		t.Fatal(err)
	}
	defer closeStore(t, other)
	if again, err := other.Release(0); err != nil || again.Pack != first.Pack {
		t.Errorf("%s, %v; want %s", again.Pack, err, first.Pack)
	}
}
