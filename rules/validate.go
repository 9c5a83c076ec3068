// SPDX-License-Identifier: Apache-2.0

package rules

import (
	"fmt"
	"net/url"
	"regexp"
	"slices"
	"strings"
	"unicode"
	"unicode/utf8"
)

// Limits of one rule. They keep a pack small and the engine's work bounded.
const (
	MaxPropositions = 6
	MaxTerms        = 400 // words of one role in one language
	MaxTerm         = 60  // characters of one word
	MaxText         = 1200
	MinHits         = 6 // examples a language
	MinMisses       = 8
	MinSources      = 2
)

var id = regexp.MustCompile(`^[a-z0-9]+(-[a-z0-9]+)*$`)

// Validate returns everything that is wrong with a rule file; nothing when it
// may ship.
func Validate(r *Rule) []Problem {
	c := &check{}
	c.rule(r)
	c.examples(r)
	return c.problems
}

// ValidatePublished is Validate for a rule within a pack, which carries no examples.
func ValidatePublished(r *Rule) []Problem {
	c := &check{}
	c.rule(r)
	if len(r.Examples) > 0 {
		c.add("examples", "a pack carries no examples")
	}
	return c.problems
}

type check struct{ problems []Problem }

func (c *check) add(field, reason string, args ...any) {
	c.problems = append(c.problems, Problem{field, fmt.Sprintf(reason, args...)})
}

func (c *check) rule(r *Rule) {
	if !id.MatchString(r.ID) || len(r.ID) > 64 {
		c.add("id", "%q: use lower-case letters, digits and single hyphens, at most 64", r.ID)
	}
	if !slices.Contains(Categories, r.Category) {
		c.add("category", "%q is not one of %s", r.Category, strings.Join(Categories, ", "))
	}
	if !isTier(r.Tier) {
		c.add("tier", "%q is not A, B or C", r.Tier)
	}
	if r.Threshold < 0 || r.Threshold >= 1 {
		c.add("threshold", "%v is not in [0, 1)", r.Threshold)
	}
	c.text("title", r.Title)
	c.words("subject", r.Subject, true)
	c.words("right", r.Right, false)
	c.words("unless", r.Unless, false)
	if n := len(r.Propositions); n < 1 || n > MaxPropositions {
		c.add("propositions", "%d; a rule has 1 to %d", n, MaxPropositions)
	}
	contested := r.Tier == TierContested
	seen := map[string]bool{}
	for i := range r.Propositions {
		p, at := &r.Propositions[i], fmt.Sprintf("propositions[%d]", i)
		if !id.MatchString(p.ID) || seen[p.ID] {
			c.add(at+".id", "%q: empty, malformed or used twice", p.ID)
		}
		seen[p.ID] = true
		if p.Tier != "" && !isTier(p.Tier) {
			c.add(at+".tier", "%q is not A, B or C", p.Tier)
		}
		contested = contested || p.Tier == TierContested
		c.text(at+".text", p.Text)
		c.words(at+".subject", p.Subject, false)
		c.words(at+".wrong", p.Wrong, true)
		c.words(at+".right", p.Right, false)
		for _, lang := range Languages {
			for j, s := range p.With[lang] {
				if strings.TrimSpace(s) == "" || !printable(s) || utf8.RuneCountInString(s) > MaxTerm || len(p.With[lang]) > MaxTerms {
					c.add(fmt.Sprintf("%s.with.%s[%d]", at, lang, j), "%q: empty, too long, or one of too many", s)
				}
			}
		}
		c.onlyLanguages(at+".with", keys(p.With))
		for _, lang := range Languages {
			if len(p.Patterns[lang]) == 0 {
				c.add(at+".patterns."+lang, "missing; write at least one pattern a language")
			}
			if n := len(p.Patterns[lang]); n > MaxPatterns {
				c.add(at+".patterns."+lang, "%d patterns; at most %d", n, MaxPatterns)
			}
			for j, s := range p.Patterns[lang] {
				if _, err := ParsePattern(s); err != nil {
					c.add(fmt.Sprintf("%s.patterns.%s[%d]", at, lang, j), "%v", err)
				}
			}
		}
		c.onlyLanguages(at+".patterns", keys(p.Patterns))
	}
	c.text("correction", r.Correction)
	if contested && len(r.Positions) < 2 {
		c.add("positions", "%d; a contested matter (tier B) shows at least two", len(r.Positions))
	}
	for i, p := range r.Positions {
		c.text(fmt.Sprintf("positions[%d].holder", i), p.Holder)
		c.text(fmt.Sprintf("positions[%d].text", i), p.Text)
	}
	if len(r.Sources) < MinSources {
		c.add("sources", "%d; a rule cites at least %d institutions", len(r.Sources), MinSources)
	}
	for i, s := range r.Sources {
		c.source(fmt.Sprintf("sources[%d]", i), s)
	}
}

