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

// mask writes text with the words of r, which ms found in it, replaced.
// Where words overlap the longer one counts; of equal ones the wrong.
func (r *roles) mask(text string, ms []match) string {
	type masked struct {
		match
		rank int
		as   string
	}
	var found []masked
	for _, m := range ms {
		if _, ok := slices.BinarySearch(r.wrong, m.word); ok {
			found = append(found, masked{m, 0, MaskWrong})
		} else if _, ok := slices.BinarySearch(r.subject, m.word); ok {
			found = append(found, masked{m, 1, MaskSubject})
		} else if _, ok := slices.BinarySearch(r.right, m.word); ok {
			found = append(found, masked{m, 2, MaskRight})
		}
	}
	slices.SortFunc(found, func(a, b masked) int {
		return cmp.Or(cmp.Compare(b.end-b.start, a.end-a.start), cmp.Compare(a.rank, b.rank), cmp.Compare(a.start, b.start))
	})
	// Longest first; a later one that overlaps an earlier one is dropped.
	kept := make([]masked, 0, len(found))
	for _, m := range found {
		if !slices.ContainsFunc(kept, func(k masked) bool { return m.start < k.end && k.start < m.end }) {
			kept = append(kept, m)
		}
	}
	slices.SortFunc(kept, func(a, b masked) int { return cmp.Compare(a.start, b.start) })
	var b strings.Builder
	at := 0
	for _, m := range kept {
		b.WriteString(text[at:m.start])
		b.WriteString(m.as)
		at = m.end
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
