// SPDX-License-Identifier: Apache-2.0

package export

import (
	"fmt"
	"html/template"
	"strings"
)

// The chart's measures, in units of its own coordinates.
const (
	chartWidth  = 720
	chartLabel  = 150 // for the chatbots' names
	chartRow    = 34
	chartBar    = 22
	chartLegend = 56
	chartCount  = 44 // for the sum at the end of a bar
	leastNumber = 18 // a part narrower than this has no number in it
)

// fill is how a verdict's part of a bar looks: shade and texture differ, so that
// neither colour vision nor colour printing is needed.
type fill struct{ ground, stroke, ink, texture string }

var fills = map[Verdict]fill{
	Distortion:  {"#9b1c1c", "#9b1c1c", "#ffffff", ""},
	OneSided:    {"#f6c177", "#7a4b00", "#111111", `<path d="M0 8 8 0" stroke="#7a4b00" stroke-width="1.2"/>`},
	Contested:   {"#e4e4e7", "#3f3f46", "#111111", `<circle cx="4" cy="4" r="1.2" fill="#3f3f46"/>`},
	Accurate:    {"#1d4e89", "#1d4e89", "#ffffff", ""},
	CannotJudge: {"#ffffff", "#3f3f46", "#111111", `<path d="M0 4H8" stroke="#a1a1aa" stroke-width="1"/>`},
}

var chartWords = map[string]map[string]string{
	"ko": {"title": "챗봇별 판단 수", "chatbot": "챗봇", "sum": "합계", "none": "공개된 결과가 아직 없습니다.",
		"about": "막대 하나가 챗봇 하나입니다. 같은 숫자가 아래 표에 있습니다."},
	"en": {"title": "Verdicts by chatbot", "chatbot": "Chatbot", "sum": "Sum", "none": "Nothing is published yet.",
		"about": "Each bar is one chatbot. The table below has the same numbers."},
}

// Chart is an inline SVG of stacked bars, one a chatbot, followed by the same
// numbers as a table, in Korean or English (any other language gives Korean).
// It has no script, style or link, so that the strictest content policy allows
// it; id must be unique on the page and of letters and digits.
func (s Summary) Chart(lang, id string) template.HTML {
	words, ok := chartWords[lang]
	if !ok {
		lang, words = "ko", chartWords["ko"]
	}
	id = template.HTMLEscapeString(id)
	var b strings.Builder
	if len(s.Chatbots) == 0 {
		fmt.Fprintf(&b, "<p>%s</p>\n", words["none"])
	} else {
		s.drawBars(&b, lang, id, words)
	}
	s.writeTable(&b, lang, words)
	return template.HTML(b.String())
}

func (s Summary) drawBars(b *strings.Builder, lang, id string, words map[string]string) {
	height := chartLegend + chartRow*len(s.Chatbots)
	fmt.Fprintf(b, `<svg xmlns="http://www.w3.org/2000/svg" viewBox="0 0 %d %d" width="%d" role="img" aria-labelledby="%s-title %s-about" font-family="sans-serif" font-size="13">`+"\n", chartWidth, height, chartWidth, id, id)
	fmt.Fprintf(b, "<title id=\"%s-title\">%s</title>\n<desc id=\"%s-about\">%s</desc>\n<defs>\n", id, words["title"], id, words["about"])
	for i, v := range Verdicts {
		f := fills[v]
		fmt.Fprintf(b, `<pattern id="%s-%d" width="8" height="8" patternUnits="userSpaceOnUse"><rect width="8" height="8" fill="%s"/>%s</pattern>`+"\n", id, i, f.ground, f.texture)
	}
	b.WriteString("</defs>\n")
	for i, v := range Verdicts {
		x, y := (i%3)*chartWidth/3, 4+(i/3)*24
		fmt.Fprintf(b, `<rect x="%d" y="%d" width="16" height="16" fill="url(#%s-%d)" stroke="%s"/><text x="%d" y="%d" fill="currentColor">%s</text>`+"\n",
			x+1, y, id, i, fills[v].stroke, x+24, y+13, template.HTMLEscapeString(v.Name(lang)))
	}
	most := 1
	for _, c := range s.Chatbots {
		most = max(most, c.Total())
	}
	room := float64(chartWidth - chartLabel - chartCount)
	for row, c := range s.Chatbots {
		y := chartLegend + row*chartRow
		fmt.Fprintf(b, `<text x="%d" y="%d" text-anchor="end" fill="currentColor">%s</text>`+"\n", chartLabel-8, y+16, template.HTMLEscapeString(short(c.Chatbot)))
		x := float64(chartLabel)
		for i, n := range c.Counts {
			if n == 0 {
				continue
			}
			width := room * float64(n) / float64(most)
			f := fills[Verdicts[i]]
			fmt.Fprintf(b, `<rect x="%.1f" y="%d" width="%.1f" height="%d" fill="url(#%s-%d)" stroke="%s"/>`+"\n", x, y, width, chartBar, id, i, f.stroke)
			if width >= leastNumber {
				// A halo in the ground's colour keeps the number legible on a texture.
				fmt.Fprintf(b, `<text x="%.1f" y="%d" text-anchor="middle" fill="%s" stroke="%s" stroke-width="3" paint-order="stroke">%d</text>`+"\n", x+width/2, y+16, f.ink, f.ground, n)
			}
			x += width
		}
		fmt.Fprintf(b, `<text x="%.1f" y="%d" fill="currentColor">%d</text>`+"\n", x+8, y+16, c.Total())
	}
	b.WriteString("</svg>\n")
}

func (s Summary) writeTable(b *strings.Builder, lang string, words map[string]string) {
	fmt.Fprintf(b, "<table>\n<caption>%s</caption>\n<thead><tr><th scope=\"col\">%s</th>", words["title"], words["chatbot"])
	for _, v := range Verdicts {
		fmt.Fprintf(b, `<th scope="col">%s</th>`, template.HTMLEscapeString(v.Name(lang)))
	}
	fmt.Fprintf(b, "<th scope=\"col\">%s</th></tr></thead>\n<tbody>\n", words["sum"])
	for _, c := range s.Chatbots {
		fmt.Fprintf(b, `<tr><th scope="row">%s</th>`, template.HTMLEscapeString(c.Chatbot))
		for _, n := range c.Counts {
			fmt.Fprintf(b, "<td>%d</td>", n)
		}
		fmt.Fprintf(b, "<td>%d</td></tr>\n", c.Total())
	}
	b.WriteString("</tbody>\n</table>\n")
}

// short keeps a name within its room, where Hangul takes twice that of a Latin
// letter; the table has it whole.
func short(name string) string {
	const most = 18
	used := 0
	for i, r := range name {
		if used++; r >= 0x1100 {
			used++
		}
		if used > most {
			return name[:i] + "…"
		}
	}
	return name
}
