// SPDX-License-Identifier: Apache-2.0

package web

import (
	"errors"
	"net/http"
	"net/url"
	"slices"
	"strconv"
	"time"

	"haechi/rules"
	"haechi/server/review"
)

// choice is a filter as it stands in an address.
type choice struct {
	State, Topic, Rule, Site, Language, Score, Days, Order, Mine, Outcome string
}

func choiceOf(q url.Values) choice {
	return choice{q.Get("state"), q.Get("topic"), q.Get("rule"), q.Get("site"), q.Get("language"), q.Get("score"), q.Get("days"), q.Get("order"), q.Get("mine"), q.Get("outcome")}
}

// Query is the address's part behind the question mark, with more pairs.
func (c choice) Query(more ...string) string {
	return query(append([]string{
		"state", c.State, "topic", c.Topic, "rule", c.Rule, "site", c.Site, "language", c.Language,
		"score", c.Score, "days", c.Days, "order", c.Order, "mine", c.Mine, "outcome", c.Outcome,
	}, more...)...)
}

// In is the same choice in another state.
func (c choice) In(state string) choice {
	c.State = state
	return c
}

// Narrowed says that something beside the state is chosen.
func (c choice) Narrowed() bool { return c.In("") != choice{Order: c.Order} }

func (s *site) filter(c choice) review.Filter {
	f := review.Filter{State: review.State(c.State), Site: c.Site, Language: c.Language, Order: c.Order, Mine: c.Mine != "", Outcome: review.Verdict(c.Outcome)}
	if c.Rule != "" {
		f.Rules = []string{c.Rule}
	} else if c.Topic != "" {
		f.Rules = []string{}
		for _, r := range s.Pack().Rules {
			if r.Category == c.Topic {
				f.Rules = append(f.Rules, r.ID)
			}
		}
	}
	if n, err := strconv.ParseFloat(c.Score, 64); err == nil && n >= 0 && n <= 100 {
		f.Least = n / 100
	}
	if n, err := strconv.Atoi(c.Days); err == nil && n > 0 && n <= 3650 {
		f.Within = time.Duration(n) * 24 * time.Hour
	}
	return f
}

type queueData struct {
	Choice           choice
	Page             review.Page
	All              int    // under the filter, in any state
	From, To         int    // first and last row shown, from 1
	Earlier, Later   string // addresses, or empty
	States           []review.State
	Topics           []string
	Rules            []rules.Rule
	Sites, Languages []string
	People           []review.Person // whom cases can be given to
	Flash            *flash
	Empty            string // why nothing came next: a word's key
	Assigned         string
}

func (s *site) queue(w http.ResponseWriter, v *visit) {
	c := choiceOf(v.URL.Query())
	from, _ := strconv.Atoi(v.FormValue("from"))
	p, err := s.Desk.Queue(v.person, s.filter(c), from)
	if err != nil {
		s.failed(w, v.Request, err)
		return
	}
	from = max(0, min(from, p.Total))
	data := queueData{
		Choice: c, Page: p, From: min(from+1, p.Total), To: from + len(p.Rows), States: review.States,
		Topics: rules.Categories, Rules: s.Pack().Rules, Flash: s.flash(v), Assigned: v.FormValue("assigned"),
	}
	for _, n := range p.Counts {
		data.All += n
	}
	if e := v.FormValue("empty"); slices.Contains([]string{"judge", "dispute", "ready"}, e) {
		data.Empty = "empty." + e
	}
	if from > 0 {
		data.Earlier = "/review?" + c.Query("from", strconv.Itoa(max(0, from-review.PageSize)))
	}
	if data.To < p.Total {
		data.Later = "/review?" + c.Query("from", strconv.Itoa(data.To))
	}
	data.Sites, data.Languages = s.Desk.Sites()
	if v.person.Role.May(review.Assign) && slices.ContainsFunc(p.Rows, func(r review.Row) bool { return r.Open() }) {
		everybody, err := s.Desk.People(v.person)
		if err != nil {
			s.failed(w, v.Request, err)
			return
		}
		for _, one := range everybody {
			if !one.Disabled && one.Role.May(review.Judge) {
				data.People = append(data.People, one)
			}
		}
	}
	s.show(w, v.Request, http.StatusOK, "queue", v, data)
}

