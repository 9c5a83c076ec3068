// SPDX-License-Identifier: Apache-2.0

package web

import (
	"errors"
	"net/http"
	"net/url"
	"slices"
	"strconv"
	"strings"
	"time"

	"haechi/rules"
	"haechi/server/review"
)

// shownAnswers is how many of a case's answers its page shows.
const shownAnswers = 20

// caseData is one case with the forms that the person may use on it.
type caseData struct {
	Case     review.Case
	Answers  []shown
	More     int // answers that are not shown
	Rule     *rules.Rule
	History  []step
	Filter   string // query string of the queue that the person works through
	Skip     string // address of the next case without a verdict on this one
	Flash    *flash
	Own      *review.Judgement
	Entry    entry // what the form begins with
	Judging  bool  // the form is for a verdict
	Settling bool  // the form is for an outcome
	Held     time.Time
	Taken    bool // others have it in hand
	Publish  bool
	Withdraw bool
	Undo     bool
	Both     []review.Judgement // what an adjudicator weighs, or everybody once it is settled
	Problem  string             // a word's key
	Field    string             // that it is about
}

// entry is the form's content.
type entry struct {
	Verdict review.Verdict
	Ticked  []source // the rule's sources
	Others  string   // further addresses, one a line
	Note    string
	Wording string
	Draft   string // when it was saved, or empty
}

type source struct {
	rules.Source
	Key  string // that ticks it
	Tick bool
}

// shown is an answer with its sentence found in the excerpt.
type shown struct {
	review.Answer
	Before, After string
}

type step struct {
	review.Event
	Who string
}

// sourceKeys tick a rule's sources: letters that lie beside one another and
// have no other use here.
var sourceKeys = []string{"Q", "W", "E", "R", "T"}

func (s *site) showCase(w http.ResponseWriter, v *visit) {
	s.casePage(w, v, http.StatusOK, nil, nil)
}

// casePage shows a case; sent is what the person had typed when problem came.
func (s *site) casePage(w http.ResponseWriter, v *visit, status int, problem *review.Invalid, sent *review.Judgement) {
	id := v.PathValue("id")
	c, err := s.Desk.Case(v.person, id)
	if err != nil {
		s.failed(w, v.Request, err)
		return
	}
	q := v.URL.Query()
	if v.Method == http.MethodPost {
		q, _ = url.ParseQuery(v.PostFormValue("filter"))
	}
	filter := choiceOf(q)
	data := caseData{Case: c, Rule: s.rule(c.Rule), Filter: filter.Query(), Flash: s.flash(v), Own: c.JudgementOf(v.person.ID)}
	if problem != nil {
		data.Problem, data.Field = "invalid."+problem.Field+"."+problem.Code, problem.Field
	}
	answers, err := s.Desk.Answers(v.person, id, shownAnswers)
	if err != nil {
		s.failed(w, v.Request, err)
		return
	}
	for _, a := range answers {
		before, after, _ := strings.Cut(a.Excerpt, a.Sentence)
		data.Answers = append(data.Answers, shown{a, before, after})
	}
	data.More = max(0, c.Answers-len(answers))
	if data.History, err = s.history(v, id); err != nil {
		s.failed(w, v.Request, err)
		return
	}
	role := v.person.Role
	var start review.Judgement
	data.Entry.Draft = ""
	switch {
	case c.Open() && data.Own == nil && role.May(review.Judge):
		data.Held, err = s.Desk.Hold(v.person, id)
		if errors.Is(err, review.ErrTaken) {
			data.Taken = true
			break
		}
		if err != nil {
			s.failed(w, v.Request, err)
			return
		}
		data.Judging = true
		draft, found, err := s.Desk.Draft(v.person, id)
		if err != nil {
			s.failed(w, v.Request, err)
			return
		}
		if found {
			start, data.Entry.Draft = draft, draft.At.Format(time.RFC3339)
		}
	case data.Own == nil && role.May(review.Adjudicate) && (c.State == review.DoubleReviewed || c.State == review.Adjudicated):
		data.Settling = true
		o := c.Proposal()
		if c.Outcome != nil {
			o = *c.Outcome
		}
		start = review.Judgement{Verdict: o.Verdict, Sources: o.Sources, Note: o.Note, Wording: o.Wording}
	}
	if len(c.Judgements) > 1 || c.Settled() {
		data.Both = c.Judgements
	}
	if sent != nil {
		start = *sent
	}
	data.Entry = begin(start, data.Rule, data.Entry.Draft)
	data.Undo = data.Own != nil && (c.State == review.InReview || c.State == review.DoubleReviewed)
	if role.May(review.Publish) {
		data.Publish = c.Outcome != nil && c.Outcome.Verdict != review.CannotJudge && (c.State == review.DoubleReviewed || c.State == review.Adjudicated)
		data.Withdraw = c.State != review.Withdrawn
	}
	skip := append(q["skip"], id)
	data.Skip = "/review/next?" + data.Filter
	for _, k := range skip {
		data.Skip += "&" + query("skip", k)
	}
	s.show(w, v.Request, status, "case", v, data)
}

// begin fills the form in.
func begin(j review.Judgement, rule *rules.Rule, draft string) entry {
	e := entry{Verdict: j.Verdict, Note: j.Note, Wording: j.Wording, Draft: draft}
	rest := slices.Clone(j.Sources)
	if rule != nil {
		for i, one := range rule.Sources {
			k := ""
			if i < len(sourceKeys) {
				k = sourceKeys[i]
			}
			ticked := slices.Contains(rest, one.URL)
			rest = slices.DeleteFunc(rest, func(u string) bool { return u == one.URL })
			e.Ticked = append(e.Ticked, source{one, k, ticked})
		}
	}
	e.Others = strings.Join(rest, "\n")
	return e
}

