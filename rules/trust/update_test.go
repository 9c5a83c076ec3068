// SPDX-License-Identifier: Apache-2.0

package trust_test

import (
	"encoding/json"
	"errors"
	"fmt"
	"reflect"
	"strings"
	"testing"
	"time"

	"haechi/rules"
	"haechi/rules/trust"
	"haechi/rules/trust/trusttest"
)

// history is a baseline and two releases, with the keys ann, bob and eve of
// whom one must sign.
type history struct {
	root          trust.Root
	base          trust.State
	packs         [3]rules.Pack
	first, second trust.Release
}

func newHistory(t *testing.T) history {
	h := history{root: trusttest.Root(t, 1, "ann", "bob", "eve")}
	changed := trusttest.Rule("a")
	changed.Title["ko"] = "고친 제목 <A & B>"
	third, err := rules.NewPack([]rules.Rule{changed, trusttest.Rule("c")})
	if err != nil {
		t.Fatal(err)
	}
	h.packs = [3]rules.Pack{trusttest.Pack(t, "a", "b"), trusttest.Pack(t, "a", "b", "c"), third}
	h.base = trust.State{Pack: h.packs[0]}
	h.first = trusttest.Release(1, nil, h.packs[1])
	h.second = trusttest.Release(2, &h.first, h.packs[2])
	return h
}

func delta(t *testing.T, note string, from, to uint64, changes []rules.Change) trust.Update {
	t.Helper()
	raw, err := json.Marshal(changes)
	if err != nil {
		t.Fatal(err)
	}
	return parse(t, fmt.Sprintf(`{"type":"delta","from":%d,"to":%d,"release":%s,"changes":%s}`, from, to, quote(note), raw))
}

func snapshot(t *testing.T, note string, sequence uint64, pack rules.Pack) trust.Update {
	t.Helper()
	return parse(t, fmt.Sprintf(`{"type":"snapshot","sequence":%d,"release":%s,"pack":%s}`, sequence, quote(note), pack.Encode()))
}

func parse(t *testing.T, frame string) trust.Update {
	t.Helper()
	u, err := trust.ParseUpdate([]byte(frame))
	if err != nil {
		t.Fatal(err)
	}
	return u
}

// accept shows an update to a client that has seen nothing of the log, with the
// honest evidence of a log that ends with the second release.
func (h history) accept(t testing.TB, root trust.Root, now time.Time, have trust.State, u trust.Update) (trust.State, error) {
	t.Helper()
	log := trusttest.NewLog(t, "ann bob", trusttest.Sign(t, h.first, "ann", "bob"), trusttest.Sign(t, h.second, "ann", "bob"))
	if r, err := trust.ParseRelease([]byte(u.Release)); err == nil && r.Sequence <= log.Size() {
		if u.Proof, err = log.Record(r.Sequence); err != nil {
			t.Fatal(err)
		}
	}
	created := now.Add(-time.Hour)
	e := log.EvidenceAt(t, 0, created, onlineAt(t, now), trusttest.Online)
	got, err := trust.Accept(root, now, have, trust.Client{}, e, &u)
	got.Root, got.Seen, got.Created, got.Expires = trust.Root{}, trust.Seen{}, time.Time{}, time.Time{}
	return got, err
}

// onlineAt lends the online key for a day around an instant.
func onlineAt(t testing.TB, now time.Time) string {
	t.Helper()
	_, _, public := trusttest.Key(t, trusttest.Online)
	ann, _, _ := trusttest.Key(t, "ann")
	bob, _, _ := trusttest.Key(t, "bob")
	msg, err := trust.SignOnlineKey(trust.OnlineKey{Version: 1, Key: public, Created: now.Add(-12 * time.Hour), Expires: now.Add(12 * time.Hour)}, ann, bob)
	if err != nil {
		t.Fatal(err)
	}
	return string(msg)
}

func quote(s string) string { b, _ := json.Marshal(s); return string(b) }

