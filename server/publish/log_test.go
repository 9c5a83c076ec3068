// SPDX-License-Identifier: Apache-2.0

package publish_test

import (
	"encoding/json"
	"errors"
	"fmt"
	"testing"
	"time"

	"haechi/rules"
	"haechi/rules/trust"
	"haechi/rules/trust/trusttest"
	"haechi/server/publish"
	"haechi/server/store"
	"haechi/server/wire"
)

// shared is a log in memory that several publishers share.
type shared struct {
	entries   []publish.Entry
	followers []*follower
}

// follower is one publisher's end of the log.
type follower struct {
	*shared
	cut     bool
	forget  bool // reads from the beginning, wherever it was
	at      uint64
	deliver func(publish.Entry, publish.Place) error
	err     error // of deliver
}

func (l *shared) end() *follower {
	f := &follower{shared: l}
	l.followers = append(l.followers, f)
	return f
}

func (f *follower) Follow(after publish.Place, deliver func(publish.Entry, publish.Place) error) (uint64, error) {
	f.deliver, f.at = deliver, after.Position
	if f.forget {
		f.at = 0
	}
	if f.cut {
		return 0, publish.ErrCutOff
	}
	f.catchUp()
	lacks := uint64(0)
	for _, e := range f.entries {
		if e.Release != nil {
			lacks = e.Release.Sequence + 1
		}
	}
	return lacks, f.err
}

func (f *follower) catchUp() {
	for f.err == nil && !f.cut && f.at < uint64(len(f.entries)) {
		f.at++
		f.err = f.deliver(f.entries[f.at-1], publish.Place{Log: "memory", Position: f.at})
	}
}

func (f *follower) Append(after publish.Place, e publish.Entry) error {
	switch {
	case f.cut:
		return publish.ErrCutOff
	case after.Position != uint64(len(f.entries)):
		f.catchUp()
		return publish.ErrMoved
	}
	f.entries = append(f.entries, e)
	for _, other := range f.followers {
		if other.deliver != nil {
			other.catchUp()
		}
	}
	return f.err
}

// server is one publisher of a cluster.
type server struct {
	*publish.Publisher
	store *store.Store
	log   *follower
	dir   string
	skew  time.Duration // of its clock
	now   *time.Time    // of the world
}

func (l *shared) server(t *testing.T, now *time.Time, skew time.Duration) *server {
	t.Helper()
	s := &server{log: l.end(), dir: t.TempDir(), skew: skew, now: now}
	if err := s.open(t); err != nil {
		t.Fatal(err)
	}
	return s
}

func (s *server) open(t *testing.T) (err error) {
	t.Helper()
	if s.store, err = store.Open(s.dir, []rules.Rule{trusttest.Rule("a"), trusttest.Rule("b")}, nil); err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { s.store.Close() })
	online, _, _ := trusttest.Key(t, trusttest.Online)
	s.Publisher, err = publish.New(s.store, publish.Config{
		Root: trusttest.Root(t, 1, "ann"), Online: online, OnlineKey: trusttest.OnlineKey(t, 1, trusttest.Online, false, "ann"),
		Log: s.log, Now: func() time.Time { return s.now.Add(s.skew) }, Announce: func() {},
	})
	return err
}

// push is a release that puts one rule on top of what the server has.
func (s *server) push(t *testing.T, id string) publish.Push {
	t.Helper()
	pack, err := s.store.Pack()
	if err != nil {
		t.Fatal(err)
	}
	rule := trusttest.Rule(id)
	bare := rule
	bare.Examples = nil
	next, err := rules.Apply(pack, []rules.Change{{Put: &bare}})
	if err != nil {
		t.Fatal(err)
	}
	var previous *trust.Release
	if n := s.Head(trust.Preview).Sequence; n > 0 {
		record, err := s.Record(n)
		if err != nil {
			t.Fatal(err)
		}
		r, err := trust.ParseRelease([]byte(record.Release))
		if err != nil {
			t.Fatal(err)
		}
		previous = &r
	}
	release := trusttest.Release(s.Head(trust.Preview).Sequence+1, previous, next)
	return publish.Push{Release: trusttest.Sign(t, release, "ann"), Files: []json.RawMessage{rules.Format(rule)}}
}

// traveller is a client that is led by one server and then by another.
type traveller struct {
	root  trust.Root
	state trust.State
}

func (c *traveller) visit(t *testing.T, s *server) {
	t.Helper()
	head := s.Head(trust.Stable)
	frames, err := s.Since(wire.Since{Sequence: c.state.Sequence, Pack: c.state.Pack.Hash(), To: head.Sequence, Log: c.state.Seen.Size})
	if err != nil {
		t.Fatal(err)
	}
	evidence, err := trust.ParseEvidence(frames[0])
	if err != nil {
		t.Fatal(err)
	}
	var update *trust.Update
	if len(frames) > 1 && head.Sequence > c.state.Sequence {
		u, err := trust.ParseUpdate(frames[1])
		if err != nil {
			t.Fatal(err)
		}
		update = &u
	}
	next, err := trust.Accept(c.root, s.now.Add(s.skew), c.state, trust.Client{}, evidence, update)
	if err != nil {
		t.Fatalf("%d releases, after %d: %v", head.Log, c.state.Seen.Size, err)
	}
	c.state = next
}

