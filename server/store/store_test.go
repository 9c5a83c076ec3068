// SPDX-License-Identifier: Apache-2.0

package store_test

import (
	"errors"
	"fmt"
	"math/rand/v2"
	"os"
	"path/filepath"
	"reflect"
	"slices"
	"strings"
	"sync"
	"testing"

	"github.com/dgraph-io/badger/v4"

	"haechi/rules"
	"haechi/rules/trust"
	"haechi/rules/trust/trusttest"
	"haechi/server/store"
)

func baseline(ids ...string) []rules.Rule {
	var rs []rules.Rule
	for _, id := range ids {
		rs = append(rs, trusttest.Rule(id))
	}
	return rs
}

func open(t *testing.T, dir string, rs []rules.Rule) *store.Store {
	t.Helper()
	s, err := store.Open(dir, rs, nil)
	if err != nil {
		t.Fatal(err)
	}
	return s
}

func closeStore(t *testing.T, s *store.Store) {
	t.Helper()
	if err := s.Close(); err != nil {
		t.Fatal(err)
	}
}

// release is the next release after the head that leads to next.
func release(t *testing.T, s *store.Store, next rules.Pack) store.Release {
	t.Helper()
	head, err := s.Head()
	if err != nil {
		t.Fatal(err)
	}
	pack, err := s.Pack()
	if err != nil {
		t.Fatal(err)
	}
	signed := trusttest.Release(head.Sequence+1, nil, next)
	if head.Sequence > 0 {
		signed.Previous = head.Release
	}
	r := store.Release{
		Sequence: signed.Sequence, Note: trusttest.Sign(t, signed, "ann"), Text: signed.TextHash(),
		Pack: signed.Pack, Size: signed.Size, Changes: rules.Diff(pack, next), Files: map[string]string{},
	}
	for _, c := range r.Changes {
		if c.Put != nil {
			if pack.Rule(c.Put.ID) == nil {
				r.Added = append(r.Added, c.Put.ID)
			}
			r.Files[c.Put.ID] = string(rules.Format(trusttest.Rule(c.Put.ID)))
		}
	}
	return r
}

func appendPack(t *testing.T, s *store.Store, next rules.Pack) store.Release {
	t.Helper()
	r := release(t, s, next)
	if err := s.Append(r); err != nil {
		t.Fatal(err)
	}
	return r
}

func TestOpenSeedsTheBaselineOnce(t *testing.T) {
	dir := t.TempDir()
	s := open(t, dir, baseline("b", "a"))
	want := trusttest.Pack(t, "a", "b")
	check := func(s *store.Store) {
		t.Helper()
		head, err := s.Head()
		if err != nil || head != (store.Head{Pack: want.Hash()}) {
			t.Errorf("head %+v, %v", head, err)
		}
		pack, err := s.Pack()
		if err != nil || !reflect.DeepEqual(pack, want) {
			t.Errorf("pack %s, %v", pack.Hash(), err)
		}
		r, err := s.Release(0)
		if err != nil || r.Note != "" || r.Files["a"] != string(rules.Format(trusttest.Rule("a"))) {
			t.Errorf("release 0: %v, files %d", err, len(r.Files))
		}
	}
	check(s)
	closeStore(t, s)
	// A later program carries other rules: what is stored stays.
	s = open(t, dir, baseline("a", "b", "c"))
	defer closeStore(t, s)
	check(s)
}

func TestRestartKeepsEverything(t *testing.T) {
	dir := t.TempDir()
	s := open(t, dir, baseline("a", "b"))
	one := appendPack(t, s, trusttest.Pack(t, "a", "b", "c"))
	two := appendPack(t, s, trusttest.Pack(t, "a", "c"))
	closeStore(t, s)

	s = open(t, dir, nil)
	defer closeStore(t, s)
	head, err := s.Head()
	if err != nil || head != (store.Head{Sequence: 2, Release: two.Text, Pack: two.Pack}) {
		t.Errorf("head %+v, %v", head, err)
	}
	for _, want := range []store.Release{one, two} {
		got, err := s.Release(want.Sequence)
		if err != nil || !reflect.DeepEqual(got, want) {
			t.Errorf("release %d: %v\ngot  %+v\nwant %+v", want.Sequence, err, got, want)
		}
		if hash, err := s.PackHash(want.Sequence); err != nil || hash != want.Pack {
			t.Errorf("pack hash %d: %q, %v", want.Sequence, hash, err)
		}
		if _, err := trust.Open([]byte(got.Note), trusttest.Root(t, 1, "ann")); err != nil {
			t.Errorf("the note of release %d no longer verifies: %v", want.Sequence, err)
		}
	}
	if _, err := s.Release(3); !errors.Is(err, store.ErrNotFound) {
		t.Errorf("release 3: %v", err)
	}
	if _, err := s.PackHash(3); !errors.Is(err, store.ErrNotFound) {
		t.Errorf("pack hash 3: %v", err)
	}
	if _, err := s.Changes(1, 3); !errors.Is(err, store.ErrNotFound) {
		t.Errorf("changes to 3: %v", err)
	}
}

