// SPDX-License-Identifier: Apache-2.0

package gate

import (
	"context"
	"errors"
	"os"
	"slices"
	"strings"
	"sync"
	"testing"
	"time"
	"unicode"

	"haechi/rules"
	"haechi/rules/data"
	"haechi/wasm/classify"
	"haechi/wasm/detect"
	"haechi/wasm/host"
)

const (
	wasmFile    = "../../dist/haechi.wasm"
	modelFolder = "../../wasm/model"
	topic       = "kimchi-origin-china"
)

// topics are the rules that the tests' packs hold: neighbours of the one that
// changes, and strangers.
var topics = []string{topic, "kimchi-called-paocai", "dokdo-japanese-territory"}

// builtIn returns the rules with these ids and their examples.
func builtIn(t testing.TB, ids ...string) map[string]rules.Rule {
	t.Helper()
	rs, err := data.Rules()
	if err != nil {
		t.Fatal(err)
	}
	out := map[string]rules.Rule{}
	for _, r := range rs {
		if slices.Contains(ids, r.ID) {
			out[r.ID] = r
		}
	}
	if len(out) != len(ids) {
		t.Fatalf("%d of the rules %v", len(out), ids)
	}
	return out
}

func pack(t testing.TB, by map[string]rules.Rule) rules.Pack {
	t.Helper()
	var rs []rules.Rule
	for _, r := range by {
		rs = append(rs, r)
	}
	p, err := rules.NewPack(rs)
	if err != nil {
		t.Fatal(err)
	}
	return p
}

// small is the default corpus without the examples of other rules.
func small(t testing.TB) []Entry {
	t.Helper()
	all, err := DefaultCorpus()
	if err != nil {
		t.Fatal(err)
	}
	return slices.DeleteFunc(all, func(e Entry) bool { return !slices.Contains(topics, e.Topic) && !e.Hard })
}

var shared struct {
	sync.Once
	gate *Gate
	err  error
}

// open returns the gate of all tests. It needs the built wasm, like package
// cases: it is what citizens run.
func open(t testing.TB) *Gate {
	t.Helper()
	if _, err := os.Stat(wasmFile); err != nil {
		t.Fatalf("%v; run ./build.sh build first", err)
	}
	entries := small(t)
	shared.Do(func() { shared.gate, shared.err = Open(context.Background(), wasmFile, modelFolder, entries) })
	if shared.err != nil {
		t.Fatal(shared.err)
	}
	t.Cleanup(func() { shared.gate.Bounds = DefaultBounds })
	return shared.gate
}

// change is a pack before and after one rule was edited.
func change(t testing.TB, edit func(r *rules.Rule)) (before, after rules.Pack, files map[string]rules.Rule) {
	t.Helper()
	before = pack(t, builtIn(t, topics...))
	now := builtIn(t, topics...)
	r := now[topic]
	edit(&r)
	if problems := rules.Validate(&r); len(problems) > 0 {
		t.Fatalf("the edited rule is not valid: %v", problems)
	}
	now[topic] = r
	return before, pack(t, now), map[string]rules.Rule{topic: r}
}

func compare(t *testing.T, g *Gate, before, after rules.Pack, files map[string]rules.Rule) (Report, string) {
	t.Helper()
	r, err := g.Compare(t.Context(), before, after, files)
	if err != nil {
		t.Fatal(err)
	}
	return r, strings.Join(r.Refusals(DefaultLimits), "\n")
}

// greedy makes a rule flag whatever speaks of its subject.
func greedy(r *rules.Rule) {
	r.Threshold = 0.001
	p := &r.Propositions[0]
	for lang, word := range map[string][]string{"ko": {"김치", "음식"}, "en": {"kimchi", "Korea*"}, "ja": {"キムチ", "韓国"}, "zh": {"泡菜", "韩国"}} {
		for _, w := range word {
			if !slices.ContainsFunc(p.Wrong[lang], func(t rules.Term) bool { return t.Text == w }) {
				p.Wrong[lang] = append(p.Wrong[lang], rules.Term{Text: w})
			}
		}
	}
}

// slow makes a rule whose words are single characters that stand everywhere.
func slow(r *rules.Rule) {
	p := &r.Propositions[0]
	seen := map[rune]bool{}
	for _, lang := range []string{"ko", "ja", "zh"} {
		for _, x := range append(r.Examples[lang].Hit, r.Examples[lang].Miss...) {
			for _, c := range x.Text {
				if unicode.IsLetter(c) && c > 0x1000 && !seen[c] && len(p.Wrong[lang]) < rules.MaxTerms {
					seen[c] = true
					p.Wrong[lang] = append(p.Wrong[lang], rules.Term{Text: string(c), Inside: true})
				}
			}
		}
	}
}

