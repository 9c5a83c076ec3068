// SPDX-License-Identifier: Apache-2.0

package store_test

import (
	"bytes"
	"encoding/json"
	"errors"
	"fmt"
	"os"
	"os/exec"
	"path/filepath"
	"testing"
	"time"

	"haechi/rules"
	"haechi/rules/trust"
	"haechi/rules/trust/trusttest"
	"haechi/server/publish"
	"haechi/server/store"
)

// smallDisk mounts a file system of size MiB, or skips the test.
func smallDisk(t *testing.T, size int) string {
	t.Helper()
	if os.Getuid() != 0 {
		t.Skip("needs root, to mount a small file system")
	}
	dir := t.TempDir()
	if out, err := exec.Command("mount", "-t", "tmpfs", "-o", fmt.Sprintf("size=%dm", size), "tmpfs", dir).CombinedOutput(); err != nil {
		t.Skipf("cannot mount a small file system: %v: %s", err, out)
	}
	t.Cleanup(func() {
		if out, err := exec.Command("umount", dir).CombinedOutput(); err != nil {
			t.Errorf("umount: %v: %s", err, out)
		}
	})
	return dir
}

// fill takes size MiB of a disk, or all there is; free gives it back.
func fill(t *testing.T, dir string, size int) (free func()) {
	t.Helper()
	file := filepath.Join(dir, "ballast")
	f, err := os.Create(file)
	if err != nil {
		t.Fatal(err)
	}
	for range size << 4 {
		if _, err := f.Write(make([]byte, 64<<10)); err != nil {
			break // full
		}
	}
	f.Close()
	return func() {
		if err := os.Remove(file); err != nil {
			t.Fatal(err)
		}
	}
}

func TestFullDiskRefusesReleasesUntilThereIsRoom(t *testing.T) {
	const disk = 96 // MiB; the store's own needs and Reserve fit into it
	mount := smallDisk(t, disk)
	dir := filepath.Join(mount, "store")
	s := open(t, dir, baseline("a"))
	appendPack(t, s, trusttest.Pack(t, "a", "b"))
	next := release(t, s, trusttest.Pack(t, "a", "c"))
	want, err := s.Head()
	if err != nil {
		t.Fatal(err)
	}

	for _, size := range []int{disk - 60, disk} { // little room, and none
		free := fill(t, mount, size)
		for range 3 {
			if err := s.Append(next); !errors.Is(err, store.ErrFull) {
				t.Fatalf("with %d MiB taken: %v, want ErrFull", size, err)
			}
		}
		// What is there is served all the same, and can be backed up elsewhere.
		if head, err := s.Head(); err != nil || head != want {
			t.Errorf("head %+v, %v", head, err)
		}
		if _, err := s.Changes(0, 1); err != nil {
			t.Error(err)
		}
		if _, b := backup(t, s); b.Sequence != 1 {
			t.Errorf("backup of %d", b.Sequence)
		}
		if err := s.Close(); size == disk && !errors.Is(err, store.ErrFull) {
			t.Errorf("close on a full disk: %v, want ErrFull", err)
		} else if size < disk {
			if err != nil {
				t.Error(err)
			}
			if _, err := store.Open(dir, nil, nil); !errors.Is(err, store.ErrFull) {
				t.Errorf("open on a full disk: %v, want ErrFull", err)
			}
			free()
			s = open(t, dir, nil)
			continue
		}
		free()
	}
	// The same release, once there is room: once, and nothing is lost.
	if err := s.Append(next); err != nil {
		t.Fatal(err)
	}
	if err := s.Append(next); !errors.Is(err, store.ErrStale) {
		t.Errorf("a second time: %v", err)
	}
	closeStore(t, s)
	s = open(t, dir, nil)
	defer closeStore(t, s)
	if head, err := s.Head(); err != nil || head.Sequence != 2 || head.Pack != next.Pack {
		t.Errorf("head %+v, %v", head, err)
	}
}

