// SPDX-License-Identifier: Apache-2.0

package web

import (
	"cmp"
	"fmt"
	"net/http"
	"slices"
	"strings"
	"time"

	"haechi/rules"
	"haechi/server/review"
	"haechi/server/review/agreement"
)

// What a figure must have before words are made of it. From .80 on
// Krippendorff calls data reliable, from .667 good for tentative conclusions.
const (
	enoughItems   = 30
	widest        = 0.4 // of an interval that still says something
	reliable      = 0.80
	tentative     = 0.667
	nearlyAll     = 0.90 // share of equal verdicts from which a low figure is due to their sameness
	shownPairs    = 60
	shownTopics   = 60
	oftenConfused = 5
)

type agreementData struct {
	Choice    choice
	Reviewer  string // pseudonym of the one that is looked at
	Topics    []string
	Rules     []rules.Rule
	Languages []string
	Report    agreement.Report
	Figures   []figure
	Split     []split
	ByTopic   []topicRow
	ByRule    bool // the rows are rules
	MoreTopic int
	Pairs     []pairRow
	MorePairs int
	People    []personRow
	One       *agreement.ReviewerReport
	Names     map[string]string // by pseudonym, for who may see them
}

// figure is a coefficient with what it means.
type figure struct {
	agreement.Coefficient
	Meaning  string   // a word's key
	Warnings []string // words' keys
}

type topicRow struct {
	Name  string
	Query string
	figure
	Split []split
}

type pairRow struct {
	A, B string
	figure
}

type personRow struct {
	agreement.ReviewerReport
	Query string
}

// split is how often two verdicts met on one sentence.
type split struct {
	A, B   review.Verdict
	Number int
}

// agreementReport is for the page and for its data.
// Over all topics they are categories, within one they are its rules.
func (s *site) agreementReport(v *visit) (choice, agreement.Report, error) {
	q := choiceOf(v.URL.Query())
	c := choice{Topic: q.Topic, Rule: q.Rule, Language: q.Language, Days: q.Days}
	topics, topic := "rules", func(rule string) string { return rule }
	if c.Topic == "" && c.Rule == "" {
		topics, topic = "categories", func(rule string) string {
			if known := s.rule(rule); known != nil {
				return known.Category
			}
			return ""
		}
	}
	report, err := s.Desk.Agreement(v.person, s.filter(c), topics, topic)
	return c, report, err
}

func (s *site) agreementPage(w http.ResponseWriter, v *visit) {
	c, report, err := s.agreementReport(v)
	if err != nil {
		s.failed(w, v.Request, err)
		return
	}
	data := agreementData{
		Choice: c, Reviewer: v.FormValue("reviewer"), Topics: rules.Categories, Rules: s.Pack().Rules, Report: report,
		Figures: []figure{read(report.Alpha), read(report.Fleiss)}, Split: splits(report.Confusion), ByRule: c.Topic != "" || c.Rule != "",
	}
	_, data.Languages = s.Desk.Sites()
	for _, t := range report.Topics {
		row := topicRow{Name: t.Topic, figure: read(t.Alpha), Split: splits(t.Confusion)}
		if data.ByRule {
			row.Query = query("rule", t.Topic, "language", c.Language, "days", c.Days)
		} else if t.Topic != "" {
			row.Query = query("topic", t.Topic, "language", c.Language, "days", c.Days)
		}
		data.ByTopic = append(data.ByTopic, row)
	}
	slices.SortStableFunc(data.ByTopic, func(a, b topicRow) int { return cmp.Compare(b.Items, a.Items) })
	data.ByTopic, data.MoreTopic = first(data.ByTopic, shownTopics)
	for _, p := range report.Pairs {
		data.Pairs = append(data.Pairs, pairRow{p.A, p.B, read(p.Cohen)})
	}
	slices.SortStableFunc(data.Pairs, func(a, b pairRow) int { return cmp.Compare(b.Items, a.Items) })
	data.Pairs, data.MorePairs = first(data.Pairs, shownPairs)
	for i, one := range report.Reviewers {
		data.People = append(data.People, personRow{one, c.Query("reviewer", one.Reviewer)})
		if one.Reviewer == data.Reviewer {
			data.One = &report.Reviewers[i]
		}
	}
	if v.person.Role.May(review.Staff) {
		everybody, err := s.Desk.People(v.person)
		if err != nil {
			s.failed(w, v.Request, err)
			return
		}
		data.Names = map[string]string{}
		for _, one := range everybody {
			data.Names[one.Pseudonym] = one.Name
		}
	}
	s.show(w, v.Request, http.StatusOK, "agreement", v, data)
}

