// SPDX-License-Identifier: Apache-2.0

package detect

import (
	"slices"
	"strings"
	"testing"

	"haechi/rules"
)

func find(t *testing.T, term rules.Term, text, context string) []string {
	t.Helper()
	x := newIndexer()
	x.add(term)
	m, _ := x.finish()
	f := fold(text).text
	var out []string
	for _, x := range m.find(f, fold(context).text) {
		out = append(out, f[x.start:x.end])
	}
	return out
}

func TestMatchGuardsAgainstOtherWords(t *testing.T) {
	for _, c := range []struct {
		term          rules.Term
		text, context string
		want          []string
	}{
		{rules.Term{Text: "발해"}, "발해는 나라였다", "", []string{"발해"}},
		{rules.Term{Text: "발해"}, "기차가 출발해서 아쉬웠다", "", nil},
		{rules.Term{Text: "발해", Inside: true}, "출발해서", "", []string{"발해"}},
		{rules.Term{Text: "이어도"}, "처음이어도 괜찮다", "", nil},
		{rules.Term{Text: "渤海", Not: []string{"渤海湾"}}, "渤海湾的油", "", nil},
		{rules.Term{Text: "渤海", Not: []string{"渤海湾"}}, "渤海国", "", []string{"渤海"}},
		{rules.Term{Text: "海", Not: []string{"渤海湾"}}, "渤海湾", "", nil},
		{rules.Term{Text: "고려", Not: []string{"고려하"}}, "이를 고려하면 고려는", "", []string{"고려"}},
		{rules.Term{Text: "China"}, "Chinatown in CHINA", "", []string{"china"}},
		{rules.Term{Text: "coerc*"}, "They were coerced.", "", []string{"coerced"}},
		{rules.Term{Text: "kimchi"}, "Kimchi는 맛있다", "", []string{"kimchi"}},
		{rules.Term{Text: "200km"}, "1200km away, 200km", "", []string{"200km"}},
		{rules.Term{Text: "泡菜", With: []string{"韩国"}}, "泡菜很好", "", nil},
		{rules.Term{Text: "泡菜", With: []string{"韩国"}}, "韩国的泡菜", "", []string{"泡菜"}},
		{rules.Term{Text: "泡菜", With: []string{"韩国"}}, "泡菜很好", "韩国料理", []string{"泡菜"}},
	} {
		if got := find(t, c.term, c.text, c.context); !slices.Equal(got, c.want) {
			t.Errorf("%+v in %q (context %q): %q, want %q", c.term, c.text, c.context, got, c.want)
		}
	}
}

// TestKinOfListedWords: a listed word brings its group with it, in every
// language, but for what the rule lists in another role.
func TestKinOfListedWords(t *testing.T) {
	r := rules.Rule{ID: "x", Subject: rules.Words{"ko": {{Text: "김치"}}, "en": {{Text: "kimchi"}}, "zh": {{Text: "辛奇"}}}, Right: rules.Words{"en": {{Text: "hoax"}}},
		Propositions: []rules.Proposition{{ID: "p", Wrong: rules.Words{"ko": {{Text: "중국"}, {Text: "날조"}}}}}}
	x := newIndex(rules.Pack{Rules: []rules.Rule{r}})
	m, roles := x.words, x.roles
	for text, want := range map[string]bool{
		"김치는 중화의 음식이다.": true, "kimchi is Chinese.": true, "辛奇是中華的。": true, "The history of kimchi was fabricated.": true,
		"The kimchi hoax.": false, "kimchi is tasty.": false,
	} {
		if got := has(roles[0][0].wrong, m.find(fold(text).text, "")); got != want {
			t.Errorf("%q has a word of the distortion: %v, want %v", text, got, want)
		}
	}
}

