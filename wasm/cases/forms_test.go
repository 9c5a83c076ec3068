// SPDX-License-Identifier: Apache-2.0

package cases

import (
	"strings"
	"testing"

	"golang.org/x/text/unicode/norm"
	"golang.org/x/text/width"

	"haechi/wasm/detect"
)

// sentences that the forms below are tried on: plain ones of both verdicts.
var plainTexts = []struct {
	text string
	flag bool
}{
	{"고구려는 중국의 지방정권이었다.", true},
	{"고구려는 중국의 지방정권이 아니라 독립 국가였다.", false},
	{"김치는 중국 음식이다.", true},
	{"중국 관영 매체는 김치가 중국 음식이라고 주장한다.", false},
	{"Kimchi is a Chinese dish.", true},
	{"Kimchi is not a Chinese dish.", false},
	{"独島は日本固有の領土です。", true},
	{"日本政府は、独島は日本固有の領土だと主張しています。", false},
	{"高句丽是中国的地方政权。", true},
	{"中国学者认为高句丽是中国的地方政权，韩国学界不同意。", false},
}

// inside puts something into the middle of every word of two characters or more.
func inside(what string) func(string) string {
	return func(s string) string {
		var b strings.Builder
		for _, w := range strings.SplitAfter(s, " ") {
			r := []rune(w)
			if len(r) < 3 {
				b.WriteString(w)
				continue
			}
			b.WriteString(string(r[:1]) + what + string(r[1:]))
		}
		return b.String()
	}
}

// TestFormsOfWriting: however a sentence is written down, the verdict is the
// same and the span is the whole sentence, in the bytes of the original.
func TestFormsOfWriting(t *testing.T) {
	e, _ := native(t)
	for name, form := range map[string]func(string) string{
		"plain":               func(s string) string { return s },
		"NFD":                 norm.NFD.String,
		"full width":          width.Widen.String,
		"zero-width space":    inside("\u200b"),
		"zero-width joiner":   inside("\u200d"),
		"soft hyphen":         inside("\u00ad"),
		"byte order mark":     inside("\ufeff"),
		"direction marks":     inside("\u202e\u202c"),
		"bold within words":   inside("**"),
		"code within words":   inside("`"),
		"tags within words":   inside("<b>"),
		"a link's tag":        inside(`<a href="https://example.org/?q=1">`),
		"variation selector":  inside("\ufe0f"),
		"emoji in front":      func(s string) string { return "✅ 🇰🇷 " + s },
		"emoji behind":        func(s string) string { return strings.TrimRight(s, ".。") + " 👍🏽" },
		"bold as a whole":     func(s string) string { return "**" + s + "**" },
		"list item":           func(s string) string { return "- " + s },
		"numbered item":       func(s string) string { return "3. " + s },
		"quoted line":         func(s string) string { return "> " + s },
		"CRLF":                func(s string) string { return "\r\n" + s + "\r\n" },
		"no-break spaces":     func(s string) string { return strings.ReplaceAll(s, " ", "\u00a0") },
		"ideographic spaces":  func(s string) string { return strings.ReplaceAll(s, " ", "\u3000") },
		"capitals":            strings.ToUpper,
		"many blanks":         func(s string) string { return strings.ReplaceAll(s, " ", "   ") },
		"within a table":      func(s string) string { return "| 항목 | 내용 |\n|---|---|\n| 1 | " + s + " |" },
		"after another topic": func(s string) string { return "오늘은 날씨가 맑습니다. " + s },
	} {
		for _, p := range plainTexts {
			text := form(p.text)
			fs, err := e.Check(detect.Request{Text: text})
			if err != nil {
				t.Fatalf("%s: %v", name, err)
			}
			if len(fs) > 0 != p.flag {
				t.Errorf("%s: %q is flagged %d times, flag wanted: %v", name, text, len(fs), p.flag)
			}
			for _, f := range fs {
				if quote := text[f.Start:f.End]; strings.TrimSpace(quote) != quote || !strings.Contains(text, quote) || len(quote) < len(p.text)/2 {
					t.Errorf("%s: the span is %q of %q", name, quote, text)
				}
			}
		}
	}
}

// TestNamesInSeveralSpellings: Romanisations, Hanja, traditional characters
// and words of another language in the sentence.
func TestNamesInSeveralSpellings(t *testing.T) {
	e, _ := native(t)
	for _, c := range []struct {
		text string
		flag bool
	}{
		{"Goguryeo was a Chinese local regime.", true},
		{"Koguryo was a Chinese local regime.", true},
		{"Gaogouli was a Chinese local regime.", true},
		{"Koguryŏ was a Chinese local regime.", true},
		{"Balhae was a local regime of Tang China.", true},
		{"Parhae was a local regime of Tang China.", true},
		{"Bohai was a local regime of Tang China.", true},
		{"Dokdo is an inherent territory of Japan.", true},
		{"Tokto is an inherent territory of Japan.", true},
		{"Takeshima is an inherent territory of Japan.", true},
		{"Koguryo was not a Chinese local regime.", false},
		{"Parhae was not a local regime of Tang China.", false},
		{"Japan says that Tokto is an inherent territory of Japan.", false},
		{"高句麗는 中國의 地方政權이었다.", true},
		{"高句麗는 中國의 地方政權이 아니었다.", false},
		{"高句麗是中國的地方政權。", true},
		{"高句麗は中国の地方政権であった。", true},
		{"高句麗は中国の地方政権ではなかった。", false},
		{"고구려(Goguryeo, 高句麗)는 중국의 지방정권이었다.", true},
		{"Kimchi(김치)는 Chinese food입니다.", true},
		{"kimchi는 中国 음식이다.", true},
		{"독도(竹島, Takeshima)는 일본의 고유 영토다.", true},
		{"독도(獨島)는 대한민국의 영토다.", false},
	} {
		fs, err := e.Check(detect.Request{Text: c.text})
		if err != nil {
			t.Fatal(err)
		}
		if len(fs) > 0 != c.flag {
			t.Errorf("%q is flagged %d times, flag wanted: %v", c.text, len(fs), c.flag)
		}
	}
}
