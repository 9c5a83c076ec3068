// SPDX-License-Identifier: Apache-2.0

package export

import (
	"cmp"
	"io"
	"slices"
	"strconv"

	"haechi/rules"
)

// Summary is the data of the public page: how many findings there are for each
// chatbot, topic, language and verdict. It marshals to the JSON that is offered
// for download.
type Summary struct {
	Total    int      `json:"total"`
	First    string   `json:"first,omitempty"` // day of the earliest publication
	Last     string   `json:"last,omitempty"`
	Rows     []Row    `json:"rows"`     // without those that would count nothing
	Chatbots []Totals `json:"chatbots"` // most distortions first
}

// Row counts one combination.
type Row struct {
	Site     string     `json:"site"`
	Chatbot  string     `json:"chatbot"`
	Topic    string     `json:"topic"`
	Title    rules.Text `json:"title"`
	Language string     `json:"language"`
	Verdict  Verdict    `json:"verdict"`
	Count    int        `json:"count"`
}

// Totals are one chatbot's counts, one for each of [Verdicts].
type Totals struct {
	Site    string `json:"site"`
	Chatbot string `json:"chatbot"`
	Counts  []int  `json:"counts"`
}

// Total is the sum of the counts.
func (t Totals) Total() int {
	n := 0
	for _, c := range t.Counts {
		n += c
	}
	return n
}

// Summarise counts findings that are published and have a known verdict.
func Summarise(findings []Finding) Summary {
	type key struct {
		site, topic, language string
		verdict               Verdict
	}
	s := Summary{Rows: []Row{}, Chatbots: []Totals{}}
	rows := map[key]int{}
	chatbots := map[string]int{}
	for i := range findings {
		f := &findings[i]
		place := slices.Index(Verdicts, f.Verdict)
		if f.Published.IsZero() || place < 0 {
			continue
		}
		s.Total++
		if d := day(f.Published); s.First == "" || d < s.First {
			s.First = d
		}
		s.Last = max(s.Last, day(f.Published))

		k := key{f.Site, f.Rule, f.Language, f.Verdict}
		at, ok := rows[k]
		if !ok {
			at = len(s.Rows)
			rows[k] = at
			s.Rows = append(s.Rows, Row{Site: f.Site, Chatbot: f.chatbot(), Topic: f.Rule, Title: f.Title, Language: f.Language, Verdict: f.Verdict})
		}
		s.Rows[at].Count++
		at, ok = chatbots[f.Site]
		if !ok {
			at = len(s.Chatbots)
			chatbots[f.Site] = at
			s.Chatbots = append(s.Chatbots, Totals{Site: f.Site, Chatbot: f.chatbot(), Counts: make([]int, len(Verdicts))})
		}
		s.Chatbots[at].Counts[place]++
	}
	slices.SortFunc(s.Rows, func(a, b Row) int {
		return cmp.Or(cmp.Compare(a.Site, b.Site), cmp.Compare(a.Topic, b.Topic), cmp.Compare(a.Language, b.Language),
			cmp.Compare(slices.Index(Verdicts, a.Verdict), slices.Index(Verdicts, b.Verdict)))
	})
	slices.SortFunc(s.Chatbots, func(a, b Totals) int {
		return cmp.Or(cmp.Compare(b.Counts[0], a.Counts[0]), cmp.Compare(b.Total(), a.Total()), cmp.Compare(a.Site, b.Site))
	})
	return s
}

// CSV writes the rows in the form of [CSV].
func (s Summary) CSV(w io.Writer) error {
	rows := [][]string{{"site", "chatbot", "topic", "title_ko", "title_en", "language", "verdict", "count"}}
	for _, r := range s.Rows {
		rows = append(rows, []string{r.Site, r.Chatbot, r.Topic, r.Title["ko"], r.Title["en"], r.Language, string(r.Verdict), strconv.Itoa(r.Count)})
	}
	return writeCSV(w, rows)
}