func TestAcceptFollowsDeltasAndSnapshots(t *testing.T) {
	h := newHistory(t)
	note1, note2 := trusttest.Sign(t, h.first, "bob"), trusttest.Sign(t, h.second, "ann")
	want := trust.State{Sequence: 2, Release: h.second.TextHash(), Pack: h.packs[2]}

	one, err := h.accept(t, h.root, trusttest.Now, h.base, delta(t, note1, 0, 1, rules.Diff(h.packs[0], h.packs[1])))
	if err != nil {
		t.Fatal(err)
	}
	if one.Sequence != 1 || one.Release != h.first.TextHash() || one.Pack.Hash() != h.packs[1].Hash() {
		t.Errorf("after the first delta: %+v", one)
	}
	for name, step := range map[string]func() (trust.State, error){
		"second delta": func() (trust.State, error) {
			return h.accept(t, h.root, trusttest.Now, one, delta(t, note2, 1, 2, rules.Diff(h.packs[1], h.packs[2])))
		},
		"delta over two releases": func() (trust.State, error) {
			return h.accept(t, h.root, trusttest.Now, h.base, delta(t, note2, 0, 2, rules.Diff(h.packs[0], h.packs[2])))
		},
		"snapshot": func() (trust.State, error) {
			return h.accept(t, h.root, trusttest.Now, h.base, snapshot(t, note2, 2, h.packs[2]))
		},
		"snapshot to a client that has nothing": func() (trust.State, error) {
			return h.accept(t, h.root, trusttest.Now, trust.State{}, snapshot(t, note2, 2, h.packs[2]))
		},
	} {
		got, err := step()
		if err != nil {
			t.Errorf("%s: %v", name, err)
		} else if !reflect.DeepEqual(got, want) {
			t.Errorf("%s: got sequence %d, pack %s", name, got.Sequence, got.Pack.Hash())
		}
	}
}

