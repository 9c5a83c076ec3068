// SPDX-License-Identifier: Apache-2.0

package web

import (
	"errors"
	"io"
	"net/http"
	"strings"

	"haechi/rules"
	"haechi/server/review"
)

type importData struct {
	Sites   []rules.Site
	Rules   []rules.Rule
	Typed   review.Report // of the form for one answer
	Problem string
	Field   string

	Done               bool
	New, Joined, Known int
	Wrong              []wrongLine
	Receipts           string // one a line
}

// wrongLine is an answer that could not be taken.
type wrongLine struct {
	Number int
	Key    string // of the reason in words
}

// shownWrong bounds the lines that are listed.
const shownWrong = 50

func (s *site) importPage(w http.ResponseWriter, v *visit) {
	s.importForm(w, v, http.StatusOK, importData{})
}

func (s *site) importForm(w http.ResponseWriter, v *visit, status int, data importData) {
	pack := s.Pack()
	data.Sites, data.Rules = pack.Sites, pack.Rules
	s.show(w, v.Request, status, "import", v, data)
}

// importAnswers takes a file, a pasted collection or one pasted answer.
func (s *site) importAnswers(w http.ResponseWriter, v *visit) {
	site, language := v.PostFormValue("site"), v.PostFormValue("language")
	var data importData
	var lines []review.Line
	var err error
	switch v.PostFormValue("what") {
	case "one":
		data.Typed = review.Report{
			Question: v.PostFormValue("question"), Excerpt: v.PostFormValue("excerpt"), Sentence: v.PostFormValue("sentence"),
			Site: site, Language: language, Rule: v.PostFormValue("rule"), Model: v.PostFormValue("model"),
		}
		lines = []review.Line{{Number: 1, Report: data.Typed}}
	default:
		var content []byte
		if content, err = uploaded(v); err == nil {
			lines, err = review.ReadCollection(content, site, language)
		}
	}
	var invalid *review.Invalid
	if errors.As(err, &invalid) {
		data.Problem, data.Field = "invalid."+invalid.Field+"."+invalid.Code, invalid.Field
		s.importForm(w, v, http.StatusUnprocessableEntity, data)
		return
	}
	if err != nil {
		s.failed(w, v.Request, err)
		return
	}
	var reports []review.Report
	var numbers []int
	for _, l := range lines {
		if errors.As(l.Err, &invalid) {
			data.wrong(l.Number, invalid)
			continue
		}
		reports, numbers = append(reports, l.Report), append(numbers, l.Number)
	}
	taken, err := s.Desk.ImportFor(v.person, reports)
	if err != nil && !errors.Is(err, review.ErrFull) {
		s.failed(w, v.Request, err)
		return
	}
	if err != nil {
		data.Problem = "problem.full"
	}
	var receipts []string
	for i, t := range taken {
		switch {
		case errors.As(t.Err, &invalid):
			data.wrong(numbers[i], invalid)
		case t.Kind == review.ActReceived:
			data.New++
		case t.Kind == review.ActJoined:
			data.Joined++
		case t.Kind == review.ActRepeated:
			data.Known++
		}
		if t.Code != "" {
			receipts = append(receipts, t.Code)
		}
	}
	if len(lines) == 1 && len(data.Wrong) == 1 { // one answer: say it at its form, and keep what was typed
		data.Problem, data.Field, data.Wrong = data.Wrong[0].Key, invalid.Field, nil
		s.importForm(w, v, http.StatusUnprocessableEntity, data)
		return
	}
	data.Done, data.Typed, data.Receipts = true, review.Report{}, strings.Join(receipts, "\n")
	s.importForm(w, v, http.StatusOK, data)
}

func (d *importData) wrong(number int, why *review.Invalid) {
	if len(d.Wrong) < shownWrong {
		d.Wrong = append(d.Wrong, wrongLine{number, "invalid." + why.Field + "." + why.Code})
	}
}

// uploaded is the file, or what was pasted in its place.
func uploaded(v *visit) ([]byte, error) {
	f, _, err := v.FormFile("file")
	if err != nil {
		return []byte(v.PostFormValue("text")), nil // no file was chosen
	}
	defer f.Close()
	b, err := io.ReadAll(f)
	if err == nil && len(b) == 0 {
		b = []byte(v.PostFormValue("text"))
	}
	return b, err
}

type receiptData struct {
	Code    string
	Status  *review.Status
	Deleted bool
	Problem string
}

// receiptPage is for whoever sent something, with or without an account.
func (s *site) receiptPage(w http.ResponseWriter, r *http.Request) {
	s.show(w, r, http.StatusOK, "receipt", s.visitor(r), receiptData{})
}

func (s *site) receipt(w http.ResponseWriter, r *http.Request) {
	if !s.form(w, r, route{}) {
		return
	}
	data := receiptData{Code: r.PostFormValue("code")}
	status := http.StatusOK
	var err error
	switch {
	case !s.Allow(r, Reports):
		data.Problem, status = "receipt.limit", http.StatusTooManyRequests
	case r.PostFormValue("what") == "delete":
		if err = s.Desk.Delete(data.Code); err == nil {
			data.Deleted, data.Code = true, ""
		}
	default:
		var st review.Status
		if st, err = s.Desk.Status(data.Code); err == nil {
			data.Status = &st
		}
	}
	if errors.Is(err, review.ErrNotFound) {
		data.Problem, status, err = "receipt.missing", http.StatusNotFound, nil
	}
	if err != nil {
		s.failed(w, r, err)
		return
	}
	s.show(w, r, status, "receipt", s.visitor(r), data)
}
