// SPDX-License-Identifier: Apache-2.0

package detect

import (
	"errors"
	"fmt"
	"strings"
	"testing"
	"unicode/utf8"

	"haechi/rules"
)

// stub asserts every input that holds a word, so that the engine's own work
// can be seen; the real model is tested in package classify and wasm/cases.
type stub struct{ word string }

func (s stub) Model() Model {
	return Model{ID: "stub", Temperature: 1, Unseen: map[string]float64{"A": 0.5, "B": 0.5, "C": 0.5}}
}

func (s stub) Classify(inputs []string) ([]Logits, error) {
	out := make([]Logits, len(inputs))
	for i, in := range inputs {
		out[i][Unrelated] = 5
		if strings.Contains(in, s.word) {
			out[i][Asserts] = 10
			if strings.Contains(in, MarkAsk) { // less sure
				out[i][Asserts] = 6
			}
		}
	}
	return out, nil
}

func testPack(t testing.TB) rules.Pack {
	t.Helper()
	p, err := rules.NewPack([]rules.Rule{{
		ID: "radish", Tier: "B", Subject: rules.Words{"ko": {{Text: "무"}}},
		Propositions: []rules.Proposition{{ID: "radish", Wrong: rules.Words{"ko": {{Text: "중국"}}}}},
	}, {
		ID: "kimchi", Tier: "A",
		Subject: rules.Words{"ko": {{Text: "김치"}}, "en": {{Text: "kimchi"}}},
		Unless:  rules.Words{"ko": {{Text: "원산지 표시"}}},
		Propositions: []rules.Proposition{
			{ID: "origin", Wrong: rules.Words{"ko": {{Text: "중국"}}, "en": {{Text: "China"}}}, Patterns: map[string][]string{"ko": {"{subject}…{wrong}에서 유래"}}},
			{ID: "style", Tier: "C", Wrong: rules.Words{"ko": {{Text: "파오차이"}}}},
		},
	}})
	if err != nil {
		t.Fatal(err)
	}
	return p
}

func rulesFound(t *testing.T, e *Engine, q Request) []string {
	t.Helper()
	fs, err := e.Check(q)
	if err != nil {
		t.Fatal(err)
	}
	var out []string
	for _, f := range fs {
		out = append(out, q.Text[f.Start:f.End]+"|"+f.Proposition+"|"+f.Verdict)
	}
	return out
}

func TestCheckUsesContext(t *testing.T) {
	e := New(testPack(t), stub{MarkText})
	for name, c := range map[string]struct {
		q    Request
		want string
	}{
		"sentence":          {Request{Text: "안녕. 김치는 중국 음식이다."}, "김치는 중국 음식이다.|origin|distortion"},
		"question":          {Request{Text: "한국이 아닌 중국", Question: "김치의 원산지는?"}, "한국이 아닌 중국|origin|distortion"},
		"no subject":        {Request{Text: "한국이 아닌 중국", Question: "마늘의 원산지는?"}, ""},
		"sentence before":   {Request{Text: "김치는 발효 음식이다. 중국에서 왔다."}, "중국에서 왔다.|origin|distortion"},
		"two sentences off": {Request{Text: "김치는 음식이다. 맵다. 중국에서 왔다."}, ""},
		"listed":            {Request{Text: "중국의 음식:\n- 김치"}, "김치|origin|distortion"},
		"asks":              {Request{Text: "김치는 중국 음식인가?"}, ""},
		"unless":            {Request{Text: "김치의 원산지 표시: 중국"}, ""},
		"later sentence":    {Request{Text: "네. 그래요. 좋아요. 중국에서 왔다.", Question: "김치의 원산지는?"}, ""},
		"own subject first": {Request{Text: "무는 중국 것이다.", Question: "김치와 무는?"}, "무는 중국 것이다.|radish|one-sided"},
		"tier C off":        {Request{Text: "김치는 파오차이다."}, ""},
		"tier C on":         {Request{Text: "김치는 파오차이다.", Tiers: "ABC"}, "김치는 파오차이다.|style|framing"},
	} {
		if got := strings.Join(rulesFound(t, e, c.q), "\n"); got != c.want {
			t.Errorf("%s: %q, want %q", name, got, c.want)
		}
	}
}

func TestWithoutClassifierOnlyPatternsFlag(t *testing.T) {
	e := New(testPack(t), nil)
	if got := rulesFound(t, e, Request{Text: "김치는 중국에서 유래했다. 김치는 중국에도 있다."}); len(got) != 1 || got[0] != "김치는 중국에서 유래했다.|origin|distortion" {
		t.Errorf("degraded: %q", got)
	}
	if !e.Degraded() {
		t.Error("an engine without a classifier must say so")
	}
}

func TestCheckRefusesWhatItCannotRead(t *testing.T) {
	e := New(testPack(t), nil)
	if _, err := e.Check(Request{Text: strings.Repeat("가", MaxText)}); !errors.Is(err, ErrTooLong) {
		t.Errorf("5 MB: %v", err)
	}
	if _, err := e.Check(Request{Text: "김치\xff"}); !errors.Is(err, ErrNotUTF8) {
		t.Errorf("invalid UTF-8: %v", err)
	}
}