func (c *check) text(field string, t Text) {
	for _, lang := range Languages {
		s := t[lang]
		switch n := utf8.RuneCountInString(s); {
		case strings.TrimSpace(s) == "":
			c.add(field+"."+lang, "missing")
		case n > MaxText:
			c.add(field+"."+lang, "%d characters; at most %d", n, MaxText)
		case s != strings.TrimSpace(s) || !printable(s):
			c.add(field+"."+lang, "has space around it or control characters")
		}
	}
	c.onlyLanguages(field, keys(t))
}

func (c *check) words(field string, w Words, required bool) {
	for _, lang := range Languages {
		terms := w[lang]
		if required && len(terms) == 0 {
			c.add(field+"."+lang, "missing; give at least one word")
		}
		if len(terms) > MaxTerms {
			c.add(field+"."+lang, "%d words; at most %d", len(terms), MaxTerms)
		}
		seen := map[string]bool{}
		for i, t := range terms {
			at := fmt.Sprintf("%s.%s[%d]", field, lang, i)
			n := utf8.RuneCountInString(t.Text)
			switch {
			case strings.TrimSpace(t.Text) == "" || t.Text != strings.TrimSpace(t.Text) || !printable(t.Text):
				c.add(at, "%q: empty, or space around it, or control characters", t.Text)
			case n > MaxTerm:
				c.add(at, "%q: %d characters; at most %d", t.Text, n, MaxTerm)
			case strings.Contains(strings.TrimSuffix(t.Text, "*"), "*"):
				c.add(at, "%q: * may stand at the end only", t.Text)
			case seen[t.Text]:
				c.add(at, "%q stands twice", t.Text)
			}
			seen[t.Text] = true
			for _, not := range t.Not {
				if !strings.Contains(strings.ToLower(not), strings.ToLower(strings.TrimSuffix(t.Text, "*"))) || strings.EqualFold(not, t.Text) {
					c.add(at, "not %q: must be a longer string that contains %q", not, t.Text)
				}
			}
		}
	}
	c.onlyLanguages(field, keys(w))
}

func (c *check) source(field string, s Source) {
	for name, v := range map[string]string{"title": s.Title, "publisher": s.Publisher} {
		if strings.TrimSpace(v) == "" || !printable(v) {
			c.add(field+"."+name, "missing or has control characters")
		}
	}
	if s.Year != 0 && (s.Year < 1400 || s.Year > 2100) {
		c.add(field+".year", "%d; give the year of publication, or 0", s.Year)
	}
	if u, err := url.Parse(s.URL); err != nil || (u.Scheme != "https" && u.Scheme != "http") || u.Host == "" || u.User != nil {
		c.add(field+".url", "%q is not an http or https address", s.URL)
	}
	if s.Lang == "" || len(s.Lang) > 8 {
		c.add(field+".lang", "%q: give the language code of the page", s.Lang)
	}
}

func (c *check) examples(r *Rule) {
	for _, lang := range Languages {
		x := r.Examples[lang]
		if len(x.Hit) < MinHits {
			c.add("examples."+lang+".hit", "%d; at least %d", len(x.Hit), MinHits)
		}
		if len(x.Miss) < MinMisses {
			c.add("examples."+lang+".miss", "%d; at least %d", len(x.Miss), MinMisses)
		}
		seen := map[Example]bool{}
		for i, e := range slices.Concat(x.Hit, x.Miss) {
			at := fmt.Sprintf("examples.%s.hit[%d]", lang, i)
			if i >= len(x.Hit) {
				at = fmt.Sprintf("examples.%s.miss[%d]", lang, i-len(x.Hit))
			}
			if strings.TrimSpace(e.Text) == "" {
				c.add(at, "empty")
			}
			if seen[e] {
				c.add(at, "%q stands twice", e.Text)
			}
			seen[e] = true
		}
	}
	c.onlyLanguages("examples", keys(r.Examples))
}

func (c *check) onlyLanguages(field string, langs []string) {
	for _, l := range langs {
		if !slices.Contains(Languages, l) {
			c.add(field+"."+l, "unknown language; use %s", strings.Join(Languages, ", "))
		}
	}
}

func isTier(s string) bool {
	return s == TierFalse || s == TierContested || s == TierFraming
}

func printable(s string) bool {
	for _, r := range s {
		if unicode.IsControl(r) || r == utf8.RuneError || r == '\u2028' || r == '\u2029' {
			return false
		}
	}
	return true
}

func keys[V any](m map[string]V) []string {
	out := make([]string, 0, len(m))
	for k := range m {
		out = append(out, k)
	}
	slices.Sort(out)
	return out
}
