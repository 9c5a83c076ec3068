// SPDX-License-Identifier: Apache-2.0

package web

import (
	"bytes"
	"crypto/sha256"
	"encoding/base64"
	"encoding/json"
	"errors"
	"html/template"
	"io"
	"net/http"
	"net/url"
	"slices"
	"strconv"
	"strings"
	"time"

	"haechi/rules"
	"haechi/server/review"
	"haechi/server/review/export"
)

// publicChoice is what an address below /findings asks for. The language of the
// page is a part of it: these pages have no cookies, so that caches may keep them.
type publicChoice struct {
	Topic, Rule, Site, Language, Verdict, By, Lang string
}

func publicChoiceOf(q url.Values) publicChoice {
	c := publicChoice{q.Get("topic"), q.Get("rule"), q.Get("site"), q.Get("language"), q.Get("verdict"), q.Get("by"), q.Get("lang")}
	if !slices.Contains(export.Groupings, export.Grouping(c.By)) {
		c.By = ""
	}
	if !review.Verdict(c.Verdict).Known() {
		c.Verdict = ""
	}
	if c.Lang != "ko" && c.Lang != "en" {
		c.Lang = ""
	}
	return c
}

// Query is the address's part behind the question mark, with more pairs.
func (c publicChoice) Query(more ...string) string {
	return query(append([]string{
		"topic", c.Topic, "rule", c.Rule, "site", c.Site, "language", c.Language, "verdict", c.Verdict, "by", c.By, "lang", c.Lang,
	}, more...)...)
}

// Grouped is the same choice with another chart.
func (c publicChoice) Grouped(by string) publicChoice {
	c.By = by
	return c
}

// Narrowed says that not everything is shown.
func (c publicChoice) Narrowed() bool { return c != publicChoice{By: c.By, Lang: c.Lang} }

// filter is the choice for the desk.
func (s *site) publicFilter(c publicChoice) review.PublicFilter {
	f := s.filter(choice{Topic: c.Topic, Rule: c.Rule})
	return review.PublicFilter{Rules: f.Rules, Site: c.Site, Language: c.Language, Verdict: review.Verdict(c.Verdict)}
}

type findingsData struct {
	Choice           publicChoice
	Publication      review.Publication
	By               export.Grouping
	Groupings        []export.Grouping
	Bars             []export.Bar
	Chart            template.HTML
	Topics           []string
	Sites, Languages []string
	From, To         int
	Earlier, Later   string
}

func (s *site) findings(w http.ResponseWriter, r *http.Request) {
	c := publicChoiceOf(r.URL.Query())
	from, _ := strconv.Atoi(r.FormValue("from"))
	from = max(0, from)
	p, err := s.Desk.Published(s.publicFilter(c), from)
	if err != nil {
		s.publicFailed(w, r, err)
		return
	}
	view := s.publicPage(r, "findings", c.Lang)
	data := findingsData{
		Choice: c, Publication: p, By: export.Grouping(c.By), Groupings: export.Groupings, Topics: rules.Categories,
		Sites: p.Sites, Languages: p.Languages, From: min(from+1, p.Total), To: min(from+len(p.Rows), p.Total),
	}
	if data.By == "" {
		data.By = export.ByChatbot
	}
	for _, t := range s.summary(p.Counts).By(data.By) {
		data.Bars = append(data.Bars, export.Bar{Name: view.groupName(data.By, t.Key), Counts: t.Counts})
	}
	data.Chart = export.Chart("chart", view.T("chart", string(data.By)), view.T("findings.chartAbout"), data.Bars)
	if from > 0 && p.Total > 0 {
		data.Earlier = "/findings?" + c.Query("from", strconv.Itoa(max(0, from-review.PageSize)))
	}
	if data.To < p.Total && len(p.Rows) > 0 {
		data.Later = "/findings?" + c.Query("from", strconv.Itoa(data.To))
	}
	view.Data = data
	s.servePublic(w, r, http.StatusOK, view)
}

// groupName is what a bar is called.
func (p *page) groupName(by export.Grouping, key string) string {
	switch by {
	case export.ByTopic:
		if key == "" {
			return p.T("rule.none")
		}
		return p.T("topic", key)
	case export.ByLanguage:
		return p.Tongue(key)
	}
	return p.SiteName(key)
}

