// SPDX-License-Identifier: Apache-2.0

// Package agreement says how far reviewers agree beyond chance: call [Of] with
// everyone's judgements for the whole report, or [Cohen], [Fleiss] and [Alpha]
// for one coefficient. Verdicts are nominal: being wrong by one step is as wrong
// as by two. The functions are pure, and equal input gives equal output to the
// last digit, the bootstrap included.
//
// What cannot be computed is left out with a reason and is never NaN; see
// [Reason].
package agreement

import (
	"cmp"
	"slices"
)

// Judgement is what one reviewer found of one item. A verdict of "" is missing.
// An abstention ("cannot judge") counts as a verdict like any other; a caller
// who wants it to be missing leaves it out.
type Judgement struct {
	Item     string
	Topic    string // of the item; "" where it has none
	Reviewer string // a pseudonym
	Verdict  string
}

// clean drops missing verdicts and keeps a reviewer's last judgement of an item,
// sorted by item and reviewer, so that no result depends on the order of input.
func clean(all []Judgement) []Judgement {
	type key struct{ item, reviewer string }
	at := make(map[key]int, len(all))
	out := make([]Judgement, 0, len(all))
	for _, j := range all {
		k := key{j.Item, j.Reviewer}
		if i, ok := at[k]; ok {
			out[i] = j
			continue
		}
		at[k] = len(out)
		out = append(out, j)
	}
	out = slices.DeleteFunc(out, func(j Judgement) bool { return j.Verdict == "" })
	slices.SortFunc(out, func(a, b Judgement) int {
		return cmp.Or(cmp.Compare(a.Item, b.Item), cmp.Compare(a.Reviewer, b.Reviewer))
	})
	return out
}

// byItem cuts cleaned judgements into one slice an item.
func byItem(js []Judgement) [][]Judgement {
	var out [][]Judgement
	for start := 0; start < len(js); {
		end := start + 1
		for end < len(js) && js[end].Item == js[start].Item {
			end++
		}
		out = append(out, js[start:end])
		start = end
	}
	return out
}

// distinct lists one field of the judgements, sorted.
func distinct(js []Judgement, field func(Judgement) string) []string {
	seen := map[string]bool{}
	out := []string{}
	for _, j := range js {
		if v := field(j); !seen[v] {
			seen[v] = true
			out = append(out, v)
		}
	}
	slices.Sort(out)
	return out
}

func verdict(j Judgement) string  { return j.Verdict }
func reviewer(j Judgement) string { return j.Reviewer }
func topic(j Judgement) string    { return j.Topic }

// counts holds, for each item, how often each verdict was given.
type counts struct {
	verdicts []string
	items    [][]int
	raters   int
}

// count reads cleaned judgements.
func count(js []Judgement) counts {
	c := counts{verdicts: distinct(js, verdict), raters: len(distinct(js, reviewer))}
	for _, item := range byItem(js) {
		row := make([]int, len(c.verdicts))
		for _, j := range item {
			row[index(c.verdicts, j.Verdict)]++
		}
		c.items = append(c.items, row)
	}
	return c
}

// index is where a verdict stands in a sorted list that has it.
func index(sorted []string, v string) int {
	i, _ := slices.BinarySearch(sorted, v)
	return i
}

func sum(row []int) int {
	n := 0
	for _, v := range row {
		n += v
	}
	return n
}
