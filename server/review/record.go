// SPDX-License-Identifier: Apache-2.0

package review

import (
	"cmp"
	"math"
	"slices"
	"strings"
)

// Record is how one rule fared with people: of its cases with an outcome.
type Record struct {
	Rule      string
	Upheld    int // distortion or one-sided
	Contested int
	Overruled int // accurate
	Waiting   int // without an outcome
}

// Settled is how many cases people judged.
func (r Record) Settled() int { return r.Upheld + r.Contested + r.Overruled }

// Precision is the share of its settled cases in which people held with the
// rule, with its interval.
func (r Record) Precision() Share { return shareOf(r.Upheld, r.Settled()) }

// Overrule is the share in which they held that the answer was right, with its
// interval.
func (r Record) Overrule() Share { return shareOf(r.Overruled, r.Settled()) }

// Share is a share of N cases, with the ends of its 95 % interval after Wilson,
// which holds for few cases too. With N 0 nothing is known.
type Share struct {
	Of        float64
	Low, High float64
	N         int
}

func shareOf(k, n int) Share {
	if n == 0 {
		return Share{Low: 0, High: 1}
	}
	const z = 1.959964 // 97.5 % of the normal distribution
	p, m := float64(k)/float64(n), float64(n)
	middle := (p + z*z/(2*m)) / (1 + z*z/m)
	half := z / (1 + z*z/m) * math.Sqrt(p*(1-p)/m+z*z/(4*m*m))
	return Share{Of: p, Low: max(0, middle-half), High: min(1, middle+half), N: n}
}

// Records returns how every rule fared. Those that people overrule most stand
// first: by the low end of the interval, so that one case of one does not stand
// before forty of fifty.
func (d *Desk) Records(who Person) ([]Record, error) {
	if !who.Role.May(Publish) {
		return nil, ErrForbidden
	}
	by := map[string]*Record{}
	d.mu.RLock()
	for i := range d.index.list {
		e := &d.index.list[i]
		if e.rule == "" || e.state == Withdrawn {
			continue
		}
		r := by[e.rule]
		if r == nil {
			r = &Record{Rule: e.rule}
			by[e.rule] = r
		}
		switch e.outcome {
		case Distortion, OneSided:
			r.Upheld++
		case Contested:
			r.Contested++
		case Accurate:
			r.Overruled++
		default:
			r.Waiting++
		}
	}
	d.mu.RUnlock()
	out := make([]Record, 0, len(by))
	for _, r := range by {
		out = append(out, *r)
	}
	slices.SortFunc(out, func(a, b Record) int {
		return cmp.Or(cmp.Compare(b.Overrule().Low, a.Overrule().Low), cmp.Compare(b.Overruled, a.Overruled),
			cmp.Compare(b.Contested, a.Contested), strings.Compare(a.Rule, b.Rule))
	})
	return out, nil
}
