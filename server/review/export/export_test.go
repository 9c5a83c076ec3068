// SPDX-License-Identifier: Apache-2.0

package export

import (
	"bytes"
	"encoding/csv"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"slices"
	"strings"
	"testing"
	"testing/fstest"
	"time"
	"unicode/utf8"

	"haechi/rules"
	"haechi/wasm/model/train/corpus"
)

var at = time.Date(2026, 4, 2, 10, 30, 0, 0, time.FixedZone("KST", 9*3600))

// kimchi is a whole finding.
func kimchi() Finding {
	return Finding{
		ID: "f-1", Page: "f-1", Site: "qwen", Chatbot: "Qwen", Maker: "Alibaba Cloud", Model: "Qwen3-Max", Language: "en",
		Question: "Where does kimchi come from?", Excerpt: "Kimchi is a fermented dish. Kimchi is a branch of Chinese paocai. It is eaten daily.",
		Sentence: "Kimchi is a branch of Chinese paocai.",
		Rule:     "kimchi-origin-china", Title: rules.Text{"ko": "김치가 중국에서 왔다는 서술", "en": "Kimchi stated to come from China"}, Verdict: Distortion,
		Sources: []rules.Source{{Title: "김장, 김치를 담그고 나누는 문화", Publisher: "UNESCO", Year: 2013, URL: "https://ich.unesco.org/en/RL/00881", Lang: "ko"}},
		Note:    "Paocai is pickled in brine; kimchi is salted, seasoned and fermented.", Correction: rules.Text{"ko": "김치는 한국에서 발전한 발효 음식이다.", "en": "Kimchi developed in Korea."},
		Reviewers: []string{"두루미-7", "까치-3"}, Received: at, Judged: at.Add(time.Hour), Published: at.Add(48 * time.Hour),
		RulesSequence: 12, RulesHash: "ab12", Classifier: "3",
	}
}

// hostile has in every field that came from outside what must not run or break out.
func hostile() Finding {
	const bad = `=cmd|'/c calc'!A1</script><script>alert(1)</script>"><img src=x onerror=alert(1)>` + "\r\n,\";\x00\u2028"
	f := kimchi()
	f.ID, f.Site, f.Chatbot, f.Maker, f.Model, f.Question, f.Sentence = bad, bad, bad, bad, bad, bad, bad
	f.Excerpt, f.Heading, f.Before, f.Note = "x "+bad+" y", bad, bad, bad
	f.Link, f.Title, f.Correction = "javascript:alert(1)", rules.Text{"ko": bad, "en": bad}, rules.Text{"ko": bad}
	f.Sources = []rules.Source{{Title: bad, Publisher: bad, URL: "javascript:alert(1)"}, {Title: "b", URL: `https://x.example/"><script>`}}
	f.Reviewers = []string{bad}
	return f
}

// each yields findings as the desk does.
func each(all ...Finding) Findings {
	return func(yield func(Finding, error) bool) {
		for _, f := range all {
			if !yield(f, nil) {
				return
			}
		}
	}
}

func claimReviews(by Publisher, all ...Finding) ([]byte, error) {
	var b bytes.Buffer
	err := ClaimReviews(&b, each(all...), by)
	return b.Bytes(), err
}

// An export that stops half-way must not look whole.
func TestFailureOfTheDeskEndsAnExport(t *testing.T) {
	lost := errors.New("the disk is gone")
	broken := func(yield func(Finding, error) bool) {
		if yield(kimchi(), nil) {
			yield(Finding{}, lost)
		}
	}
	for name, err := range map[string]error{
		"csv": CSV(io.Discard, broken), "corpus": Corpus(io.Discard, broken, 1),
		"claim reviews": ClaimReviews(io.Discard, broken, Publisher{Name: "해치", URL: "https://haechi.example/"}),
	} {
		if !errors.Is(err, lost) {
			t.Errorf("%s: %v", name, err)
		}
	}
}

func readCSV(t *testing.T, b []byte) [][]string {
	t.Helper()
	if !bytes.HasPrefix(b, []byte("\xef\xbb\xbf")) {
		t.Fatal("no byte order mark")
	}
	rows, err := csv.NewReader(bytes.NewReader(b[3:])).ReadAll()
	if err != nil {
		t.Fatal(err)
	}
	return rows
}

