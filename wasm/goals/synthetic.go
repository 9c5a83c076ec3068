// SPDX-License-Identifier: Apache-2.0

package main

import (
	"fmt"
	"math/rand/v2"
	"strings"

	"haechi/rules"
)

// few and many are how many rules the engine is timed with: the first of the
// real ones, and beside them as many made-up ones as are needed.
const few, many = 100, 10000

// packs returns the small and the large pack. The large one is more than a
// client takes in bytes; what is measured is how matching grows.
func packs(real rules.Pack) (small, large rules.Pack, err error) {
	if len(real.Rules) < few {
		return small, large, fmt.Errorf("there are %d rules; %d are needed", len(real.Rules), few)
	}
	all := append([]rules.Rule{}, real.Rules[:few]...)
	if small, err = rules.NewPack(all); err != nil {
		return small, large, err
	}
	r := rand.New(rand.NewPCG(7, 7))
	for i := range many - few {
		x := madeUp(r, i)
		if problems := rules.ValidatePublished(&x); len(problems) > 0 {
			return small, large, fmt.Errorf("the made-up rule %d is not valid: %v", i, problems)
		}
		all = append(all, x)
	}
	large, err = rules.NewPack(all)
	return small, large, err
}

// madeUp is a valid rule with words that look like words.
func madeUp(r *rand.Rand, i int) rules.Rule {
	words := func(n int) rules.Words {
		out := rules.Words{}
		for _, lang := range rules.Languages {
			seen := map[string]bool{}
			for len(out[lang]) < n {
				if w := word(r, lang); !seen[w] {
					seen[w] = true
					out[lang] = append(out[lang], rules.Term{Text: w})
				}
			}
		}
		return out
	}
	text := func(s string) rules.Text {
		out := rules.Text{}
		for _, lang := range rules.Languages {
			out[lang] = fmt.Sprintf("%s %d", s, i)
		}
		return out
	}
	patterns := map[string][]string{}
	for _, lang := range rules.Languages {
		patterns[lang] = []string{"{subject}…{wrong}"}
	}
	source := rules.Source{Title: "Title", Publisher: "Publisher", Year: 2001, URL: "https://example.org/", Lang: "en"}
	return rules.Rule{
		ID: fmt.Sprintf("made-up-%d", i), Category: "history", Tier: rules.TierFalse, Title: text("title"),
		Subject:      words(3),
		Propositions: []rules.Proposition{{ID: "p", Text: text("claim"), Wrong: words(8), Patterns: patterns}},
		Correction:   text("correction"), Sources: []rules.Source{source, source},
	}
}

// Syllables and characters of usual words, so that made-up words begin like
// those of a text and matching has to look closely.
var parts = map[string][]string{
	"ko": strings.Split("가 고 구 국 기 나 대 도 동 라 려 리 마 문 백 발 사 산 서 선 성 수 신 시 아 역 왕 원 유 의 인 일 자 전 정 제 조 주 중 지 천 태 한 해 화 황", " "),
	"en": strings.Split("an ar ba con de dis en er ga go han in ka ko la lo ma mi na no on pa pro ra re sa se su ta ti to un va wa yo", " "),
	"ja": strings.Split("あ い う か き く こ さ し た ち と な に の は ひ ま み も や ゆ ら り 日 本 国 人 大 中 山 海 王 文", " "),
	"zh": strings.Split("中 国 大 人 文 化 历 史 王 朝 海 山 东 西 南 北 高 句 百 新 罗 明 清 元 金 安 平 州 城 江 河", " "),
}

func word(r *rand.Rand, lang string) string {
	p := parts[lang]
	var b strings.Builder
	for range 3 + r.IntN(3) {
		b.WriteString(p[r.IntN(len(p))])
	}
	return b.String()
}
