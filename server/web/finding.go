// SPDX-License-Identifier: Apache-2.0

package web

import (
	"errors"
	"net/http"
	"net/url"
	"strings"
	"unicode"

	"haechi/rules"
	"haechi/server/review"
	"haechi/server/review/export"
	"haechi/server/review/mask"
)

// settled yields findings of cases that a person may see: one for each chatbot
// that said it, or, with once, one for each case.
func (s *site) settled(v *visit, ids []string, once bool) export.Findings {
	return func(yield func(export.Finding, error) bool) {
		for c, err := range s.Desk.Settled(v.person, ids) {
			if err != nil {
				yield(export.Finding{}, err)
				return
			}
			for i, a := range c.Answers {
				if once && i > 0 {
					break
				}
				f := s.finding(c.Case.Rule, c.Language, *c.Outcome, a.Report)
				f.Page, f.ID = c.ID, c.ID+"."+a.Site
				f.Received, f.Judged, f.Published = a.Received, c.Outcome.At, c.Published
				f.Note = masked(notes(&c.Case))
				f.Reviewers = c.Reviewers
				f.RulesSequence, f.RulesHash = a.Sequence, a.Pack
				if !yield(f, nil) {
					return
				}
			}
		}
	}
}

// published yields what anybody may have: no notes, no reviewers, and not when
// somebody sent it in.
func (s *site) published(ids []string) export.Findings {
	return func(yield func(export.Finding, error) bool) {
		for _, id := range ids {
			c, err := s.Desk.PublishedCase(id)
			switch {
			case errors.Is(err, review.ErrNotFound), errors.Is(err, review.ErrWithdrawn): // meanwhile
				continue
			case err != nil:
				yield(export.Finding{}, err)
				return
			}
			for _, f := range s.publicFindings(&c) {
				if !yield(f, nil) {
					return
				}
			}
		}
	}
}

// publicFindings are the findings of one published case.
func (s *site) publicFindings(c *review.Public) (out []export.Finding) {
	for _, said := range c.Said {
		f := s.finding(c.Rule, c.Language, review.Outcome{Verdict: c.Verdict, Sources: c.Sources, Wording: c.Wording}, review.Report{
			Site: said.Site, Model: said.Model, Question: said.Question, Excerpt: said.Excerpt, Sentence: said.Sentence,
		})
		f.Page, f.ID, f.Published = c.ID, c.ID+"."+said.Site, c.Published
		out = append(out, f)
	}
	return out
}

// finding puts together what every form has, with personal data masked.
func (s *site) finding(rule, language string, o review.Outcome, r review.Report) export.Finding {
	f := export.Finding{
		Site: r.Site, Chatbot: s.siteName(r.Site), Model: masked(r.Model), Language: language,
		Question: masked(r.Question), Sentence: masked(r.Sentence), Rule: rule, Verdict: export.Verdict(o.Verdict), Correction: rules.Text{},
	}
	before, after, _ := strings.Cut(r.Excerpt, r.Sentence)
	f.Excerpt = masked(before) + f.Sentence + masked(after)
	known := s.rule(rule)
	if known != nil {
		f.Title = known.Title
		for lang, text := range known.Correction {
			f.Correction[lang] = text
		}
		if o.Verdict == review.OneSided || o.Verdict == review.Contested {
			f.Positions = known.Positions
		}
	}
	if o.Wording != "" {
		f.Correction[written(o.Wording)] = masked(o.Wording)
	}
	f.Sources = s.sources(known, o.Sources)
	return f
}

// sources gives addresses the names that the rule has for them.
func (s *site) sources(rule *rules.Rule, addresses []string) (out []rules.Source) {
	for _, address := range addresses {
		one := rules.Source{Title: address, URL: address}
		if u, err := url.Parse(address); err == nil && u.Hostname() != "" {
			one.Title = u.Hostname()
		}
		if rule != nil {
			for _, known := range rule.Sources {
				if known.URL == address {
					one = known
				}
			}
		}
		out = append(out, one)
	}
	return out
}

// written tells in which of the pages' languages a person wrote.
func written(text string) string {
	for _, r := range text {
		if unicode.Is(unicode.Hangul, r) {
			return "ko"
		}
	}
	return "en"
}

// notes are the adjudicator's reason, or, where none was needed, those of the
// reviewers.
func notes(c *review.Case) string {
	if c.Outcome.Note != "" {
		return c.Outcome.Note
	}
	var all []string
	for _, j := range c.Judgements {
		if j.Note != "" {
			all = append(all, j.Note)
		}
	}
	return strings.Join(all, "\n")
}

// masked is a text without personal data that has a form. What is kept at the
// desk stays as it was sent.
func masked(text string) string {
	out, _ := mask.Mask(text)
	return out
}

// siteName is what a chatbot calls itself.
func (s *site) siteName(id string) string {
	if one := s.Pack().Site(id); one != nil {
		return one.Name
	}
	return id
}

// publisher is who answers for what is published.
func (s *site) publisher(r *http.Request) export.Publisher {
	return export.Publisher{Name: s.Publisher, URL: s.origin(r) + "/findings"}
}

// origin is the address of this server as the browser knows it.
func (s *site) origin(r *http.Request) string {
	if s.Secure(r) {
		return "https://" + r.Host
	}
	return "http://" + r.Host
}
