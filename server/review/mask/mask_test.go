// SPDX-License-Identifier: Apache-2.0

package mask

import (
	"encoding/json"
	"fmt"
	"math/rand/v2"
	"os"
	"slices"
	"strings"
	"testing"
	"unicode/utf8"
)

// masking is one line of testdata/cases.json. pieces are what is masked, as it
// stands in the text, so that neither bytes nor UTF-16 units need be counted.
type masking struct {
	Text   string `json:"text"`
	Masked string `json:"masked"`
	Pieces []struct {
		Kind Kind   `json:"kind"`
		Text string `json:"text"`
	} `json:"pieces"`
}

func cases(t testing.TB) []masking {
	t.Helper()
	b, err := os.ReadFile("testdata/cases.json")
	if err != nil {
		t.Fatal(err)
	}
	var all []masking
	if err := json.Unmarshal(b, &all); err != nil {
		t.Fatal(err)
	}
	return all
}

func TestCases(t *testing.T) {
	all, kinds, silent := cases(t), map[Kind]int{}, 0
	for _, c := range all {
		got, spans := Mask(c.Text)
		if got != c.Masked {
			t.Errorf("%q\n  is  %q\n want %q", c.Text, got, c.Masked)
			continue
		}
		if len(spans) != len(c.Pieces) {
			t.Errorf("%q: %d pieces, want %d", c.Text, len(spans), len(c.Pieces))
			continue
		}
		for i, s := range spans {
			if p := c.Pieces[i]; s.Kind != p.Kind || c.Text[s.Start:s.End] != p.Text {
				t.Errorf("%q: piece %d is %s %q, want %s %q", c.Text, i, s.Kind, c.Text[s.Start:s.End], p.Kind, p.Text)
			}
			kinds[s.Kind]++
		}
		if len(spans) == 0 {
			silent++
		}
	}
	for _, k := range []Kind{Email, Phone, Resident, Foreigner, Card, Passport, User, IP, Name} {
		if kinds[k] < 2 {
			t.Errorf("%d cases mask a %s", kinds[k], k)
		}
	}
	if silent < 60 {
		t.Errorf("only %d cases must not be masked", silent)
	}
}

// check states what holds for every text.
func check(t *testing.T, text string) {
	t.Helper()
	got, spans := Mask(text)
	at, want := 0, ""
	for _, s := range spans {
		if s.Start < at || s.End <= s.Start || s.End > len(text) {
			t.Fatalf("%q: spans %v overlap or lie outside", text, spans)
		}
		if utf8.ValidString(text) && !utf8.ValidString(text[s.Start:s.End]) {
			t.Fatalf("%q: %v cuts a character", text, s)
		}
		want += text[at:s.Start] + "[" + string(s.Kind) + "]"
		at = s.End
	}
	if want += text[at:]; got != want {
		t.Fatalf("%q is %q, but its spans give %q", text, got, want)
	}
}

func FuzzMask(f *testing.F) {
	for _, c := range cases(f) {
		f.Add(c.Text)
	}
	f.Add("a@b.co\xff010-1234-5678\u200b")
	f.Fuzz(func(t *testing.T, text string) { check(t, text) })
}

// Numbers made at random are masked wherever they stand between words.
func TestRandomNumbersAreMasked(t *testing.T) {
	r := rand.New(rand.NewPCG(7, 8))
	digits := func(n int) string {
		b := make([]byte, n)
		for i := range b {
			b[i] = byte('0' + r.IntN(10))
		}
		return string(b)
	}
	luhn := func(front string) string {
		for d := range 10 {
			sum := 0
			for i := range 16 {
				v := int((front + fmt.Sprint(d))[15-i] - '0')
				if i%2 == 1 {
					v = v*2%10 + v*2/10
				}
				sum += v
			}
			if sum%10 == 0 {
				return front + fmt.Sprint(d)
			}
		}
		panic("no digit fits")
	}
	around := []string{"", " ", "전화 ", "は", "的", "(", ")", "\n", "입니다", ", "}
	pick := func(all ...string) string { return all[r.IntN(len(all))] }
	for range 3000 {
		secret := ""
		switch r.IntN(6) {
		case 0:
			sep := pick("-", " ", ".", "")
			secret = pick("010", "011", "017", "070") + sep + digits(4) + sep + digits(4)
		case 1:
			secret = pick("02", "031", "051", "064") + "-" + pick(digits(3), digits(4)) + "-" + digits(4)
		case 2:
			secret = fmt.Sprintf("%02d%02d%02d", r.IntN(100), 1+r.IntN(12), 1+r.IntN(28)) + pick("-", "") + digits(7)
		case 3:
			secret = luhn("4" + digits(14))
		case 4:
			secret = pick("kim", "lee.j", "a_b-c") + "@" + pick("naver.com", "school.hs.kr", "x-y.co.jp")
		case 5:
			secret = "+82" + pick("-", " ", "") + "10" + pick("-", " ", "") + digits(4) + pick("-", " ", "") + digits(4)
		}
		text := pick(append(around, "1592년 ")...) + secret + pick(append(around, " 1592년")...)
		got, spans := Mask(text)
		if strings.Contains(got, secret) || len(spans) == 0 {
			t.Fatalf("%q stays in %q", secret, got)
		}
		check(t, text)
	}
}

// Years alone, however they are joined, are history.
func TestYearsAreNotMasked(t *testing.T) {
	r := rand.New(rand.NewPCG(9, 10))
	for range 5000 {
		var years []string
		for range 1 + r.IntN(4) {
			years = append(years, fmt.Sprint(1000+r.IntN(1026)))
		}
		text := strings.Join(years, []string{"-", "–", "~", ", ", "·", " ", "/"}[r.IntN(7)]) + []string{"", "년", " AD"}[r.IntN(3)]
		if got, spans := Mask(text); len(spans) > 0 {
			t.Fatalf("%q becomes %q", text, got)
		}
	}
}

func TestMaskingTwiceFindsNothingInTheCases(t *testing.T) {
	for _, c := range cases(t) {
		if again, spans := Mask(c.Masked); len(spans) > 0 {
			t.Errorf("%q is masked again as %q", c.Masked, again)
		}
	}
}

// The cost must grow with the text: a hostile one is as long as an upload may be.
func BenchmarkMask(b *testing.B) {
	for _, unit := range []string{"독도는 대한민국의 영토이다. ", "0", "1:", "a.", "010-", "+1 ", "a@"} {
		b.Run(strings.TrimSpace(unit), func(b *testing.B) {
			text := strings.Repeat(unit, 64<<10/len(unit))
			b.SetBytes(int64(len(text)))
			for b.Loop() {
				Mask(text)
			}
		})
	}
}

func TestCasesAreDistinct(t *testing.T) {
	var texts []string
	for _, c := range cases(t) {
		texts = append(texts, c.Text)
	}
	slices.Sort(texts)
	if len(slices.Compact(slices.Clone(texts))) != len(texts) {
		t.Error("a case stands twice")
	}
}
