// SPDX-License-Identifier: Apache-2.0

package publish_test

import (
	"encoding/json"
	"errors"
	"net/http"
	"reflect"
	"slices"
	"strings"
	"testing"
	"time"

	"haechi/rules"
	"haechi/rules/trust"
	"haechi/rules/trust/trusttest"
	"haechi/server/publish"
	"haechi/server/store"
	"haechi/server/wire"
)

// desk is a publisher over a store on disk, with baseline a and b, under the
// key ann.
type desk struct {
	*publish.Publisher
	dir    string
	store  *store.Store
	root   trust.Root
	now    time.Time
	heads  []uint64 // announced
	keys   string   // who lends the online key
	latest *trust.Release

	version uint64 // of the online key
}

// Head is the newest of all.
func (d *desk) Head() wire.Head { return d.Publisher.Head(trust.Preview) }

func newDesk(t *testing.T) *desk {
	d := &desk{dir: t.TempDir(), root: trusttest.Root(t, 1, "ann"), now: trusttest.Now, keys: "ann"}
	d.open(t)
	t.Cleanup(func() { d.store.Close() })
	return d
}

func (d *desk) open(t *testing.T) {
	t.Helper()
	st, err := store.Open(d.dir, []rules.Rule{trusttest.Rule("a"), trusttest.Rule("b")}, nil)
	if err != nil {
		t.Fatal(err)
	}
	online, _, _ := trusttest.Key(t, trusttest.Online)
	d.version++
	d.Publisher, err = publish.New(st, publish.Config{
		Root: d.root, Online: online, OnlineKey: trusttest.OnlineKey(t, d.version, trusttest.Online, false, strings.Fields(d.keys)...),
		Now:      func() time.Time { return d.now },
		Announce: func() { d.heads = append(d.heads, d.Head().Sequence) },
	})
	if err != nil {
		t.Fatal(err)
	}
	d.store = st
}

func (d *desk) restart(t *testing.T) {
	t.Helper()
	if err := d.store.Close(); err != nil {
		t.Fatal(err)
	}
	d.open(t)
}

// next is a good push that leads to the rules with these ids.
func (d *desk) next(t *testing.T, ids ...string) (publish.Push, trust.Release) {
	t.Helper()
	pack, err := d.store.Pack()
	if err != nil {
		t.Fatal(err)
	}
	next := trusttest.Pack(t, ids...)
	release := trusttest.Release(d.Head().Sequence+1, d.latest, next)
	push := publish.Push{Release: trusttest.Sign(t, release, "ann")}
	for _, c := range rules.Diff(pack, next) {
		if c.Put == nil {
			push.Remove = append(push.Remove, c.Remove)
		} else {
			push.Files = append(push.Files, rules.Format(trusttest.Rule(c.Put.ID)))
		}
	}
	return push, release
}

func (d *desk) publish(t *testing.T, ids ...string) publish.Result {
	t.Helper()
	push, release := d.next(t, ids...)
	result, err := d.Publish(push)
	if err != nil {
		t.Fatal(err)
	}
	d.latest = &release
	return result
}

func TestPublishMakesTheNextRelease(t *testing.T) {
	d := newDesk(t)
	got := d.publish(t, "b", "c")
	want := publish.Result{
		Sequence: 1, Pack: trusttest.Pack(t, "b", "c").Hash(),
		Added: []string{"c"}, Changed: []string{}, Removed: []string{"a"},
	}
	if !reflect.DeepEqual(got, want) {
		t.Errorf("got %+v, want %+v", got, want)
	}
	head := wire.Head{Sequence: 1, Pack: want.Pack, Rollout: 100, Settled: 1, SettledPack: want.Pack, Log: 1}
	if d.Head() != head || d.Publisher.Head(trust.Stable) != head || !slices.Equal(d.heads, []uint64{1}) {
		t.Errorf("head %+v, announced %+v", d.Head(), d.heads)
	}
	r, err := d.store.Release(1)
	if err != nil || r.Files["c"] != string(rules.Format(trusttest.Rule("c"))) {
		t.Errorf("the file of c was not kept with its examples: %v", err)
	}
	d.publish(t, "b", "c", "d")
	d.restart(t)
	if d.Head().Sequence != 2 || d.Head().Pack != trusttest.Pack(t, "b", "c", "d").Hash() {
		t.Errorf("after a restart: %+v", d.Head())
	}
	d.publish(t, "d")
}

// Signing the same rules again gives them a new date of expiry.
func TestPublishTakesAReleaseThatChangesNoRule(t *testing.T) {
	d := newDesk(t)
	got := d.publish(t, "a", "b")
	if got.Sequence != 1 || len(got.Added)+len(got.Changed)+len(got.Removed) != 0 {
		t.Errorf("got %+v", got)
	}
	// So does a file of which only the examples changed; the file is kept.
	r := trusttest.Rule("a")
	x := r.Examples["ko"]
	x.Hit = append(x.Hit, rules.Example{Text: "하나 더"})
	r.Examples["ko"] = x
	push, _ := d.next(t, "a", "b")
	push.Files = append(push.Files, rules.Format(r))
	if _, err := d.Publish(push); err != nil {
		t.Fatal(err)
	}
	kept, err := d.store.Release(2)
	if err != nil || !strings.Contains(kept.Files["a"], "하나 더") {
		t.Errorf("examples not kept: %v", err)
	}
}