// awkward are texts that splitting, folding or matching could stumble over.
var awkward = []string{
	"김치는 중국 음식이다.", "# 중국\n- 김치", "| 김치 | 중국 |\n|---|---|\n| a | b |", "「김치。」と中国", "\xff\xfe김치 중국",
	"<b>김치</b> **중국**", "1. 김치 (China", "a.\u200b김치\u0301 중국\r\n", "```\n김치\n", "**김치는 중국.**\n중국", "김치’s 👍🏽❌ 高麗",
	"\u1100\u1161\u11a8김치 ﾅｶｸﾞﾛ Ｃｈｉｎａ", "\"'“‘「『《(【", "<<<a<a <a>", ". . . ... ?! 。。", "12.3.4. 5) ①②", "\u202e김치\u202c\ufeff",
}

// FuzzCandidates: no bytes make the engine panic; spans lie in the text and on
// character boundaries, in order.
func FuzzCandidates(f *testing.F) {
	for _, s := range awkward {
		f.Add(s, "김치?")
		f.Add("김치 중국", s)
	}
	e := New(testPack(f), stub{MarkText})
	f.Fuzz(func(t *testing.T, text, question string) {
		last := 0
		for _, c := range e.Candidates(text, question) {
			if c.Start < last || c.End <= c.Start || c.End > len(text) {
				t.Fatalf("span [%d, %d) after %d in %d bytes", c.Start, c.End, last, len(text))
			}
			last = c.Start
			if utf8.ValidString(text) && (!utf8.RuneStart(text[c.Start]) || c.End < len(text) && !utf8.RuneStart(text[c.End])) {
				t.Fatalf("span [%d, %d) cuts a character", c.Start, c.End)
			}
			if !utf8.ValidString(c.Input) && utf8.ValidString(text) {
				t.Fatalf("input is not UTF-8: %q", c.Input)
			}
		}
		if fs, err := e.Check(Request{Text: text, Question: question, Tiers: "ABC"}); err == nil {
			for i := range fs {
				if i > 0 && fs[i].Start < fs[i-1].Start {
					t.Fatalf("findings out of order: %+v", fs)
				}
			}
		}
	})
}

// FuzzSplit: sentences lie in the text in order, do not overlap and are not
// blank.
func FuzzSplit(f *testing.F) {
	for _, s := range awkward {
		f.Add(s)
	}
	f.Fuzz(func(t *testing.T, text string) {
		end := 0
		for _, s := range split(text) {
			if s.start < end || s.end <= s.start || s.end > len(text) {
				t.Fatalf("sentence [%d, %d) after %d in %d bytes", s.start, s.end, end, len(text))
			}
			end = s.end
			if strings.TrimSpace(text[s.start:s.end]) == "" {
				t.Fatalf("a blank sentence at %d", s.start)
			}
		}
	})
}

// FuzzFold: the folded text is UTF-8, every byte of it maps into the original,
// never backwards.
func FuzzFold(f *testing.F) {
	for _, s := range awkward {
		f.Add(s)
	}
	f.Fuzz(func(t *testing.T, text string) {
		x := fold(text)
		if !utf8.ValidString(x.text) || len(x.at) != len(x.text)+1 || int(x.at[len(x.text)]) != len(text) {
			t.Fatalf("fold(%q) = %q with %d places", text, x.text, len(x.at))
		}
		for i := 1; i < len(x.at); i++ {
			if x.at[i] < x.at[i-1] {
				t.Fatalf("fold(%q): places go backwards at %d", text, i)
			}
		}
	})
}

// FuzzFind: every word is found where it stands, whatever stands around it.
func FuzzFind(f *testing.F) {
	for _, s := range awkward {
		f.Add(s, s)
	}
	e := New(testPack(f), nil)
	f.Fuzz(func(t *testing.T, before, after string) {
		text := fold(before).text + " 김치 " + fold(after).text
		found := false
		for _, m := range e.words.find(text, "") {
			if m.start < 0 || m.end > len(text) || m.end <= m.start || !utf8.ValidString(text[m.start:m.end]) {
				t.Fatalf("match [%d, %d) in %q", m.start, m.end, text)
			}
			found = found || text[m.start:m.end] == "김치"
		}
		if !found {
			t.Fatalf("김치 is not found in %q", text)
		}
	})
}

// TestWorkGrowsWithTheText: text twice as long takes no more than about twice
// the memory; the benchmark below shows the same of time.
func TestWorkGrowsWithTheText(t *testing.T) {
	e := New(testPack(t), stub{MarkText})
	for _, s := range append(awkward, "김치 ", "| 김치 중국 ", "<", "\"김치 중국", "(", "a’a", "김치는 중국.") {
		allocated := func(n int) float64 {
			text := strings.Repeat(s, n)
			return testing.AllocsPerRun(1, func() { e.Candidates(text, "") })
		}
		if once, twice := allocated(500), allocated(1000); twice > 2.2*once+1000 { // the race detector adds some hundred
			t.Errorf("%q: %v allocations for 500 of it, %v for 1000", s, once, twice)
		}
	}
}

// BenchmarkTwiceTheText prints the time for a text and for one twice as long.
func BenchmarkTwiceTheText(b *testing.B) {
	e := New(testPack(b), stub{MarkText})
	for _, n := range []int{2000, 4000} {
		text := strings.Repeat("김치는 \"중국 음식이 (아니다.\" <그렇다. ", n)
		b.Run(fmt.Sprintf("%d", n), func(b *testing.B) {
			for b.Loop() {
				e.Candidates(text, "")
			}
		})
	}
}