// Each case is what a malicious or broken server might send to a client at
// sequence 1 (attacks of the TUF specification in brackets).
func TestAcceptRefuses(t *testing.T) {
	h := newHistory(t)
	at1 := trust.State{Sequence: 1, Release: h.first.TextHash(), Pack: h.packs[1]}
	note1, note2 := trusttest.Sign(t, h.first, "ann"), trusttest.Sign(t, h.second, "ann")
	toSecond := rules.Diff(h.packs[1], h.packs[2])
	evil := trusttest.Pack(t, "a", "evil")
	invalid := trusttest.Rule("c")
	invalid.Tier = "Z"
	withExamples := trusttest.Rule("c")
	year := 365 * 24 * time.Hour

	for _, c := range []struct {
		name string
		now  time.Time
		u    trust.Update
		want error
	}{
		{"unsigned snapshot", trusttest.Now, snapshot(t, "", 2, h.packs[2]), trust.ErrUnsigned},
		{"unsigned text", trusttest.Now, snapshot(t, h.second.Text(), 2, h.packs[2]), trust.ErrUnsigned},
		{"wrong key [arbitrary software]", trusttest.Now, snapshot(t, trusttest.Sign(t, h.second, "mal"), 2, h.packs[2]), trust.ErrUnsigned},
		{"expired [indefinite freeze]", trusttest.Now.Add(year), snapshot(t, note2, 2, h.packs[2]), trust.ErrExpired},
		{"long expired", trusttest.Now.Add(2 * year), delta(t, note2, 1, 2, toSecond), trust.ErrExpired},
		{"the release in use again", trusttest.Now, snapshot(t, note1, 1, h.packs[1]), trust.ErrRollback},
		{"the release in use as a delta", trusttest.Now, delta(t, note1, 0, 1, nil), trust.ErrRollback},
		{"delta from before", trusttest.Now, delta(t, note2, 0, 2, rules.Diff(h.packs[0], h.packs[2])), trust.ErrGap},
		{"delta from after", trusttest.Now, delta(t, note2, 2, 2, nil), trust.ErrGap},
		{"pack of another release [mix and match]", trusttest.Now, snapshot(t, note2, 2, h.packs[1]), trust.ErrMismatch},
		{"pack nobody signed", trusttest.Now, snapshot(t, note2, 2, evil), trust.ErrMismatch},
		{"delta with a change left out", trusttest.Now, delta(t, note2, 1, 2, toSecond[1:]), trust.ErrMismatch},
		{"delta with a rule more", trusttest.Now, delta(t, note2, 1, 2, append([]rules.Change{{Put: evil.Rule("evil")}}, toSecond...)), trust.ErrMismatch},
		{"delta that removes what is not there", trusttest.Now, delta(t, note2, 1, 2, []rules.Change{{Remove: "z"}}), trust.ErrMismatch},
		{"delta without changes", trusttest.Now, delta(t, note2, 1, 2, nil), trust.ErrMismatch},
		{"frame says another sequence", trusttest.Now, snapshot(t, note2, 9, h.packs[2]), trust.ErrMismatch},
		{"delta says another sequence [fast forward]", trusttest.Now, delta(t, note2, 1, 9, toSecond), trust.ErrMismatch},
		{"invalid rule", trusttest.Now, delta(t, note2, 1, 2, []rules.Change{{Put: &invalid}}), trust.ErrInvalid},
		{"rule with examples", trusttest.Now, delta(t, note2, 1, 2, []rules.Change{{Put: &withExamples}}), trust.ErrInvalid},
		{"no changes field", trusttest.Now, parse(t, `{"type":"delta","from":1,"to":2,"release":`+quote(note2)+`}`), trust.ErrInvalid},
		{"changes of another kind", trusttest.Now, parse(t, `{"type":"delta","from":1,"to":2,"changes":{"put":1},"release":`+quote(note2)+`}`), trust.ErrInvalid},
		{"unknown kind of change", trusttest.Now, parse(t, `{"type":"delta","from":1,"to":2,"changes":[{"patch":"x"}],"release":`+quote(note2)+`}`), trust.ErrInvalid},
		{"no pack field", trusttest.Now, parse(t, `{"type":"snapshot","sequence":2,"release":`+quote(note2)+`}`), trust.ErrInvalid},
		{"unknown field in the pack", trusttest.Now, parse(t, `{"type":"snapshot","sequence":2,"pack":{"format":1,"rules":[],"code":"x"},"release":`+quote(note2)+`}`), trust.ErrInvalid},
		{"pack of another format", trusttest.Now, parse(t, `{"type":"snapshot","sequence":2,"pack":{"format":99,"rules":[]},"release":`+quote(note2)+`}`), trust.ErrInvalid},
		{"no type", trusttest.Now, trust.Update{Sequence: 2, Release: note2, Pack: h.packs[2].Encode()}, trust.ErrInvalid},
		{"giant pack [endless data]", trusttest.Now, trust.Update{Type: "snapshot", Sequence: 2, Release: note2, Pack: make([]byte, rules.MaxPack+1)}, trust.ErrTooLarge},
		{"giant changes", trusttest.Now, trust.Update{Type: "delta", From: 1, To: 2, Release: note2, Changes: make([]byte, trust.MaxFrame+1)}, trust.ErrTooLarge},
		{"too many changes", trusttest.Now, delta(t, note2, 1, 2, make([]rules.Change, rules.MaxPackRules+1)), trust.ErrTooLarge},
	} {
		before := at1.Pack.Hash()
		got, err := h.accept(t, h.root, c.now, at1, c.u)
		if !errors.Is(err, c.want) {
			t.Errorf("%s: got %v, want %v", c.name, err, c.want)
		}
		if !reflect.DeepEqual(got, trust.State{}) {
			t.Errorf("%s: a refusal returned a state", c.name)
		}
		if at1.Pack.Hash() != before {
			t.Fatalf("%s: a refusal changed the client's pack", c.name)
		}
	}
}

func TestAcceptNeedsTheThreshold(t *testing.T) {
	h := newHistory(t)
	h.root.Threshold = 2
	for names, ok := range map[string]bool{"ann": false, "ann ann": false, "ann mal": false, "ann bob": true, "bob eve ann": true} {
		msg := trusttest.Sign(t, h.first, strings.Fields(names)...)
		_, err := h.accept(t, h.root, trusttest.Now, h.base, snapshot(t, msg, 1, h.packs[1]))
		if ok && err != nil {
			t.Errorf("%s: %v", names, err)
		}
		if !ok && !errors.Is(err, trust.ErrUnsigned) {
			t.Errorf("%s: got %v, want ErrUnsigned", names, err)
		}
	}
}