func TestPublishRefuses(t *testing.T) {
	d := newDesk(t)
	d.publish(t, "a", "b", "c")
	fileOf := func(change func(*rules.Rule)) json.RawMessage {
		r := trusttest.Rule("d")
		change(&r)
		return rules.Format(r)
	}
	sign := func(change func(*trust.Release), names ...string) string {
		_, r := d.next(t, "a", "b", "c", "d")
		change(&r)
		return trusttest.Sign(t, r, names...)
	}
	for _, c := range []struct {
		name   string
		change func(*publish.Push)
		code   string
		status int
		says   string
	}{
		{"no release", func(p *publish.Push) { p.Release = "" }, "unsigned", http.StatusForbidden, "not signed"},
		{"an unknown key", func(p *publish.Push) { p.Release = sign(func(*trust.Release) {}, "mal") }, "unsigned", http.StatusForbidden, "not signed"},
		{"the head again", func(p *publish.Push) {
			p.Release = sign(func(r *trust.Release) { *r = *d.latest }, "ann")
		}, "stale", http.StatusConflict, "the next release is 2, not 1"},
		{"a sequence left out", func(p *publish.Push) {
			p.Release = sign(func(r *trust.Release) { r.Sequence = 3 }, "ann")
		}, "stale", http.StatusConflict, "the next release is 2, not 3"},
		{"another history", func(p *publish.Push) {
			p.Release = sign(func(r *trust.Release) { r.Previous = strings.Repeat("ab", 32) }, "ann")
		}, "stale", http.StatusConflict, "another release"},
		{"expired", func(p *publish.Push) {
			p.Release = sign(func(r *trust.Release) {
				r.Created, r.Expires = r.Created.AddDate(-2, 0, 0), r.Expires.AddDate(-2, 0, 0)
			}, "ann")
		}, "expired", http.StatusUnprocessableEntity, "expired"},
		{"an invalid rule", func(p *publish.Push) {
			p.Files[0] = fileOf(func(r *rules.Rule) { r.Tier = "Z"; r.Sources = nil })
		}, "invalid", http.StatusUnprocessableEntity, `d.json: rule "d": tier: "Z" is not A, B or C`},
		{"a rule without examples", func(p *publish.Push) {
			p.Files[0] = fileOf(func(r *rules.Rule) { r.Examples = nil })
		}, "invalid", http.StatusUnprocessableEntity, `d.json: rule "d": examples.ko.hit`},
		{"a file that is no rule", func(p *publish.Push) { p.Files[0] = json.RawMessage(`["x"]`) }, "invalid", http.StatusUnprocessableEntity, "file 1"},
		{"an unknown field", func(p *publish.Push) { p.Files[0] = json.RawMessage(`{"id":"d","script":"x"}`) }, "invalid", http.StatusUnprocessableEntity, "script"},
		{"a file twice", func(p *publish.Push) { p.Files = append(p.Files, p.Files[0]) }, "invalid", http.StatusUnprocessableEntity, "two files"},
		{"put and removed", func(p *publish.Push) { p.Remove = []string{"d"} }, "invalid", http.StatusUnprocessableEntity, "both"},
		{"removes what is not there", func(p *publish.Push) { p.Remove = []string{"zzz"} }, "invalid", http.StatusUnprocessableEntity, "zzz"},
		{"a rule that was not signed", func(p *publish.Push) {
			p.Files = append(p.Files, rules.Format(trusttest.Rule("e")))
		}, "mismatch", http.StatusConflict, "another pack than the one that was signed"},
		{"a signed rule left out", func(p *publish.Push) { p.Files = nil }, "mismatch", http.StatusConflict, "another pack than the one that was signed"},
		{"a giant pack", func(p *publish.Push) { p.Files = make([]json.RawMessage, rules.MaxPackRules+1) }, "too-large", http.StatusRequestEntityTooLarge, "at most"},
	} {
		push, _ := d.next(t, "a", "b", "c", "d")
		c.change(&push)
		_, err := d.Publish(push)
		var refusal *publish.Refusal
		if !errors.As(err, &refusal) {
			t.Errorf("%s: got %v, want a refusal", c.name, err)
			continue
		}
		if refusal.Code != c.code || refusal.Status() != c.status || !strings.Contains(refusal.Error(), c.says) {
			t.Errorf("%s: got %d %v, want %d %s with %q", c.name, refusal.Status(), refusal, c.status, c.code, c.says)
		}
	}
	if d.Head().Sequence != 1 || len(d.heads) != 1 {
		t.Errorf("refusals moved the head to %+v and announced %d", d.Head(), len(d.heads)-1)
	}
	if _, err := d.store.Release(2); !errors.Is(err, store.ErrNotFound) {
		t.Errorf("a refusal was stored: %v", err)
	}
	d.restart(t)
	d.publish(t, "a", "b", "c", "d") // the good push still passes
}

