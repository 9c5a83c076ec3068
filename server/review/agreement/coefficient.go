// SPDX-License-Identifier: Apache-2.0

package agreement

import "math"

// Level is the confidence level of every interval.
const Level = 0.95

// Reason says why a coefficient has no value.
type Reason string

const (
	// OneRater: fewer than two reviewers judged anything.
	OneRater Reason = "one-rater"
	// NoOverlap: no item was judged by two of them.
	NoOverlap Reason = "no-overlap"
	// OneCategory: every verdict was the same, so that agreement by chance is
	// certain and the coefficient is 0/0. Observed is 1 then: say "all agree".
	OneCategory Reason = "one-category"
)

// How an interval was found.
const (
	// MethodCohen is the large-sample variance of Fleiss, Cohen & Everitt (1969)
	// with the normal distribution.
	MethodCohen = "fleiss-cohen-everitt-1969"
	// MethodFleiss is Gwet's (2008) variance over items, which does not suppose
	// that there is no agreement, with Student's t on items - 1 degrees of freedom.
	MethodFleiss = "gwet-2008"
	// MethodAlpha resamples the items with a fixed seed and takes percentiles.
	MethodAlpha = "bootstrap-percentile"
)

// Coefficient is agreement corrected for chance: 1 is perfect, 0 what chance
// gives, below 0 less than that.
type Coefficient struct {
	Name      string    `json:"name"` // cohen-kappa, fleiss-kappa, krippendorff-alpha
	Value     *float64  `json:"value"`
	Interval  *Interval `json:"interval"`            // nil where the data do not show how sure the value is: fewer than two items, or no variation
	Undefined Reason    `json:"undefined,omitempty"` // why Value is nil
	Observed  float64   `json:"observed"`            // share of agreement seen; 0 without overlap
	Expected  float64   `json:"expected"`            // share that chance gives
	Items     int       `json:"items"`               // with two verdicts or more: what the value rests on
	Verdicts  int       `json:"verdicts"`            // given to those items
	Raters    int       `json:"raters"`
}

// Interval is a confidence interval at [Level], cut off at -1 and 1.
type Interval struct {
	Low    float64 `json:"low"`
	High   float64 `json:"high"`
	Method string  `json:"method"`
}

// settle fills in the value, or why there is none.
func (c *Coefficient) settle() {
	switch {
	case c.Raters < 2:
		c.Undefined = OneRater
	case c.Items == 0:
		c.Undefined = NoOverlap
	case 1-c.Expected < tiny:
		c.Undefined = OneCategory
	default:
		c.Value = new((c.Observed - c.Expected) / (1 - c.Expected))
	}
}

// around sets the interval of a value with a standard error. An error of nought
// means that the items do not vary, not that the value is certain.
func (c *Coefficient) around(standardError, quantile float64, method string) {
	if c.Value == nil || c.Items < 2 || !(standardError > tiny) {
		return
	}
	c.Interval = &Interval{
		Low:    max(-1, *c.Value-quantile*standardError),
		High:   min(1, *c.Value+quantile*standardError),
		Method: method,
	}
}

// tiny is less than any difference that whole counts below a million can make.
const tiny = 1e-12

// normal975 and student975 are the 97.5 % quantiles of the distributions.
const normal975 = 1.959963984540054

func student975(degrees int) float64 {
	table := []float64{12.7062, 4.3027, 3.1824, 2.7764, 2.5706, 2.4469, 2.3646, 2.3060, 2.2622, 2.2281}
	if degrees < 1 {
		return math.Inf(1)
	}
	if degrees <= len(table) {
		return table[degrees-1]
	}
	// Fisher's expansion around the normal quantile: right to 1e-4 from 11 on.
	z, n := normal975, float64(degrees)
	z3, z5, z7 := math.Pow(z, 3), math.Pow(z, 5), math.Pow(z, 7)
	return z + (z3+z)/(4*n) + (5*z5+16*z3+3*z)/(96*n*n) + (3*z7+19*z5+17*z3-15*z)/(384*n*n*n)
}