func TestHarmlessChangePasses(t *testing.T) {
	g := open(t)
	before, after, files := change(t, func(r *rules.Rule) { r.Correction["en"] += " See the sources." })
	r, refused := compare(t, g, before, after, files)
	if refused != "" || len(r.Changes) != 0 {
		t.Errorf("refused %q, changes %v", refused, r.Changes)
	}
	if r.Speed == nil || len(r.Tested) != 1 || r.Tested[0].Hits < 4*rules.MinHits || r.Tested[0].HitsFlagged != r.Tested[0].Hits || r.Counts.Before.TP < 50 || r.Counts.Before != r.Counts.After {
		t.Errorf("nothing was measured: %+v", r)
	}
}

func TestGreedyRuleIsRefusedAndSentencesNamed(t *testing.T) {
	g := open(t)
	before, after, files := change(t, greedy)
	r, refused := compare(t, g, before, after, files)
	for _, want := range []string{"must never be flagged and now is, by " + topic, "precision on the corpus falls", topic + " ko.miss", "must not be flagged and is, unlike before: 급식에 나온 김치는 중국에서 들여온 완제품이었다."} {
		if !strings.Contains(refused, want) {
			t.Errorf("no %q in:\n%s", want, refused)
		}
	}
	if len(r.Changes) == 0 || r.Unfit != "" {
		t.Errorf("%d changes, unfit %q", len(r.Changes), r.Unfit)
	}
	var table strings.Builder
	if err := r.Write(&table, DefaultLimits); err != nil {
		t.Fatal(err)
	}
	if !strings.Contains(table.String(), "SENTENCE") || !strings.Contains(table.String(), "refused:") {
		t.Error(table.String())
	}
}

// TestBrokenExampleIsRefused: one that is new and cannot be met, and those that
// the rule met before its threshold was raised.
func TestBrokenExampleIsRefused(t *testing.T) {
	g := open(t)
	before, after, files := change(t, func(r *rules.Rule) {
		x := r.Examples["en"]
		x.Hit = append(slices.Clone(x.Hit), rules.Example{Text: "It will rain over Busan tomorrow."})
		r.Examples["en"] = x
	})
	r, refused := compare(t, g, before, after, files)
	if refused != topic+" en.hit[7]: must be flagged and is not: It will rain over Busan tomorrow." || r.Before != r.After {
		t.Errorf("refused %q", refused)
	}
	before, after, files = change(t, func(r *rules.Rule) { r.Threshold = 0.99999 })
	r, refused = compare(t, g, before, after, files)
	if !strings.Contains(refused, "must be flagged and is not, unlike before: ") || r.Counts.After.TP >= r.Counts.Before.TP {
		t.Errorf("refused %q, %+v", refused, r.Counts)
	}
}

func TestRemovedRuleTakesItsExpectationsAlong(t *testing.T) {
	g := open(t)
	before := pack(t, builtIn(t, topics...))
	after := pack(t, builtIn(t, topics[1:]...))
	r, refused := compare(t, g, before, after, nil)
	if refused != "" || r.Retired == 0 || len(r.Changes) == 0 || !slices.Equal(r.Rules, []string{topic}) {
		t.Errorf("refused %q, %d retired, %d changes, rules %v", refused, r.Retired, len(r.Changes), r.Rules)
	}
	disabled := builtIn(t, topics...)
	off := disabled[topic]
	off.Disabled = true
	disabled[topic] = off
	if d, refused := compare(t, g, before, pack(t, disabled), map[string]rules.Rule{topic: off}); refused != "" || d.Retired != r.Retired || len(d.Changes) != len(r.Changes) {
		t.Errorf("switched off: refused %q, %d retired, %d changes; removed: %d, %d", refused, d.Retired, len(d.Changes), r.Retired, len(r.Changes))
	}
}

