// SPDX-License-Identifier: Apache-2.0

package detect

import (
	"fmt"
	"maps"
	"slices"
	"strings"

	"haechi/rules"
)

// indexer collects the words of a pack; finish makes a matcher of them.
type indexer struct {
	at     map[string]int32 // folded text → its place in texts
	texts  []string
	plain  []int32 // by text: its word without guards, or -1
	words  []word
	known  map[string]int32 // word with its guards → its number
	stamps []int32          // by text: the last role that was extended and has it; see kindred
	stamp  int32
}

// word is one distinct term with its guards, folded.
type word struct {
	text int32 // its place in texts
	trait
	guards
	cue      byte
	subjects []proposition
}

func newIndexer() *indexer {
	return &indexer{at: map[string]int32{}, known: map[string]int32{}}
}

// index is what the engine knows of a pack.
type index struct {
	hash  string
	rules []ruled
	words *matcher
	roles [][]roles // by rule and proposition
}

// ruled is what deciding needs of a rule.
type ruled struct {
	id        string
	threshold float64 // 0: the model's
}

// newIndex indexes a pack. The same pack gives the same index.
func newIndex(pack rules.Pack) *index {
	x := newIndexer()
	kinds := cues()
	for _, kind := range slices.Sorted(maps.Keys(kinds)) {
		for _, w := range x.addAll(kinds[kind]) {
			x.words[w].cue = kind[0]
		}
	}
	kin := newKindred(x)
	out := &index{hash: pack.Hash(), rules: make([]ruled, len(pack.Rules)), roles: make([][]roles, len(pack.Rules))}
	for i := range pack.Rules {
		r := &pack.Rules[i]
		out.rules[i] = ruled{r.ID, r.Threshold}
		out.roles[i] = make([]roles, len(r.Propositions))
		var unless, subject []int32
		if !r.Disabled {
			unless, subject = x.addAll(r.Unless), x.addAll(r.Subject)
		}
		for j := range r.Propositions {
			p := &r.Propositions[j]
			o := &out.roles[i][j]
			o.id, o.tier = p.ID, r.TierOf(p)
			if r.Disabled {
				continue
			}
			o.unless, o.subject = unless, subject
			if len(p.Subject) > 0 {
				o.subject = x.addAll(p.Subject)
			}
			wrong, right := x.addAll(p.Wrong), x.addAll(r.RightOf(p))
			o.wrong = kin.extend(x, wrong, o.subject, right, unless)
			o.right = kin.extend(x, right, o.subject, wrong, unless)
			for _, lang := range rules.Languages {
				for _, s := range p.With[lang] {
					o.with = append(o.with, fold(s).text)
				}
			}
			for _, w := range o.subject {
				x.words[w].subjects = append(x.words[w].subjects, proposition{int32(i), int32(j)})
			}
		}
	}
	var number []int32
	out.words, number = x.finish()
	renumber(out.roles, number)
	return out
}

// finish makes the matcher; the second result is the number that each added
// word has in it.
func (x *indexer) finish() (*matcher, []int32) {
	order := make([]int32, len(x.words))
	for i := range order {
		order[i] = int32(i)
	}
	// Words of no letters sort first; no text has them.
	slices.SortStableFunc(order, func(a, b int32) int { return strings.Compare(x.textOf(a), x.textOf(b)) })
	m := &matcher{
		ends: make([]uint32, 0, len(x.texts)), last: make([]int32, 0, len(x.texts)), traits: make([]trait, len(order)),
		guards: map[int32]guards{}, cues: map[int32]byte{},
	}
	var letters strings.Builder
	number := make([]int32, len(order))
	text := int32(-1)
	for i, o := range order {
		n, w := int32(i), &x.words[o]
		number[o] = n
		if w.text != text {
			text = w.text
			letters.WriteString(x.texts[text])
			m.ends, m.last = append(m.ends, uint32(letters.Len())), append(m.last, n)
		}
		m.last[len(m.last)-1] = n + 1
		t := w.trait
		if len(w.not)+len(w.with) > 0 {
			t |= guarded
			m.guards[n] = w.guards
		}
		if w.cue != 0 {
			t |= isCue
			m.cues[n] = w.cue
		}
		if len(w.subjects) > 0 {
			t |= isSubject
			m.subjects, m.subject = append(m.subjects, n), append(m.subject, w.subjects)
		}
		m.traits[i] = t
	}
	m.letters = letters.String()
	m.prepare()
	return m, number
}