// agreementJSON is the whole report, with pseudonyms whoever asks.
func (s *site) agreementJSON(w http.ResponseWriter, v *visit) {
	_, report, err := s.agreementReport(v)
	if err != nil {
		s.failed(w, v.Request, err)
		return
	}
	attach(w, "application/json", "agreement", "json", s.Now())
	AnswerJSON(w, http.StatusOK, report)
}

// attach has the browser save what follows under a name with the day in it.
func attach(w http.ResponseWriter, kind, name, ending string, now time.Time) {
	w.Header().Set("Content-Type", kind)
	w.Header().Set("Content-Disposition", fmt.Sprintf(`attachment; filename="haechi-%s-%s.%s"`, name, now.UTC().Format(time.DateOnly), ending))
}

// first cuts a list and says how much was left out.
func first[T any](list []T, most int) (kept []T, left int) {
	if len(list) <= most {
		return list, 0
	}
	return list[:most], len(list) - most
}

// read says what a figure means, and why it may mean less.
func read(c agreement.Coefficient) figure {
	f := figure{Coefficient: c}
	if c.Value == nil {
		f.Meaning = "agree." + string(c.Undefined)
		return f
	}
	switch v := *c.Value; {
	case v >= reliable:
		f.Meaning = "agree.reliable"
	case v >= tentative:
		f.Meaning = "agree.tentative"
	case v > 0:
		f.Meaning = "agree.low"
	default:
		f.Meaning = "agree.chance"
	}
	if c.Items < enoughItems {
		f.Warnings = append(f.Warnings, "agree.few")
	} else if c.Interval == nil || c.Interval.High-c.Interval.Low > widest {
		f.Warnings = append(f.Warnings, "agree.wide")
	}
	if c.Observed >= nearlyAll && *c.Value < tentative {
		f.Warnings = append(f.Warnings, "agree.same")
	}
	return f
}

// Few says that the figure rests on too little to be ranked.
func (f figure) Few() bool { return slices.Contains(f.Warnings, "agree.few") }

// Figure is the value, or a dash.
func (f figure) Figure() string {
	if f.Value == nil {
		return "–"
	}
	return decimal(*f.Value)
}

// Range is the interval, or nothing.
func (f figure) Range() string {
	if f.Interval == nil {
		return ""
	}
	return decimal(f.Interval.Low) + " … " + decimal(f.Interval.High)
}

// decimal writes two places with a true minus and no negative nought.
func decimal(v float64) string {
	return strings.Replace(strings.Replace(fmt.Sprintf("%.2f", v), "-0.00", "0.00", 1), "-", "−", 1)
}

// splits are the verdicts that met most often where two differed.
func splits(c agreement.Confusion) (out []split) {
	for i, a := range review.Verdicts {
		for _, b := range review.Verdicts[i+1:] {
			if n := c.Of(string(a), string(b)) + c.Of(string(b), string(a)); n > 0 {
				out = append(out, split{a, b, n})
			}
		}
	}
	slices.SortStableFunc(out, func(a, b split) int { return cmp.Compare(b.Number, a.Number) })
	out, _ = first(out, oftenConfused)
	return out
}

// sheet is a confusion as a table in the order of the verdicts.
type sheet struct {
	Page          *page
	Caption       string // a word's key
	Rows, Columns string // what they are: words' keys, or empty
	Cells         [][]string
}

// Sheet makes a table. Where whole is false a pair of different verdicts stands
// once, above the diagonal, and below it are blanks.
func (p *page) Sheet(c agreement.Confusion, whole bool, caption, rows, columns string) sheet {
	out := sheet{Page: p, Caption: caption, Rows: rows, Columns: columns}
	for i, a := range review.Verdicts {
		var row []string
		for k, b := range review.Verdicts {
			n := c.Of(string(a), string(b))
			if !whole && k != i {
				n += c.Of(string(b), string(a))
			}
			cell := fmt.Sprint(n)
			if !whole && k < i {
				cell = ""
			}
			row = append(row, cell)
		}
		out.Cells = append(out.Cells, row)
	}
	return out
}

// PartOf is a part of a whole in per cent, or a dash.
func (p *page) PartOf(part, whole int) string {
	if whole == 0 {
		return "–"
	}
	return p.Percent(float64(part) / float64(whole))
}
