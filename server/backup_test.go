// SPDX-License-Identifier: Apache-2.0

package main

import (
	"fmt"
	"os"
	"path/filepath"
	"strings"
	"sync"
	"testing"

	"haechi/rules/trust"
	"haechi/server/store"
)

// A server that is restored from a backup, which was made while maintainers
// pushed, serves what the first one served at that sequence, byte for byte.
func TestARestoredServerServesTheSameFrames(t *testing.T) {
	const pushes = 12
	s := newSite(t)
	paths := []string{"/v1/stable/head.json", "/v1/log/0.json", "/v1/snapshot/%d.json", "/v1/delta/0-%d.json"}
	frames := func(s *site) (all []string) {
		t.Helper()
		for _, path := range paths {
			if strings.Contains(path, "%d") {
				path = fmt.Sprintf(path, s.publisher.Head(trust.Stable).Sequence)
			}
			status, text := s.do(t, "GET", path, nil)
			all = append(all, fmt.Sprint(status, text))
		}
		return all
	}
	served := [][]string{frames(s)} // by sequence
	files := map[uint64]string{}
	var wg sync.WaitGroup
	done := make(chan struct{})
	wg.Go(func() {
		for i := 0; ; i++ {
			select {
			case <-done:
				return
			default:
			}
			file := filepath.Join(t.TempDir(), "haechi.backup")
			var out, errs strings.Builder
			if code := runBackup([]string{"--data", s.config.dir, "--out", file, "--json"}, nil, &out, &errs); code != exitDone || !strings.Contains(out.String(), `"online":true`) {
				t.Errorf("backup %d: %d %s %s", i, code, out.String(), errs.String())
				return
			}
			b, err := store.CheckBackup(file)
			if err != nil {
				t.Error(err)
				return
			}
			files[b.Sequence] = file
		}
	})
	for i := range pushes {
		s.publish(t, "a", fmt.Sprintf("of-%d", i))
		served = append(served, frames(s))
	}
	close(done)
	wg.Wait()
	if len(files) < 2 {
		t.Errorf("only %d different sequences in the backups", len(files))
	}
	for sequence, file := range files {
		restored := &site{config: s.config}
		restored.config.dir = filepath.Join(t.TempDir(), "data")
		var out, errs strings.Builder
		if code := runRestore([]string{"--data", restored.config.dir, file}, nil, &out, &errs); code != exitDone {
			t.Fatalf("restore: %d %s", code, errs.String())
		}
		restored.start(t)
		for i, got := range frames(restored) {
			if got != served[sequence][i] {
				t.Errorf("sequence %d, %s: restored\n%.300s\nwant\n%.300s", sequence, paths[i], got, served[sequence][i])
			}
		}
		restored.stop(t)
	}
	t.Logf("backups of %d sequences", len(files))
}

// What a killed server leaves at its door is in nobody's way.
func TestAStaleAdminSocketIsReplaced(t *testing.T) {
	s := newSite(t)
	s.stop(t)
	door := filepath.Join(s.config.dir, adminSocket)
	if err := os.WriteFile(door, nil, 0o600); err != nil {
		t.Fatal(err)
	}
	s.start(t)
	if c := dialAdmin(t.Context(), s.config.dir); c == nil {
		t.Error("no door")
	}
	s.stop(t)
	if c := dialAdmin(t.Context(), s.config.dir); c != nil {
		t.Error("a stopped server has a door")
	}
}
