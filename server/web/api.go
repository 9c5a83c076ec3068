// SPDX-License-Identifier: Apache-2.0

package web

import (
	"errors"
	"io"
	"net/http"
	"strings"

	"haechi/server/review"
)

// call is one part of the API for people's own programs, which come with an
// access token. No cookie counts here, so that no page can make a browser send
// anything.
type call struct {
	method, path string
	right        review.Action
	handle       func(*site, http.ResponseWriter, *visit)
}

var calls = []call{
	{"GET", "/v1/review/me", review.See, (*site).apiMe},
	{"GET", "/v1/review/rules", review.Publish, (*site).apiRules},
	{"GET", "/v1/review/audit.jsonl", review.Staff, (*site).exportAudit},
	{"POST", "/v1/review/answers", review.Import, (*site).apiAnswers},
}

// called lets tokens with the right in.
func (s *site) called(to call) http.HandlerFunc {
	return func(w http.ResponseWriter, r *http.Request) {
		secret, ok := strings.CutPrefix(r.Header.Get("Authorization"), "Bearer ")
		person, err := s.Desk.Bearer(secret)
		switch {
		case !ok || errors.Is(err, review.ErrSession):
			w.Header().Set("WWW-Authenticate", `Bearer realm="haechi"`)
			refuse(w, http.StatusUnauthorized, "token", "", "send an access token, as Authorization: Bearer …; make one at /review/me")
		case err != nil:
			s.Log.Error("review: token", "err", err)
			refuse(w, http.StatusInternalServerError, "internal", "", "the server failed")
		case !person.Role.May(to.right):
			refuse(w, http.StatusForbidden, "forbidden", "", "the token's role, or its owner's, does not allow this")
		default:
			to.handle(s, w, &visit{Request: r, person: person})
		}
	}
}

func (s *site) apiMe(w http.ResponseWriter, v *visit) {
	AnswerJSON(w, http.StatusOK, struct {
		Pseudonym string      `json:"pseudonym"`
		Role      review.Role `json:"role"`
	}{v.person.Pseudonym, v.person.Role})
}

// ruleRecord is how a rule fared, as JSON.
type ruleRecord struct {
	Rule      string     `json:"rule"`
	Settled   int        `json:"settled"`
	Upheld    int        `json:"upheld"`
	Contested int        `json:"contested"`
	Overruled int        `json:"overruled"`
	Waiting   int        `json:"waiting"`
	Precision *float64   `json:"precision"` // null: nothing is settled
	Interval  [2]float64 `json:"interval"`  // 95 %
}

func (s *site) apiRules(w http.ResponseWriter, v *visit) {
	records, err := s.Desk.Records(v.person)
	if err != nil {
		s.Log.Error("review: rules", "err", err)
		refuse(w, http.StatusInternalServerError, "internal", "", "the server failed")
		return
	}
	out := make([]ruleRecord, len(records))
	for i, r := range records {
		p := r.Precision()
		out[i] = ruleRecord{r.Rule, r.Settled(), r.Upheld, r.Contested, r.Overruled, r.Waiting, nil, [2]float64{p.Low, p.High}}
		if p.N > 0 {
			out[i].Precision = &p.Of
		}
	}
	AnswerJSON(w, http.StatusOK, out)
}

// apiAnswer is what became of one answer.
type apiAnswer struct {
	Line    int    `json:"line"`
	Case    string `json:"case,omitempty"`
	Kind    string `json:"kind,omitempty"`
	Receipt string `json:"receipt,omitempty"`
	Error   string `json:"error,omitempty"`
}

// apiAnswers takes a class's collection in: JSONL or CSV as the body, with site
// and language in the address for lines that name none.
func (s *site) apiAnswers(w http.ResponseWriter, v *visit) {
	body, err := io.ReadAll(http.MaxBytesReader(w, v.Body, review.MaxCollection))
	var large *http.MaxBytesError
	if errors.As(err, &large) {
		w.Header().Set("Connection", "close") // the rest is not worth reading
		refuse(w, http.StatusRequestEntityTooLarge, "too-large", "", "a collection has at most 4 MiB")
		return
	}
	if err != nil {
		refuse(w, http.StatusBadRequest, "bad-request", "", "the body could not be read")
		return
	}
	q := v.URL.Query()
	lines, err := review.ReadCollection(body, q.Get("site"), q.Get("language"))
	if err != nil {
		s.refuseReport(w, err)
		return
	}
	out := make([]apiAnswer, len(lines))
	var reports []review.Report
	var at []int
	for i, l := range lines {
		out[i].Line = l.Number
		if l.Err != nil {
			out[i].Error = l.Err.Error()
			continue
		}
		reports, at = append(reports, l.Report), append(at, i)
	}
	taken, err := s.Desk.ImportFor(v.person, reports)
	if err != nil && !errors.Is(err, review.ErrFull) {
		s.refuseReport(w, err)
		return
	}
	for i, t := range taken {
		o := &out[at[i]]
		switch {
		case t.Err != nil:
			o.Error = t.Err.Error()
		case t.Code == "":
			o.Error = review.ErrFull.Error()
		default:
			o.Case, o.Kind, o.Receipt = t.Case, t.Kind, t.Code
		}
	}
	AnswerJSON(w, http.StatusOK, out)
}