func TestFailedAppendChangesNothing(t *testing.T) {
	dir := t.TempDir()
	s := open(t, dir, baseline("a"))
	appendPack(t, s, trusttest.Pack(t, "a", "b"))
	good := release(t, s, trusttest.Pack(t, "a", "b", "c"))
	closeStore(t, s)
	before := dump(t, dir)

	s = open(t, dir, nil)
	for _, sequence := range []uint64{0, 1, 3, 99} {
		r := good
		r.Sequence = sequence
		if err := s.Append(r); !errors.Is(err, store.ErrStale) {
			t.Errorf("sequence %d: %v", sequence, err)
		}
	}
	// Badger refuses a value larger than a value-log file, after the other keys
	// of the transaction have been set.
	giant := good
	giant.Files = map[string]string{"c": strings.Repeat("x", 40<<20)}
	if err := s.Append(giant); err == nil {
		t.Error("a giant release was accepted")
	}
	closeStore(t, s)
	if after := dump(t, dir); !reflect.DeepEqual(before, after) {
		t.Errorf("%d keys became %d, or values changed", len(before), len(after))
	}

	s = open(t, dir, nil)
	defer closeStore(t, s)
	if err := s.Append(good); err != nil { // and it still takes the next release
		t.Error(err)
	}
}

// dump returns every key and value of the Badger database in dir.
func dump(t *testing.T, dir string) map[string]string {
	t.Helper()
	db, err := badger.Open(badger.DefaultOptions(dir).WithLogger(nil))
	if err != nil {
		t.Fatal(err)
	}
	defer db.Close()
	all := map[string]string{}
	err = db.View(func(txn *badger.Txn) error {
		it := txn.NewIterator(badger.DefaultIteratorOptions)
		defer it.Close()
		for it.Rewind(); it.Valid(); it.Next() {
			value, err := it.Item().ValueCopy(nil)
			if err != nil {
				return err
			}
			all[string(it.Item().Key())] = string(value)
		}
		return nil
	})
	if err != nil {
		t.Fatal(err)
	}
	if len(all) == 0 {
		t.Fatal("nothing stored")
	}
	return all
}

// Two maintainers push at once: one gets the sequence, the other ErrStale.
func TestConcurrentAppendsHaveOneWinner(t *testing.T) {
	s := open(t, t.TempDir(), baseline("a"))
	defer closeStore(t, s)
	const pushers = 8
	var wg sync.WaitGroup
	errs := make([]error, pushers)
	var rs [pushers]store.Release
	for i := range rs {
		rs[i] = release(t, s, trusttest.Pack(t, "a", fmt.Sprintf("of-%d", i)))
	}
	for i, r := range rs {
		wg.Go(func() { errs[i] = s.Append(r) })
	}
	wg.Wait()
	won := 0
	for _, err := range errs {
		if err == nil {
			won++
		} else if !errors.Is(err, store.ErrStale) {
			t.Error(err)
		}
	}
	head, err := s.Head()
	if won != 1 || err != nil || head.Sequence != 1 {
		t.Errorf("%d won; head %+v, %v", won, head, err)
	}
	if _, err := s.Pack(); err != nil {
		t.Error(err)
	}
}