// Down to its last free byte above Reserve the store writes without harm.
func TestReserveIsEnough(t *testing.T) {
	const disk = 160
	mount := smallDisk(t, disk)
	dir := filepath.Join(mount, "store")
	s := open(t, dir, baseline("a"))
	defer func() { closeStore(t, s) }()
	free := s.Stats().Free
	defer fill(t, mount, int((free-store.Reserve)>>20)-1)()
	appended := 0
	for i := range 60 {
		ids := []string{"a", fmt.Sprintf("of-%d", i)}
		for j := range 40 {
			ids = append(ids, fmt.Sprintf("more-%d-%d", i, j))
		}
		err := s.Append(release(t, s, trusttest.Pack(t, ids...)))
		if errors.Is(err, store.ErrFull) {
			break
		}
		if err != nil {
			t.Fatal(err)
		}
		appended++
	}
	if appended == 0 || appended == 60 {
		t.Errorf("%d releases went in: the disk did not fill up slowly", appended)
	}
	if head, err := s.Head(); err != nil || head.Sequence != uint64(appended) {
		t.Errorf("head %+v, %v after %d", head, err, appended)
	}
}

// After a commit that failed, also one that is on disk all the same, the store
// gives no head and takes nothing until it is opened anew.
func TestFailedCommitStopsTheStore(t *testing.T) {
	for _, persisted := range []bool{false, true} {
		dir := t.TempDir()
		s := open(t, dir, baseline("a"))
		appendPack(t, s, trusttest.Pack(t, "a", "b"))
		next := release(t, s, trusttest.Pack(t, "a", "c"))
		failure := errors.New("input/output error")
		store.FailCommits(s, persisted, failure)
		if err := s.Append(next); !errors.Is(err, store.ErrBroken) || !errors.Is(err, failure) {
			t.Fatalf("%v, want ErrBroken and the reason", err)
		}
		select {
		case <-s.Failed():
		default:
			t.Error("nobody is told")
		}
		if _, err := s.Head(); !errors.Is(err, store.ErrBroken) {
			t.Errorf("head: %v", err)
		}
		if err := s.Append(next); !errors.Is(err, store.ErrBroken) {
			t.Errorf("append: %v", err)
		}
		if _, err := s.Release(1); err != nil { // what is older is as good as before
			t.Error(err)
		}
		closeStore(t, s)

		s = open(t, dir, nil)
		want := uint64(1)
		if persisted {
			want = 2
		}
		if head, err := s.Head(); err != nil || head.Sequence != want {
			t.Errorf("persisted %t: head %+v, %v", persisted, head, err)
		}
		if err := s.Append(next); persisted != errors.Is(err, store.ErrStale) {
			t.Errorf("persisted %t: the same again: %v", persisted, err)
		}
		closeStore(t, s)
	}
}

// A publisher over such a store serves the last head that was good, and
// announces none that a power cut could take back.
func TestPublisherKeepsTheLastGoodHead(t *testing.T) {
	for _, persisted := range []bool{false, true} {
		dir := t.TempDir()
		s := open(t, dir, baseline("a"))
		now := func() time.Time { return trusttest.Now }
		online, _, _ := trusttest.Key(t, trusttest.Online)
		p, err := publish.New(s, publish.Config{
			Root: trusttest.Root(t, 1, "ann"), Online: online, OnlineKey: trusttest.OnlineKey(t, 1, trusttest.Online, false, "ann"),
			Now: now, Announce: func() { t.Error("announced") },
		})
		if err != nil {
			t.Fatal(err)
		}
		snapshot := func() []byte {
			frame, err := p.Snapshot(0)
			if err != nil {
				t.Fatal(err)
			}
			return frame
		}
		before, had := p.Head(trust.Preview), snapshot()
		store.FailCommits(s, persisted, errors.New("input/output error"))
		push := publish.Push{
			Release: trusttest.Sign(t, trusttest.Release(1, nil, trusttest.Pack(t, "a", "b")), "ann"),
			Files:   []json.RawMessage{rules.Format(trusttest.Rule("b"))},
		}
		for range 2 {
			if _, err := p.Publish(push); !errors.Is(err, store.ErrBroken) {
				t.Errorf("%v, want ErrBroken", err)
			}
		}
		if p.Head(trust.Preview) != before || !bytes.Equal(snapshot(), had) {
			t.Errorf("head %+v became %+v", before, p.Head(trust.Preview))
		}
		closeStore(t, s)
	}
}
