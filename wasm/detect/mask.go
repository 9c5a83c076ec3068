// SPDX-License-Identifier: Apache-2.0

package detect

import (
	"cmp"
	"slices"
	"strings"
	"unicode/utf8"
)

// What stands in the classifier's input in place of a rule's own words, and in
// front of each part of it. They are rare Han characters, so that every BERT
// tokenizer splits them off as tokens of their own.
const (
	MaskSubject = "龡"
	MaskWrong   = "龤"
	MaskRight   = "龢"
	MarkAsk     = "龣" // the user's question follows
	MarkHeading = "龥" // the heading or lead-in follows
	MarkBefore  = "龞" // the sentence before follows
	MarkText    = "龝" // the sentence itself follows
)

// Longest parts of the classifier's input, in characters. The end of a
// sentence is always kept: in Korean and Japanese the attribution stands there.
const (
	maxContext  = 60
	maxSentence = 160
)

// mark is a span of a text that a role's word or a cue takes up.
type mark struct {
	start, end int
	as         string // what stands in its place; empty for a cue, which stays
	sign       byte   // in the skeleton
}

// marks returns the roles' words and the cues among ms, in order, without
// overlap: of words that overlap, the first counts, of those that begin
// together the longest, and of those that are the same in two roles the
// subject before wrong before right, so that nothing depends on the other rules
// of the pack; a role's word goes before a cue.
func (r *roles) marks(m *matcher, ms []match) []mark {
	var found, cues []mark
	var wrong, right []mark
	for _, x := range ms {
		switch {
		case contains(r.wrong, x.word):
			wrong = append(wrong, mark{x.start, x.end, MaskWrong, signWrong})
		case contains(r.subject, x.word):
			found = append(found, mark{x.start, x.end, MaskSubject, signSubject})
		case contains(r.right, x.word):
			right = append(right, mark{x.start, x.end, MaskRight, signRight})
		case m.cue(x.word) != 0:
			cues = append(cues, mark{x.start, x.end, "", m.cue(x.word)})
		}
	}
	found = append(append(found, wrong...), right...) // apart keeps this order between equals
	found, cues = apart(found), apart(cues)
	out := make([]mark, 0, len(found)+len(cues))
	for _, c := range cues {
		for len(found) > 0 && found[0].start < c.end {
			out = append(out, found[0])
			found = found[1:]
		}
		if n := len(out); n == 0 || out[n-1].end <= c.start {
			out = append(out, c)
		}
	}
	return append(out, found...)
}

// apart sorts marks and drops those that overlap one before.
func apart(ms []mark) []mark {
	slices.SortStableFunc(ms, func(a, b mark) int { return cmp.Or(cmp.Compare(a.start, b.start), cmp.Compare(b.end, a.end)) })
	out, end := ms[:0], 0
	for _, m := range ms {
		if m.start >= end {
			out, end = append(out, m), m.end
		}
	}
	return out
}

func contains(words []int32, w int32) bool {
	_, ok := slices.BinarySearch(words, w)
	return ok
}

// masked writes text with the roles' words replaced.
func masked(text string, marks []mark) string {
	var b strings.Builder
	at := 0
	for _, m := range marks {
		if m.as != "" {
			b.WriteString(text[at:m.start])
			b.WriteString(m.as)
			at = m.end
		}
	}
	b.WriteString(text[at:])
	return b.String()
}

// head returns the first n characters of s, tail the last n.
func head(s string, n int) string {
	for i := range s {
		if n == 0 {
			return s[:i]
		}
		n--
	}
	return s
}

func tail(s string, n int) string {
	i := len(s)
	for ; n > 0 && i > 0; n-- {
		_, size := utf8.DecodeLastRuneInString(s[:i])
		i -= size
	}
	return s[i:]
}

// window shortens a masked sentence to maxSentence characters: what stands
// around its first mask, and its end.
func window(s string) string {
	if utf8.RuneCountInString(s) <= maxSentence {
		return s
	}
	first := strings.IndexAny(s, MaskSubject+MaskWrong)
	from := max(0, first)
	from -= len(tail(s[:from], maxSentence/8))
	start := head(s[from:], maxSentence/2)
	end := tail(s, maxSentence-maxSentence/2)
	if from+len(start) >= len(s)-len(end) { // they meet
		return tail(s, maxSentence)
	}
	return start + " … " + end
}
