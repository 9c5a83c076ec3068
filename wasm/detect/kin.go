// SPDX-License-Identifier: Apache-2.0

package detect

import (
	_ "embed"
	"encoding/json"
	"slices"

	"haechi/rules"
)

// kinWords are groups of words that say the same of whatever a rule is about,
// by group and language: who lists "China" means "Chinese" and 中华 as well.
//
//go:embed kin.json
var kinWords []byte

// kindred knows the groups that a word belongs to, by folded word.
type kindred struct {
	groups map[string][]rules.Words
	folds
}

func newKindred(f folds) kindred {
	var groups map[string]rules.Words
	if err := json.Unmarshal(kinWords, &groups); err != nil {
		panic(err) // the file is part of the program and is tested
	}
	k := kindred{map[string][]rules.Words{}, f}
	for _, g := range groups {
		for _, terms := range g {
			for _, t := range terms {
				k.groups[f.fold(t.Text)] = append(k.groups[f.fold(t.Text)], g)
			}
		}
	}
	return k
}

// extend returns a role's words with the kin of each, but for those that the
// rule lists in another role.
func (k kindred) extend(w rules.Words, others ...rules.Words) rules.Words {
	var kin []rules.Words
	for _, lang := range rules.Languages {
		for _, t := range w[lang] {
			kin = append(kin, k.groups[k.fold(t.Text)]...)
		}
	}
	if len(kin) == 0 {
		return w
	}
	taken := map[string]bool{}
	for _, o := range append(others, w) {
		for _, terms := range o {
			for _, t := range terms {
				taken[k.fold(t.Text)] = true
			}
		}
	}
	out := rules.Words{}
	for lang, terms := range w {
		out[lang] = slices.Clone(terms)
	}
	for _, g := range kin {
		for _, lang := range rules.Languages {
			for _, t := range g[lang] {
				if key := k.fold(t.Text); !taken[key] {
					taken[key] = true
					out[lang] = append(out[lang], t)
				}
			}
		}
	}
	return out
}
