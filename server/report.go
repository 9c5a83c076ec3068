// SPDX-License-Identifier: Apache-2.0

package main

import (
	"errors"
	"fmt"
	"io"
	"strings"
	"unicode/utf8"

	"haechi/rules"
	"haechi/wasm/detect"
)

// words of the report, by language.
var reportWords = map[string]struct {
	none, found, sentence, claim, evidence, positions, sources, rule string
	verdict                                                          map[string]string
}{
	"ko": {"표시할 문장이 없습니다.", "표시한 문장 %d개", "문장", "주장", "근거", "입장", "자료", "규칙", map[string]string{"distortion": "왜곡", "one-sided": "일방적 주장", "framing": "표현"}},
	"en": {"Nothing to mark.", "%d sentences marked", "Sentence", "Claim", "Evidence", "Positions", "Sources", "Rule", map[string]string{"distortion": "Distortion", "one-sided": "One-sided", "framing": "Framing"}},
	"ja": {"表示する文はありません。", "表示した文 %d件", "文", "主張", "根拠", "立場", "資料", "規則", map[string]string{"distortion": "歪曲", "one-sided": "一方的な主張", "framing": "表現"}},
	"zh": {"没有需要标出的句子。", "标出 %d 个句子", "句子", "说法", "依据", "立场", "资料", "规则", map[string]string{"distortion": "歪曲", "one-sided": "片面之词", "framing": "措辞"}},
}

// report reads one answer and tells a person what is wrong in it and why.
func report(c checker, pack rules.Pack, o checkOptions, in io.Reader, out io.Writer) error {
	b, err := io.ReadAll(io.LimitReader(in, detect.MaxText+1))
	if err != nil {
		return fmt.Errorf("read: %w", err)
	}
	if !utf8.Valid(b) && len(b) <= detect.MaxText {
		return errors.New("the text is not UTF-8; save it as UTF-8")
	}
	text := strings.ToValidUTF8(string(b), "")
	if len(b) > detect.MaxText {
		text = string(b)
	}
	fs, err := c.check(detect.Request{Text: text, Tiers: o.tiers})
	if err != nil {
		return err
	}
	w := reportWords[o.lang]
	if len(fs) == 0 {
		_, err := fmt.Fprintln(out, w.none)
		return err
	}
	sentences := map[int]bool{} // by start: several rules may flag one
	for _, f := range fs {
		sentences[f.Start] = true
	}
	fmt.Fprintf(out, w.found+"\n", len(sentences))
	for i, f := range fs {
		r := pack.Rule(f.Rule)
		p := r.Proposition(f.Proposition)
		fmt.Fprintf(out, "\n%d. [%s] %s\n", i+1, w.verdict[f.Verdict], r.Title.In(o.lang))
		fmt.Fprintf(out, "   %s: %s\n", w.sentence, strings.Join(strings.Fields(f.Quote), " "))
		fmt.Fprintf(out, "   %s: %s\n", w.claim, p.Text.In(o.lang))
		fmt.Fprintf(out, "   %s: %s\n", w.evidence, r.Correction.In(o.lang))
		for _, x := range r.Positions {
			fmt.Fprintf(out, "   %s: %s — %s\n", w.positions, x.Holder.In(o.lang), x.Text.In(o.lang))
		}
		for _, s := range r.Sources {
			year := ""
			if s.Year > 0 {
				year = fmt.Sprintf(", %d", s.Year)
			}
			fmt.Fprintf(out, "   %s: %s (%s%s) %s\n", w.sources, s.Title, s.Publisher, year, s.URL)
		}
		fmt.Fprintf(out, "   %s: %s/%s, %s, %.2f\n", w.rule, f.Rule, f.Proposition, f.Tier, f.Score)
	}
	return nil
}
