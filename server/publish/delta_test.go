// SPDX-License-Identifier: Apache-2.0

package publish_test

import (
	"encoding/json"
	"testing"

	"haechi/rules"
	"haechi/rules/trust"
	"haechi/rules/trust/trusttest"
	"haechi/server/publish"
	"haechi/server/wire"
)

func site(id, verified string) rules.Site {
	return rules.Site{
		ID: id, Name: id, Verified: verified, Matches: []string{"https://" + id + ".example/*"},
		Answer: []string{".answer"}, Body: []string{":scope"},
	}
}

// TestSitesArePublishedAndTravel pushes, changes and removes a site, and takes
// a client through every way from one release to another.
func TestSitesArePublishedAndTravel(t *testing.T) {
	d := newDesk(t)
	packs := []rules.Pack{trusttest.Pack(t, "a", "b")}
	publishNext := func(push publish.Push, sites ...rules.Site) publish.Result {
		t.Helper()
		next, err := rules.NewPack(packs[0].Rules, sites...)
		if err != nil {
			t.Fatal(err)
		}
		release := trusttest.Release(d.Head().Sequence+1, d.latest, next)
		push.Release = trusttest.Sign(t, release, "ann")
		result, err := d.Publish(push)
		if err != nil {
			t.Fatal(err)
		}
		d.latest = &release
		packs = append(packs, next)
		return result
	}
	file := func(s rules.Site) publish.Push { return publish.Push{Sites: []json.RawMessage{rules.FormatSite(s)}} }
	one, two := site("one", "2026-01-01"), site("one", "2026-02-02")
	other := site("other", "2026-01-01")
	if r := publishNext(file(one), one); len(r.Added) != 1 || r.Added[0] != "site/one" {
		t.Errorf("%+v", r)
	}
	if r := publishNext(file(two), two); len(r.Changed) != 1 || r.Changed[0] != "site/one" {
		t.Errorf("%+v", r)
	}
	publishNext(file(other), two, other)
	if r := publishNext(publish.Push{RemoveSites: []string{"one"}}, other); len(r.Removed) != 1 || r.Removed[0] != "site/one" {
		t.Errorf("%+v", r)
	}
	d.restart(t)
	for from, pack := range packs[:len(packs)-1] {
		frames, err := d.Since(wire.Since{Sequence: uint64(from), Pack: pack.Hash(), To: d.Head().Sequence})
		if err != nil {
			t.Fatal(err)
		}
		got, err := accept(d.root, trust.State{Sequence: uint64(from), Pack: pack}, trust.Client{}, frames)
		if err != nil || got.Pack.Hash() != packs[len(packs)-1].Hash() {
			t.Errorf("from %d: %v", from, err)
		}
	}
	if _, err := d.Publish(publish.Push{Release: trusttest.Sign(t, trusttest.Release(5, d.latest, packs[0]), "ann"), Sites: []json.RawMessage{[]byte(`{"id":"x"}`)}}); err == nil {
		t.Error("a site that is not valid is published")
	}
}

// TestAChangedTextIsASmallDelta: a client that lacks one sentence is sent that
// sentence, and arrives at the signed pack.
func TestAChangedTextIsASmallDelta(t *testing.T) {
	d := newDesk(t)
	base := trusttest.Pack(t, "a", "b")
	changed := trusttest.Rule("b")
	changed.Correction["en"] = "A new sentence about b."
	next, err := rules.NewPack([]rules.Rule{trusttest.Rule("a"), changed})
	if err != nil {
		t.Fatal(err)
	}
	release := trusttest.Release(1, nil, next)
	push := publish.Push{Release: trusttest.Sign(t, release, "ann"), Files: []json.RawMessage{rules.Format(changed)}}
	if _, err := d.Publish(push); err != nil {
		t.Fatal(err)
	}
	frames, err := d.Since(wire.Since{Sequence: 0, Pack: base.Hash(), To: 1})
	if err != nil {
		t.Fatal(err)
	}
	u, err := trust.ParseUpdate(frames[1])
	if err != nil {
		t.Fatal(err)
	}
	var changes []rules.Change
	if err := json.Unmarshal(u.Changes, &changes); err != nil {
		t.Fatal(err)
	}
	if len(changes) != 1 || changes[0].Patch == nil || len(u.Changes) > 200 {
		t.Errorf("%d bytes: %s", len(u.Changes), u.Changes)
	}
	got, err := accept(d.root, trust.State{Pack: base}, trust.Client{}, frames)
	if err != nil || got.Pack.Hash() != next.Hash() {
		t.Errorf("%v", err)
	}
}
