// SPDX-License-Identifier: Apache-2.0

package detect

import (
	"slices"
	"testing"
)

func TestSplitFindsSentences(t *testing.T) {
	for name, c := range map[string]struct {
		text string
		want []string
	}{
		"korean":                    {"김치는 한국 음식이다. 독도는 섬이다! 정말?", []string{"김치는 한국 음식이다.", "독도는 섬이다!", "정말?"}},
		"chinese":                   {"泡菜是中国的。韩国人不同意！", []string{"泡菜是中国的。", "韩国人不同意！"}},
		"quotation keeps its verb":  {"「竹島は日本の領土だ。」と政府は主張している。次の文。", []string{"「竹島は日本の領土だ。」と政府は主張している。", "次の文。"}},
		"korean quotation":          {`"독도는 일본 땅이다."라고 일본은 주장한다. 끝.`, []string{`"독도는 일본 땅이다."라고 일본은 주장한다.`, "끝."}},
		"english quotation":         {`"Kimchi is Chinese." That is what they say.`, []string{`"Kimchi is Chinese."`, "That is what they say."}},
		"numbers, abbreviations":    {"It is 1.5 km, e.g. from the U.S. base to St. Mary. Next.", []string{"It is 1.5 km, e.g. from the U.S. base to St. Mary.", "Next."}},
		"korean date":               {"2024. 12. 3. 계엄이 선포되었다. 해제되었다.", []string{"2024. 12. 3. 계엄이 선포되었다.", "해제되었다."}},
		"list, code, rule":          {"서론.\n\n---\n- 하나\n* 둘\n1. 셋\n```\n코드 문장.\n```\n끝", []string{"서론.", "하나", "둘", "셋", "끝"}},
		"bold line":                 {"**제목**\n**본문이다.**", []string{"**본문이다.**"}},
		"heading is not judged":     {"# 제목.\n본문.", []string{"본문."}},
		"table row without header":  {"| 김치 | 중국 |", []string{"| 김치 | 중국 |"}},
		"table with header":         {"| 음식 | 나라 |\n|---|---|\n| 김치 | 중국 |", []string{"| 김치 | 중국 |"}},
		"wide stop before particle": {"嘘だ。と彼は言った。", []string{"嘘だ。と彼は言った。"}},
		"lower case after stop":     {"He said no. and left.", []string{"He said no. and left."}},
	} {
		var got []string
		for _, s := range split(c.text) {
			got = append(got, c.text[s.start:s.end])
		}
		if !slices.Equal(got, c.want) {
			t.Errorf("%s: split(%q) = %q, want %q", name, c.text, got, c.want)
		}
	}
}

func TestSplitKnowsHeadingsAndLeadIns(t *testing.T) {
	text := "# 일본의 섬\n다음은 일본 정부의 주장이다:\n- 독도\n- 대마도\n\n## 결론\n섬이다. 작다."
	want := []sentence{
		{heading: "일본의 섬"},
		{heading: "일본의 섬 다음은 일본 정부의 주장이다:"},
		{heading: "일본의 섬 다음은 일본 정부의 주장이다:"},
		{heading: "결론"},
		{heading: "결론", before: "섬이다."},
	}
	got := split(text)
	if len(got) != len(want) {
		t.Fatalf("%d sentences, want %d", len(got), len(want))
	}
	for i, w := range want {
		if got[i].heading != w.heading || got[i].before != w.before {
			t.Errorf("sentence %d: heading %q, before %q; want %q, %q", i, got[i].heading, got[i].before, w.heading, w.before)
		}
	}
}

func TestFoldMapsBackToTheOriginal(t *testing.T) {
	for _, c := range []struct{ in, text string }{
		{"Ｋｉｍｃｈｉ", "kimchi"},
		{"김\u200b치", "김치"},
		{"\u1100\u1175\u11b7치", "김치"},
		{"**김**치는 `한국` 것", "김치는 한국 것"},
		{"<b>김</b>치", "김치"},
		{"a < b 그리고 c", "a < b 그리고 c"},
		{"  두   칸\t", "두 칸"},
		{"\xff김", "\ufffd김"},
		{"高句麗는 中國의", "高句丽는 中国의"},
		{"Korea’s isn’t ‘quoted’", "korea's isn't ‘quoted’"},
		{"👍🏽 김치 🇰🇷", "김치"},
		{"❌ 김치", "❌ 김치"},
	} {
		f := fold(c.in)
		if f.text != c.text {
			t.Errorf("fold(%q) = %q, want %q", c.in, f.text, c.text)
		}
		if len(f.at) != len(f.text)+1 || int(f.at[len(f.text)]) != len(c.in) || !slices.IsSorted(f.at) {
			t.Errorf("fold(%q): at %v does not map %d bytes into %d", c.in, f.at, len(f.text), len(c.in))
		}
	}
}
