// SPDX-License-Identifier: Apache-2.0

package detect

import (
	"slices"
	"sort"
	"strings"
	"unicode"
	"unicode/utf8"
)

// matcher finds the words of all rules in a text at once. Their texts are
// sorted, so that from each place of a text the range of those that can still
// follow narrows byte by byte; the cost depends on the text, hardly on how many
// rules there are. Words are numbered in the order of their texts. There are
// some hundred thousand, so they lie in a few flat arrays: these cost the
// collector nothing and are read from a file at once. It does not change once
// it is made.
type matcher struct {
	letters string           // the texts one after the other: folded, sorted, each once
	ends    []uint32         // where each text ends in letters
	last    []int32          // behind the last word of each text: words differ in their guards
	first   map[rune]stretch // of the texts that begin with a character
	pairs   pairs            // what characters a text can begin with
	traits  []trait          // of each word
	guards  map[int32]guards // of the words that have any
	cues    map[int32]byte   // the kind of cue that a word is

	subjects []int32         // the words that are a proposition's subject, sorted
	subject  [][]proposition // whose subject each of them is
}

// stretch are the texts from, …, to-1.
type stretch struct{ from, to int }

// trait is what is quickly known of a word.
type trait byte

const (
	inside  trait = 1 << iota // may stand within a Hangul word
	wild                      // ends with *: reaches to the end of a Latin word
	guarded                   // has guards
	isCue
	isSubject
)

// guards are the texts, folded, that keep a word from being another one.
type guards struct {
	not  []guard
	with []string // one of them must stand around the word
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

// roles are the words of one proposition, as sorted word numbers, and what else
// is needed of it.
type roles struct {
	subject, wrong, right, unless []int32
	with                          []string // folded; none: always applies
	id, tier                      string
}

// start is where a text begins in letters, word its first word.
func (m *matcher) start(text int) int {
	if text == 0 {
		return 0
	}
	return int(m.ends[text-1])
}

func (m *matcher) word(text int) int32 {
	if text == 0 {
		return 0
	}
	return m.last[text-1]
}

func (m *matcher) text(i int) string { return m.letters[m.start(i):m.ends[i]] }

// letter is the byte of a text at a depth that it reaches.
func (m *matcher) letter(text, depth int) byte { return m.letters[m.start(text)+depth] }

// cue is the kind of cue that a word is, or 0.
func (m *matcher) cue(w int32) byte {
	if m.traits[w]&isCue == 0 {
		return 0
	}
	return m.cues[w]
}

// subjectOf are the propositions whose subject a word is.
func (m *matcher) subjectOf(w int32) []proposition {
	if m.traits[w]&isSubject == 0 {
		return nil
	}
	i, _ := slices.BinarySearch(m.subjects, w)
	return m.subject[i]
}

// prepare works out what follows from the texts.
func (m *matcher) prepare() {
	m.first = map[rune]stretch{}
	var before rune
	var s stretch
	for i := range m.ends {
		text := m.text(i)
		if text == "" { // a word of nothing but marks, which is never found
			continue
		}
		r, n := utf8.DecodeRuneInString(text)
		m.pairs.add(r, text[n:])
		if r != before {
			if s.to > s.from {
				m.first[before] = s
			}
			before, s.from = r, i
		}
		s.to = i + 1
	}
	if s.to > s.from {
		m.first[before] = s
	}
}

// pairs says which two characters a text can begin with, wrongly yes for a few:
// a set of bits by a hash. Most places of a text are done with after one look.
type pairs [1 << 13]uint64

// alone stands for the second character of a text that has but one.
const alone = 0

func (p *pairs) bit(a, b rune) (word uint32, mask uint64) {
	h := (uint32(a)*0x9E3779B1 ^ uint32(b)*0x85EBCA6B) * 0xC2B2AE35 >> 13
	return h >> 6, 1 << (h & 63)
}

func (p *pairs) add(first rune, rest string) {
	second := rune(alone)
	if rest != "" {
		second, _ = utf8.DecodeRuneInString(rest)
	}
	word, mask := p.bit(first, second)
	p[word] |= mask
}

// begin reports whether a text can begin with a character and the first of rest.
func (p *pairs) begin(first rune, rest string) bool {
	if word, mask := p.bit(first, alone); p[word]&mask != 0 {
		return true
	}
	if rest == "" {
		return false
	}
	second, _ := utf8.DecodeRuneInString(rest)
	word, mask := p.bit(first, second)
	return p[word]&mask != 0
}

// narrow returns the texts of a stretch that have the byte c at a depth, which
// all of them reach.
func (m *matcher) narrow(s stretch, depth int, c byte) stretch {
	for s.from < s.to {
		if s.to-s.from <= 8 {
			for s.from < s.to && m.letter(s.from, depth) < c {
				s.from++
			}
			for s.from < s.to && m.letter(s.to-1, depth) > c {
				s.to--
			}
			return s
		}
		mid := (s.from + s.to) / 2
		switch x := m.letter(mid, depth); {
		case x < c:
			s.from = mid + 1
		case x > c:
			s.to = mid
		default:
			lo := sort.Search(mid-s.from, func(k int) bool { return m.letter(s.from+k, depth) >= c })
			hi := sort.Search(s.to-mid, func(k int) bool { return m.letter(mid+k, depth) > c })
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
		if (!isLatin(first) || !isLatin(prev)) && m.pairs.begin(first, text[i+utf8.RuneLen(first):]) {
			s := m.first[first]
			for j := i + utf8.RuneLen(first); s.from < s.to; j++ {
				if m.start(s.from)+j-i == int(m.ends[s.from]) { // the shortest comes first
					for w := m.word(s.from); w < m.last[s.from]; w++ {
						if end := m.accept(w, text, context, prev, first, i, j); end > 0 {
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

// accept applies the guards of a word to its occurrence at [start, end) and
// returns where the match ends, or 0.
func (m *matcher) accept(w int32, text, context string, prev, first rune, start, end int) int {
	t := m.traits[w]
	if t&inside == 0 && isHangul(first) && isHangul(prev) {
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
			if t&wild == 0 {
				return 0
			}
			end += len(rest)
		}
	}
	if t&guarded == 0 {
		return end
	}
	has := m.guards[w]
	for _, g := range has.not {
		if at := start - g.offset; at >= 0 && strings.HasPrefix(text[at:], g.text) {
			return 0
		}
	}
	if len(has.with) > 0 && !slices.ContainsFunc(has.with, func(s string) bool {
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