// The changes between any two sequences lead from the one pack to the other,
// whatever happened in between.
func TestChangesEqualEveryStepBetween(t *testing.T) {
	const seed, releases = 20261124, 25
	t.Logf("seed %d", seed)
	random := rand.New(rand.NewPCG(seed, 1))
	ids := strings.Fields("a b c d e f")
	dir := t.TempDir()
	s := open(t, dir, baseline("a", "b"))
	packs := []rules.Pack{trusttest.Pack(t, "a", "b")}
	for len(packs) <= releases {
		var rs []rules.Rule
		for _, id := range ids {
			if random.IntN(2) == 0 {
				continue
			}
			r := trusttest.Rule(id)
			r.Title["en"] = fmt.Sprintf("title <%d>", random.IntN(3))
			rs = append(rs, r)
		}
		next, err := rules.NewPack(rs)
		if err != nil {
			t.Fatal(err)
		}
		appendPack(t, s, next)
		packs = append(packs, next)
	}
	closeStore(t, s)
	s = open(t, dir, nil)
	defer closeStore(t, s)
	for from := range packs {
		for to := from; to < len(packs); to++ {
			changes, err := s.Changes(uint64(from), uint64(to))
			if err != nil {
				t.Fatal(err)
			}
			got, err := rules.Apply(packs[from], changes)
			if err != nil || got.Hash() != packs[to].Hash() {
				t.Errorf("from %d to %d: %v", from, to, err)
			}
			if !slices.IsSortedFunc(changes, func(a, b rules.Change) int { return strings.Compare(id(a), id(b)) }) {
				t.Errorf("from %d to %d: not sorted", from, to)
			}
		}
	}
}

func id(c rules.Change) string {
	if c.Put != nil {
		return c.Put.ID
	}
	return c.Remove
}

func TestOpenRefusesADirectoryInUse(t *testing.T) {
	dir := t.TempDir()
	s := open(t, dir, baseline("a"))
	if _, err := store.Open(dir, nil, nil); !errors.Is(err, store.ErrLocked) {
		t.Errorf("got %v, want ErrLocked", err)
	}
	closeStore(t, s)
	closeStore(t, open(t, dir, nil)) // free again
}

// put writes keys into the Badger database in dir behind the store's back.
func put(t *testing.T, dir string, values map[string]string) {
	t.Helper()
	db, err := badger.Open(badger.DefaultOptions(dir).WithLogger(nil))
	if err != nil {
		t.Fatal(err)
	}
	defer db.Close()
	err = db.Update(func(txn *badger.Txn) error {
		for key, value := range values {
			if err := txn.Set([]byte(key), []byte(value)); err != nil {
				return err
			}
		}
		return nil
	})
	if err != nil {
		t.Fatal(err)
	}
}

func TestOpenRefusesWhatItCannotRead(t *testing.T) {
	for name, c := range map[string]struct {
		seeded bool
		values map[string]string
		want   error
	}{
		"a later format":    {true, map[string]string{"format": "3"}, store.ErrFormat},
		"another database":  {false, map[string]string{"users/1": "x"}, store.ErrFormat},
		"a broken head":     {true, map[string]string{"head": "{"}, store.ErrDamaged},
		"a foreign head":    {true, map[string]string{"head": `{"sequence":0,"pack":"x"}`}, store.ErrDamaged},
		"a head too far":    {true, map[string]string{"head": `{"sequence":9,"pack":"x"}`}, store.ErrNotFound},
		"a changed release": {true, map[string]string{"release/00000000000000000000/changes": "[]"}, store.ErrDamaged},
		"a broken release":  {true, map[string]string{"release/00000000000000000000/changes": `[{"remove":"zzz"}]`}, store.ErrDamaged},
	} {
		dir := t.TempDir()
		if c.seeded {
			closeStore(t, open(t, dir, baseline("a")))
		}
		put(t, dir, c.values)
		if _, err := store.Open(dir, baseline("a"), nil); !errors.Is(err, c.want) {
			t.Errorf("%s: got %v, want %v", name, err, c.want)
		}
		// A refusal must free the directory.
		put(t, dir, map[string]string{})
	}
}

func TestOpenRefusesABadBaseline(t *testing.T) {
	dir := t.TempDir()
	if _, err := store.Open(dir, baseline("a", "a"), nil); err == nil {
		t.Fatal("opened with an id that stands twice")
	}
	closeStore(t, open(t, dir, baseline("a"))) // nothing was left behind
}

func TestOpenNeedsADirectory(t *testing.T) {
	file := filepath.Join(t.TempDir(), "file")
	if err := os.WriteFile(file, nil, 0o600); err != nil {
		t.Fatal(err)
	}
	if _, err := store.Open(file, nil, nil); err == nil {
		t.Error("opened a file")
	}
}
