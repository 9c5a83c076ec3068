// SPDX-License-Identifier: Apache-2.0

package web

import (
	"bytes"
	"crypto/sha256"
	"encoding/json"
	"errors"
	"fmt"
	"net/http"
	"slices"
	"strconv"
	"strings"
	"time"

	"haechi/rules"
	"haechi/server/review"
	"haechi/server/review/export"
)

type corpusData struct {
	Stage          review.Stage
	Stages         []review.Stage
	Rows           []proposal
	Total          int
	Earlier, Later string // addresses, or empty
	Rules          []rules.Rule
	Problem        string // a word's key, of the case ProblemOf
	ProblemOf      string
	Done           string
}

type proposal struct {
	review.Proposal
	Problem string // a word's key
	Labels  []labelled
}

// labelled are the kinds that agree with a verdict, by label.
type labelled struct {
	Label string
	Kinds []string
}

// corpus is where maintainers sign published sentences off.
func (s *site) corpus(w http.ResponseWriter, v *visit) {
	data := corpusData{Stage: review.Stage(v.FormValue("stage"))}
	if d := v.FormValue("done"); d == string(review.ActSignedOff) || d == string(review.ActDeclined) {
		data.Done = "act." + d
	}
	s.corpusPage(w, v, http.StatusOK, data)
}

func (s *site) corpusPage(w http.ResponseWriter, v *visit, status int, data corpusData) {
	if data.Stages = review.Stages; !slices.Contains(data.Stages, data.Stage) {
		data.Stage = review.Proposed
	}
	from, _ := strconv.Atoi(v.FormValue("from"))
	rows, total, err := s.Desk.Proposals(v.person, data.Stage, from)
	if err != nil {
		s.failed(w, v.Request, err)
		return
	}
	from = max(0, min(from, total))
	for _, p := range rows {
		row := proposal{Proposal: p}
		var invalid *review.Invalid
		if errors.As(p.Problem, &invalid) {
			row.Problem = "invalid." + invalid.Field + "." + invalid.Code
		}
		for _, l := range export.Labels() {
			if (l == "asserts") == (p.Precedent.Expect == "flag") {
				row.Labels = append(row.Labels, labelled{l, export.Kinds(l)})
			}
		}
		data.Rows = append(data.Rows, row)
	}
	at := func(n int) string {
		return "/review/corpus?" + query("stage", string(data.Stage), "from", strconv.Itoa(n))
	}
	if from > 0 {
		data.Earlier = at(max(0, from-review.ProposalsSize))
	}
	if from+review.ProposalsSize < total {
		data.Later = at(from + review.ProposalsSize)
	}
	data.Total, data.Rules = total, s.Pack().Rules
	s.show(w, v.Request, status, "corpus", v, data)
}

func (s *site) signOff(w http.ResponseWriter, v *visit) {
	label, kind, _ := strings.Cut(v.PostFormValue("kind"), "/")
	_, err := s.Desk.SignOff(v.person, v.PathValue("id"), revision(v), v.PostFormValue("topic"), label, kind, v.PostFormValue("question") != "")
	s.signedOff(w, v, err, review.ActSignedOff)
}

func (s *site) decline(w http.ResponseWriter, v *visit) {
	_, err := s.Desk.Decline(v.person, v.PathValue("id"), revision(v), v.PostFormValue("note"))
	s.signedOff(w, v, err, review.ActDeclined)
}

func (s *site) signedOff(w http.ResponseWriter, v *visit, err error, did string) {
	stage := v.PostFormValue("stage")
	var invalid *review.Invalid
	switch {
	case errors.As(err, &invalid):
		s.corpusPage(w, v, http.StatusUnprocessableEntity, corpusData{
			Stage: review.Stage(stage), Problem: "invalid." + invalid.Field + "." + invalid.Code, ProblemOf: v.PathValue("id"),
		})
	case err != nil:
		s.failed(w, v.Request, err)
	default:
		seeOther(w, v.Request, "/review/corpus?"+query("stage", stage, "done", did))
	}
}

// precedents serves what was signed off, one JSON object a line, to whoever
// asks: it is published, and maintainers test rules with it before they push.
func (s *site) precedents(w http.ResponseWriter, r *http.Request) {
	all, err := s.Desk.Precedents()
	if err != nil {
		s.Log.Error("review: corpus", "err", err)
		refuse(w, http.StatusInternalServerError, "internal", "", "the server failed")
		return
	}
	var out bytes.Buffer
	e := json.NewEncoder(&out)
	e.SetEscapeHTML(false)
	for _, p := range all {
		if err := e.Encode(p); err != nil {
			panic(err) // plain strings: cannot fail
		}
	}
	sum := sha256.Sum256(out.Bytes())
	h := w.Header()
	h.Set("Content-Type", "application/jsonl; charset=utf-8")
	h.Set("Cache-Control", "no-cache") // what is withdrawn goes at once
	h.Set("X-Content-Type-Options", "nosniff")
	h.Set("Access-Control-Allow-Origin", "*")
	h.Set("ETag", fmt.Sprintf(`"%x"`, sum[:16]))
	http.ServeContent(w, r, "", time.Time{}, bytes.NewReader(out.Bytes()))
}
