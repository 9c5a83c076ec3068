// SPDX-License-Identifier: Apache-2.0

package delta_test

import (
	"encoding/json"
	"fmt"
	"math/rand/v2"
	"slices"
	"strings"
	"testing"

	"haechi/rules"
	"haechi/rules/data"
	"haechi/rules/delta"
)

// clone is a deep copy of a rule.
func clone(t testing.TB, r rules.Rule) rules.Rule {
	t.Helper()
	b, err := json.Marshal(r)
	if err != nil {
		t.Fatal(err)
	}
	var out rules.Rule
	if err := json.Unmarshal(b, &out); err != nil {
		t.Fatal(err)
	}
	return out
}

func packOf(t testing.TB, rs []rules.Rule) rules.Pack {
	t.Helper()
	p, err := rules.NewPack(rs)
	if err != nil {
		t.Fatal(err)
	}
	return p
}

func realRules(t testing.TB) []rules.Rule {
	t.Helper()
	rs, err := data.Rules()
	if err != nil {
		t.Fatal(err)
	}
	return rs
}

func encoded(t testing.TB, changes []rules.Change) int {
	t.Helper()
	b, err := json.Marshal(changes)
	if err != nil {
		t.Fatal(err)
	}
	return len(b)
}

// TestAFewWordsAreASmallDelta: that is what this package is for.
func TestAFewWordsAreASmallDelta(t *testing.T) {
	rs := realRules(t)
	from := packOf(t, rs)
	for name, edit := range map[string]func(r *rules.Rule){
		"one correction": func(r *rules.Rule) { r.Correction["en"] = "The evidence says otherwise, and this sentence says so." },
		"two words": func(r *rules.Rule) {
			ko := r.Propositions[0].Wrong["ko"]
			ko = slices.Insert(slices.Clone(ko), len(ko)/2, rules.Term{Text: "새낱말"})
			r.Propositions[0].Wrong["ko"] = append(ko, rules.Term{Text: "둘째말", Not: []string{"둘째말씀"}})
		},
		"switched off": func(r *rules.Rule) { r.Disabled = true },
	} {
		for _, i := range []int{0, len(rs) / 2, len(rs) - 1} {
			changed := slices.Clone(rs)
			changed[i] = clone(t, rs[i])
			edit(&changed[i])
			to := packOf(t, changed)
			whole := rules.Diff(from, to)
			small, err := delta.Shrink(from, whole)
			if err != nil {
				t.Fatal(err)
			}
			if n := encoded(t, small); n >= 1<<10 {
				t.Errorf("%s in %s: %d bytes of %d, want less than 1024", name, rs[i].ID, n, encoded(t, whole))
			}
			if got, err := rules.Apply(from, small); err != nil || got.Hash() != to.Hash() {
				t.Errorf("%s in %s leads to another pack: %v", name, rs[i].ID, err)
			}
			if whole[0].Put == nil {
				t.Errorf("%s: Shrink altered what it was given", name)
			}
		}
	}
}

func TestARuleThatIsAnotherIsPutWhole(t *testing.T) {
	rs := realRules(t)
	other := clone(t, rs[1])
	other.ID = rs[0].ID
	from, to := packOf(t, rs[:1]), packOf(t, []rules.Rule{other})
	small, err := delta.Shrink(from, rules.Diff(from, to))
	if err != nil {
		t.Fatal(err)
	}
	if len(small) != 1 || small[0].Put == nil {
		t.Errorf("%+v", small)
	}
}

// mutate changes a rule in a way that leaves it valid.
func mutate(rnd *rand.Rand, r *rules.Rule) {
	lang := rules.Languages[rnd.IntN(len(rules.Languages))]
	p := &r.Propositions[rnd.IntN(len(r.Propositions))]
	switch rnd.IntN(9) {
	case 0:
		r.Correction[lang] += fmt.Sprintf(" %d ~/\"<é한", rnd.IntN(100))
	case 1:
		terms := p.Wrong[lang]
		at := rnd.IntN(len(terms) + 1)
		p.Wrong[lang] = slices.Insert(slices.Clone(terms), at, rules.Term{Text: fmt.Sprintf("말%d", rnd.Int32())})
	case 2:
		if terms := p.Wrong[lang]; len(terms) > 1 {
			at := rnd.IntN(len(terms))
			p.Wrong[lang] = slices.Delete(slices.Clone(terms), at, at+1)
		}
	case 3:
		terms := slices.Clone(p.Wrong[lang])
		rnd.Shuffle(len(terms), func(i, j int) { terms[i], terms[j] = terms[j], terms[i] })
		p.Wrong[lang] = terms
	case 4:
		r.Disabled = !r.Disabled
	case 5:
		r.Threshold = []float64{0, 0.5, 0.875, 0.1}[rnd.IntN(4)]
	case 6:
		r.Sources = append(slices.Clone(r.Sources), r.Sources[0])
		r.Sources[len(r.Sources)-1].Year = 1900 + rnd.IntN(100)
	case 7:
		terms := slices.Clone(p.Wrong[lang])
		at := rnd.IntN(len(terms))
		terms[at].Not = append(slices.Clone(terms[at].Not), terms[at].Text+"뒤"+fmt.Sprint(rnd.Int32()))
		p.Wrong[lang] = terms
	case 8:
		if p.With == nil {
			p.With = map[string][]string{lang: {"a/b~c"}}
		} else {
			p.With = nil
		}
	}
}