// next leads to the case that wants the person's verdict most.
func (s *site) next(w http.ResponseWriter, v *visit) {
	c := choiceOf(v.URL.Query())
	skip := v.URL.Query()["skip"]
	if len(skip) > 50 { // of cases that were put off one after the other
		skip = skip[len(skip)-50:]
	}
	id, err := s.Desk.Next(v.person, s.filter(c), skip...)
	s.lead(w, v, id, err, c, "judge", skip)
}

func (s *site) dispute(w http.ResponseWriter, v *visit) {
	id, err := s.Desk.NextDispute(v.person, v.FormValue("skip"))
	s.lead(w, v, id, err, choice{State: string(review.DoubleReviewed)}, "dispute", nil)
}

func (s *site) ready(w http.ResponseWriter, v *visit) {
	id, err := s.Desk.NextReady(v.person, v.FormValue("skip"))
	s.lead(w, v, id, err, choice{}, "ready", nil)
}

func (s *site) lead(w http.ResponseWriter, v *visit, id string, err error, c choice, what string, skip []string) {
	done := []string{"done", v.FormValue("done"), "did", v.FormValue("did")}
	switch {
	case errors.Is(err, review.ErrNotFound):
		seeOther(w, v.Request, "/review?"+c.Query(append(done, "empty", what)...))
	case err != nil:
		s.failed(w, v.Request, err)
	default:
		q := c.Query(done...)
		for _, k := range skip {
			q += "&" + query("skip", k)
		}
		seeOther(w, v.Request, "/review/case/"+id+"?"+q)
	}
}

// flash says what the person did last, with a way back.
type flash struct {
	Did      string // a word's key
	ID       string
	Verdict  review.Verdict
	Sentence string
	Undo     bool
}

var deeds = []string{"judged", "adjudicated", "published", "withdrawn", "undone", "split", "let-go"}

// flash trusts the address no further than it shows what the person may see.
func (s *site) flash(v *visit) *flash {
	id, did := v.FormValue("done"), v.FormValue("did")
	if id == "" || !slices.Contains(deeds, did) {
		return nil
	}
	c, err := s.Desk.Case(v.person, id)
	if err != nil {
		return nil
	}
	f := &flash{Did: "did." + did, ID: id, Sentence: c.Sentence}
	if own := c.JudgementOf(v.person.ID); own != nil && did == "judged" {
		f.Verdict, f.Undo = own.Verdict, c.State == review.InReview || c.State == review.DoubleReviewed
	}
	return f
}

func (s *site) assign(w http.ResponseWriter, v *visit) {
	ids := v.PostForm["case"]
	if len(ids) > review.PageSize {
		ids = ids[:review.PageSize]
	}
	n, err := s.Desk.AssignTo(v.person, v.PostFormValue("person"), ids)
	if err != nil {
		s.failed(w, v.Request, err)
		return
	}
	q, _ := url.ParseQuery(v.PostFormValue("filter"))
	seeOther(w, v.Request, "/review?"+choiceOf(q).Query("assigned", strconv.Itoa(n)))
}

func (s *site) records(w http.ResponseWriter, v *visit) {
	records, err := s.Desk.Records(v.person)
	if err != nil {
		s.failed(w, v.Request, err)
		return
	}
	s.show(w, v.Request, http.StatusOK, "rules", v, records)
}

func (s *site) guide(w http.ResponseWriter, v *visit) {
	s.show(w, v.Request, http.StatusOK, "guide", v, v.FormValue("new") != "")
}