// summary gives counts their names.
func (s *site) summary(counts []review.Count) export.Summary {
	rows := make([]export.Row, len(counts))
	for i, c := range counts {
		rows[i] = export.Row{Site: c.Site, Topic: c.Rule, Language: c.Language, Verdict: export.Verdict(c.Verdict), Count: c.Number}
	}
	return export.Summarise(rows, s.siteName, func(id string) export.Topic {
		if known := s.rule(id); known != nil {
			return export.Topic{Category: known.Category, Title: known.Title}
		}
		return export.Topic{}
	})
}

type findingData struct {
	Finding  review.Public
	Findings []export.Finding
	Answers  []publicAnswer
	Query    string
}

// publicAnswer is an answer with its sentence found in it.
type publicAnswer struct {
	export.Finding
	Before, After string
}

func (s *site) publicFinding(w http.ResponseWriter, r *http.Request) {
	c := publicChoiceOf(r.URL.Query())
	found, err := s.Desk.PublishedCase(r.PathValue("id"))
	if errors.Is(err, review.ErrWithdrawn) {
		view := s.publicPage(r, "withdrawn", c.Lang)
		view.Data = found.Published
		s.servePublic(w, r, http.StatusGone, view)
		return
	}
	if err != nil {
		s.publicFailed(w, r, err)
		return
	}
	view := s.publicPage(r, "finding", c.Lang)
	data := findingData{Finding: found, Findings: s.publicFindings(&found), Query: publicChoice{Lang: c.Lang}.Query()}
	for _, f := range data.Findings {
		before, after, _ := strings.Cut(f.Excerpt, f.Sentence)
		data.Answers = append(data.Answers, publicAnswer{f, before, after})
	}
	view.Data = data
	s.servePublic(w, r, http.StatusOK, view)
}

// publicFailed answers an error without a word about what is not public.
func (s *site) publicFailed(w http.ResponseWriter, r *http.Request, err error) {
	view := s.publicPage(r, "absent", publicChoiceOf(r.URL.Query()).Lang)
	status := http.StatusNotFound
	if !errors.Is(err, review.ErrNotFound) {
		s.Log.Error("findings", "err", err)
		status = http.StatusInternalServerError
	}
	view.Data = status == http.StatusNotFound
	s.servePublic(w, r, status, view)
}

// publicPage is a page for nobody in particular.
func (s *site) publicPage(r *http.Request, name, lang string) *page {
	if lang == "" {
		plain := *r
		plain.Header = http.Header{"Accept-Language": r.Header["Accept-Language"]} // no cookies
		lang = languageFor(&plain)
	}
	return &page{Lang: lang, Name: name, Here: r.URL.RequestURI(), site: s}
}

// Published are the verdicts that can be published, in their order.
func (p *page) Published() []review.Verdict { return review.Verdicts[:len(review.Verdicts)-1] }

// Swatch is what the n-th verdict looks like in the chart.
func (p *page) Swatch(n int) template.HTML { return export.Key("key"+strconv.Itoa(n), n) }

// RuleOnly is the address's part for everything that is published under a rule.
func (p *page) RuleOnly(rule, lang string) string { return query("rule", rule, "lang", lang) }

// InLang is this page's address in another language.
func (p *page) InLang(lang string) string {
	u, err := url.ParseRequestURI(p.Here)
	if err != nil {
		return "/findings?lang=" + lang
	}
	q := u.Query()
	q.Set("lang", lang)
	return u.EscapedPath() + "?" + q.Encode()
}

// servePublic answers with a page that caches may keep, but must ask about each
// time: what is withdrawn has to be gone at once.
func (s *site) servePublic(w http.ResponseWriter, r *http.Request, status int, p *page) {
	var out bytes.Buffer
	if err := s.open[p.Name].ExecuteTemplate(&out, "frame.html", p); err != nil {
		s.Log.Error("public page", "page", p.Name, "err", err)
		http.Error(w, "the page could not be made; see the server's log", http.StatusInternalServerError)
		return
	}
	h := w.Header()
	h.Set("Content-Type", "text/html; charset=utf-8")
	h.Set("Content-Language", p.Lang)
	h.Set("Vary", "Accept-Language")
	serveTagged(w, r, status, out.Bytes())
}

// serveTagged answers with a body, or says that it is the one that is known.
func serveTagged(w http.ResponseWriter, r *http.Request, status int, body []byte) {
	sum := sha256.Sum256(body)
	tag := `"` + base64.RawURLEncoding.EncodeToString(sum[:12]) + `"`
	w.Header().Set("Cache-Control", "public, no-cache")
	if status == http.StatusOK {
		w.Header().Set("ETag", tag)
		if matches(r.Header.Get("If-None-Match"), tag) {
			w.WriteHeader(http.StatusNotModified)
			return
		}
	}
	w.WriteHeader(status)
	w.Write(body)
}

