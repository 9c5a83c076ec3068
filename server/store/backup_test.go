// SPDX-License-Identifier: Apache-2.0

package store_test

import (
	"bytes"
	"errors"
	"fmt"
	"maps"
	"os"
	"path/filepath"
	"reflect"
	"strings"
	"testing"

	"haechi/rules/trust/trusttest"
	"haechi/server/store"
)

// backup writes a backup file of s.
func backup(t *testing.T, s *store.Store) (file string, b store.Backup) {
	t.Helper()
	var out bytes.Buffer
	b, err := s.Backup(&out)
	if err != nil {
		t.Fatal(err)
	}
	file = filepath.Join(t.TempDir(), "haechi.backup")
	if err := os.WriteFile(file, out.Bytes(), 0o600); err != nil {
		t.Fatal(err)
	}
	if b.Bytes != int64(out.Len()) {
		t.Errorf("%d bytes, the file has %d", b.Bytes, out.Len())
	}
	return file, b
}

// upTo drops from a dump what came after a sequence, and the head, which is
// compared by itself.
func upTo(all map[string]string, sequence uint64) map[string]string {
	kept := maps.Clone(all)
	maps.DeleteFunc(kept, func(key, _ string) bool {
		return key == "head" || strings.HasPrefix(key, "release/") && key >= fmt.Sprintf("release/%020d", sequence+1)
	})
	return kept
}

// Backups that are made while releases are appended are whole: each holds every
// key up to its sequence, as it was stored, and nothing later.
func TestBackupsWhileAppendingRestoreEqual(t *testing.T) {
	dir := t.TempDir()
	s := open(t, dir, baseline("a"))
	const releases = 40
	heads := []store.Head{{Pack: trusttest.Pack(t, "a").Hash()}}
	appended := make(chan struct{})
	go func() {
		defer close(appended)
		for i := range releases {
			ids := []string{"a", fmt.Sprintf("of-%d", i)}
			if i%10 == 9 { // one that is large enough for the value log
				for j := range 30 {
					ids = append(ids, fmt.Sprintf("more-%d-%d", i, j))
				}
			}
			r := appendPack(t, s, trusttest.Pack(t, ids...))
			heads = append(heads, store.Head{Sequence: r.Sequence, Release: r.Text, Pack: r.Pack})
		}
	}()
	files := map[string]store.Backup{}
	for running := true; running; {
		select {
		case <-appended:
			running = false
		default:
		}
		file, b := backup(t, s)
		files[file] = b
	}
	closeStore(t, s)
	original := dump(t, dir)

	sequences := map[uint64]bool{}
	for file, b := range files {
		if sequences[b.Sequence] {
			continue
		}
		sequences[b.Sequence] = true
		if got, err := store.CheckBackup(file); err != nil || got != b {
			t.Errorf("the file says %+v, %v, want %+v", got, err, b)
		}
		to := filepath.Join(t.TempDir(), "new", "store")
		if got, err := store.Restore(to, file, nil); err != nil || got != b {
			t.Fatalf("restore: %+v, %v", got, err)
		}
		restored := open(t, to, nil)
		if head, err := restored.Head(); err != nil || head != heads[b.Sequence] {
			t.Errorf("head %+v, %v, want %+v", head, err, heads[b.Sequence])
		}
		closeStore(t, restored)
		if got, want := upTo(dump(t, to), releases), upTo(original, b.Sequence); !reflect.DeepEqual(got, want) {
			t.Errorf("sequence %d: %d keys restored, want %d, or values differ", b.Sequence, len(got), len(want))
		}
	}
	if !sequences[releases] {
		t.Error("the last backup lacks the last release")
	}
	t.Logf("%d backups, %d different sequences", len(files), len(sequences))

	// A restored store goes on.
	s = open(t, dir, nil)
	file, _ := backup(t, s)
	closeStore(t, s)
	to := filepath.Join(t.TempDir(), "store")
	if _, err := store.Restore(to, file, nil); err != nil {
		t.Fatal(err)
	}
	s = open(t, to, nil)
	defer closeStore(t, s)
	if r := appendPack(t, s, trusttest.Pack(t, "z")); r.Sequence != releases+1 {
		t.Errorf("the next release is %d", r.Sequence)
	}
}

func TestRestoreRefusesAnAlteredFile(t *testing.T) {
	s := open(t, t.TempDir(), baseline("a", "b"))
	file, _ := backup(t, s)
	closeStore(t, s)
	whole, err := os.ReadFile(file)
	if err != nil {
		t.Fatal(err)
	}
	bad := map[string][]byte{
		"empty":         nil,
		"other file":    bytes.Repeat([]byte("x"), 200),
		"no trailer":    whole[:len(whole)-32],
		"one byte less": whole[:len(whole)-1],
		"half":          whole[:len(whole)/2],
		"one byte more": append(bytes.Clone(whole), 0),
		"twice":         append(bytes.Clone(whole), whole...),
	}
	for _, at := range []int{0, 20, len(whole) / 3, len(whole) / 2, len(whole) - 100, len(whole) - 36, len(whole) - 1} {
		changed := bytes.Clone(whole)
		changed[at] ^= 1
		bad[fmt.Sprintf("bit at %d of %d", at, len(whole))] = changed
	}
	parent := t.TempDir()
	to := filepath.Join(parent, "store")
	for name, data := range bad {
		if err := os.WriteFile(file, data, 0o600); err != nil {
			t.Fatal(err)
		}
		if _, err := store.Restore(to, file, nil); !errors.Is(err, store.ErrBackup) {
			t.Errorf("%s: %v, want ErrBackup", name, err)
		}
		if _, err := store.CheckBackup(file); !errors.Is(err, store.ErrBackup) {
			t.Errorf("%s: check: %v, want ErrBackup", name, err)
		}
	}
	if left, err := os.ReadDir(parent); err != nil || len(left) > 0 {
		t.Errorf("something was left behind: %v, %v", left, err)
	}
}

func TestRestoreOverwritesNothing(t *testing.T) {
	dir := t.TempDir()
	s := open(t, dir, baseline("a"))
	file, _ := backup(t, s)
	appendPack(t, s, trusttest.Pack(t, "a", "b"))
	if _, err := store.Restore(dir, file, nil); err == nil || !strings.Contains(err.Error(), "not empty") {
		t.Errorf("over an open store: %v", err)
	}
	closeStore(t, s)
	before := dump(t, dir)
	if _, err := store.Restore(dir, file, nil); err == nil || !strings.Contains(err.Error(), "not empty") {
		t.Errorf("over a store: %v", err)
	}
	if !reflect.DeepEqual(before, dump(t, dir)) {
		t.Error("the store has changed")
	}
	if _, err := store.Restore(t.TempDir(), file, nil); err != nil { // empty, but there
		t.Errorf("into an empty directory: %v", err)
	}
	if _, err := store.OpenExisting(t.TempDir(), nil); err == nil {
		t.Error("opened an empty directory as a store")
	}
}
