// SPDX-License-Identifier: Apache-2.0

package web

import (
	"bytes"
	"fmt"
	"html/template"
	"io/fs"
	"math"
	"net/http"
	"net/url"
	"path"
	"slices"
	"strings"
	"time"

	"haechi/rules"
	"haechi/server/review"
)

// page is what every template gets. T and the other methods speak its language.
type page struct {
	Lang   string // ko or en
	Name   string // of the template
	Here   string // address, to come back to
	Person *review.Person
	Form   string // token that forms carry
	Work   review.Work
	Data   any

	site *site
}

// parsePages reads the pages of a folder, each with the frame there.
func parsePages(dir string) (map[string]*template.Template, error) {
	names, err := fs.Glob(files, dir+"/*.html")
	if err != nil {
		return nil, err
	}
	out := map[string]*template.Template{}
	for _, n := range names {
		if n == dir+"/frame.html" {
			continue
		}
		t, err := template.ParseFS(files, dir+"/frame.html", n)
		if err != nil {
			return nil, err
		}
		out[strings.TrimSuffix(path.Base(n), ".html")] = t
	}
	return out, nil
}

// show answers with a page; v is nil for whoever is not signed in.
func (s *site) show(w http.ResponseWriter, r *http.Request, status int, name string, v *visit, data any) {
	p := &page{Lang: languageFor(r), Name: name, Here: r.URL.RequestURI(), Data: data, site: s}
	if r.Method != http.MethodGet {
		p.Here = "/review"
	}
	if v != nil {
		p.Person, p.Form, p.Work = &v.person, review.FormToken(v.token), s.Desk.Waiting(v.person)
	}
	var out bytes.Buffer
	if err := s.pages[name].ExecuteTemplate(&out, "frame.html", p); err != nil {
		s.Log.Error("review page", "page", name, "err", err)
		http.Error(w, "the page could not be made; see the server's log", http.StatusInternalServerError)
		return
	}
	w.Header().Set("Content-Type", "text/html; charset=utf-8")
	w.Header().Set("Content-Language", p.Lang)
	w.Header().Set("Vary", "Accept-Language, Cookie")
	w.WriteHeader(status)
	out.WriteTo(w)
}

// problem answers with a page that says what went wrong and what to do.
func (s *site) problem(w http.ResponseWriter, r *http.Request, status int, key string) {
	s.show(w, r, status, "problem", s.visitor(r), key)
}

// visitor is whoever is signed in, for a page that does not depend on it.
func (s *site) visitor(r *http.Request) *visit {
	token := s.sessionToken(r)
	if token == "" {
		return nil
	}
	p, err := s.Desk.Who(token)
	if err != nil {
		return nil
	}
	return &visit{r, p, token}
}

// languageFor is what the person chose, else the first of the browser's
// languages that the pages have, else Korean.
func languageFor(r *http.Request) string {
	if c, err := r.Cookie(cookieLanguage); err == nil && (c.Value == "ko" || c.Value == "en") {
		return c.Value
	}
	for _, asked := range strings.Split(r.Header.Get("Accept-Language"), ",") {
		tag, _, _ := strings.Cut(strings.TrimSpace(asked), ";")
		if main, _, _ := strings.Cut(strings.ToLower(tag), "-"); main == "ko" || main == "en" {
			return main
		}
	}
	return "ko"
}

// T is a text in the page's language.
func (p *page) T(parts ...string) string {
	key := strings.Join(parts, ".")
	w, ok := words[key]
	if !ok {
		return key // a test keeps that from happening
	}
	if p.Lang == "en" {
		return w.en
	}
	return w.ko
}

// F is a text with values in it.
func (p *page) F(key string, v ...any) string { return fmt.Sprintf(p.T(key), v...) }

// May says whether whoever is signed in has a right.
func (p *page) May(a string) bool { return p.Person != nil && p.Person.Role.May(review.Action(a)) }

// Rule is the newest form of a rule, or nil.
func (p *page) Rule(id string) *rules.Rule { return p.site.rule(id) }

// RuleTitle is what to call a rule.
func (p *page) RuleTitle(id string) string {
	if r := p.site.rule(id); r != nil {
		return r.Title.In(p.Lang)
	}
	if id == "" {
		return p.T("rule.none")
	}
	return id
}

// Topic is the category of a rule in words.
func (p *page) Topic(id string) string {
	if r := p.site.rule(id); r != nil {
		return p.T("topic", r.Category)
	}
	return ""
}

// SiteName is what a chatbot calls itself.
func (p *page) SiteName(id string) string {
	return p.site.siteName(id)
}

// Tongue is the name of an answer's language.
func (p *page) Tongue(code string) string {
	if _, ok := words["tongue."+code]; ok {
		return p.T("tongue", code)
	}
	return code
}

// Percent is a share in whole percent.
func (p *page) Percent(share float64) string { return fmt.Sprintf("%.0f %%", math.Round(share*100)) }

// Ago is how long ago something was.
func (p *page) Ago(at time.Time) string {
	d := p.site.Now().Sub(at)
	switch {
	case d < time.Minute:
		return p.T("ago.now")
	case d < time.Hour:
		return p.F("ago.minutes", int(d.Minutes()))
	case d < 24*time.Hour:
		return p.F("ago.hours", int(d.Hours()))
	}
	return p.F("ago.days", int(d.Hours()/24))
}

// Stamp is a time for machines and for a title.
func (p *page) Stamp(at time.Time) string { return at.UTC().Format(time.RFC3339) }

// Day is a date.
func (p *page) Day(at time.Time) string { return at.UTC().Format(time.DateOnly) }

// Key is the key of the n-th verdict, from 0.
func (p *page) Key(n int) int { return n + 1 }

// Verdicts are all of them, in the order of their keys.
func (p *page) Verdicts() []review.Verdict { return review.Verdicts }

func (s *site) rule(id string) *rules.Rule {
	pack := s.Pack()
	return pack.Rule(id)
}

// query writes a query string from pairs, without those that are empty.
func query(pairs ...string) string {
	q := url.Values{}
	for i := 0; i+1 < len(pairs); i += 2 {
		if pairs[i+1] != "" {
			q.Set(pairs[i], pairs[i+1])
		}
	}
	return q.Encode()
}

// Steps are the values that a list offers.
func (p *page) Steps(values ...string) []string { return values }

// Asking is a query string, which query has made, as it stands behind an
// address's question mark: a template would escape the signs between its pairs.
func (p *page) Asking(query string) template.URL { return template.URL(query) }

// StateOnly is the queue's address without filters.
func (p *page) StateOnly(state string) string { return query("state", state) }

// AssignedTo says whether whoever is signed in is among the people.
func (p *page) AssignedTo(people []string) bool {
	return p.Person != nil && slices.Contains(people, p.Person.ID)
}

// Less is one less.
func (p *page) Less(n int) int { return n - 1 }

// Letter names the n-th judgement, from 0: its writer stays unnamed, so that
// the verdict counts and not who gave it.
func (p *page) Letter(n int) string { return string(rune('A' + n)) }

// Share is a share in words, with its interval.
func (p *page) Share(s review.Share) string {
	if s.N == 0 {
		return "–"
	}
	return fmt.Sprintf("%s (%.0f–%.0f)", p.Percent(s.Of), s.Low*100, s.High*100)
}

// writing is what somebody wrote on a case.
type writing struct {
	Page          *page
	Note, Wording string
	Sources       []string
}

// Raw is JSON as text.
func (p *page) Raw(b []byte) string { return string(b) }

// With hands a part of the page what it needs.
func (p *page) With(note, wording string, sources []string) writing {
	return writing{p, note, wording, sources}
}
