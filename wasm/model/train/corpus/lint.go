// SPDX-License-Identifier: Apache-2.0

package corpus

import (
	"fmt"
	"strings"
	"unicode"
)

// Thresholds of the lint, as shares of common character trigrams (Jaccard).
const (
	nearSame  = 0.80 // within a split: nearly the same sentence
	nearSplit = 0.65 // between splits: the test would measure memory
)

// Lint returns what is wrong with the three splits as lines that name the
// entries: ids and sentences used twice, near-duplicates within and
// between the splits, sentences under two labels, and many sentences of one
// skeleton.
func Lint(train, dev, test []Entry) []string {
	var out []string
	for _, split := range [][]Entry{train, dev, test} {
		out = append(out, twice(split)...)
		out = append(out, near(split, split, nearSame, true)...)
	}
	out = append(out, near(test, train, nearSplit, false)...)
	out = append(out, near(dev, train, nearSplit, false)...)
	out = append(out, near(test, dev, nearSplit, false)...)
	out = append(out, skeletons(train)...)
	return out
}

func twice(es []Entry) []string {
	var out []string
	ids := map[string]bool{}
	texts := map[string]Entry{}
	for _, e := range es {
		if ids[e.ID] {
			out = append(out, fmt.Sprintf("%s:%d: id %s stands twice", e.File, e.Line, e.ID))
		}
		ids[e.ID] = true
		key := plain(e.Text) + "\x00" + e.Question + "\x00" + e.Heading + "\x00" + e.Before
		if o, ok := texts[key]; ok {
			what := "stands twice"
			if o.Label != e.Label {
				what = "stands under two labels, " + o.Label + " and " + e.Label
			}
			out = append(out, fmt.Sprintf("%s:%d: %s: the sentence of %s %s", e.File, e.Line, e.ID, o.ID, what))
		}
		texts[key] = e
	}
	return out
}

// near compares sentences that share a rare trigram, so that the cost stays
// far below all pairs.
func near(a, b []Entry, limit float64, same bool) []string {
	gramsOf := func(es []Entry) []map[string]bool {
		out := make([]map[string]bool, len(es))
		for i, e := range es {
			out[i] = trigrams(plain(e.Text))
		}
		return out
	}
	ga, gb := gramsOf(a), gramsOf(b)
	index := map[string][]int{}
	for j, g := range gb {
		for t := range g {
			index[t] = append(index[t], j)
		}
	}
	var out []string
	for i, g := range ga {
		common := map[int]int{}
		for t := range g {
			for _, j := range index[t] {
				if !same || j < i {
					common[j]++
				}
			}
		}
		for j, n := range common {
			share := float64(n) / float64(len(g)+len(gb[j])-n)
			inContext := a[i].Question+a[i].Heading+a[i].Before != b[j].Question+b[j].Heading+b[j].Before
			if share >= limit && n >= 6 && !(inContext && same) && !(same && a[i].Label != b[j].Label) {
				out = append(out, fmt.Sprintf("%s:%d: %s is nearly %s (%.0f %% of trigrams): %s", a[i].File, a[i].Line, a[i].ID, b[j].ID, 100*share, a[i].Text))
			}
		}
	}
	return out
}

// skeletons finds more than four sentences that differ only in one to two words.
func skeletons(es []Entry) []string {
	const most = 4
	begins := map[string][]Entry{}
	for _, e := range es {
		words := strings.Fields(e.Text)
		if len(words) < 6 {
			continue
		}
		begins[e.Lang+" "+strings.Join(words[len(words)-5:], " ")] = append(begins[e.Lang+" "+strings.Join(words[len(words)-5:], " ")], e)
	}
	var out []string
	for k, same := range begins {
		if len(same) > most {
			out = append(out, fmt.Sprintf("%s:%d: %d sentences end with %q: a template?", same[0].File, same[0].Line, len(same), k))
		}
	}
	return out
}

func plain(s string) string {
	return strings.Map(func(r rune) rune {
		if unicode.IsLetter(r) || unicode.IsDigit(r) {
			return unicode.ToLower(r)
		}
		return -1
	}, s)
}

func trigrams(s string) map[string]bool {
	r := []rune(s)
	out := map[string]bool{}
	for i := 0; i+3 <= len(r); i++ {
		out[string(r[i:i+3])] = true
	}
	return out
}
