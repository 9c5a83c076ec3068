// SPDX-License-Identifier: Apache-2.0

package rules

import (
	"fmt"
	"strings"
	"unicode/utf8"
)

// Roles that a pattern may name.
const (
	RoleSubject = "subject"
	RoleWrong   = "wrong"
	RoleRight   = "right"
)

// Limits of patterns. The work that one takes grows with its parts and with the
// sentence; the rules that exist have up to 8 parts and 7 patterns a language.
const (
	MaxPatterns     = 32  // of one proposition in one language
	MaxPattern      = 200 // characters of one
	MaxPatternParts = 12
)

// PatternPart is a literal or a role; Gap says that up to 40 characters may
// stand before it.
type PatternPart struct {
	Literal string
	Role    string
	Gap     bool
}

// ParsePattern reads a pattern such as "{subject}…{wrong}에서 유래".
func ParsePattern(s string) ([]PatternPart, error) {
	if n := utf8.RuneCountInString(s); n > MaxPattern {
		return nil, fmt.Errorf("a pattern of %d characters; at most %d", n, MaxPattern)
	}
	var parts []PatternPart
	gap := false
	for s != "" {
		switch {
		case strings.HasPrefix(s, "…"):
			gap, s = true, strings.TrimPrefix(s, "…")
		case strings.HasPrefix(s, "{"):
			role, rest, ok := strings.Cut(s[1:], "}")
			if !ok || (role != RoleSubject && role != RoleWrong && role != RoleRight) {
				return nil, fmt.Errorf("pattern %q: {subject}, {wrong} and {right} are the roles", s)
			}
			parts, gap, s = append(parts, PatternPart{Role: role, Gap: gap}), false, rest
		default:
			n := strings.IndexAny(s, "{…")
			if n < 0 {
				n = len(s)
			}
			if strings.ContainsRune(s[:n], '}') {
				return nil, fmt.Errorf("pattern %q: a lone }", s)
			}
			parts, gap, s = append(parts, PatternPart{Literal: s[:n], Gap: gap}), false, s[n:]
		}
	}
	if len(parts) < 2 {
		return nil, fmt.Errorf("a pattern has at least two parts, such as {subject}…{wrong}")
	}
	if len(parts) > MaxPatternParts {
		return nil, fmt.Errorf("a pattern of %d parts; at most %d, so that browsers can look for it quickly: write several shorter ones", len(parts), MaxPatternParts)
	}
	return parts, nil
}