// matches says whether a tag is among those that a client knows. A proxy that
// compresses makes a tag weak.
func matches(known, tag string) bool {
	for _, one := range strings.Split(known, ",") {
		if one = strings.TrimPrefix(strings.TrimSpace(one), "W/"); one == tag || one == "*" {
			return true
		}
	}
	return false
}

// publicCSV and publicJSON are the numbers behind the chart.
func (s *site) publicCSV(w http.ResponseWriter, r *http.Request) {
	s.publicData(w, r, "text/csv; charset=utf-8", "csv", func(out io.Writer, sum export.Summary) error { return sum.CSV(out) })
}

func (s *site) publicJSON(w http.ResponseWriter, r *http.Request) {
	s.publicData(w, r, "application/json", "json", func(out io.Writer, sum export.Summary) error { return json.NewEncoder(out).Encode(sum) })
}

func (s *site) publicData(w http.ResponseWriter, r *http.Request, kind, ending string, write func(io.Writer, export.Summary) error) {
	p, err := s.Desk.Published(s.publicFilter(publicChoiceOf(r.URL.Query())), 0)
	var out bytes.Buffer
	if err == nil {
		err = write(&out, s.summary(p.Counts))
	}
	if err != nil {
		s.publicFailed(w, r, err)
		return
	}
	w.Header().Set("Access-Control-Allow-Origin", "*")
	attach(w, kind, "findings", ending, s.dayOf(p.Latest))
	serveTagged(w, r, http.StatusOK, out.Bytes())
}

// dayOf names a file after the state that it holds.
func (s *site) dayOf(latest time.Time) time.Time {
	if latest.IsZero() {
		return s.Now()
	}
	return latest
}

// publicSentences and publicReviews are every published sentence.
func (s *site) publicSentences(w http.ResponseWriter, r *http.Request) {
	s.publicStream(w, r, "text/csv; charset=utf-8", "sentences", "csv", func(out io.Writer, ids []string) error {
		return export.CSV(out, s.published(ids))
	})
}

func (s *site) publicReviews(w http.ResponseWriter, r *http.Request) {
	s.publicStream(w, r, "application/ld+json", "claimreview", "json", func(out io.Writer, ids []string) error {
		return export.ClaimReviews(out, s.published(ids), s.publisher(r))
	})
}

func (s *site) publicStream(w http.ResponseWriter, r *http.Request, kind, name, ending string, write func(io.Writer, []string) error) {
	ids := s.Desk.PublishedIDs(s.publicFilter(publicChoiceOf(r.URL.Query())))
	w.Header().Set("Access-Control-Allow-Origin", "*")
	w.Header().Set("Cache-Control", "public, no-cache")
	s.download(w, r, kind, name, ending, func(out io.Writer) error { return write(out, ids) })
}

// publicReview is the JSON-LD of one finding.
func (s *site) publicReview(w http.ResponseWriter, r *http.Request) {
	c, err := s.Desk.PublishedCase(r.PathValue("id"))
	if errors.Is(err, review.ErrWithdrawn) {
		refuse(w, http.StatusGone, "withdrawn", "", "this finding was withdrawn")
		return
	}
	if err != nil {
		refuse(w, http.StatusNotFound, "not-found", "", "there is no such finding")
		return
	}
	var out bytes.Buffer
	err = export.ClaimReviews(&out, func(yield func(export.Finding, error) bool) {
		for _, f := range s.publicFindings(&c) {
			if !yield(f, nil) {
				return
			}
		}
	}, s.publisher(r))
	if err != nil {
		s.publicFailed(w, r, err)
		return
	}
	w.Header().Set("Access-Control-Allow-Origin", "*")
	w.Header().Set("Content-Type", "application/ld+json")
	serveTagged(w, r, http.StatusOK, out.Bytes())
}

// public adds what anybody may see. Nothing here reads a cookie.
func (s *site) public(mux *listed) {
	mux.Handle("GET /findings/{$}", http.RedirectHandler("/findings", http.StatusMovedPermanently))
	for path, handle := range map[string]http.HandlerFunc{
		"/findings": s.findings, "/findings/{id}": s.publicFinding, "/findings/{id}/claimreview.json": s.publicReview,
		"/findings/data.csv": s.publicCSV, "/findings/data.json": s.publicJSON,
		"/findings/sentences.csv": s.publicSentences, "/findings/claimreview.json": s.publicReviews,
	} {
		mux.Handle("GET "+path, framed(handle))
	}
}