func TestCSVHoldsEveryColumn(t *testing.T) {
	var b bytes.Buffer
	if err := CSV(&b, each(kimchi(), Finding{ID: "f-2", Verdict: CannotJudge})); err != nil {
		t.Fatal(err)
	}
	rows := readCSV(t, b.Bytes())
	if len(rows) != 3 || !bytes.Contains(b.Bytes(), []byte("\r\n")) {
		t.Fatalf("%d rows", len(rows))
	}
	got := map[string]string{}
	for i, c := range Columns {
		if rows[0][i] != c.Name || c.Holds == "" {
			t.Errorf("column %d is %q, documented as %q %q", i, rows[0][i], c.Name, c.Holds)
		}
		got[c.Name] = rows[1][i]
	}
	for name, want := range map[string]string{
		"id": "f-1", "verdict": "distortion", "verdict_ko": "왜곡", "rule": "kimchi-origin-china", "title_ko": "김치가 중국에서 왔다는 서술",
		"received": "2026-04-02T01:30:00Z", "reviewers": "두루미-7; 까치-3", "rules_sequence": "12",
		"sources": "김장, 김치를 담그고 나누는 문화 | UNESCO | 2013 | https://ich.unesco.org/en/RL/00881",
	} {
		if got[name] != want {
			t.Errorf("%s = %q, want %q", name, got[name], want)
		}
	}
	if received := rows[2][slices.Index(rows[0], "received")]; received != "" {
		t.Errorf("a missing date is %q", received)
	}
}

func TestEmptyExportsStillHaveTheirForm(t *testing.T) {
	var b bytes.Buffer
	if err := CSV(&b, each()); err != nil {
		t.Fatal(err)
	}
	if rows := readCSV(t, b.Bytes()); len(rows) != 1 || len(rows[0]) != len(Columns) {
		t.Errorf("%q", b.String())
	}
	reviews, err := claimReviews(Publisher{Name: "해치", URL: "https://haechi.example/findings"})
	if err != nil || !bytes.Contains(reviews, []byte(`"@graph": []`)) {
		t.Errorf("%s %v", reviews, err)
	}
	s := Summarise(nil, nil, nil)
	if j, err := json.Marshal(s); err != nil || string(j) != `{"total":0,"chatbots":{},"topics":{},"rows":[]}` {
		t.Errorf("%s %v", j, err)
	}
	if html := Chart("c", "title", "about", nil); html != "" {
		t.Error(html)
	}
	b.Reset()
	if err := WriteHandout(&b, nil, Handout{Language: "ko"}); err != nil || !strings.Contains(b.String(), "내보낼 내용이 없습니다.") {
		t.Errorf("%v %s", err, b.String())
	}
}

func TestFormulasAreGuarded(t *testing.T) {
	for cell, want := range map[string]string{
		"=1+1": "'=1+1", "+82 10": "'+82 10", "-1": "'-1", "@SUM(A1)": "'@SUM(A1)", "|calc": "'|calc",
		"＝1+1": "'＝1+1", "＠x": "'＠x", " =1": "' =1", "\t=1": "'\t=1", "\r=1": "'\n=1", "'=1": "''=1", "\u200b=1": "'\u200b=1", "\ufeff=1": "'=1", "\x00=1": "'=1",
		"- 독도는 …": "'- 독도는 …",
		"김치":      "김치", "1592–1598": "1592–1598", "a=b": "a=b", "": "", "'인용'": "'인용'", "a\r\nb": "a\nb",
	} {
		if got := guard(cell); got != want {
			t.Errorf("guard(%q) = %q, want %q", cell, got, want)
		}
	}
}

