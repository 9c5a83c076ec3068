// SPDX-License-Identifier: Apache-2.0

package rules_test

import (
	"bytes"
	"encoding/json"
	"errors"
	"reflect"
	"slices"
	"strings"
	"testing"

	"haechi/rules"
	"haechi/rules/data"
)

func kimchi(t testing.TB) (rules.Rule, []byte) {
	t.Helper()
	rs, err := data.Rules()
	if err != nil {
		t.Fatal(err)
	}
	for _, r := range rs {
		if r.ID == "kimchi-origin-china" {
			return r, rules.Format(r)
		}
	}
	t.Fatal("no rule kimchi-origin-china")
	return rules.Rule{}, nil
}

func TestFormatIsStable(t *testing.T) {
	r, b := kimchi(t)
	again, err := rules.Parse("a.json", b)
	if err != nil {
		t.Fatal(err)
	}
	if !reflect.DeepEqual(r, again) || !bytes.Equal(b, rules.Format(again)) {
		t.Error("a rule changes when it is written and read")
	}
}

func TestParseNamesFileRuleAndField(t *testing.T) {
	_, good := kimchi(t)
	edit := func(change func(m map[string]any)) []byte {
		var m map[string]any
		if err := json.Unmarshal(good, &m); err != nil {
			t.Fatal(err)
		}
		change(m)
		b, err := json.Marshal(m)
		if err != nil {
			t.Fatal(err)
		}
		return b
	}
	first := func(m map[string]any) map[string]any { return m["propositions"].([]any)[0].(map[string]any) }
	for name, c := range map[string]struct {
		data []byte
		want string
	}{
		"not JSON":      {[]byte("{\n\n\"id\": }"), "x.json:3:"},
		"unknown field": {edit(func(m map[string]any) { m["code"] = "alert(1)" }), `unknown field "code"`},
		"two rules":     {append(bytes.Clone(good), good...), "one file holds one rule"},
		"not UTF-8":     {append([]byte("\xff"), good...), "not UTF-8"},
		"bad id":        {edit(func(m map[string]any) { m["id"] = "Kimchi!" }), `rule "Kimchi!": id:`},
		"bad tier":      {edit(func(m map[string]any) { m["tier"] = "D" }), "tier:"},
		"no subject":    {edit(func(m map[string]any) { delete(m["subject"].(map[string]any), "ja") }), "subject.ja: missing"},
		"no wrong word": {edit(func(m map[string]any) { first(m)["wrong"] = map[string]any{} }), "propositions[0].wrong.ko: missing"},
		"bad pattern":   {edit(func(m map[string]any) { first(m)["patterns"].(map[string]any)["ko"] = []any{"{owner}…x"} }), "propositions[0].patterns.ko[0]"},
		"long pattern": {edit(func(m map[string]any) {
			first(m)["patterns"].(map[string]any)["ko"] = []any{strings.Repeat("{wrong}…", rules.MaxPatternParts) + "x"}
		}), "propositions[0].patterns.ko[0]: a pattern of 13 parts; at most 12"},
		"wordy pattern": {edit(func(m map[string]any) {
			first(m)["patterns"].(map[string]any)["ko"] = []any{"{wrong}" + strings.Repeat("가", rules.MaxPattern)}
		}), "propositions[0].patterns.ko[0]: a pattern of 207 characters; at most 200"},
		"many patterns": {edit(func(m map[string]any) {
			first(m)["patterns"].(map[string]any)["ko"] = slices.Repeat([]any{"{subject}…{wrong}"}, rules.MaxPatterns+1)
		}), "propositions[0].patterns.ko: 33 patterns; at most 32"},
		"one source":         {edit(func(m map[string]any) { m["sources"] = m["sources"].([]any)[:1] }), "sources: 1;"},
		"script as source":   {edit(func(m map[string]any) { m["sources"].([]any)[0].(map[string]any)["url"] = "javascript:alert(1)" }), "sources[0].url"},
		"contested, no side": {edit(func(m map[string]any) { m["tier"] = "B"; delete(m, "positions") }), "positions: 0;"},
		"few examples": {edit(func(m map[string]any) {
			m["examples"].(map[string]any)["zh"] = map[string]any{"hit": []any{}, "miss": []any{}}
		}), "examples.zh.hit: 0;"},
		"control character": {edit(func(m map[string]any) { m["correction"].(map[string]any)["ko"] = "a\u0000b" }), "correction.ko"},
		"guard not longer": {edit(func(m map[string]any) {
			m["subject"].(map[string]any)["ko"] = []any{map[string]any{"text": "김치", "not": []any{"배추"}}}
		}), "subject.ko[0]"},
	} {
		_, err := rules.Parse("x.json", c.data)
		if err == nil || !strings.Contains(err.Error(), c.want) || !strings.Contains(err.Error(), "x.json") {
			t.Errorf("%s: error %v, want one that names x.json and says %q", name, err, c.want)
		}
	}
}

