// SPDX-License-Identifier: Apache-2.0

package trust_test

import (
	"encoding/json"
	"fmt"
	"runtime"
	"strings"
	"testing"

	"golang.org/x/mod/sumdb/note"
	"golang.org/x/mod/sumdb/tlog"

	"haechi/rules/trust"
	"haechi/rules/trust/trusttest"
)

// seedLimit keeps giant frames out of the seeds, in bytes: mutating them takes
// all the time.
const seedLimit = 32 << 10

// FuzzEvidence: nobody holds a key here, so a client may only ever come to see
// a log that was signed.
func FuzzEvidence(f *testing.F) {
	var have []trusttest.Attack
	signed := map[trust.Seen]bool{}
	for _, a := range trusttest.Attacks(f) {
		if len(a.Log) < seedLimit {
			f.Add(a.Log)
		}
		if a.Name == "a delta" || a.Name == "a newcomer" || a.Name == "forget, to one from whom a release was hidden" {
			have = append(have, a) // a client that saw the log, one that did not, one that saw another
		}
		for _, frame := range [][]byte{a.Log, a.Back} {
			e, err := trust.ParseEvidence(frame)
			if err != nil {
				continue
			}
			if seen, err := checkpointOf(e); err == nil {
				signed[seen] = true
			}
		}
	}
	if len(have) != 3 {
		f.Fatalf("%d of the three clients are in the table", len(have))
	}
	f.Fuzz(func(t *testing.T, frame []byte) {
		e, err := trust.ParseEvidence(frame)
		if err != nil {
			return
		}
		for _, a := range have {
			next, err := trust.Accept(a.Root, a.Now, a.Have, a.Client, e, nil)
			if err != nil {
				continue
			}
			if next.Seen.Size < a.Have.Sequence || next.Sequence != a.Have.Sequence || next.Release != a.Have.Release {
				t.Fatalf("the rules moved: %+v from %q", next, frame)
			}
			if seen := (trust.Seen{Size: next.Seen.Size, Hash: next.Seen.Hash}); !signed[seen] {
				t.Fatalf("believed a log that nobody signed: %+v from %q", next.Seen, frame)
			}
		}
	})
}

// checkpointOf reads a log frame's size and hash without believing it.
func checkpointOf(e trust.Evidence) (trust.Seen, error) {
	lines := strings.Split(e.Checkpoint, "\n")
	var seen trust.Seen
	if len(lines) < 3 {
		return seen, fmt.Errorf("no checkpoint")
	}
	if _, err := fmt.Sscan(lines[1], &seen.Size); err != nil {
		return seen, err
	}
	var err error
	seen.Hash, err = tlog.ParseHash(lines[2])
	return seen, err
}

// FuzzNotes signs any text: what is read as a release, an online key or a
// checkpoint must be written back as the same text, or one thing signed could
// be read as two.
func FuzzNotes(f *testing.F) {
	root := trusttest.Root(f, 1, "ann")
	_, _, public := trusttest.Key(f, "ann")
	lent := trust.OnlineKey{Version: 1, Key: public, Created: trusttest.Now, Expires: trusttest.Now.Add(trust.MaxOnline)}
	signer, _, _ := trusttest.Key(f, "ann")
	release := trusttest.Release(1, nil, trusttest.Pack(f, "a"))
	f.Add(release.Text())
	release.Root = &root
	f.Add(release.Text())
	f.Add(lent.Text())
	f.Add(trust.Checkpoint{Size: 7, Created: trusttest.Now, Expires: trusttest.Now.Add(trust.MaxCheckpoint)}.Text())
	f.Fuzz(func(t *testing.T, text string) {
		if r, err := trust.ParseRelease([]byte(text)); err == nil && !strings.HasPrefix(text, r.Text()) {
			t.Fatalf("a release is read from %q as %q", text, r.Text())
		}
		msg, err := note.Sign(&note.Note{Text: text}, signer)
		if err != nil {
			return
		}
		if r, err := trust.Open(msg, root); err == nil && r.Text() != text {
			t.Fatalf("release %q is read as %q", text, r.Text())
		}
		if k, err := trust.OpenOnlineKey(msg, root); err == nil && k.Text() != text {
			t.Fatalf("online key %q is read as %q", text, k.Text())
		}
		if c, err := trust.OpenCheckpoint(msg, lent); err == nil && c.Text() != text {
			t.Fatalf("checkpoint %q is read as %q", text, c.Text())
		}
	})
}

// FuzzParseRoot: a root that is taken is written and read as the same.
func FuzzParseRoot(f *testing.F) {
	for _, names := range []string{"ann", "ann bob eve"} {
		data, err := json.Marshal(trusttest.Root(f, 1, strings.Fields(names)...))
		if err != nil {
			f.Fatal(err)
		}
		f.Add(data)
	}
	f.Fuzz(func(t *testing.T, data []byte) {
		root, err := trust.ParseRoot(data)
		if err != nil {
			return
		}
		again, err := json.Marshal(root)
		if err != nil {
			t.Fatal(err)
		}
		if back, err := trust.ParseRoot(again); err != nil || fmt.Sprint(back) != fmt.Sprint(root) {
			t.Fatalf("%q is read as %+v, and that as %+v: %v", data, root, back, err)
		}
	})
}

// TestEndlessDataIsBounded: refusing takes memory in proportion to what was
// sent, which the limit of a frame bounds.
func TestEndlessDataIsBounded(t *testing.T) {
	const limit = 12 * trust.MaxFrame // bytes allocated in all, not held at once
	tried := 0
	for _, a := range trusttest.Attacks(t) {
		if a.Of != "endless data" {
			continue
		}
		tried++
		var before, after runtime.MemStats
		runtime.ReadMemStats(&before)
		_, err := attacked(a)
		runtime.ReadMemStats(&after)
		if err == nil {
			t.Errorf("%s: accepted", a.Name)
		}
		if used := after.TotalAlloc - before.TotalAlloc; used > limit {
			t.Errorf("%s: %d bytes were allocated; the limit is %d", a.Name, used, limit)
		}
	}
	if tried == 0 {
		t.Fatal("no attack with endless data")
	}
}
