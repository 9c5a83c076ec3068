// SPDX-License-Identifier: Apache-2.0

package agreement

import "math"

// Fleiss is Fleiss' κ (1971) of any number of reviewers. Where items have
// unequally many verdicts it is Gwet's generalisation: agreement is seen in items
// with two verdicts or more, while every item counts alike towards chance.
func Fleiss(judgements []Judgement) Coefficient {
	t := tally(judgements, nil)
	return fleiss(t.counts(&t.all))
}

func fleiss(t counts) Coefficient {
	c := Coefficient{Name: "fleiss-kappa", Raters: t.raters}
	n := float64(t.items)
	shares := make([]float64, len(t.verdicts))
	agreed := make([]float64, len(t.kinds)) // share of agreeing pairs in an item of each kind
	for i, k := range t.kinds {
		r, times := sum(k.row), float64(k.times)
		for v, given := range k.row {
			shares[v] += float64(given) / float64(r) / n * times
			agreed[i] += float64(given * (given - 1))
		}
		if r < 2 {
			continue
		}
		agreed[i] /= float64(r * (r - 1))
		c.Observed += agreed[i] * times
		c.Items += k.times
		c.Verdicts += r * k.times
	}
	for _, s := range shares {
		c.Expected += s * s
	}
	if c.Items > 0 {
		c.Observed /= float64(c.Items)
	}
	c.settle()
	if c.Value == nil || t.items < 2 {
		return c
	}

	// Each item's pull on the value: through the agreement seen in it, and
	// through what it adds to the shares that chance is reckoned from.
	pe, squares := c.Expected, 0.0
	for i, k := range t.kinds {
		pull, r := 0.0, sum(k.row)
		if r >= 2 {
			pull = n / float64(c.Items) * (agreed[i] - pe) / (1 - pe)
		}
		chance := 0.0
		for v, given := range k.row {
			chance += shares[v] * float64(given) / float64(r)
		}
		pull -= 2 * (1 - *c.Value) * (chance - pe) / (1 - pe)
		squares += square(pull-*c.Value) * float64(k.times)
	}
	c.around(math.Sqrt(squares/(n*(n-1))), student975(t.items-1), MethodFleiss)
	return c
}