// history names people by their pseudonyms.
func (s *site) history(v *visit, id string) ([]step, error) {
	events, err := s.Desk.History(v.person, id)
	if err != nil {
		return nil, err
	}
	names := map[string]string{"": ""}
	out := make([]step, len(events))
	for i, e := range events {
		name, known := names[e.Person]
		if !known {
			if p, err := s.Desk.PersonByID(e.Person); err == nil {
				name = p.Pseudonym
			}
			names[e.Person] = name
		}
		out[i] = step{e, name}
	}
	return out, nil
}

// typed is what the form says.
func typed(v *visit) review.Judgement {
	sources := slices.Clone(v.PostForm["source"])
	sources = append(sources, strings.Fields(v.PostFormValue("sources"))...)
	return review.Judgement{
		Verdict: review.Verdict(v.PostFormValue("verdict")), Sources: sources,
		Note: v.PostFormValue("note"), Wording: v.PostFormValue("wording"),
	}
}

func (s *site) judge(w http.ResponseWriter, v *visit) {
	j := typed(v)
	id := v.PathValue("id")
	_, err := s.Desk.Judge(v.person, id, j)
	if errors.Is(err, review.ErrMoved) && s.judgedAlready(v, id, j.Verdict) { // sent twice
		err = nil
	}
	s.decided(w, v, err, &j, "/review/next", "judged")
}

// decided answers a form that decides about a case: with the case's page again
// where what was typed is not valid, else with what comes next.
func (s *site) decided(w http.ResponseWriter, v *visit, err error, typed *review.Judgement, to, did string) {
	var invalid *review.Invalid
	switch {
	case errors.As(err, &invalid):
		s.casePage(w, v, http.StatusUnprocessableEntity, invalid, typed)
	case err != nil:
		s.failed(w, v.Request, err)
	default:
		s.onward(w, v, to, v.PathValue("id"), did)
	}
}

func (s *site) judgedAlready(v *visit, id string, verdict review.Verdict) bool {
	c, err := s.Desk.Case(v.person, id)
	own := c.JudgementOf(v.person.ID)
	return err == nil && own != nil && own.Verdict == verdict
}

// onward leads to what comes next, in the queue that the form names.
func (s *site) onward(w http.ResponseWriter, v *visit, to, id, did string) {
	q, _ := url.ParseQuery(v.PostFormValue("filter"))
	seeOther(w, v.Request, to+"?"+choiceOf(q).Query("done", id, "did", did))
}

func (s *site) undo(w http.ResponseWriter, v *visit) {
	id := v.PathValue("id")
	if _, err := s.Desk.Undo(v.person, id); err != nil {
		s.failed(w, v.Request, err)
		return
	}
	s.onward(w, v, "/review/case/"+id, id, "undone")
}

// draft is called by the script; it answers without a page.
func (s *site) draft(w http.ResponseWriter, v *visit) {
	err := s.Desk.SaveDraft(v.person, v.PathValue("id"), typed(v))
	var invalid *review.Invalid
	switch {
	case err == nil:
		w.WriteHeader(http.StatusNoContent)
	case errors.As(err, &invalid):
		refuse(w, http.StatusUnprocessableEntity, invalid.Code, invalid.Field, invalid.Message)
	case errors.Is(err, review.ErrTaken), errors.Is(err, review.ErrMoved):
		refuse(w, http.StatusConflict, "moved", "", err.Error())
	case errors.Is(err, review.ErrNotFound):
		refuse(w, http.StatusNotFound, "not-found", "", err.Error())
	default:
		s.Log.Error("review draft", "err", err)
		refuse(w, http.StatusInternalServerError, "internal", "", "the draft was not saved")
	}
}

func (s *site) letGo(w http.ResponseWriter, v *visit) {
	id := v.PathValue("id")
	s.Desk.LetGo(v.person, id)
	s.onward(w, v, "/review", id, "let-go")
}

func (s *site) split(w http.ResponseWriter, v *visit) {
	id := v.PathValue("id")
	fresh, err := s.Desk.Split(v.person, id, v.PostFormValue("answer"))
	if err != nil {
		s.failed(w, v.Request, err)
		return
	}
	s.onward(w, v, "/review/case/"+id, fresh, "split")
}

func revision(v *visit) int {
	n, _ := strconv.Atoi(v.PostFormValue("revision"))
	return n
}

func (s *site) adjudicate(w http.ResponseWriter, v *visit) {
	j := typed(v)
	_, err := s.Desk.Adjudicate(v.person, v.PathValue("id"), revision(v), review.Outcome{Verdict: j.Verdict, Sources: j.Sources, Note: j.Note, Wording: j.Wording})
	s.decided(w, v, err, &j, "/review/dispute", "adjudicated")
}

func (s *site) publish(w http.ResponseWriter, v *visit) {
	_, err := s.Desk.Publish(v.person, v.PathValue("id"), revision(v), v.PostFormValue("sign-off") != "")
	s.decided(w, v, err, nil, "/review/ready", "published")
}

func (s *site) withdraw(w http.ResponseWriter, v *visit) {
	_, err := s.Desk.Withdraw(v.person, v.PathValue("id"), revision(v), v.PostFormValue("reason"))
	s.decided(w, v, err, nil, "/review", "withdrawn")
}
