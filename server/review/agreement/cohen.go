// SPDX-License-Identifier: Apache-2.0

package agreement

import (
	"cmp"
	"math"
	"slices"
)

// Cohen is Cohen's κ (1960) of two reviewers over the items that both judged.
func Cohen(judgements []Judgement, a, b string) Coefficient {
	of := map[string][]Judgement{}
	for _, j := range clean(judgements) {
		of[j.Reviewer] = append(of[j.Reviewer], j)
	}
	if a == b {
		return cohen(of[a], nil)
	}
	return cohen(of[a], of[b])
}

// cohen takes the cleaned judgements of one reviewer each.
func cohen(a, b []Judgement) Coefficient {
	c := Coefficient{Name: "cohen-kappa"}
	for _, js := range [][]Judgement{a, b} {
		if len(js) > 0 {
			c.Raters++
		}
	}
	var met []meeting
	for len(a) > 0 && len(b) > 0 {
		switch cmp.Compare(a[0].Item, b[0].Item) {
		case -1:
			a = a[1:]
		case 1:
			b = b[1:]
		default:
			met = append(met, meeting{a[0].Verdict, b[0].Verdict})
			a, b = a[1:], b[1:]
		}
	}
	c.Items, c.Verdicts = len(met), 2*len(met)
	if c.Items == 0 {
		c.settle()
		return c
	}

	n := float64(c.Items)
	verdicts := make([]string, 0, 2*len(met))
	for _, m := range met {
		verdicts = append(verdicts, m.row, m.column)
	}
	slices.Sort(verdicts)
	verdicts = slices.Compact(verdicts)
	table := make([][]float64, len(verdicts))
	for i := range table {
		table[i] = make([]float64, len(verdicts))
	}
	for _, m := range met {
		table[index(verdicts, m.row)][index(verdicts, m.column)]++
	}
	rows, columns := make([]float64, len(verdicts)), make([]float64, len(verdicts))
	for i := range table {
		for j := range table[i] {
			table[i][j] /= n
			rows[i] += table[i][j]
			columns[j] += table[i][j]
		}
	}
	for i := range table {
		c.Observed += table[i][i]
		c.Expected += rows[i] * columns[i]
	}
	c.settle()
	if c.Value == nil {
		return c
	}

	po, pe := c.Observed, c.Expected
	v := -square(po*pe - 2*pe + po)
	for i := range table {
		for j := range table[i] {
			if i == j {
				v += table[i][i] * square((1-pe)-(rows[i]+columns[i])*(1-po))
			} else {
				v += square(1-po) * table[i][j] * square(columns[i]+rows[j])
			}
		}
	}
	c.around(math.Sqrt(max(0, v)/n)/square(1-pe), normal975, MethodCohen)
	return c
}

func square(x float64) float64 { return x * x }
