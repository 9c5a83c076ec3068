// SPDX-License-Identifier: Apache-2.0

package web

import (
	"context"
	"errors"
	"io"
	"net/http"
	"slices"
	"strconv"

	"haechi/rules"
	"haechi/server/review"
	"haechi/server/review/export"
)

// Limits of what leaves the desk.
const (
	maxExports = 3  // written at once; others wait
	maxSheets  = 40 // of a hand-out
	plainSheet = 20 // of a hand-out for which nothing was chosen
)

// exported are the states that an export may be narrowed to.
var exported = []review.State{review.DoubleReviewed, review.Adjudicated, review.Published}

type exportData struct {
	Choice           choice
	Verdict          review.Verdict
	Query            string // of the choice, with the verdict
	Rows             []review.Settled
	Total            int
	From, To         int // first and last row shown, from 1
	Earlier, Later   string
	States           []review.State
	Topics           []string
	Rules            []rules.Rule
	Sites, Languages []string
	Sheets           int // of a hand-out for which nothing is chosen
	MaxSheets        int
}

// exportChoice is what the address asks for, with the ids of its cases.
func (s *site) exportChoice(v *visit) (c choice, verdict review.Verdict, ids []string, err error) {
	q := choiceOf(v.URL.Query())
	c = choice{State: q.State, Topic: q.Topic, Rule: q.Rule, Site: q.Site, Language: q.Language, Days: q.Days}
	if !slices.Contains(exported, review.State(c.State)) {
		c.State = ""
	}
	if verdict = review.Verdict(v.FormValue("verdict")); !verdict.Known() {
		verdict = ""
	}
	f := s.filter(c)
	f.Outcome = verdict
	ids, err = s.Desk.SettledIDs(v.person, f)
	return c, verdict, ids, err
}

func (s *site) exportPage(w http.ResponseWriter, v *visit) {
	c, verdict, ids, err := s.exportChoice(v)
	if err != nil {
		s.failed(w, v.Request, err)
		return
	}
	from, _ := strconv.Atoi(v.FormValue("from"))
	from = max(0, min(from, len(ids)))
	until := min(from+review.PageSize, len(ids))
	data := exportData{
		Choice: c, Verdict: verdict, Query: c.Query("verdict", string(verdict)), Total: len(ids), From: min(from+1, len(ids)), To: until,
		Topics: rules.Categories, Rules: s.Pack().Rules, Sheets: min(len(ids), plainSheet), MaxSheets: maxSheets,
	}
	for _, state := range exported {
		if state != review.DoubleReviewed || v.person.Role.May(review.Adjudicate) {
			data.States = append(data.States, state)
		}
	}
	for one, err := range s.Desk.Settled(v.person, ids[from:until]) {
		if err != nil {
			s.failed(w, v.Request, err)
			return
		}
		data.Rows = append(data.Rows, one)
	}
	if from > 0 {
		data.Earlier = "/review/export?" + c.Query("verdict", string(verdict), "from", strconv.Itoa(max(0, from-review.PageSize)))
	}
	if until < len(ids) {
		data.Later = "/review/export?" + c.Query("verdict", string(verdict), "from", strconv.Itoa(until))
	}
	data.Sites, data.Languages = s.Desk.Sites()
	s.show(w, v.Request, http.StatusOK, "export", v, data)
}

// download writes an export as a file: one finding after the other, so that its
// size is no matter, and a few at a time.
func (s *site) download(w http.ResponseWriter, r *http.Request, kind, name, ending string, write func(io.Writer) error) {
	if !s.turn(r.Context()) {
		return
	}
	defer func() { <-s.exports }()
	attach(w, kind, name, ending, s.Now())
	if err := write(w); err != nil {
		if r.Context().Err() == nil {
			s.Log.Error("review export", "err", err)
		}
		panic(http.ErrAbortHandler) // half a file must not look like a whole one
	}
}

// turn waits until there is room for one more export.
func (s *site) turn(ctx context.Context) bool {
	select {
	case s.exports <- struct{}{}:
		return true
	case <-ctx.Done():
		return false
	}
}

func (s *site) exportCSV(w http.ResponseWriter, v *visit) {
	s.exportAs(w, v, "text/csv; charset=utf-8", "findings", "csv", func(out io.Writer, ids []string) error {
		return export.CSV(out, s.settled(v, ids, false))
	})
}

func (s *site) exportCorpus(w http.ResponseWriter, v *visit) {
	s.exportAs(w, v, "application/x-ndjson", "corpus", "jsonl", func(out io.Writer, ids []string) error {
		return export.Corpus(out, s.settled(v, ids, true), 1)
	})
}

func (s *site) exportReviews(w http.ResponseWriter, v *visit) {
	s.exportAs(w, v, "application/ld+json", "claimreview", "json", func(out io.Writer, ids []string) error {
		return export.ClaimReviews(out, s.settled(v, ids, false), s.publisher(v.Request))
	})
}

func (s *site) exportAs(w http.ResponseWriter, v *visit, kind, name, ending string, write func(io.Writer, []string) error) {
	_, _, ids, err := s.exportChoice(v)
	if err != nil {
		s.failed(w, v.Request, err)
		return
	}
	if err := s.Desk.Exported(v.person, name+"."+ending, len(ids)); err != nil {
		s.failed(w, v.Request, err)
		return
	}
	s.download(w, v.Request, kind, name, ending, func(out io.Writer) error { return write(out, ids) })
}

// handout is a page to print: of the cases that were chosen, else of the first
// under the filter.
func (s *site) handout(w http.ResponseWriter, v *visit) {
	_, _, ids, err := s.exportChoice(v)
	if err != nil {
		s.failed(w, v.Request, err)
		return
	}
	if chosen := v.URL.Query()["case"]; len(chosen) > 0 {
		ids, _ = first(chosen, maxSheets)
	} else {
		ids, _ = first(ids, plainSheet)
	}
	var findings []export.Finding
	for f, err := range s.settled(v, ids, true) {
		if err != nil {
			s.failed(w, v.Request, err)
			return
		}
		findings = append(findings, f)
	}
	if err := s.Desk.Exported(v.person, "handout", len(findings)); err != nil {
		s.failed(w, v.Request, err)
		return
	}
	h := export.Handout{Language: languageFor(v.Request), Task: v.FormValue("task") != ""}
	if paper := v.FormValue("paper"); paper == "ko" || paper == "en" {
		h.Language = paper
	}
	h.Lines, _ = strconv.Atoi(v.FormValue("lines"))
	w.Header().Set("Content-Security-Policy", export.HandoutPolicy)
	w.Header().Set("Content-Type", "text/html; charset=utf-8")
	w.Header().Set("Content-Language", h.Language)
	if err := export.WriteHandout(w, findings, h); err != nil && !errors.Is(err, context.Canceled) {
		s.Log.Error("review hand-out", "err", err)
		panic(http.ErrAbortHandler)
	}
}