func TestMaskPrefersTheLongerWord(t *testing.T) {
	r := rules.Rule{ID: "x", Subject: rules.Words{"ko": {{Text: "동북공정"}}}, Right: rules.Words{"ko": {{Text: "한국"}}},
		Propositions: []rules.Proposition{{ID: "p", Wrong: rules.Words{"ko": {{Text: "동북"}, {Text: "중국"}}}}}}
	x := newIndex(rules.Pack{Rules: []rules.Rule{r}})
	m, roles := x.words, x.roles
	f := fold("동북공정은 중국의 사업이며 한국은 반대한다.").text
	marks := roles[0][0].marks(m, m.find(f, ""))
	if got, want := masked(f, marks), MaskSubject+"은 "+MaskWrong+"의 사업이며 "+MaskRight+"은 반대한다."; got != want {
		t.Errorf("masked: %q, want %q", got, want)
	}
	if got, want := skeleton(f, marks), "SFT"; got != want {
		t.Errorf("skeleton: %q, want %q", got, want)
	}
}

func TestSkeletonIsTheSameInEveryLanguage(t *testing.T) {
	r := rules.Rule{ID: "x", Subject: rules.Words{"ko": {{Text: "김치"}}, "en": {{Text: "kimchi"}}, "zh": {{Text: "辛奇"}}},
		Propositions: []rules.Proposition{{ID: "p", Wrong: rules.Words{"ko": {{Text: "중국"}}, "en": {{Text: "Chinese"}}, "zh": {{Text: "中国"}}}}}}
	x := newIndex(rules.Pack{Rules: []rules.Rule{r}})
	m, roles := x.words, x.roles
	for text, want := range map[string]string{
		"김치는 중국 음식이라고 주장한다.":            "SFA",
		"辛奇是中国的食物，这种说法":                 "SFcA",
		"They claim kimchi is Chinese.": "ASF",
		"Kimchi is not Chinese.":        "SNF",
		"김치는 중국 음식이 아니다.":               "SFN",
	} {
		f := fold(text).text
		if got := skeleton(f, roles[0][0].marks(m, m.find(f, ""))); got != want {
			t.Errorf("%q: %q, want %q", text, got, want)
		}
	}
}

func TestWindowKeepsTheEnd(t *testing.T) {
	long := "가나다라마바사 "
	for range 6 {
		long += long
	}
	s := long + MaskSubject + "는 " + MaskWrong + long + "라고 주장한다."
	w := window(s)
	if n := len([]rune(w)); n > maxSentence+3 {
		t.Errorf("window has %d characters", n)
	}
	if !slices.Contains([]string{tail(w, 8)}, "라고 주장한다.") {
		t.Errorf("window lost the end: %q", w)
	}
}

// TestMarksDoNotDependOnOtherRules: a word that stands in two roles of a rule is
// masked alike whichever other rules the pack has.
func TestMarksDoNotDependOnOtherRules(t *testing.T) {
	words := func(terms ...rules.Term) rules.Words { return rules.Words{"en": terms} }
	guarded := rules.Term{Text: "pickle", Not: []string{"pickled"}}
	rule := func(id string, subject, wrong rules.Words) rules.Rule {
		return rules.Rule{ID: id, Tier: rules.TierFalse, Subject: subject, Propositions: []rules.Proposition{{ID: "p", Wrong: wrong}}}
	}
	r := rule("r", words(guarded), words(rules.Term{Text: "pickle"}))
	alone := New(rules.Pack{Rules: []rules.Rule{r}}, nil).Candidates("A pickle is a pickle.", "")
	// This one's words come first, and in the other order.
	among := New(rules.Pack{Rules: []rules.Rule{rule("a", words(rules.Term{Text: "pickle"}), words(rules.Term{Text: "mustard"})), r}}, nil).Candidates("A pickle is a pickle.", "")
	if len(alone) != 1 || len(among) != 1 || alone[0].Input != among[0].Input || !strings.Contains(alone[0].Input, MaskSubject) {
		t.Errorf("alone %+v, among others %+v", alone, among)
	}
}