func TestShrunkChangesLeadToTheSamePack(t *testing.T) {
	rs := realRules(t)
	rnd := rand.New(rand.NewPCG(1, 2))
	patches := 0
	for round := range 60 {
		// Few rules a round: the pack's size is not what is tested.
		at := rnd.IntN(len(rs) - 4)
		base := rs[at : at+4]
		changed := slices.Clone(base)
		for range 1 + rnd.IntN(6) {
			i := rnd.IntN(len(changed))
			next := clone(t, changed[i])
			mutate(rnd, &next)
			if len(rules.ValidatePublished(withoutExamples(&next))) == 0 {
				changed[i] = next
			}
		}
		if rnd.IntN(3) == 0 {
			changed = changed[1:]
		}
		from, to := packOf(t, base), packOf(t, changed)
		small, err := delta.Shrink(from, rules.Diff(from, to))
		if err != nil {
			t.Fatalf("round %d: %v", round, err)
		}
		// As it travels: through JSON.
		b, err := json.Marshal(small)
		if err != nil {
			t.Fatal(err)
		}
		var read []rules.Change
		if err := json.Unmarshal(b, &read); err != nil {
			t.Fatal(err)
		}
		for _, c := range read {
			if c.Patch != nil {
				patches++
			}
		}
		if got, err := rules.Apply(from, read); err != nil || got.Hash() != to.Hash() {
			t.Fatalf("round %d: %v\n%.2000s", round, err, b)
		}
	}
	if patches < 60 {
		t.Errorf("only %d patches in 60 rounds: this tests nothing", patches)
	}
}

func withoutExamples(r *rules.Rule) *rules.Rule {
	copied := *r
	copied.Examples = nil
	return &copied
}

func TestTheWorkIsBounded(t *testing.T) {
	rs := realRules(t)
	p := packOf(t, rs[:1])
	id := p.Rules[0].ID
	one := rules.Op{Op: "replace", Path: "/disabled", Value: json.RawMessage("true")}
	add := rules.Op{Op: "add", Path: "/disabled", Value: json.RawMessage("true")}
	if _, err := rules.Apply(p, []rules.Change{{Patch: &rules.Patch{ID: id, Ops: []rules.Op{add}}}}); err != nil {
		t.Fatalf("the patch that the cases below spoil is refused: %v", err)
	}
	patch := func(ops ...rules.Op) []rules.Change { return []rules.Change{{Patch: &rules.Patch{ID: id, Ops: ops}}} }
	for name, changes := range map[string][]rules.Change{
		"no operation":      patch(),
		"many operations":   patch(slices.Repeat([]rules.Op{add}, rules.MaxOps+1)...),
		"long path":         patch(rules.Op{Op: "add", Path: "/" + strings.Repeat("a", rules.MaxPath), Value: one.Value}),
		"large value":       patch(rules.Op{Op: "add", Path: "/disabled", Value: json.RawMessage(`"` + strings.Repeat("a", rules.MaxFile) + `"`)}),
		"not there":         {{Patch: &rules.Patch{ID: "no-such-rule", Ops: []rules.Op{add}}}},
		"twice":             append(patch(add), patch(add)...),
		"replace nothing":   patch(one),
		"remove nothing":    patch(rules.Op{Op: "remove", Path: "/disabled"}),
		"index behind":      patch(rules.Op{Op: "add", Path: "/sources/999", Value: json.RawMessage("{}")}),
		"index with zero":   patch(rules.Op{Op: "remove", Path: "/sources/00"}),
		"remove the end":    patch(rules.Op{Op: "remove", Path: "/sources/-"}),
		"below a string":    patch(rules.Op{Op: "add", Path: "/tier/x", Value: one.Value}),
		"whole rule":        patch(rules.Op{Op: "replace", Path: "", Value: json.RawMessage("{}")}),
		"move":              patch(rules.Op{Op: "move", Path: "/tier", Value: one.Value}),
		"no value":          patch(rules.Op{Op: "add", Path: "/disabled"}),
		"unknown field":     patch(rules.Op{Op: "add", Path: "/code", Value: json.RawMessage(`"alert(1)"`)}),
		"result not valid":  patch(rules.Op{Op: "remove", Path: "/title/ko"}),
		"other id":          patch(rules.Op{Op: "replace", Path: "/id", Value: json.RawMessage(`"x"`)}),
		"examples":          patch(rules.Op{Op: "add", Path: "/examples", Value: json.RawMessage(`{"ko":{"hit":[],"miss":[]}}`)}),
		"patch and removal": {{Patch: &rules.Patch{ID: id, Ops: []rules.Op{add}}, Remove: id}},
	} {
		if _, err := rules.Apply(p, changes); err == nil {
			t.Errorf("%s: no error", name)
		}
	}
}

func FuzzApply(f *testing.F) {
	rs := realRules(f)
	p := packOf(f, rs[:2])
	before := p.Hash()
	next := clone(f, rs[0])
	next.Correction["ko"] += " 덧붙임"
	small, err := delta.Shrink(p, rules.Diff(p, packOf(f, []rules.Rule{next})))
	if err != nil {
		f.Fatal(err)
	}
	seed, err := json.Marshal(small)
	if err != nil {
		f.Fatal(err)
	}
	f.Add(seed)
	f.Add([]byte(`[{"patch":{"id":"` + rs[0].ID + `","ops":[{"op":"remove","path":"/sources/0"}]}}]`))
	f.Add([]byte(`[{"remove_site":"chatgpt"},{"put_site":{"id":"x","matches":["https://a.b/*"]}}]`))
	f.Fuzz(func(t *testing.T, b []byte) {
		var changes []rules.Change
		if json.Unmarshal(b, &changes) != nil {
			return
		}
		got, err := rules.Apply(p, changes)
		if p.Hash() != before {
			t.Fatal("Apply altered the pack")
		}
		if err != nil {
			return
		}
		if again, err := rules.ParsePack(got.Encode()); err != nil || again.Hash() != got.Hash() {
			t.Fatalf("Apply made a pack that cannot be read: %v", err)
		}
	})
}
