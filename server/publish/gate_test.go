// SPDX-License-Identifier: Apache-2.0

package publish_test

import (
	"encoding/json"
	"errors"
	"reflect"
	"strings"
	"testing"
	"time"

	"haechi/rules"
	"haechi/rules/trust/trusttest"
	"haechi/server/publish"
)

// fixedGate answers the same to every push and remembers what it was asked.
type fixedGate struct {
	problems []string
	changes  []publish.Sentence
	err      error

	before, after rules.Pack
	files         []rules.Rule
	asked         int
}

func (g *fixedGate) Judge(before, after rules.Pack, files []rules.Rule) ([]string, []publish.Sentence, error) {
	g.before, g.after, g.files, g.asked = before, after, files, g.asked+1
	return g.problems, g.changes, g.err
}

func gated(t *testing.T, g *fixedGate) *desk {
	t.Helper()
	d := newDesk(t)
	online, _, _ := trusttest.Key(t, trusttest.Online)
	p, err := publish.New(d.store, publish.Config{
		Root: d.root, Online: online, Gate: g, Now: func() time.Time { return d.now }, Announce: func() {},
	})
	if err != nil {
		t.Fatal(err)
	}
	d.Publisher = p
	return d
}

func TestGateRefusesAndNamesSentences(t *testing.T) {
	changed := []publish.Sentence{{Text: "김치는 한국의 음식이다.", Expect: "pass", Before: []string{}, After: []string{"c"}}}
	g := &fixedGate{problems: []string{"c: flags too much"}, changes: changed}
	d := gated(t, g)
	push, _ := d.next(t, "a", "c")
	_, err := d.Publish(push)
	var refusal *publish.Refusal
	if !errors.As(err, &refusal) || refusal.Code != publish.CodeGate || refusal.Status() != 422 || !reflect.DeepEqual(refusal.Changes, changed) || !strings.Contains(err.Error(), "c: flags too much") {
		t.Fatalf("%v", err)
	}
	if d.Head().Sequence != 0 {
		t.Error("the head moved")
	}
	if g.before.Hash() != trusttest.Pack(t, "a", "b").Hash() || g.after.Hash() != trusttest.Pack(t, "a", "c").Hash() || len(g.files) != 1 || len(g.files[0].Examples) == 0 {
		t.Errorf("asked about %d and %d rules, files %v", len(g.before.Rules), len(g.after.Rules), g.files)
	}

	g.problems = nil
	result, err := d.Publish(push)
	if err != nil || !reflect.DeepEqual(result.Changes, changed) || d.Head().Sequence != 1 {
		t.Errorf("%+v, %v", result, err)
	}
	if b, _ := json.Marshal(result); !strings.Contains(string(b), `"changes":[{"text":"김치는 한국의 음식이다.","expect":"pass","before":[],"after":["c"]}]`) {
		t.Errorf("%s", b)
	}
}

// TestSwitchingOffIsNotHeldUp: what does harm is gone at once.
func TestSwitchingOffIsNotHeldUp(t *testing.T) {
	g := &fixedGate{problems: []string{"no"}}
	d := gated(t, g)
	pack, err := d.store.Pack()
	if err != nil {
		t.Fatal(err)
	}
	off := pack.Rules[0]
	off.Disabled = true
	next, err := rules.NewPack([]rules.Rule{off})
	if err != nil {
		t.Fatal(err)
	}
	push := publish.Push{Release: trusttest.Sign(t, trusttest.Release(1, nil, next), "ann"), Disable: []string{off.ID}, Remove: []string{pack.Rules[1].ID}}
	if _, err := d.Publish(push); err != nil || g.asked != 0 {
		t.Errorf("%v; the gate was asked %d times", err, g.asked)
	}
}

// TestGateIsAskedLast: nobody without a key costs the server a judgement, and a
// gate that fails is the server's own fault.
func TestGateIsAskedLast(t *testing.T) {
	g := &fixedGate{err: errors.New("no memory")}
	d := gated(t, g)
	push, release := d.next(t, "a", "b", "c")
	unsigned := push
	unsigned.Release = trusttest.Sign(t, release, "mal")
	if _, err := d.Publish(unsigned); err == nil || g.asked != 0 {
		t.Errorf("%v; asked %d times", err, g.asked)
	}
	_, err := d.Publish(push)
	var refusal *publish.Refusal
	if err == nil || errors.As(err, &refusal) || d.Head().Sequence != 0 || g.asked != 1 {
		t.Errorf("%v; asked %d times", err, g.asked)
	}
}
