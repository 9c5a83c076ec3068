// SPDX-License-Identifier: Apache-2.0

package export

import (
	"fmt"
	"html/template"
	"strings"
)

// The chart's measures in pixels. Across it everything is a share of the width,
// so that the words keep their size on a telephone.
const (
	chartRow  = 54 // a line of words over a bar
	chartText = 16 // where those words stand
	chartBar  = 24 // height of a bar
	chartTop  = 22 // where it begins
)

// Across, in per cent: the longest bar leaves room for its sum.
const (
	chartRoom   = 88.0
	leastNumber = 5.5 // a part narrower than this has no number in it
)

// fill is how a verdict's part of a bar looks: shade and texture differ, so that
// neither colour vision nor colour printing is needed. Every part is outlined in
// the colour of the text, so that it shows on light and on dark ground.
type fill struct{ ground, ink, texture string }

var fills = map[Verdict]fill{
	Distortion:  {"#9b1c1c", "#ffffff", ""},
	OneSided:    {"#f6c177", "#111111", `<path d="M0 8 8 0" stroke="#7a4b00" stroke-width="1.2"/>`},
	Contested:   {"#e4e4e7", "#111111", `<circle cx="4" cy="4" r="1.2" fill="#3f3f46"/>`},
	Accurate:    {"#1d4e89", "#ffffff", ""},
	CannotJudge: {"#ffffff", "#111111", `<path d="M0 4H8" stroke="#a1a1aa" stroke-width="1"/>`},
}

// Bar is one line of a chart.
type Bar struct {
	Name   string
	Counts []int // one for each of Verdicts
}

// Total is the sum of the counts.
func (b Bar) Total() int { return Totals{Counts: b.Counts}.Total() }

// Chart is an inline SVG of stacked bars. It has no script, style or link, so
// that the strictest content policy allows it; id must be unique on the page and
// of letters and digits. Title and about say what it shows to whoever cannot see
// it; a table with the same numbers belongs beside it, and [Key] explains it.
func Chart(id, title, about string, bars []Bar) template.HTML {
	if len(bars) == 0 {
		return ""
	}
	escape := template.HTMLEscapeString
	id = escape(id)
	var b strings.Builder
	fmt.Fprintf(&b, `<svg xmlns="http://www.w3.org/2000/svg" width="100%%" height="%d" role="img" aria-labelledby="%s-title %s-about" font-size="14">`+"\n", chartRow*len(bars), id, id)
	fmt.Fprintf(&b, "<title id=\"%s-title\">%s</title>\n<desc id=\"%s-about\">%s</desc>\n<defs>\n", id, escape(title), id, escape(about))
	for i, v := range Verdicts {
		b.WriteString(pattern(id, i, v))
	}
	b.WriteString("</defs>\n")
	most := 1
	for _, bar := range bars {
		most = max(most, bar.Total())
	}
	for row, bar := range bars {
		y := row * chartRow
		fmt.Fprintf(&b, `<text x="0" y="%d" fill="currentColor">%s</text>`+"\n", y+chartText, escape(bar.Name))
		x := 0.0
		for i, n := range bar.Counts {
			if n == 0 {
				continue
			}
			width := chartRoom * float64(n) / float64(most)
			f := fills[Verdicts[i]]
			fmt.Fprintf(&b, `<rect x="%.2f%%" y="%d" width="%.2f%%" height="%d" fill="url(#%s-%d)" stroke="currentColor"/>`+"\n", x, y+chartTop, width, chartBar, id, i)
			if width >= leastNumber {
				// A halo in the ground's colour keeps the number legible on a texture.
				fmt.Fprintf(&b, `<text x="%.2f%%" y="%d" text-anchor="middle" fill="%s" stroke="%s" stroke-width="3" paint-order="stroke">%d</text>`+"\n", x+width/2, y+chartTop+17, f.ink, f.ground, n)
			}
			x += width
		}
		fmt.Fprintf(&b, `<text x="%.2f%%" y="%d" dx="8" fill="currentColor">%d</text>`+"\n", x, y+chartTop+17, bar.Total())
	}
	b.WriteString("</svg>\n")
	return template.HTML(b.String())
}

// Key is a small swatch for the n-th verdict, for a legend in words beside the
// chart. id must be unique on the page, as in [Chart].
func Key(id string, n int) template.HTML {
	if n < 0 || n >= len(Verdicts) {
		return ""
	}
	id = template.HTMLEscapeString(id)
	return template.HTML(fmt.Sprintf(`<svg xmlns="http://www.w3.org/2000/svg" width="18" height="18" aria-hidden="true"><defs>%s</defs><rect x="1" y="1" width="16" height="16" fill="url(#%s-%d)" stroke="currentColor"/></svg>`,
		pattern(id, n, Verdicts[n]), id, n))
}

func pattern(id string, n int, v Verdict) string {
	return fmt.Sprintf(`<pattern id="%s-%d" width="8" height="8" patternUnits="userSpaceOnUse"><rect width="8" height="8" fill="%s"/>%s</pattern>`, id, n, fills[v].ground, fills[v].texture)
}
