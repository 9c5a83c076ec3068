// SPDX-License-Identifier: Apache-2.0

package agreement

import (
	"math"
	"slices"
)

// Cohen is Cohen's κ (1960) of two reviewers over the items that both judged.
func Cohen(judgements []Judgement, a, b string) Coefficient {
	var theirs []Judgement
	for _, j := range judgements {
		if j.Reviewer == a || j.Reviewer == b {
			theirs = append(theirs, j)
		}
	}
	t := tally(theirs, nil)
	return cohen(t.pairs()[[2]string{min(a, b), max(a, b)}], len(t.judged))
}

// cohen takes the meetings of two reviewers, and how many of the two judged
// anything.
func cohen(met meetings, raters int) Coefficient {
	c := Coefficient{Name: "cohen-kappa", Raters: raters}
	for _, n := range met {
		c.Items += n
	}
	c.Verdicts = 2 * c.Items
	if c.Items == 0 {
		c.settle()
		return c
	}

	n := float64(c.Items)
	verdicts := make([]string, 0, 2*len(met))
	for m := range met {
		verdicts = append(verdicts, m.row, m.column)
	}
	slices.Sort(verdicts)
	verdicts = slices.Compact(verdicts)
	table := make([][]float64, len(verdicts))
	for i := range table {
		table[i] = make([]float64, len(verdicts))
	}
	for m, n := range met {
		table[index(verdicts, m.row)][index(verdicts, m.column)] += float64(n)
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