// TestSlowRulesAreRefused in bounded time, and the gate works on. No rule that
// is valid hangs any more, so the bound is one that none keeps.
func TestSlowRulesAreRefused(t *testing.T) {
	g := open(t)
	before, after, files := change(t, slow)
	g.Bounds.Time = 20 * time.Millisecond
	r, refused := compare(t, g, before, after, files)
	if !strings.Contains(refused, "did not get through the corpus in 20ms") || len(r.Changes) != 0 {
		t.Errorf("refused %q", refused)
	}
	g.Bounds = DefaultBounds
	before, after, files = change(t, func(r *rules.Rule) { r.Correction["en"] += " See the sources." })
	if _, refused := compare(t, g, before, after, files); refused != "" {
		t.Errorf("the next comparison: %s", refused)
	}
}

// TestMemoryIsBounded: rules that need more than they are given are refused,
// and the process that ran them goes on.
func TestMemoryIsBounded(t *testing.T) {
	g := open(t)
	all, err := data.Rules()
	if err != nil {
		t.Fatal(err)
	}
	whole, err := rules.NewPack(all)
	if err != nil {
		t.Fatal(err)
	}
	g.Bounds.MemoryPages = 60 << 20 / host.PageBytes // enough to start, not for all rules
	_, refused := compare(t, g, rules.Pack{}, whole, nil)
	if !strings.Contains(refused, "more memory than the 60 MiB") {
		t.Errorf("refused %q", refused)
	}
	if _, err := g.try(t.Context(), rules.Pack{}, g.corpus[:10]); err != nil {
		t.Errorf("no rules in the same memory: %v", err)
	}
}

// TestComparisonAgreesWithWholePacks: running only what changes over the corpus
// finds exactly what both whole packs find.
func TestComparisonAgreesWithWholePacks(t *testing.T) {
	g := open(t)
	classifier, err := classify.Load(modelFolder)
	if err != nil {
		t.Fatal(err)
	}
	defer classifier.Close()
	for name, edit := range map[string]func(*rules.Rule){
		"greedy":   greedy,
		"stricter": func(r *rules.Rule) { r.Threshold = 0.9999 },
	} {
		before, after, files := change(t, edit)
		r, _ := compare(t, g, before, after, files)
		var changes, before2, after2 int
		was, is := detect.New(before, classifier), detect.New(after, classifier)
		var counts Pair[Counts]
		for _, x := range g.corpus {
			a, b := flaggedBy(t, was, x), flaggedBy(t, is, x)
			counts.Before.add(x.Expect, len(a) > 0)
			counts.After.add(x.Expect, len(b) > 0)
			before2, after2 = before2+len(a), after2+len(b)
			i := slices.IndexFunc(r.Changes, func(c Change) bool { return c.ID == x.ID })
			if slices.Equal(a, b) {
				if i >= 0 {
					t.Errorf("%s: %s is no change: %v", name, x.ID, r.Changes[i])
				}
				continue
			}
			changes++
			if i < 0 || !slices.Equal(r.Changes[i].Before, a) || !slices.Equal(r.Changes[i].After, b) {
				t.Errorf("%s: %s: %v → %v is not reported so", name, x.ID, a, b)
			}
		}
		if changes == 0 || before2 == 0 || after2 == 0 {
			t.Errorf("%s: changes nothing", name)
		}
		if counts != r.Counts {
			t.Errorf("%s: counted %+v, want %+v", name, r.Counts, counts)
		}
	}
}

func flaggedBy(t *testing.T, e *detect.Engine, x Entry) []string {
	t.Helper()
	fs, err := e.Check(x.Request)
	if err != nil {
		t.Fatal(err)
	}
	var out []string
	for _, f := range fs {
		if f.Start >= x.Start {
			out = append(out, f.Rule)
		}
	}
	slices.Sort(out)
	return slices.Compact(out)
}

func TestCancelledComparisonIsAnError(t *testing.T) {
	g := open(t)
	ctx, cancel := context.WithCancel(t.Context())
	cancel()
	before, after, files := change(t, greedy)
	if r, err := g.Compare(ctx, before, after, files); !errors.Is(err, context.Canceled) {
		t.Errorf("%+v, %v", r, err)
	}
}

func TestOpenSaysWhatIsMissing(t *testing.T) {
	for name, x := range map[string]struct {
		wasm, model, says string
		entries           []Entry
	}{
		"no wasm":   {"nowhere.wasm", modelFolder, "build.sh build", small(t)},
		"no model":  {wasmFile, t.TempDir(), "config.json", small(t)},
		"no corpus": {wasmFile, modelFolder, "corpus is empty", nil},
	} {
		if _, err := Open(t.Context(), x.wasm, x.model, x.entries); err == nil || !strings.Contains(err.Error(), x.says) {
			t.Errorf("%s: %v", name, err)
		}
	}
}
