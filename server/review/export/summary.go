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
	Total    int               `json:"total"`
	Chatbots map[string]string `json:"chatbots"` // names by site
	Topics   map[string]Topic  `json:"topics"`   // by id of the rule
	Rows     []Row             `json:"rows"`     // without those that would count nothing
}

// Topic is what a rule is about.
type Topic struct {
	Category string     `json:"category,omitempty"` // one of rules.Categories
	Title    rules.Text `json:"title,omitempty"`
}

// Row counts one combination.
type Row struct {
	Site     string  `json:"site"`
	Topic    string  `json:"topic"` // id of a rule; empty: none was named
	Language string  `json:"language"`
	Verdict  Verdict `json:"verdict"`
	Count    int     `json:"count"`
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

// Summarise sorts rows, adds up those that are alike and counts them. It asks
// once for each chatbot and topic.
func Summarise(rows []Row, chatbot func(site string) string, topic func(id string) Topic) Summary {
	s := Summary{Chatbots: map[string]string{}, Topics: map[string]Topic{}, Rows: []Row{}}
	slices.SortFunc(rows, Row.compare)
	for _, r := range rows {
		if !slices.Contains(Verdicts, r.Verdict) || r.Count <= 0 {
			continue
		}
		s.Total += r.Count
		if n := len(s.Rows); n > 0 && s.Rows[n-1].compare(r) == 0 {
			s.Rows[n-1].Count += r.Count
			continue
		}
		if _, known := s.Chatbots[r.Site]; !known {
			s.Chatbots[r.Site] = chatbot(r.Site)
		}
		if _, known := s.Topics[r.Topic]; !known {
			s.Topics[r.Topic] = topic(r.Topic)
		}
		s.Rows = append(s.Rows, r)
	}
	return s
}

func (r Row) compare(o Row) int {
	return cmp.Or(cmp.Compare(r.Site, o.Site), cmp.Compare(r.Topic, o.Topic), cmp.Compare(r.Language, o.Language),
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
			key = s.Topics[r.Topic].Category
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
		about := s.Topics[r.Topic]
		if err := t.write([]string{r.Site, s.Chatbots[r.Site], about.Category, r.Topic, about.Title["ko"], about.Title["en"], r.Language, string(r.Verdict), strconv.Itoa(r.Count)}); err != nil {
			return err
		}
	}
	return t.end()
}
