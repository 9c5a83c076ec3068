// SPDX-License-Identifier: Apache-2.0

package detect

import (
	"fmt"
	"slices"
	"sort"
	"strings"
	"unicode"
	"unicode/utf8"

	"haechi/rules"
)

// matcher finds the words of all rules in a text at once. Their texts are
// sorted, so that from each place of a text the range of those that can still
// follow narrows byte by byte; the cost depends on the text, hardly on how many
// rules there are. It does not change after newMatcher.
type matcher struct {
	texts []string         // folded, sorted, each once
	ends  [][]int32        // the words of each text, which differ in their guards
	first map[rune]stretch // of the texts that begin with a character
	words []word
}

// stretch is texts[from:to].
type stretch struct{ from, to int }

// word is one distinct term with its guards, folded.
type word struct {
	text     string
	not      []guard
	with     []string
	inside   bool
	wild     bool          // ends with *: reaches to the end of a Latin word
	cue      byte          // its kind of cue, or 0
	subjects []proposition // whose subject it is
}

// guard is a longer string in which a word, at byte offset, is another word.
type guard struct {
	text   string
	offset int
}

// match is a word at the folded bytes [start, end) of a text.
type match struct {
	word       int32
	start, end int
}

// proposition names a proposition within the engine's pack.
type proposition struct{ rule, index int32 }

// roles are the words of one proposition, as sorted word numbers.
type roles struct {
	subject, wrong, right, unless []int32
	with                          []string // folded; none: always applies
}

// newMatcher indexes the words of a pack. The second result holds the roles of
// each proposition of each rule.
func newMatcher(pack rules.Pack) (*matcher, [][]roles) {
	x := indexer{
		matcher: &matcher{},
		known:   map[string]int32{},
		folds:   folds{},
		at:      map[string]int32{},
	}
	for kind, words := range cues() {
		for _, w := range x.addAll(words) {
			x.words[w].cue = kind[0]
		}
	}
	kin := newKindred(x)
	out := make([][]roles, len(pack.Rules))
	for i := range pack.Rules {
		r := &pack.Rules[i]
		out[i] = make([]roles, len(r.Propositions))
		if r.Disabled {
			continue
		}
		unless := x.addAll(r.Unless)
		subject := x.addAll(r.Subject)
		for j := range r.Propositions {
			p := &r.Propositions[j]
			o := &out[i][j]
			o.unless, o.subject = unless, subject
			if len(p.Subject) > 0 {
				o.subject = x.addAll(p.Subject)
			}
			wrong, right := x.addAll(p.Wrong), x.addAll(r.RightOf(p))
			o.wrong = kin.extend(x, wrong, o.subject, right, unless)
			o.right = kin.extend(x, right, o.subject, wrong, unless)
			for _, lang := range rules.Languages {
				for _, s := range p.With[lang] {
					o.with = append(o.with, x.fold(s))
				}
			}
			for _, w := range o.subject {
				x.words[w].subjects = append(x.words[w].subjects, proposition{int32(i), int32(j)})
			}
		}
	}
	x.sort()
	return x.matcher, out
}

// folds remembers what words fold to.
type folds map[string]string

func (f folds) fold(s string) string {
	t, ok := f[s]
	if !ok {
		t = fold(s).text
		f[s] = t
	}
	return t
}

// indexer is a matcher while words are added to it.
type indexer struct {
	*matcher
	folds
	known map[string]int32 // word with its guards → its number
	at    map[string]int32 // text → its place in texts
}

// sort makes the added words ready to be found.
func (x *indexer) sort() {
	order := make([]int32, len(x.texts))
	for i := range order {
		order[i] = int32(i)
	}
	slices.SortFunc(order, func(a, b int32) int { return strings.Compare(x.texts[a], x.texts[b]) })
	texts, ends := make([]string, len(order)), make([][]int32, len(order))
	first := map[rune]stretch{}
	for i, o := range order {
		texts[i], ends[i] = x.texts[o], x.ends[o]
		r, _ := utf8.DecodeRuneInString(texts[i])
		s, ok := first[r]
		if !ok {
			s.from = i
		}
		s.to = i + 1
		first[r] = s
	}
	x.texts, x.ends, x.first = texts, ends, first
}

