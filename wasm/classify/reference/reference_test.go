// SPDX-License-Identifier: Apache-2.0

package reference

import (
	"os"
	"slices"
	"strings"
	"testing"
	"unicode"

	"haechi/wasm/wordpiece"
)

const folder = "../../model"

func both(t testing.TB) (*Model, *wordpiece.Tokenizer) {
	t.Helper()
	m, err := Load(folder)
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { m.Close() })
	b, err := os.ReadFile(folder + "/tokenizer.json")
	if err != nil {
		t.Fatal(err)
	}
	tokenizer, err := wordpiece.Parse(b)
	if err != nil {
		t.Fatal(err)
	}
	return m, tokenizer
}

// comparable replaces what hugot's tokenizer is known to do unlike Hugging
// Face's, which the network was trained with and which ours follows: it splits
// at no blanks but those of ASCII, does not let Han characters of extension A
// and the compatibility supplements stand alone, repeats letters where it drops
// control characters, and finds special tokens out of order. The engine's own
// inputs have none of these but, rarely, the Han characters.
func comparable(text string) string {
	text = strings.Map(func(r rune) rune {
		switch {
		case r > 0x7F && unicode.IsSpace(r), r == '\v', r == '\f':
			return ' '
		case r >= 0x3400 && r <= 0x4DBF, r > 0xFFFF && unicode.Is(unicode.Han, r):
			return '中'
		case r == '[' || r == unicode.ReplacementChar || unicode.In(r, unicode.Cc, unicode.Cf) && !unicode.IsSpace(r):
			return -1
		}
		return r
	}, strings.ToValidUTF8(text, ""))
	return text
}

// FuzzTokens: our tokenizer gives hugot's ids.
func FuzzTokens(f *testing.F) {
	m, tokenizer := both(f)
	for _, s := range []string{
		"", " ", "xSF 龝龡는 龤에서 유래했다는 주장이 있다.", "キムチは中国発祥の漬物です。", "Kimchi (김치), a 'pickle' — of $5?", "é ê e\u0301 İ ß ﬁ", "a\u200db\u0000c\td\r\n",
		strings.Repeat("가", 101), strings.Repeat("가나 다라", 99), "豈﨎 ｶﾞ 〜 ・ ＝ ± × ÷ 😀 \u2028",
	} {
		f.Add(s)
	}
	f.Fuzz(func(t *testing.T, text string) {
		text = comparable(text)
		if len(text) > 1<<12 {
			return
		}
		want, err := m.Tokens(text)
		if err != nil {
			t.Skip(err) // hugot gives up on it
		}
		if got := tokenizer.Encode(nil, text, 320); !slices.Equal(got, want) {
			t.Errorf("%q: %v, hugot's are %v", text, got, want)
		}
	})
}
