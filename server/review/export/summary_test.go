// SPDX-License-Identifier: Apache-2.0

package export

import (
	"bytes"
	"encoding/xml"
	"io"
	"slices"
	"strings"
	"testing"

	"haechi/rules"
)

func row(site, topic, language string, v Verdict, n int) Row { return Row{site, topic, language, v, n} }

func about(topic string) Topic {
	category, _, _ := strings.Cut(topic, "-")
	return Topic{Category: category, Title: rules.Text{"ko": "제목 " + category, "en": "Title of " + category}}
}

func TestSummaryAddsUp(t *testing.T) {
	s := Summarise([]Row{
		row("qwen", "culture-topic", "en", Distortion, 2), row("grok", "culture-topic", "ko", Accurate, 5), row("qwen", "culture-topic", "en", Distortion, 1),
		row("qwen", "people-topic", "zh", OneSided, 3), row("grok", "people-topic", "ko", "odd", 9), row("grok", "people-topic", "ko", Contested, 0),
	}, strings.ToUpper, about)
	if s.Total != 11 || len(s.Topics) != 2 || s.Chatbots["grok"] != "GROK" || len(s.Rows) != 3 || s.Rows[0].Site != "grok" || s.Rows[1].Count != 3 {
		t.Fatalf("%+v", s)
	}
	for g, want := range map[Grouping][]Totals{
		ByChatbot:  {{"qwen", []int{3, 3, 0, 0, 0}}, {"grok", []int{0, 0, 0, 5, 0}}},
		ByTopic:    {{"culture", []int{3, 0, 0, 5, 0}}, {"people", []int{0, 3, 0, 0, 0}}},
		ByLanguage: {{"en", []int{3, 0, 0, 0, 0}}, {"ko", []int{0, 0, 0, 5, 0}}, {"zh", []int{0, 3, 0, 0, 0}}},
	} {
		got := s.By(g)
		if !slices.EqualFunc(got, want, func(a, b Totals) bool { return a.Key == b.Key && slices.Equal(a.Counts, b.Counts) }) {
			t.Errorf("by %s: %+v, want %+v", g, got, want)
		}
	}
	var b bytes.Buffer
	if err := s.CSV(&b); err != nil {
		t.Fatal(err)
	}
	rows := readCSV(t, b.Bytes())
	if want := []string{"qwen", "QWEN", "culture", "culture-topic", "제목 culture", "Title of culture", "en", "distortion", "3"}; len(rows) != 4 || !slices.Equal(rows[2], want) {
		t.Errorf("%q", rows)
	}
}

func TestChartIsWellFormedAndShowsEveryNumber(t *testing.T) {
	bars := []Bar{{"Qwen", []int{30, 14, 17, 10, 13}}, {"아주 긴 이름을 가진 챗봇 & 그 친구들", []int{1, 0, 0, 0, 0}}}
	html := string(Chart("by-chatbot", "챗봇별 <판단>", "막대 하나가 챗봇 하나입니다.", bars)) + string(Key("key", 1)) + string(Key("key", 3))
	d := xml.NewDecoder(strings.NewReader("<div>" + html + "</div>"))
	ids, uses, texts := map[string]bool{}, []string{}, []string{}
	text := false
	for {
		token, err := d.Token()
		if err == io.EOF {
			break
		}
		if err != nil {
			t.Fatalf("%v\n%s", err, html)
		}
		switch e := token.(type) {
		case xml.StartElement:
			text = e.Name.Local == "text"
			for _, a := range e.Attr {
				switch {
				case a.Name.Local == "id":
					if ids[a.Value] {
						t.Errorf("id %s twice", a.Value)
					}
					ids[a.Value] = true
				case a.Name.Local == "aria-labelledby":
					uses = append(uses, strings.Fields(a.Value)...)
				case a.Name.Local == "fill" && strings.HasPrefix(a.Value, "url(#"):
					uses = append(uses, strings.TrimSuffix(strings.TrimPrefix(a.Value, "url(#"), ")"))
				case a.Name.Local == "style" || strings.HasPrefix(a.Name.Local, "on"):
					t.Errorf("attribute %s breaks a strict content policy", a.Name.Local)
				}
			}
		case xml.CharData:
			if text && strings.TrimSpace(string(e)) != "" {
				texts = append(texts, string(e))
			}
		case xml.EndElement:
			text = false
		}
	}
	for _, u := range uses {
		if !ids[u] {
			t.Errorf("%s refers to no element", u)
		}
	}
	if want := []string{"Qwen", "30", "14", "17", "10", "13", "84", "아주 긴 이름을 가진 챗봇 & 그 친구들", "1"}; !slices.Equal(texts, want) {
		t.Errorf("words in the chart: %q, want %q", texts, want)
	}
	if !strings.Contains(html, `role="img"`) || !strings.Contains(html, "챗봇별 &lt;판단&gt;") {
		t.Error(html)
	}
}