// What is wrong first decides: a client that must distrust the sender is never
// told to ask it for a snapshot.
func TestAcceptChecksInOrder(t *testing.T) {
	h := newHistory(t)
	at2 := trust.State{Sequence: 2, Release: h.second.TextHash(), Pack: h.packs[2]}
	late := trusttest.Now.AddDate(5, 0, 0)
	u := delta(t, trusttest.Sign(t, h.first, "mal"), 0, 9, []rules.Change{{Remove: "z"}})
	steps := []struct {
		want  error
		mend  func()
		names string
	}{
		{trust.ErrUnsigned, func() { u.Release = trusttest.Sign(t, h.first, "ann") }, "signatures"},
		{trust.ErrExpired, func() { late = trusttest.Now }, "expiry"},
		{trust.ErrRollback, func() { at2.Sequence = 0; u.From = 5 }, "sequence"},
		{trust.ErrGap, func() { u.From = 0 }, "base"},
		{trust.ErrMismatch, func() {}, "content"},
	}
	for _, step := range steps {
		if _, err := h.accept(t, h.root, late, at2, u); !errors.Is(err, step.want) {
			t.Errorf("%s: got %v, want %v", step.names, err, step.want)
		}
		step.mend()
	}
}

func TestParseUpdateRefuses(t *testing.T) {
	for frame, want := range map[string]error{
		``:                             trust.ErrInvalid,
		`[]`:                           trust.ErrInvalid,
		`{"type":"head","sequence":1}`: trust.ErrInvalid,
		`{"type":"delta","from":-1}`:   trust.ErrInvalid,
		`{"type":"delta","from":1.5}`:  trust.ErrInvalid,
		`{"type":"snapshot"} {}`:       trust.ErrInvalid,
		`{"type":"snapshot","pack":"` + strings.Repeat("x", trust.MaxFrame) + `"}`: trust.ErrTooLarge,
	} {
		if _, err := trust.ParseUpdate([]byte(frame)); !errors.Is(err, want) {
			t.Errorf("%.40s: got %v, want %v", frame, err, want)
		}
	}
	if _, err := trust.ParseUpdate([]byte(`{"type":"delta","from":1,"witness":["later"]}`)); err != nil {
		t.Errorf("a field of a later server: %v", err)
	}
}

func TestCodeNamesEveryRefusal(t *testing.T) {
	for err, want := range map[error]string{
		trust.ErrUnsigned: "unsigned", trust.ErrExpired: "expired", trust.ErrRollback: "rollback",
		trust.ErrGap: "gap", trust.ErrMismatch: "mismatch", trust.ErrInvalid: "invalid",
		trust.ErrFork: "fork", trust.ErrLog: "log", trust.ErrOthers: "others",
		trust.ErrTooLarge: "too-large", errors.New("else"): "invalid",
	} {
		if got := trust.Code(fmt.Errorf("around: %w", err)); got != want {
			t.Errorf("%v: got %q, want %q", err, got, want)
		}
	}
}

func FuzzAccept(f *testing.F) {
	f.Add([]byte(`{"type":"snapshot","sequence":1,"release":"x\n\n— a AAAA\n","pack":{"format":1,"rules":[]}}`))
	f.Add([]byte(`{"type":"delta","from":0,"to":1,"release":"","changes":[{"remove":"a"}]}`))
	root := trusttest.Root(f, 1, "ann")
	evidence := trusttest.NewLog(f, "ann", trusttest.Sign(f, trusttest.Release(1, nil, trusttest.Pack(f, "a")), "ann")).Evidence(f, 0)
	f.Fuzz(func(t *testing.T, frame []byte) {
		u, err := trust.ParseUpdate(frame)
		if err != nil {
			return
		}
		// Nobody holds ann's key here, so nothing may ever pass, or panic.
		if _, err := trust.Accept(root, trusttest.Now, trust.State{}, trust.Client{}, evidence, &u); err == nil {
			t.Fatalf("accepted %q", frame)
		}
	})
}
