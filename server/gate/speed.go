// SPDX-License-Identifier: Apache-2.0

package gate

import (
	"cmp"
	"context"
	"slices"
	"time"

	"haechi/wasm/host"
)

// How the engine's time is measured. Each round has sentences of its own, since
// an engine remembers what it has classified.
const (
	rounds       = 5
	perRound     = 30 // entries
	warming      = 500
	measurements = 2 // the second only where the first is too slow
)

// Speed is how long the engine takes with the new rules, by the old ones.
type Speed struct {
	Ratio     float64 `json:"ratio"`               // median over the rounds
	Confirmed float64 `json:"confirmed,omitempty"` // the same again on other sentences; 0 where the first was within the limit
}

// slower is the least of what was measured: noise makes one of them large, a
// slow rule both.
func (s Speed) slower() float64 {
	if s.Confirmed > 0 {
		return min(s.Ratio, s.Confirmed)
	}
	return s.Ratio
}

// speed times two engines on the same sentences, in turn.
func (g *Gate) speed(ctx context.Context, before, after *host.Engine) (Speed, error) {
	picked := spread(g.corpus, measurements*rounds*perRound)
	// Others first without a clock: what is prepared at the first sentence of a
	// length, and what the collector still has to do about the loading.
	timed := map[string]bool{}
	for _, x := range picked {
		timed[x.ID] = true
	}
	warm := slices.DeleteFunc(spread(g.corpus, warming), func(x Entry) bool { return timed[x.ID] })
	for _, e := range []*host.Engine{before, after} {
		if _, err := judge(ctx, e, warm); err != nil {
			return Speed{}, err
		}
	}
	var s Speed
	half := len(picked) / measurements
	var err error
	if s.Ratio, err = ratio(ctx, before, after, picked[:half]); err != nil || s.Ratio <= DefaultLimits.Slowdown {
		return s, err
	}
	s.Confirmed, err = ratio(ctx, before, after, picked[half:])
	return s, err
}

// interrupted is the part of the entries of a round that is left out: those that
// took longest, with either engine, for the machine did something else meanwhile.
const interrupted = 0.2

// ratio is the median over the rounds of the time that after takes by that of
// before.
func ratio(ctx context.Context, before, after *host.Engine, entries []Entry) (float64, error) {
	var out []float64
	for round := range slices.Chunk(entries, max(1, len(entries)/rounds)) {
		var times [][2]time.Duration
		for i, x := range round {
			var took [2]time.Duration
			for k := range took {
				which := (k + i) % 2 // who goes first changes
				e := [...]*host.Engine{before, after}[which]
				started := time.Now()
				if _, err := judge(ctx, e, []Entry{x}); err != nil {
					return 0, err
				}
				took[which] = time.Since(started)
			}
			times = append(times, took)
		}
		out = append(out, quotient(times))
	}
	if len(out) == 0 {
		return 1, nil
	}
	slices.Sort(out)
	return out[len(out)/2], nil
}

// quotient is that of the sums of both columns, without what was interrupted.
func quotient(times [][2]time.Duration) float64 {
	slices.SortFunc(times, func(a, b [2]time.Duration) int { return cmp.Compare(max(a[0], a[1]), max(b[0], b[1])) })
	times = times[:len(times)-int(interrupted*float64(len(times)))]
	var sum [2]time.Duration
	for _, t := range times {
		sum[0], sum[1] = sum[0]+t[0], sum[1]+t[1]
	}
	return float64(sum[1]) / float64(max(1, sum[0]))
}

// spread picks at most n entries from all over the corpus, and mixes those from
// its beginning with those from its end.
func spread(entries []Entry, n int) []Entry {
	n = min(n, len(entries))
	out := make([]Entry, 0, n)
	for i := range n {
		k := i / 2
		if i%2 == 1 {
			k = n - 1 - i/2
		}
		out = append(out, entries[k*len(entries)/n])
	}
	return out
}