func TestPublishNeedsTheThreshold(t *testing.T) {
	d := newDesk(t)
	d.root, d.keys = trusttest.Root(t, 2, "ann", "bob", "eve"), "ann bob"
	d.restart(t)
	push, release := d.next(t, "a")
	if _, err := d.Publish(push); err == nil || !strings.Contains(err.Error(), "1 of 2 signatures") {
		t.Errorf("one signature: %v", err)
	}
	push.Release = trusttest.Sign(t, release, "eve", "ann")
	if _, err := d.Publish(push); err != nil {
		t.Errorf("two signatures: %v", err)
	}
}

// A store that fails is the server's fault, not the pusher's, and no head moves.
func TestPublishReportsAFailingStore(t *testing.T) {
	d := newDesk(t)
	push, _ := d.next(t, "a")
	if err := d.store.Close(); err != nil {
		t.Fatal(err)
	}
	_, err := d.Publish(push)
	var refusal *publish.Refusal
	if err == nil || errors.As(err, &refusal) {
		t.Errorf("got %v", err)
	}
	if d.Head().Sequence != 0 || len(d.heads) != 0 {
		t.Errorf("head %+v, announced %d", d.Head(), len(d.heads))
	}
	d.open(t)
}

func TestEveryClientIsLedToTheHead(t *testing.T) {
	d := newDesk(t)
	histories := [][]string{{"a", "b"}, {"a", "b", "c"}, {"c"}, {"a", "c", "d"}, {"a", "b", "c", "d", "e", "f"}}
	for _, ids := range histories[1:] {
		d.publish(t, ids...)
	}
	head := d.Head()
	for sequence, ids := range histories[:len(histories)-1] {
		have := trust.State{Sequence: uint64(sequence), Pack: trusttest.Pack(t, ids...)}
		if r, err := d.store.Release(have.Sequence); err != nil {
			t.Fatal(err)
		} else {
			have.Release = r.Text
		}
		ask := wire.Since{Sequence: have.Sequence, Pack: have.Pack.Hash(), To: head.Sequence}
		frames, err := d.Since(ask)
		if err != nil {
			t.Fatal(err)
		}
		again, _ := d.Since(ask)
		if len(frames) != 2 || &frames[0][0] != &again[0][0] || &frames[1][0] != &again[1][0] {
			t.Errorf("from %d: encoded twice", sequence)
		}
		full, err := d.Full(wire.Full{To: head.Sequence})
		if err != nil {
			t.Fatal(err)
		}
		for name, frames := range map[string][][]byte{"since": frames, "full": full} {
			got, err := accept(d.root, have, trust.Client{}, frames)
			if err != nil || got.Sequence != head.Sequence || got.Pack.Hash() != head.Pack || got.Seen.Size != head.Log {
				t.Errorf("%s from %d: %v", name, sequence, err)
			}
		}
	}
}

// accept gives a client the frames that answered it.
func accept(root trust.Root, have trust.State, client trust.Client, frames [][]byte) (trust.State, error) {
	evidence, err := trust.ParseEvidence(frames[0])
	if err != nil {
		return trust.State{}, err
	}
	u, err := trust.ParseUpdate(frames[1])
	if err != nil {
		return trust.State{}, err
	}
	return trust.Accept(root, trusttest.Now, have, client, evidence, &u)
}

func TestSinceChoosesTheFrame(t *testing.T) {
	d := newDesk(t)
	kind := func(sequence uint64, pack string) string {
		t.Helper()
		data, err := d.Since(wire.Since{Sequence: sequence, Pack: pack, To: d.Head().Sequence})
		if err != nil {
			t.Fatal(err)
		}
		if len(data) == 1 {
			return "log"
		}
		f, err := wire.Decode(data[1])
		if err != nil {
			t.Fatal(err)
		}
		switch f.(type) {
		case wire.Delta:
			return "delta"
		case wire.Snapshot:
			return "snapshot"
		}
		return "neither"
	}
	base, other := trusttest.Pack(t, "a", "b").Hash(), trusttest.Pack(t, "x").Hash()
	if got := kind(0, other); got != "log" {
		t.Errorf("before any release: %s", got)
	}
	d.publish(t, "a", "b", "c")
	d.publish(t, "q", "r", "s", "u", "v")
	one, two := trusttest.Pack(t, "a", "b", "c").Hash(), trusttest.Pack(t, "q", "r", "s", "u", "v").Hash()
	for _, c := range []struct {
		sequence uint64
		pack     string
		want     string
	}{
		{1, other, "snapshot"}, // another history
		{0, one, "snapshot"},   // pack of another sequence
		{2, two, "log"},        // up to date, and asks how the log stands
		{0, base, "snapshot"},  // everything replaced: a delta would be larger
	} {
		if got := kind(c.sequence, c.pack); got != c.want {
			t.Errorf("since %d: %s, want %s", c.sequence, got, c.want)
		}
	}
	d.publish(t, "q", "r", "s", "u")
	if got := kind(2, two); got != "delta" {
		t.Errorf("one rule removed: %s, want delta", got)
	}
}