func TestDiffAndApplyLeadFromOnePackToTheOther(t *testing.T) {
	rs, err := data.Rules()
	if err != nil {
		t.Fatal(err)
	}
	from, err := rules.NewPack(rs[1:])
	if err != nil {
		t.Fatal(err)
	}
	changed := append([]rules.Rule{}, rs[:len(rs)-1]...)
	changed[1].Disabled = true
	to, err := rules.NewPack(changed)
	if err != nil {
		t.Fatal(err)
	}
	changes := rules.Diff(from, to)
	if len(changes) != 3 { // one comes, one changes, one goes
		t.Errorf("%d changes, want 3", len(changes))
	}
	got, err := rules.Apply(from, changes)
	if err != nil {
		t.Fatal(err)
	}
	if got.Hash() != to.Hash() {
		t.Error("the changes lead to another pack")
	}
	again, err := rules.ParsePack(to.Encode())
	if err != nil || again.Hash() != to.Hash() {
		t.Errorf("a pack changes when it is written and read: %v", err)
	}
	if len(rules.Diff(to, to)) != 0 {
		t.Error("a pack differs from itself")
	}
}

func TestApplyRefusesAndLeavesThePack(t *testing.T) {
	rs, err := data.Rules()
	if err != nil {
		t.Fatal(err)
	}
	p, err := rules.NewPack(rs)
	if err != nil {
		t.Fatal(err)
	}
	before := p.Hash()
	broken := p.Rules[0]
	broken.Sources = nil
	for name, c := range map[string]rules.Change{
		"neither":     {},
		"not there":   {Remove: "no-such-rule"},
		"not valid":   {Put: &broken},
		"both":        {Put: &p.Rules[0], Remove: p.Rules[0].ID},
		"has example": {Put: &rs[0]},
	} {
		if _, err := rules.Apply(p, []rules.Change{c}); err == nil {
			t.Errorf("%s: no error", name)
		}
	}
	var invalid *rules.InvalidError
	if _, err := rules.Apply(p, []rules.Change{{Put: &broken}}); !errors.As(err, &invalid) {
		t.Errorf("an invalid rule gives %v", err)
	}
	if p.Hash() != before {
		t.Error("a refused change altered the pack")
	}
}

// TestDataIsCanonical: every shipped rule is equal to its own format, so that
// a diff shows what was meant.
func TestDataIsCanonical(t *testing.T) {
	rs, err := data.Rules()
	if err != nil {
		t.Fatal(err)
	}
	for _, r := range rs {
		f, err := data.Files().Open(r.ID + ".json")
		if err != nil {
			t.Fatal(err)
		}
		var b bytes.Buffer
		if _, err := b.ReadFrom(f); err != nil {
			t.Fatal(err)
		}
		f.Close()
		if !bytes.Equal(b.Bytes(), rules.Format(r)) {
			t.Errorf("%s.json is not in canonical form; run dist/haechi rules fmt rules/data/*.json", r.ID)
		}
	}
}

func FuzzParse(f *testing.F) {
	_, good := kimchi(f)
	f.Add(good)
	f.Add([]byte(`{"id":1}`))
	f.Fuzz(func(t *testing.T, b []byte) {
		r, err := rules.Parse("f.json", b)
		if err != nil {
			return
		}
		if again, err := rules.Parse("f.json", rules.Format(r)); err != nil || !reflect.DeepEqual(r, again) {
			t.Fatalf("a valid rule does not survive its own format: %v", err)
		}
	})
}

func TestFindRuleReadsOneOfThePack(t *testing.T) {
	rs, err := data.Rules()
	if err != nil {
		t.Fatal(err)
	}
	p, err := rules.NewPack(rs)
	if err != nil {
		t.Fatal(err)
	}
	canonical := p.Encode()
	for i := range p.Rules {
		r, err := rules.FindRule(canonical, p.Rules[i].ID)
		if err != nil || r == nil || !reflect.DeepEqual(*r, p.Rules[i]) {
			t.Errorf("%s: %v, or another rule than the pack's", p.Rules[i].ID, err)
		}
	}
	if r, err := rules.FindRule(canonical, "no-such-rule"); r != nil || err != nil {
		t.Errorf("a rule that is not there: %v, %v", r, err)
	}
	if r, err := rules.FindRule([]byte(`{"rules":[{"id":"a","category":1}]}`), "a"); r != nil || err == nil {
		t.Errorf("a broken rule: %v, %v", r, err)
	}
}

// TestAPatternAtTheLimitIsTaken: twelve parts are.
func TestAPatternAtTheLimitIsTaken(t *testing.T) {
	if parts, err := rules.ParsePattern(strings.Repeat("{wrong}…", rules.MaxPatternParts-1) + "x"); err != nil || len(parts) != rules.MaxPatternParts {
		t.Errorf("%d parts, %v", len(parts), err)
	}
}
