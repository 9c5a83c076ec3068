// SPDX-License-Identifier: Apache-2.0

package detect

import (
	_ "embed"
	"encoding/json"
	"maps"
	"slices"

	"haechi/rules"
)

// kinWords are groups of words that say the same of whatever a rule is about,
// by group and language: who lists "China" means "Chinese" and 中华 as well.
//
//go:embed kin.json
var kinWords []byte

// kindred knows the groups that a word belongs to.
type kindred struct {
	groups [][]int32       // the words of each group
	of     map[int32][]int // text → its groups
}

func newKindred(x *indexer) kindred {
	var groups map[string]rules.Words
	if err := json.Unmarshal(kinWords, &groups); err != nil {
		panic(err) // the file is part of the program and is tested
	}
	k := kindred{of: map[int32][]int{}}
	for _, name := range slices.Sorted(maps.Keys(groups)) {
		g := x.addAll(groups[name])
		for _, w := range g {
			text := x.words[w].text
			k.of[text] = append(k.of[text], len(k.groups))
		}
		k.groups = append(k.groups, g)
	}
	return k
}

// extend returns a role's words with the kin of each, but for those that the
// rule has in another role.
func (k kindred) extend(x *indexer, words []int32, others ...[]int32) []int32 {
	var groups []int
	for _, w := range words {
		groups = append(groups, k.of[x.words[w].text]...)
	}
	if len(groups) == 0 {
		return words
	}
	slices.Sort(groups)
	x.stamp++
	for _, role := range append(others, words) {
		for _, w := range role {
			x.stamps[x.words[w].text] = x.stamp
		}
	}
	out := slices.Clone(words)
	for _, g := range slices.Compact(groups) {
		for _, w := range k.groups[g] {
			if x.stamps[x.words[w].text] != x.stamp {
				out = append(out, w)
			}
		}
	}
	return set(out)
}
