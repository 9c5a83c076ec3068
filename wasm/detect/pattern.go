// SPDX-License-Identifier: Apache-2.0

package detect

import (
	"slices"
	"strings"
	"unicode/utf8"

	"haechi/rules"
)

// maxGap is how many characters the … of a pattern may stand for.
const maxGap = 40

// pattern is a rule's pattern with folded literals.
type pattern []rules.PatternPart

func newPatterns(p *rules.Proposition) []pattern {
	var out []pattern
	for _, lang := range rules.Languages {
		for _, s := range p.Patterns[lang] {
			parts, err := rules.ParsePattern(s)
			if err != nil {
				continue // a validated rule has none
			}
			for i := range parts {
				if parts[i].Literal != "" {
					parts[i].Literal = foldKeepingBlanks(parts[i].Literal)
				}
			}
			out = append(out, parts)
		}
	}
	return out
}

// foldKeepingBlanks folds a literal but keeps a blank at either end: "is {wrong}".
func foldKeepingBlanks(s string) string {
	f := fold(s).text
	if strings.HasPrefix(s, " ") {
		f = " " + f
	}
	if strings.HasSuffix(s, " ") && f != " " {
		f += " "
	}
	return f
}

// in reports whether the pattern stands in the folded text, given the words
// found in it. A subject that only the context names may be missing at the start.
func (p pattern) in(text string, ms []match, r *roles, inherited bool) bool {
	if inherited && p[0].Role == rules.RoleSubject && p.from(text, 1, -1, ms, r) {
		return true
	}
	return p.from(text, 0, -1, ms, r)
}

// from reports whether parts[i:] follow a part that ended at the byte end (-1: anywhere).
func (p pattern) from(text string, i, end int, ms []match, r *roles) bool {
	if i == len(p) {
		return true
	}
	part := p[i]
	next := func(start, stop int) bool {
		switch {
		case end < 0:
		case start < end, !part.Gap && start != end:
			return false
		case utf8.RuneCountInString(text[end:start]) > maxGap:
			return false
		}
		return p.from(text, i+1, stop, ms, r)
	}
	if part.Literal != "" {
		stop := len(text)
		if end >= 0 { // it cannot stand further off
			stop = min(stop, end+maxGap*utf8.UTFMax+len(part.Literal))
		}
		for at := max(end, 0); ; {
			k := strings.Index(text[at:stop], part.Literal)
			if k < 0 {
				return false
			}
			at += k
			if next(at, at+len(part.Literal)) {
				return true
			}
			at += len(part.Literal)
		}
	}
	words := map[string][]int32{rules.RoleSubject: r.subject, rules.RoleWrong: r.wrong, rules.RoleRight: r.right}[part.Role]
	for _, m := range ms { // they come by place
		if end >= 0 && m.start > end+maxGap*utf8.UTFMax {
			break
		}
		if _, ok := slices.BinarySearch(words, m.word); ok && next(m.start, m.end) {
			return true
		}
	}
	return false
}