// addAll adds the words of a role. A word that several languages share, such
// as 中国, counts once, with the guards of all of them.
func (x indexer) addAll(w rules.Words) []int32 {
	n := 0
	for _, terms := range w {
		n += len(terms)
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
	out := make([]int32, 0, len(shared))
	for _, t := range shared {
		out = append(out, x.add(t))
	}
	slices.Sort(out)
	return slices.Compact(out)
}

func (x indexer) add(t rules.Term) int32 {
	m := x.matcher
	text, wild := strings.CutSuffix(t.Text, "*")
	text = x.fold(text)
	key := text
	if wild || t.Inside || len(t.Not)+len(t.With) > 0 {
		key = fmt.Sprintf("%s\x00%v\x00%v\x00%q\x00%q", text, wild, t.Inside, t.Not, t.With)
	}
	if n, ok := x.known[key]; ok {
		return n
	}
	w := word{text: text, inside: t.Inside, wild: wild}
	for _, s := range t.Not {
		s = x.fold(s)
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
		w.with = append(w.with, x.fold(s))
	}
	n := int32(len(m.words))
	m.words = append(m.words, w)
	x.known[key] = n
	if text == "" {
		return n
	}
	at, ok := x.at[text]
	if !ok {
		at = int32(len(x.texts))
		x.at[text] = at
		x.texts, x.ends = append(x.texts, text), append(x.ends, nil)
	}
	x.ends[at] = append(x.ends[at], n)
	return n
}

// narrow returns the texts of a stretch that have the byte c at a depth, which
// all of them reach.
func (m *matcher) narrow(s stretch, depth int, c byte) stretch {
	for s.from < s.to {
		if s.to-s.from <= 8 {
			for s.from < s.to && m.texts[s.from][depth] < c {
				s.from++
			}
			for s.from < s.to && m.texts[s.to-1][depth] > c {
				s.to--
			}
			return s
		}
		mid := (s.from + s.to) / 2
		switch x := m.texts[mid][depth]; {
		case x < c:
			s.from = mid + 1
		case x > c:
			s.to = mid
		default:
			lo := sort.Search(mid-s.from, func(k int) bool { return m.texts[s.from+k][depth] >= c })
			hi := sort.Search(s.to-mid, func(k int) bool { return m.texts[mid+k][depth] > c })
			return stretch{s.from + lo, mid + hi}
		}
	}
	return s
}

// find returns every word that stands in text, which is folded; context is the
// folded text around it in which a word's companions may stand as well.
func (m *matcher) find(text, context string) []match {
	var out []match
	var prev rune
	for i, first := range text {
		if !isLatin(first) || !isLatin(prev) {
			s := m.first[first]
			for j := i + utf8.RuneLen(first); s.from < s.to; j++ {
				if len(m.texts[s.from]) == j-i { // the shortest comes first
					for _, w := range m.ends[s.from] {
						if end := m.words[w].accept(text, context, prev, first, i, j); end > 0 {
							out = append(out, match{w, i, end})
						}
					}
					s.from++
				}
				if j == len(text) {
					break
				}
				s = m.narrow(s, j-i, text[j])
			}
		}
		prev = first
	}
	return out
}

// maxWith is how far from a word its companions count, in bytes.
const maxWith = 600

// accept applies the guards of w to its occurrence at [start, end) and returns
// where the match ends, or 0.
func (w *word) accept(text, context string, prev, first rune, start, end int) int {
	if !w.inside && isHangul(first) && isHangul(prev) {
		return 0
	}
	last, _ := utf8.DecodeLastRuneInString(text[start:end])
	if isLatin(last) {
		rest := text[end:]
		for k, r := range rest {
			if !isLatin(r) {
				rest = rest[:k]
				break
			}
		}
		if rest != "" {
			if !w.wild {
				return 0
			}
			end += len(rest)
		}
	}
	for _, g := range w.not {
		if at := start - g.offset; at >= 0 && strings.HasPrefix(text[at:], g.text) {
			return 0
		}
	}
	if len(w.with) > 0 && !slices.ContainsFunc(w.with, func(s string) bool {
		return strings.Contains(text[max(0, start-maxWith):start], s) || strings.Contains(text[end:min(len(text), end+maxWith)], s) || strings.Contains(context, s)
	}) {
		return 0
	}
	return end
}

func isLatin(r rune) bool {
	return r < 0x250 && (unicode.IsLetter(r) || unicode.IsDigit(r)) || r >= 0x1E00 && r <= 0x1EFF
}

func isHangul(r rune) bool { return r >= 0xAC00 && r <= 0xD7A3 }

// has reports whether one of the words is among the matches.
func has(words []int32, ms []match) bool {
	return slices.ContainsFunc(ms, func(m match) bool { return contains(words, m.word) })
}
