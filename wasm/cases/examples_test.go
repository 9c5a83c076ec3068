// SPDX-License-Identifier: Apache-2.0

package cases

import (
	"testing"

	"haechi/rules"
	"haechi/rules/data"
	"haechi/wasm/detect"
)

// TestExamples holds the engine to every rule's own examples: a hit is flagged
// by its rule, a miss is not. For rules that the model was trained with, all of
// them; for the others, which stand for rules pushed later, most of them.
func TestExamples(t *testing.T) {
	rs, err := data.Rules()
	if err != nil {
		t.Fatal(err)
	}
	e, c := native(t)
	known := c.Model().Topics
	if len(known) == 0 {
		t.Fatal("the model names no topic that it was trained with")
	}
	var hits, hit, misses, missed int
	for _, r := range rs {
		for _, lang := range rules.Languages {
			for _, x := range r.Examples[lang].Hit {
				found := flagged(t, e, r.ID, x)
				if known[r.ID] && !found {
					t.Errorf("%s %s: a hit is not flagged: %q", r.ID, lang, x)
				}
				if !known[r.ID] {
					hits++
					if found {
						hit++
					}
				}
			}
			for _, x := range r.Examples[lang].Miss {
				found := flagged(t, e, r.ID, x)
				if known[r.ID] && found {
					t.Errorf("%s %s: a miss is flagged: %q", r.ID, lang, x)
				}
				if !known[r.ID] {
					misses++
					if found {
						missed++
					}
				}
			}
		}
	}
	if hits > 0 {
		t.Logf("rules the model never saw: %d of %d hits flagged, %d of %d misses flagged", hit, hits, missed, misses)
		if hit*2 < hits || missed*20 > misses {
			t.Errorf("rules the model never saw: %d of %d hits flagged (at least half wanted), %d of %d misses flagged (at most one in twenty)", hit, hits, missed, misses)
		}
	}
}

func flagged(t *testing.T, e *detect.Engine, rule string, x rules.Example) bool {
	t.Helper()
	text, start := x.Answer()
	fs, err := e.Check(detect.Request{Text: text, Question: x.Question})
	if err != nil {
		t.Fatal(err)
	}
	for _, f := range fs {
		if f.Rule == rule && f.Start >= start {
			return true
		}
	}
	return false
}