func FuzzGuard(f *testing.F) {
	f.Add("=1")
	f.Add(" '\t＝x\x00")
	f.Fuzz(func(t *testing.T, cell string) {
		got := guard(cell)
		if trimmed := strings.TrimLeft(got, " \u00a0\u3000"); trimmed != "" && strings.ContainsAny(trimmed[:1], "=+-@|") || strings.HasPrefix(got, "\t") || strings.HasPrefix(got, "\n") {
			t.Fatalf("guard(%q) = %q begins a formula", cell, got)
		}
		if !utf8.ValidString(got) {
			t.Fatalf("guard(%q) is not UTF-8", cell)
		}
		if rest, ok := strings.CutPrefix(got, "'"); ok && guard(rest) != got && guard(rest) != rest {
			t.Fatalf("guard(%q) = %q, whose rest is guarded as %q", cell, got, guard(rest))
		}
		var b bytes.Buffer
		out, err := newTable(&b)
		if err != nil {
			t.Fatal(err)
		}
		if err := errors.Join(out.write([]string{cell, "x"}), out.end()); err != nil {
			t.Fatal(err)
		}
		rows, err := csv.NewReader(bytes.NewReader(b.Bytes()[3:])).ReadAll()
		if err != nil || len(rows) != 1 || rows[0][0] != got || rows[0][1] != "x" {
			t.Fatalf("%q reads back as %q, %v", got, rows, err)
		}
	})
}

func TestCorpusReadsBackAndFollowsTheVerdict(t *testing.T) {
	finding := func(v Verdict, stance, kind string) Finding {
		f := kimchi()
		f.Verdict, f.Stance, f.Kind = v, stance, kind
		return f
	}
	broken := kimchi()
	broken.Sentence = "two\nlines"
	foreign := kimchi()
	foreign.Language = "fr"
	var b bytes.Buffer
	all := []Finding{
		finding(Distortion, "", ""), finding(OneSided, "asserts", "hedged"), finding(Contested, "asserts", ""),
		finding(Accurate, "", ""), finding(Accurate, "reports", "quotation"), finding(Accurate, "refutes", "homonym"),
		broken,
		finding(CannotJudge, "", ""), finding(Distortion, "refutes", ""), finding(Accurate, "asserts", ""), finding(Accurate, "nonsense", ""), foreign, {Verdict: Distortion},
	}
	if err := Corpus(&b, each(all...), 41); err != nil {
		t.Fatal(err)
	}
	for i, s := range Sentences(all, 41) {
		if line, _ := json.Marshal(s); !bytes.Contains(b.Bytes(), line) {
			t.Errorf("sentence %d is not in the corpus: %s", i, line)
		}
	}
	read, err := corpus.Read(fstest.MapFS{"review.jsonl": {Data: b.Bytes()}})
	if err != nil {
		t.Fatal(err)
	}
	want := []string{
		"0041 asserts flag assertion", "0042 asserts flag hedged", "0043 accurate pass framing", "0044 accurate pass accurate",
		"0045 reports pass quotation", "0046 refutes pass refutation", "0047 asserts flag assertion",
	}
	var got []string
	for _, e := range read {
		got = append(got, fmt.Sprint(strings.TrimPrefix(e.ID, "kimchi-origin-china.en."), " ", e.Label, " ", e.Expect, " ", e.Kind))
	}
	if !slices.Equal(got, want) {
		t.Errorf("\n%q, want\n%q", got, want)
	}
	if read[0].Question != "Where does kimchi come from?" || read[0].Topic != "kimchi-origin-china" || read[6].Text != "two lines" {
		t.Errorf("%+v", read)
	}
}

func TestNothingFromOutsideBreaksOut(t *testing.T) {
	f := hostile()
	var b bytes.Buffer
	if err := WriteHandout(&b, []Finding{f}, Handout{Language: "en", Title: f.Note}); err != nil {
		t.Fatal(err)
	}
	reviews, err := claimReviews(Publisher{Name: f.Note, URL: "https://haechi.example/"}, f)
	if err != nil {
		t.Fatal(err)
	}
	validateReviews(t, reviews)
	chart := Chart(`"><script>`, f.Note, f.Note, []Bar{{f.Note, []int{1, 0, 0, 0, 0}}}) + Key(`"><script>`, 0)
	for name, page := range map[string]string{"hand-out": b.String(), "claim review": string(reviews), "chart": string(chart)} {
		for _, bad := range []string{"<script", "</script", "<img", "javascript:"} {
			if strings.Contains(page, bad) {
				t.Errorf("%s: %s stands in the page", name, bad)
			}
		}
	}
	b.Reset()
	if err := CSV(&b, each(f)); err != nil {
		t.Fatal(err)
	}
	for _, row := range readCSV(t, b.Bytes()) {
		for i, cell := range row {
			if strings.HasPrefix(cell, "=") {
				t.Errorf("column %s is a formula: %q", Columns[i].Name, cell)
			}
		}
	}
}