// Two servers whose clocks differ show a client that goes to and fro one
// history, and no statement that is older than one it has seen.
func TestServersOfOneLogShowOneHistory(t *testing.T) {
	now := trusttest.Now
	var l shared
	early, late := l.server(t, &now, 0), l.server(t, &now, -3*time.Second)
	c := &traveller{root: trusttest.Root(t, 1, "ann"), state: trust.State{Pack: trusttest.Pack(t, "a", "b")}}
	for i := range 6 {
		s, other := early, late
		if i%2 == 1 {
			s, other = late, early
		}
		stale := other.push(t, "z")
		if _, err := s.Publish(s.push(t, fmt.Sprintf("r%d", i))); err != nil {
			t.Fatal(err)
		}
		c.visit(t, s)
		c.visit(t, other)
		if _, err := other.Publish(stale); code(err) != publish.CodeStale {
			t.Errorf("a second release %d: %v", i+1, err)
		}
		if early.Head(trust.Stable) != late.Head(trust.Stable) {
			t.Fatalf("%+v and %+v", early.Head(trust.Stable), late.Head(trust.Stable))
		}
		if i == 3 { // and when a statement has become old
			now = now.Add(publish.RefreshEvery + 10*time.Second)
			before := len(l.entries)
			for _, s := range []*server{early, late} {
				if err := s.Refresh(); err != nil {
					t.Fatal(err)
				}
				c.visit(t, s)
			}
			if len(l.entries) != before+1 {
				t.Errorf("%d servers signed anew", len(l.entries)-before)
			}
		}
	}
	if c.state.Sequence != 6 {
		t.Errorf("the client is at %d", c.state.Sequence)
	}
}

// Who can write to the log can stop a server, but not make it serve what its
// clients would refuse.
func TestAServerTakesNothingFromTheLogThatClientsRefuse(t *testing.T) {
	for name, forge := range map[string]func(t *testing.T, e *publish.Entry){
		"an unsigned release": func(t *testing.T, e *publish.Entry) {
			r, err := trust.ParseRelease([]byte(e.Release.Note))
			if err != nil {
				t.Fatal(err)
			}
			e.Release.Note = trusttest.Sign(t, r, "mal")
		},
		"other rules than were signed": func(t *testing.T, e *publish.Entry) {
			evil := trusttest.Rule("evil")
			evil.Examples = nil
			e.Release.Changes = []rules.Change{{Put: &evil}}
		},
		"a statement that the online key did not sign": func(t *testing.T, e *publish.Entry) {
			e.Checkpoint = e.Checkpoint[:len(e.Checkpoint)-8] + "AAAAAA=\n"
		},
		"a gap": func(t *testing.T, e *publish.Entry) { e.Release.Sequence = 3 },
		"another release of a number that is there": func(t *testing.T, e *publish.Entry) {
			e.Release.Sequence, e.Release.Text = 1, "another"
		},
	} {
		t.Run(name, func(t *testing.T) {
			now := trusttest.Now
			var l shared
			s := l.server(t, &now, 0)
			if _, err := s.Publish(s.push(t, "c")); err != nil {
				t.Fatal(err)
			}
			// A good entry, which another server made.
			author := l.server(t, &now, 0)
			s.log.cut = true
			if _, err := author.Publish(author.push(t, "d")); err != nil {
				t.Fatal(err)
			}
			s.log.cut = false
			last := &l.entries[len(l.entries)-1]
			copied := *last.Release
			last.Release = &copied
			forge(t, last)
			before := s.Head(trust.Preview)
			s.log.catchUp()
			if s.log.err == nil {
				t.Error("taken")
			}
			if s.Head(trust.Preview) != before {
				t.Errorf("serves %+v", s.Head(trust.Preview))
			}
			if head, err := s.store.Head(); err != nil || head.Sequence != 1 {
				t.Errorf("stored %+v, %v", head, err)
			}
		})
	}
}

// A server may have to read the whole log again, with what was stated in it long
// ago, and goes on from where it was.
func TestAServerReadsTheLogAgain(t *testing.T) {
	now := trusttest.Now
	var l shared
	s := l.server(t, &now, 0)
	for _, id := range []string{"c", "d", "e"} {
		now = now.Add(publish.RefreshEvery)
		if err := s.Refresh(); err != nil {
			t.Fatal(err)
		}
		if _, err := s.Publish(s.push(t, id)); err != nil {
			t.Fatal(err)
		}
	}
	before, entries := s.Head(trust.Preview), len(l.entries)
	if err := s.store.Close(); err != nil {
		t.Fatal(err)
	}
	s.log.forget = true
	if err := s.open(t); err != nil {
		t.Fatal(err)
	}
	if s.Head(trust.Preview) != before || len(l.entries) != entries {
		t.Errorf("%+v after %+v, %d entries after %d", s.Head(trust.Preview), before, len(l.entries), entries)
	}
	if _, err := s.Publish(s.push(t, "f")); err != nil {
		t.Error(err)
	}
}

// A server that is cut off starts with what it served; one that never was in
// the cluster cannot start without it.
func TestAServerStartsCutOffOnlyWithSomethingToServe(t *testing.T) {
	now := trusttest.Now
	var l shared
	s := l.server(t, &now, 0)
	if _, err := s.Publish(s.push(t, "c")); err != nil {
		t.Fatal(err)
	}
	c := &traveller{root: trusttest.Root(t, 1, "ann"), state: trust.State{Pack: trusttest.Pack(t, "a", "b")}}
	if err := s.store.Close(); err != nil {
		t.Fatal(err)
	}
	s.log.cut = true
	if err := s.open(t); err != nil {
		t.Fatal(err)
	}
	c.visit(t, s)
	if _, err := s.Publish(s.push(t, "d")); !errors.Is(err, publish.ErrCutOff) {
		t.Errorf("a push: %v", err)
	}
	fresh := &server{log: l.end(), dir: t.TempDir(), now: &now}
	fresh.log.cut = true
	if err := fresh.open(t); !errors.Is(err, publish.ErrCutOff) {
		t.Errorf("a new server: %v", err)
	}
}

func code(err error) string {
	var refusal *publish.Refusal
	if errors.As(err, &refusal) {
		return refusal.Code
	}
	return ""
}
