// SPDX-License-Identifier: Apache-2.0

package agreement

import (
	"fmt"
	"math/rand/v2"
	"slices"
	"sync"
)

// Resamples is how often [Alpha] draws the items anew.
const Resamples = 2000

// seed makes the bootstrap repeatable; any fixed number would do.
const seed = 0x68616563686921

// Alpha is Krippendorff's α for nominal data, any number of reviewers and any
// pattern of missing verdicts. Items with one verdict pair with nothing and do
// not count.
func Alpha(judgements []Judgement) Coefficient {
	t := tally(judgements, nil)
	return alpha(t.counts(&t.all))
}

func alpha(t counts) Coefficient {
	c := Coefficient{Name: "krippendorff-alpha", Raters: t.raters}
	units, items := unitsOf(t)
	c.Items = items
	pool := newPool(len(t.verdicts))
	for i := range units {
		pool.add(&units[i], units[i].items)
	}
	c.Verdicts = int(pool.total)
	c.Observed, c.Expected = pool.agreement()
	c.settle()
	if c.Value == nil || c.Items < 2 {
		return c
	}

	random := rand.New(rand.NewPCG(seed, uint64(items)))
	values := make([]float64, 0, Resamples)
	for range Resamples {
		pool.reset()
		// Which kind of unit each of the drawn items is, one kind after the other.
		left, kinds := items, items
		for i := range units {
			drawn := binomial(random, left, float64(units[i].items)/float64(kinds))
			pool.add(&units[i], drawn)
			left -= drawn
			kinds -= units[i].items
		}
		// A resample of one verdict only has no α and says nothing of its spread.
		if po, pe := pool.agreement(); 1-pe >= tiny {
			values = append(values, (po-pe)/(1-pe))
		}
	}
	if len(values) < Resamples/2 {
		return c
	}
	slices.Sort(values)
	low, high := values[int(float64(len(values)-1)*(1-Level)/2)], values[int(float64(len(values)-1)*(1+Level)/2+0.5)]
	if high-low > tiny {
		c.Interval = &Interval{Low: max(-1, low), High: min(1, high), Method: MethodAlpha}
	}
	return c
}

// Known keeps every α that was reckoned, by what it was reckoned from: the
// resamples are most of the work of a report, and few topics change between two.
// Its zero value is empty, and its methods may be called from any goroutine.
type Known struct {
	mu sync.Mutex // held for an access
	of map[string]Coefficient
}

// maxKnown bounds what is kept, at a few hundred bytes each. Then it begins anew.
const maxKnown = 1000

func (k *Known) alpha(t counts) Coefficient {
	if k == nil {
		return alpha(t)
	}
	key := fmt.Sprint(t.raters, t.kinds)
	k.mu.Lock()
	c, ok := k.of[key]
	k.mu.Unlock()
	if ok {
		return c
	}
	c = alpha(t)
	k.mu.Lock()
	defer k.mu.Unlock()
	if k.of == nil || len(k.of) >= maxKnown {
		k.of = map[string]Coefficient{}
	}
	k.of[key] = c
	return c
}

// unit is a kind of item with m ≥ 2 verdicts: which were given how often, and
// its agreeing ordered pairs, weighted 1/(m-1) as in Krippendorff's coincidences.
type unit struct {
	verdicts []int
	times    []float64
	m        float64
	agreeing float64
	items    int // that are of this kind
}

// unitsOf leaves out the items that pair with nothing. There are few kinds, and
// the work of a resample grows with them rather than with the items.
func unitsOf(t counts) (units []unit, items int) {
	for _, k := range t.kinds {
		if sum(k.row) >= 2 {
			units = append(units, newUnit(k))
			items += k.times
		}
	}
	return units, items
}

func newUnit(of kind) unit {
	u := unit{m: float64(sum(of.row)), items: of.times}
	for k, v := range of.row {
		if v > 0 {
			u.verdicts = append(u.verdicts, k)
			u.times = append(u.times, float64(v))
			u.agreeing += float64(v*(v-1)) / (u.m - 1)
		}
	}
	return u
}

// pool is the sum of units that α is reckoned from.
type pool struct {
	of       []float64 // how often each verdict was given
	total    float64
	agreeing float64
}

func newPool(verdicts int) *pool { return &pool{of: make([]float64, verdicts)} }

func (p *pool) reset() {
	clear(p.of)
	p.total, p.agreeing = 0, 0
}

// add puts in n items of one kind.
func (p *pool) add(u *unit, n int) {
	for i, k := range u.verdicts {
		p.of[k] += u.times[i] * float64(n)
	}
	p.total += u.m * float64(n)
	p.agreeing += u.agreeing * float64(n)
}

// agreement gives the observed share and the one expected by chance, drawn
// without putting back, which is what keeps α fair in small samples.
func (p *pool) agreement() (observed, expected float64) {
	if p.total < 2 {
		return 0, 0
	}
	for _, v := range p.of {
		expected += v * (v - 1)
	}
	return p.agreeing / p.total, expected / (p.total * (p.total - 1))
}