func (x *indexer) textOf(w int32) string { return x.texts[x.words[w].text] }

// renumber gives the words of all roles their numbers in the matcher. Lists
// that propositions share stay shared.
func renumber(all [][]roles, number []int32) {
	type list struct {
		first *int32
		n     int
	}
	done := map[list][]int32{}
	renew := func(words []int32) []int32 {
		if len(words) == 0 {
			return nil
		}
		key := list{&words[0], len(words)}
		if out, ok := done[key]; ok {
			return out
		}
		out := make([]int32, len(words))
		for i, w := range words {
			out[i] = number[w]
		}
		slices.Sort(out)
		done[key] = out
		return out
	}
	for _, ps := range all {
		for j := range ps {
			p := &ps[j]
			p.subject, p.wrong, p.right, p.unless = renew(p.subject), renew(p.wrong), renew(p.right), renew(p.unless)
		}
	}
}

// addAll adds the words of a role. A word that several languages share, such
// as 中国, counts once, with the guards of all of them.
func (x *indexer) addAll(w rules.Words) []int32 {
	n, guards := 0, false
	for _, terms := range w {
		n += len(terms)
		for i := range terms {
			guards = guards || hasGuards(&terms[i])
		}
	}
	out := make([]int32, 0, n)
	if !guards {
		for _, lang := range rules.Languages {
			for i := range w[lang] {
				out = append(out, x.addPlain(w[lang][i].Text))
			}
		}
		return set(out)
	}
	shared := make([]rules.Term, 0, n)
	place := make(map[string]int, n)
	for _, lang := range rules.Languages {
		for _, t := range w[lang] {
			i, ok := place[t.Text]
			if !ok {
				place[t.Text] = len(shared)
				shared = append(shared, t)
				continue
			}
			s := &shared[i]
			s.Not = slices.Concat(s.Not, t.Not)
			s.Inside = s.Inside || t.Inside
			if len(s.With) == 0 || len(t.With) == 0 {
				s.With = nil
			} else {
				s.With = slices.Concat(s.With, t.With)
			}
		}
	}
	for _, t := range shared {
		out = append(out, x.add(t))
	}
	return set(out)
}

func hasGuards(t *rules.Term) bool { return t.Inside || len(t.Not)+len(t.With) > 0 }

// addPlain is add for a word without guards: most are, and are met again often.
func (x *indexer) addPlain(text string) int32 {
	if strings.HasSuffix(text, "*") {
		return x.add(rules.Term{Text: text})
	}
	if !isFolded(text) {
		text = fold(text).text
	}
	at := x.place(text)
	if x.plain[at] < 0 {
		x.plain[at] = x.append(word{text: at})
	}
	return x.plain[at]
}

// place is that of a folded text in texts.
func (x *indexer) place(text string) int32 {
	at, ok := x.at[text]
	if !ok {
		at = int32(len(x.texts))
		x.at[text] = at
		x.texts, x.plain, x.stamps = append(x.texts, text), append(x.plain, -1), append(x.stamps, 0)
	}
	return at
}

func (x *indexer) append(w word) int32 {
	x.words = append(x.words, w)
	return int32(len(x.words) - 1)
}

func (x *indexer) add(t rules.Term) int32 {
	text, star := strings.CutSuffix(t.Text, "*")
	text = fold(text).text
	if !star && !hasGuards(&t) {
		return x.addPlain(text)
	}
	key := fmt.Sprintf("%s\x00%v\x00%v\x00%q\x00%q", text, star, t.Inside, t.Not, t.With)
	if n, ok := x.known[key]; ok {
		return n
	}
	w := word{text: x.place(text)}
	if t.Inside {
		w.trait |= inside
	}
	if star {
		w.trait |= wild
	}
	for _, s := range t.Not {
		s = fold(s).text
		for from := 0; ; {
			k := strings.Index(s[from:], text)
			if k < 0 || text == "" {
				break
			}
			w.not = append(w.not, guard{s, from + k})
			from += k + len(text)
		}
	}
	for _, s := range t.With {
		w.with = append(w.with, fold(s).text)
	}
	x.known[key] = x.append(w)
	return x.known[key]
}

// isFolded reports whether a text is surely its own folded form.
func isFolded(s string) bool {
	before := ' '
	for _, r := range s {
		switch {
		case r >= 'a' && r <= 'z', r >= '0' && r <= '9', r == '-', r == ' ' && before != ' ':
		case plain(r) && simplified(r) == r:
		default:
			return false
		}
		before = r
	}
	return before != ' '
}
