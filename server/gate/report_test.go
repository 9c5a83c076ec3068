// SPDX-License-Identifier: Apache-2.0

package gate

import (
	"strings"
	"testing"

	"haechi/rules"
)

// TestRefusals: each limit, on both sides of it.
func TestRefusals(t *testing.T) {
	counts := func(after Counts) Report {
		return Report{Counts: Pair[Counts]{Counts{TP: 980, FP: 20, FN: 20, TN: 980}, after}}
	}
	lost := Change{ID: "x", Text: "Ein Satz", Expect: "flag", Before: []string{"a"}, After: []string{}}
	worse := counts(Counts{TP: 974, FP: 20, FN: 26, TN: 980})
	worse.Changes = []Change{lost}
	for name, c := range map[string]struct {
		r    Report
		says string // empty: may be published
	}{
		"nothing changes":          {counts(Counts{TP: 980, FP: 20, FN: 20, TN: 980}), ""},
		"recall within":            {counts(Counts{TP: 976, FP: 20, FN: 24, TN: 980}), ""},
		"recall lost":              {worse, "x: a → passes: Ein Satz"},
		"precision lost":           {counts(Counts{TP: 980, FP: 26, FN: 20, TN: 974}), "precision on the corpus falls from 0.9800 to 0.9742"},
		"hard negative":            {Report{Changes: []Change{{ID: "h", Expect: "pass", Hard: true, After: []string{"a"}}}}, "h: must never be flagged and now is, by a"},
		"hard negative by another": {Report{Changes: []Change{{ID: "h", Expect: "pass", Hard: true, Before: []string{"b"}, After: []string{"a"}}}}, ""},
		"size":                     {Report{Size: Pair[int]{1, rules.MaxPack + 1}}, "at most"},
		"slow once":                {Report{Speed: &Speed{Ratio: 1.9, Confirmed: 1.1}}, ""},
		"slow twice":               {Report{Speed: &Speed{Ratio: 1.9, Confirmed: 1.3}}, "the engine takes 1.90 times"},
		"unfit":                    {Report{Unfit: "it hangs"}, "it hangs"},
		"unseen rule, half":        {Report{Tested: []Tested{{Rule: "u", Hits: 24, HitsFlagged: 12, Misses: 40, MissesFlagged: 2}}, Examples: []Example{{ID: "u", Rule: "u", Expect: "flag"}}}, ""},
		"unseen rule, few hits":    {Report{Tested: []Tested{{Rule: "u", Hits: 24, HitsFlagged: 11}}}, "only 11 of 24 hits"},
		"unseen rule, misses":      {Report{Tested: []Tested{{Rule: "u", Hits: 24, HitsFlagged: 24, Misses: 32, MissesFlagged: 2}}}, "2 of 32 misses"},
		"unseen rule, broken":      {Report{Tested: []Tested{{Rule: "u", Hits: 24, HitsFlagged: 23}}, Examples: []Example{{ID: "u", Rule: "u", Expect: "flag", Broken: true}}}, "unlike before"},
		"known rule":               {Report{Tested: []Tested{{Rule: "k", Known: true, Hits: 24, HitsFlagged: 23}}, Examples: []Example{{ID: "k", Rule: "k", Expect: "flag"}}}, "k: must be flagged"},
	} {
		got := strings.Join(c.r.Refusals(DefaultLimits), "\n")
		if (c.says == "") != (got == "") || !strings.Contains(got, c.says) {
			t.Errorf("%s: %q, want %q", name, got, c.says)
		}
	}
}

func TestShortCutsWholeCharacters(t *testing.T) {
	if got := short("김치는\n 한국의 음식이다."); got != "김치는 한국의 음식이다." {
		t.Error(got)
	}
	if got := short(strings.Repeat("김", 200)); got != strings.Repeat("김", shortRunes-1)+"…" {
		t.Error(got)
	}
}
