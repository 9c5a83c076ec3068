// SPDX-License-Identifier: Apache-2.0

package export

import (
	"cmp"
	"io"
	"slices"
	"strconv"

	"haechi/rules"
)

// Summary is the data of the public page: how many statements there are for each
// chatbot, topic, language and verdict. It marshals to the JSON that is offered
// for download.
type Summary struct {
	Total int   `json:"total"`
	Rows  []Row `json:"rows"` // without those that would count nothing
}

// Row counts one combination.
type Row struct {
	Site     string     `json:"site"`
	Chatbot  string     `json:"chatbot"`
	Category string     `json:"category"` // one of rules.Categories, or empty
	Topic    string     `json:"topic"`    // id of a rule
	Title    rules.Text `json:"title"`
	Language string     `json:"language"`
	Verdict  Verdict    `json:"verdict"`
	Count    int        `json:"count"`
}

// Totals are the counts of one group, one for each of [Verdicts].
type Totals struct {
	Key    string // site, category or language
	Counts []int
}

// Total is the sum of the counts.
func (t Totals) Total() int {
	n := 0
	for _, c := range t.Counts {
		n += c
	}
	return n
}

// Grouping says what a chart has a bar for.
type Grouping string

const (
	ByChatbot  Grouping = "chatbot"
	ByTopic    Grouping = "topic"
	ByLanguage Grouping = "language"
)

// Groupings are all of them.
var Groupings = []Grouping{ByChatbot, ByTopic, ByLanguage}

// Summarise sorts rows, adds up those that are alike and counts them.
func Summarise(rows []Row) Summary {
	s := Summary{Rows: []Row{}}
	slices.SortFunc(rows, func(a, b Row) int { return a.compare(b) })
	for _, r := range rows {
		if !slices.Contains(Verdicts, r.Verdict) || r.Count <= 0 {
			continue
		}
		s.Total += r.Count
		if n := len(s.Rows); n > 0 && s.Rows[n-1].compare(r) == 0 {
			s.Rows[n-1].Count += r.Count
			continue
		}
		s.Rows = append(s.Rows, r)
	}
	return s
}

func (r Row) compare(o Row) int {
	return cmp.Or(cmp.Compare(r.Site, o.Site), cmp.Compare(r.Category, o.Category), cmp.Compare(r.Topic, o.Topic), cmp.Compare(r.Language, o.Language),
		cmp.Compare(slices.Index(Verdicts, r.Verdict), slices.Index(Verdicts, o.Verdict)))
}

// By adds the rows up into groups, the one with the most distortions first.
func (s Summary) By(g Grouping) []Totals {
	var out []Totals
	at := map[string]int{}
	for _, r := range s.Rows {
		key := r.Site
		switch g {
		case ByTopic:
			key = r.Category
		case ByLanguage:
			key = r.Language
		}
		i, ok := at[key]
		if !ok {
			i = len(out)
			at[key] = i
			out = append(out, Totals{Key: key, Counts: make([]int, len(Verdicts))})
		}
		out[i].Counts[slices.Index(Verdicts, r.Verdict)] += r.Count
	}
	slices.SortFunc(out, func(a, b Totals) int {
		return cmp.Or(cmp.Compare(b.Counts[0], a.Counts[0]), cmp.Compare(b.Total(), a.Total()), cmp.Compare(a.Key, b.Key))
	})
	return out
}

// CSV writes the rows in the form of [CSV].
func (s Summary) CSV(w io.Writer) error {
	t, err := newTable(w)
	if err != nil {
		return err
	}
	if err := t.write([]string{"site", "chatbot", "category", "topic", "title_ko", "title_en", "language", "verdict", "count"}); err != nil {
		return err
	}
	for _, r := range s.Rows {
		if err := t.write([]string{r.Site, r.Chatbot, r.Category, r.Topic, r.Title["ko"], r.Title["en"], r.Language, string(r.Verdict), strconv.Itoa(r.Count)}); err != nil {
			return err
		}
	}
	return t.end()
}
