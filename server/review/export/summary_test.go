// SPDX-License-Identifier: Apache-2.0

package export

import (
	"bytes"
	"encoding/xml"
	"io"
	"slices"
	"strings"
	"testing"
	"time"
)

func TestSummaryCountsWhatIsPublished(t *testing.T) {
	grok := kimchi()
	grok.Site, grok.Chatbot, grok.Verdict, grok.Published = "grok", "Grok & Co", Accurate, at
	private := kimchi()
	private.Published = time.Time{}
	s := Summarise([]Finding{grok, kimchi(), kimchi(), private, {Published: at, Verdict: "odd"}})
	if s.Total != 3 || s.First != "2026-04-02" || s.Last != "2026-04-04" || len(s.Rows) != 2 {
		t.Fatalf("%+v", s)
	}
	if r := s.Rows[1]; r.Site != "qwen" || r.Count != 2 || r.Verdict != Distortion || r.Language != "en" {
		t.Errorf("%+v", r)
	}
	if s.Chatbots[0].Site != "qwen" || !slices.Equal(s.Chatbots[0].Counts, []int{2, 0, 0, 0, 0}) {
		t.Errorf("%+v", s.Chatbots)
	}
	var b bytes.Buffer
	if err := s.CSV(&b); err != nil {
		t.Fatal(err)
	}
	rows := readCSV(t, b.Bytes())
	if !slices.Equal(rows[2], []string{"qwen", "Qwen", "kimchi-origin-china", "김치가 중국에서 왔다는 서술", "Kimchi stated to come from China", "en", "distortion", "2"}) {
		t.Errorf("%q", rows)
	}
}

func TestChartIsWellFormedAndSaysWhatTheTableSays(t *testing.T) {
	var all []Finding
	for i, v := range Verdicts {
		for range i*3 + 1 {
			f := kimchi()
			f.Verdict = v
			all = append(all, f)
		}
	}
	other := kimchi()
	other.Site, other.Chatbot = "b", "아주 긴 이름을 가진 챗봇 & 그 친구들"
	all = append(all, other)
	for _, lang := range []string{"ko", "en"} {
		html := string(Summarise(all).Chart(lang, "by-chatbot"))
		d := xml.NewDecoder(strings.NewReader("<div>" + html + "</div>"))
		ids, uses, cells := map[string]bool{}, []string{}, []string{}
		cell := false
		for {
			token, err := d.Token()
			if err == io.EOF {
				break
			}
			if err != nil {
				t.Fatalf("%s: %v\n%s", lang, err, html)
			}
			switch e := token.(type) {
			case xml.StartElement:
				cell = e.Name.Local == "td"
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
				if cell && strings.TrimSpace(string(e)) != "" {
					cells = append(cells, string(e))
				}
			case xml.EndElement:
				cell = false
			}
		}
		for _, u := range uses {
			if !ids[u] {
				t.Errorf("%s refers to no element", u)
			}
		}
		if want := []string{"1", "4", "7", "10", "13", "35", "1", "0", "0", "0", "0", "1"}; !slices.Equal(cells, want) {
			t.Errorf("table %v, want %v", cells, want)
		}
		for _, w := range []string{`role="img"`, "<caption>", `scope="row"`, ">35<"} {
			if !strings.Contains(html, w) {
				t.Errorf("%s is missing", w)
			}
		}
	}
}
