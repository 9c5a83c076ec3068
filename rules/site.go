// SPDX-License-Identifier: Apache-2.0

package rules

import (
	"bytes"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"regexp"
	"strings"
	"time"
	"unicode/utf8"
)

// Limits of one site. A page's selectors are asked for several times a second,
// so they are few and short.
const (
	MaxSiteFile  = 16 << 10 // bytes
	MaxSelectors = 12       // selectors or matches of one list
	MaxSelector  = 200      // characters of one
	maxHas       = 2        // :has( in one selector: each walks a subtree
	maxNesting   = 4        // brackets within brackets
)

// Site says how to find the assistant's words on one chatbot site. Flat data
// with a date, because sites change and whoever mends it must know how old the
// evidence is. Selectors are CSS; of a list any that matches counts, except in
// Body, where the first that matches is taken.
type Site struct {
	ID       string   `json:"id"`
	Name     string   `json:"name"`               // as people know it
	Verified string   `json:"verified"`           // day of the evidence, YYYY-MM-DD
	Matches  []string `json:"matches"`            // addresses: https://host/path with * in the path
	Answer   []string `json:"answer"`             // one turn of the assistant; everything about it is read below it
	Body     []string `json:"body"`               // what holds an answer's text; ":scope" is the answer itself
	Question []string `json:"question,omitempty"` // one turn of the user; the last before an answer is its question
	Skip     []string `json:"skip,omitempty"`     // not the answer's own words: thinking, citations, widgets
	Busy     []string `json:"busy,omitempty"`     // stands somewhere in the page while an answer is being written
	Done     []string `json:"done,omitempty"`     // stands in an answer's turn once it is finished
}

// ParseSite reads and validates one site file; name is used in errors.
func ParseSite(name string, data []byte) (Site, error) {
	var s Site
	if len(data) > MaxSiteFile {
		return Site{}, fmt.Errorf("%s: %d bytes; a site file has at most %d", name, len(data), MaxSiteFile)
	}
	if !utf8.Valid(data) {
		return Site{}, fmt.Errorf("%s: not UTF-8; save the file as UTF-8", name)
	}
	d := json.NewDecoder(bytes.NewReader(data))
	d.DisallowUnknownFields()
	if err := d.Decode(&s); err != nil {
		return Site{}, fmt.Errorf("%s:%d: %w", name, lineOf(data, d, err), err)
	}
	if _, err := d.Token(); !errors.Is(err, io.EOF) {
		return Site{}, fmt.Errorf("%s:%d: text after the site; one file holds one site", name, lineOf(data, d, nil))
	}
	if problems := ValidateSite(&s); len(problems) > 0 {
		return Site{}, &InvalidError{File: name, Site: s.ID, Problems: problems}
	}
	return s, nil
}

// IsSite reports whether a file means to be a site rather than a rule: only
// sites have matches.
func IsSite(data []byte) bool {
	var s struct {
		Matches json.RawMessage `json:"matches"`
	}
	return json.Unmarshal(data, &s) == nil && s.Matches != nil
}

// FormatSite returns the canonical file form of a site, as [Format] does for a rule.
func FormatSite(s Site) []byte { return indented(s) }

var address = regexp.MustCompile(`^https://[a-z0-9-]+(\.[a-z0-9-]+)+/[!-~]*$`)

// ValidateSite returns everything that is wrong with a site; nothing when it
// may ship.
func ValidateSite(s *Site) []Problem {
	c := &check{}
	if !id.MatchString(s.ID) || len(s.ID) > 64 {
		c.add("id", "%q: use lower-case letters, digits and single hyphens, at most 64", s.ID)
	}
	if strings.TrimSpace(s.Name) == "" || s.Name != strings.TrimSpace(s.Name) || !printable(s.Name) || utf8.RuneCountInString(s.Name) > MaxTerm {
		c.add("name", "%q: empty, longer than %d characters, or space around it", s.Name, MaxTerm)
	}
	if _, err := time.Parse(time.DateOnly, s.Verified); err != nil {
		c.add("verified", "%q is no day; write YYYY-MM-DD", s.Verified)
	}
	c.list("matches", s.Matches, true, func(m string) string {
		if !address.MatchString(m) {
			return "is not https://host/path with a whole host name"
		}
		return ""
	})
	c.list("answer", s.Answer, true, selectorProblem)
	c.list("body", s.Body, true, selectorProblem)
	c.list("question", s.Question, false, selectorProblem)
	c.list("skip", s.Skip, false, selectorProblem)
	c.list("busy", s.Busy, false, selectorProblem)
	c.list("done", s.Done, false, selectorProblem)
	return c.problems
}

func (c *check) list(field string, list []string, required bool, problem func(string) string) {
	if required && len(list) == 0 {
		c.add(field, "missing; give at least one")
	}
	if len(list) > MaxSelectors {
		c.add(field, "%d; at most %d", len(list), MaxSelectors)
		return
	}
	seen := map[string]bool{}
	for i, s := range list {
		at := fmt.Sprintf("%s[%d]", field, i)
		switch p := problem(s); {
		case s == "" || s != strings.TrimSpace(s) || !printable(s):
			c.add(at, "%q: empty, or space around it, or control characters", s)
		case utf8.RuneCountInString(s) > MaxSelector:
			c.add(at, "%d characters; at most %d", utf8.RuneCountInString(s), MaxSelector)
		case seen[s]:
			c.add(at, "%q stands twice", s)
		case p != "":
			c.add(at, "%q %s", s, p)
		}
		seen[s] = true
	}
}

// selectorProblem says what is wrong with a selector, as far as it can be seen
// without a browser: brackets and quotation marks must close, so that one bad
// selector cannot spoil a list, and it must stay cheap to match.
func selectorProblem(s string) string {
	if strings.Count(strings.ToLower(s), ":has(") > maxHas {
		return fmt.Sprintf("has more than %d :has(", maxHas)
	}
	if strings.ContainsAny(s, "{}<;@\\`") {
		return "has a character that no plain selector needs"
	}
	if strings.HasPrefix(s, ",") || strings.HasSuffix(s, ",") {
		return "begins or ends with a comma"
	}
	var open []rune
	quote := rune(0)
	for _, r := range s {
		switch {
		case quote != 0:
			if r == quote {
				quote = 0
			}
		case r == '"' || r == '\'':
			quote = r
		case r == '(':
			open = append(open, ')')
		case r == '[':
			open = append(open, ']')
		case r == ')' || r == ']':
			if len(open) == 0 || open[len(open)-1] != r {
				return "has a bracket that was not opened"
			}
			open = open[:len(open)-1]
		}
		if len(open) > maxNesting {
			return "nests brackets too deeply"
		}
	}
	if quote != 0 || len(open) > 0 {
		return "has a bracket or quotation mark that is not closed"
	}
	return ""
}
