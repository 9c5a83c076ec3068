// SPDX-License-Identifier: Apache-2.0

// Package agreement says how far reviewers agree beyond chance: [Tally.Add]
// every item to a [Tally] and call [Tally.Report], or [Of] with everyone's
// judgements; [Cohen], [Fleiss] and [Alpha] give one coefficient. Verdicts are
// nominal: being wrong by one step is as wrong as by two. The functions are pure,
// and equal input gives equal output to the last digit, the bootstrap included.
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

// tally counts judgements, of which a reviewer's last one of an item counts, and
// what the items were settled as.
func tally(all []Judgement, settled map[string]string) *Tally {
	type key struct{ item, reviewer string }
	at := make(map[key]int, len(all))
	kept := make([]Judgement, 0, len(all))
	for _, j := range all {
		k := key{j.Item, j.Reviewer}
		if i, ok := at[k]; ok {
			kept[i] = j
			continue
		}
		at[k] = len(kept)
		kept = append(kept, j)
	}
	slices.SortStableFunc(kept, func(a, b Judgement) int { return cmp.Compare(a.Item, b.Item) })
	t := &Tally{}
	var votes []Vote
	for i, j := range kept {
		votes = append(votes, Vote{j.Reviewer, j.Verdict})
		if i+1 == len(kept) || kept[i+1].Item != j.Item {
			t.Add(j.Topic, votes, settled[j.Item])
			votes = votes[:0]
		}
	}
	return t
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
