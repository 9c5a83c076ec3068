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
	s := search{pattern: p, text: text, found: ms, roles: r}
	if inherited && p[0].Role == rules.RoleSubject && s.from(1, -1) {
		return true
	}
	return s.from(0, -1)
}

// search looks for a pattern in one text.
type search struct {
	pattern
	text   string
	found  []match
	roles  *roles
	failed map[stop]bool // from where the rest does not follow, so that it is tried once
}

// stop is what was found so far: parts[:part], which end at the byte end.
type stop struct{ part, end int }

// from reports whether parts[i:] follow a part that ended at the byte end (-1: anywhere).
func (s *search) from(i, end int) bool {
	if i == len(s.pattern) {
		return true
	}
	at := stop{i, end}
	if s.failed[at] {
		return false
	}
	if s.follows(i, end) {
		return true
	}
	if i > 1 { // the first two are tried from a place once anyhow
		if s.failed == nil {
			s.failed = map[stop]bool{}
		}
		s.failed[at] = true
	}
	return false
}

func (s *search) follows(i, end int) bool {
	part := s.pattern[i]
	next := func(start, stop int) bool {
		switch {
		case end < 0:
		case start < end, !part.Gap && start != end:
			return false
		case utf8.RuneCountInString(s.text[end:start]) > maxGap:
			return false
		}
		return s.from(i+1, stop)
	}
	if part.Literal != "" {
		stop := len(s.text)
		if end >= 0 { // it cannot stand further off
			stop = min(stop, end+maxGap*utf8.UTFMax+len(part.Literal))
		}
		for at := max(end, 0); ; {
			k := strings.Index(s.text[at:stop], part.Literal)
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
	words := map[string][]int32{rules.RoleSubject: s.roles.subject, rules.RoleWrong: s.roles.wrong, rules.RoleRight: s.roles.right}[part.Role]
	first, _ := slices.BinarySearchFunc(s.found, end, func(m match, end int) int { return m.start - end }) // they come by place
	for _, m := range s.found[first:] {
		if end >= 0 && m.start > end+maxGap*utf8.UTFMax {
			break
		}
		if contains(words, m.word) && next(m.start, m.end) {
			return true
		}
	}
	return false
}
