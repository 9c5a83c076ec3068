// SPDX-License-Identifier: Apache-2.0

package gate

import (
	"errors"
	"slices"
	"strings"
	"testing"

	"haechi/rules"
	"haechi/wasm/model/train/corpus"
)

// TestWhatPeopleDecidedMustNotBeUndone: a change that flags what people let
// pass, or lets pass what they want flagged, is refused with the sentence whole.
// What the rules judge otherwise already does not hold others' changes up.
func TestWhatPeopleDecidedMustNotBeUndone(t *testing.T) {
	g := open(t)
	rule := builtIn(t, topic)[topic]
	hit := rule.Examples["en"].Hit[6]
	passes := corpus.Entry{ID: "people.pass", Topic: topic, Text: "급식에 나온 김치는 중국에서 들여온 완제품이었다.", Expect: corpus.Pass}
	flagged := corpus.Entry{ID: "people.flag", Topic: topic, Text: hit.Text, Question: hit.Question, Heading: hit.Heading, Before: hit.Before, Expect: corpus.Flag}
	wrong := corpus.Entry{ID: "people.wrong", Topic: topic, Text: hit.Text, Question: hit.Question, Heading: hit.Heading, Before: hit.Before, Expect: corpus.Pass}
	missed := corpus.Entry{ID: "people.missed", Topic: topic, Text: "내일은 부산에 비가 내린다.", Expect: corpus.Flag}
	g.Precedents = func() ([]Entry, error) {
		return []Entry{Precedent(passes), Precedent(flagged), Precedent(wrong), Precedent(missed)}, nil
	}
	t.Cleanup(func() { g.Precedents = nil })

	before, after, files := change(t, func(r *rules.Rule) { r.Correction["en"] += " See the sources." })
	r, refused := compare(t, g, before, after, files)
	if refused != "" || r.People != 4 || r.Agree != (Pair[int]{2, 2}) || r.Entries != len(g.corpus)+4 {
		t.Errorf("a harmless change: %q, %d %+v of %d", refused, r.People, r.Agree, r.Entries)
	}
	var table strings.Builder
	if err := r.Write(&table, DefaultLimits); err != nil || !strings.Contains(table.String(), "as people judged, of 4") {
		t.Errorf("%v %s", err, table.String())
	}
	before, after, files = change(t, greedy)
	if r, refused = compare(t, g, before, after, files); !strings.Contains(refused, "people.pass: people judged that it must not be flagged; passes → "+topic+": "+passes.Text) || strings.Contains(refused, "people.flag") || strings.Contains(refused, "people.wrong") {
		t.Errorf("greedy: %s", refused)
	}
	if r.Agree.Before != 2 || r.Agree.After != 1 {
		t.Errorf("greedy: %+v", r.Agree)
	}
	before, after, files = change(t, func(r *rules.Rule) { r.Threshold = 0.99999 })
	if _, refused = compare(t, g, before, after, files); !strings.Contains(refused, "people.flag: people judged that it must be flagged; "+topic+" → passes: "+hit.Text) || strings.Contains(refused, "people.pass") {
		t.Errorf("too strict: %s", refused)
	}
	// A rule that is taken away takes along what it was to flag.
	off := builtIn(t, topics...)
	delete(off, topic)
	if r, refused = compare(t, g, before, pack(t, off), nil); refused != "" || r.People != 2 {
		t.Errorf("removed: %q, %d", refused, r.People)
	}
	if !slices.Equal(g.flags[before.Hash()], g.flags[r.Before]) || len(g.flags[r.Before]) != len(g.corpus) {
		t.Errorf("what is remembered has %d entries", len(g.flags[r.Before]))
	}
	broken := errors.New("disk")
	g.Precedents = func() ([]Entry, error) { return nil, broken }
	if _, err := g.Compare(t.Context(), before, after, files); !errors.Is(err, broken) {
		t.Errorf("%v", err)
	}
}

func TestPrecedentsAreRead(t *testing.T) {
	line := `{"id":"a.ko.x","lang":"ko","topic":"a","text":"김치는 한국 음식이다.","question":"q","label":"accurate","expect":"pass","kind":"accurate"}`
	es, err := ReadPrecedents([]byte(line + "\n" + line + "\n"))
	if err != nil || len(es) != 2 || !es[0].People || es[0].Request.Question != "q" || es[0].Expect != corpus.Pass {
		t.Errorf("%+v %v", es, err)
	}
	if es, err := ReadPrecedents(nil); err != nil || len(es) != 0 {
		t.Errorf("none: %v %v", es, err)
	}
	for _, bad := range []string{"x", `{"id":"a"}`, strings.Replace(line, "pass", "maybe", 1), strings.Replace(line, `"id"`, `"by":"me","id"`, 1)} {
		if _, err := ReadPrecedents([]byte(line + "\n" + bad)); err == nil || !strings.Contains(err.Error(), "line 2") {
			t.Errorf("%s: %v", bad, err)
		}
	}
}
