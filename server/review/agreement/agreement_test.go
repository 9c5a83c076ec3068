// SPDX-License-Identifier: Apache-2.0

package agreement

import (
	"encoding/json"
	"fmt"
	"math"
	"math/rand/v2"
	"reflect"
	"strings"
	"testing"
)

func TestWhatCannotBeComputedSaysWhy(t *testing.T) {
	for _, c := range []struct {
		name string
		js   []Judgement
		want Reason
	}{
		{"nothing at all", nil, OneRater},
		{"one rater", matrix("a b a"), OneRater},
		{"no item twice", matrix("a b . .", ". . a b"), NoOverlap},
		{"only missing verdicts", matrix(". .", ". ."), OneRater},
		{"one category", matrix("a a a", "a a a"), OneCategory},
	} {
		t.Run(c.name, func(t *testing.T) {
			for _, got := range []Coefficient{Cohen(c.js, "r0", "r1"), Fleiss(c.js), Alpha(c.js)} {
				if got.Undefined != c.want || got.Value != nil || got.Interval != nil {
					t.Errorf("%s: %+v, want no value because of %s", got.Name, got, c.want)
				}
			}
			b, err := json.Marshal(Of(c.js, nil))
			if err != nil || strings.Contains(string(b), "null,\"topics\"") {
				t.Errorf("report: %v %s", err, b)
			}
		})
	}
	if got := Alpha(matrix("a a a", "a a a")); got.Observed != 1 || got.Items != 3 {
		t.Errorf("all agree on one verdict: %+v, want it visible in Observed", got)
	}
}

func TestPerfectAgreementClaimsNoCertainty(t *testing.T) {
	js := matrix("a b a b", "a b a b")
	for _, c := range []Coefficient{Cohen(js, "r0", "r1"), Fleiss(js), Alpha(js)} {
		if c.Value == nil || math.Abs(*c.Value-1) > 1e-12 {
			t.Errorf("%s is %v, want 1", c.Name, c.Value)
		}
		if c.Interval != nil {
			t.Errorf("%s: four agreeing items give an interval %+v", c.Name, *c.Interval)
		}
	}
}

func TestLastJudgementOfAReviewerCounts(t *testing.T) {
	js := append(matrix("a b", "b b"), Judgement{Item: "i000", Reviewer: "r1", Verdict: "a"})
	if c := Cohen(js, "r0", "r1"); c.Observed != 1 || c.Items != 2 {
		t.Errorf("%+v, want the corrected verdict only", c)
	}
	withdrawn := append(matrix("a b", "b b"), Judgement{Item: "i000", Reviewer: "r1"})
	if c := Cohen(withdrawn, "r0", "r1"); c.Items != 1 {
		t.Errorf("%d items, want the withdrawn verdict to be missing", c.Items)
	}
}

// random judgements: some reviewers lean to one verdict, some verdicts are missing.
func random(r *rand.Rand) []Judgement {
	var js []Judgement
	items, raters, verdicts := 1+r.IntN(30), 1+r.IntN(5), 1+r.IntN(4)
	for i := range items {
		truth := r.IntN(verdicts)
		for k := range raters {
			v := fmt.Sprint(truth)
			if r.IntN(3) == 0 {
				v = fmt.Sprint(r.IntN(verdicts))
			}
			if r.IntN(4) == 0 {
				v = ""
			}
			js = append(js, Judgement{Item: fmt.Sprint(i), Topic: fmt.Sprint(i % 3), Reviewer: fmt.Sprint("r", k), Verdict: v})
		}
	}
	return js
}

func TestReportDependsOnNothingButTheJudgements(t *testing.T) {
	r := rand.New(rand.NewPCG(1, 2))
	for range 150 {
		js := random(r)
		want := Of(js, nil)
		shuffled := append([]Judgement{}, js...)
		r.Shuffle(len(shuffled), func(i, j int) { shuffled[i], shuffled[j] = shuffled[j], shuffled[i] })
		if got := Of(shuffled, nil); !reflect.DeepEqual(got, want) {
			t.Fatalf("order changes the report:\n%+v\n%+v", got, want)
		}
		if _, err := json.Marshal(want); err != nil {
			t.Fatalf("%v: %+v", err, js)
		}
		all := []Coefficient{want.Fleiss, want.Alpha}
		for _, p := range want.Pairs {
			all = append(all, p.Cohen)
		}
		for _, c := range all {
			if (c.Value == nil) != (c.Undefined != "") {
				t.Fatalf("%+v: value and reason must exclude each other", c)
			}
			if c.Value != nil && (*c.Value > 1+1e-9 || *c.Value < -1-1e-9) {
				t.Fatalf("%s = %v", c.Name, *c.Value)
			}
			if i := c.Interval; i != nil && (i.Low > i.High || i.Low < -1 || i.High > 1) {
				t.Fatalf("%s: %+v", c.Name, *i)
			}
		}
	}
}

// With two reviewers, all verdicts present and many items, α, Fleiss' κ and
// Cohen's κ estimate nearly the same; α is above Fleiss' κ by (1-κ)/2n exactly.
func TestAlphaIsFleissForLargeSamples(t *testing.T) {
	js := table([][]int{{50, 8, 2}, {6, 70, 9}, {1, 4, 50}})
	n := float64(len(js))
	f, a, c := Fleiss(js), Alpha(js), Cohen(js, "A", "B")
	near(t, "α", a.Value, *f.Value+(1-*f.Value)/n, 1e-12)
	near(t, "Cohen's κ", c.Value, *f.Value, .005)
	nearInterval(t, "α", a.Interval, f.Interval.Low, f.Interval.High, .03)
}

func TestConfusionByTopicAndReviewer(t *testing.T) {
	js := []Judgement{
		{"1", "kimchi", "kim", "distortion"}, {"1", "kimchi", "lee", "accurate"},
		{"2", "kimchi", "kim", "distortion"}, {"2", "kimchi", "lee", "distortion"},
		{"3", "dokdo", "kim", "one-sided"}, {"3", "dokdo", "lee", "distortion"}, {"3", "dokdo", "park", "one-sided"},
	}
	r := Of(js, map[string]string{"1": "distortion", "3": "one-sided"})
	if got := r.Confusion; got.Total() != 5 || got.Agreed() != 2 {
		t.Errorf("all: %+v", got)
	}
	want := Confusion{Rows: []string{"accurate", "distortion"}, Columns: []string{"distortion"}, Counts: [][]int{{1}, {1}}}
	if got := r.Topics[1]; got.Topic != "kimchi" || !reflect.DeepEqual(got.Confusion, want) {
		t.Errorf("kimchi: %+v, want %+v", got, want)
	}
	lee := r.Reviewers[1]
	if lee.Reviewer != "lee" || lee.Items != 3 || lee.Others.Total() != 4 || lee.Others.Agreed() != 1 {
		t.Errorf("lee beside the others: %+v", lee)
	}
	if lee.Settled.Total() != 2 || lee.Settled.Agreed() != 0 {
		t.Errorf("lee beside what was settled: %+v", lee.Settled)
	}
	if len(r.Pairs) != 3 {
		t.Errorf("%d pairs, want kim–lee, kim–park, lee–park", len(r.Pairs))
	}
}

func TestBinomialHasItsMeanAndVariance(t *testing.T) {
	r := rand.New(rand.NewPCG(5, 6))
	for _, c := range []struct {
		n int
		p float64
	}{{1, .5}, {12, .1}, {12, .9}, {90, .5}, {400, .3}, {100_000, .0001}, {100_000, .7}} {
		const draws = 20_000
		s, ss := 0.0, 0.0
		for range draws {
			k := float64(binomial(r, c.n, c.p))
			if k < 0 || k > float64(c.n) {
				t.Fatalf("binomial(%d, %v) = %v", c.n, c.p, k)
			}
			s += k
			ss += k * k
		}
		mean, want := s/draws, float64(c.n)*c.p
		variance, wantVariance := ss/draws-mean*mean, want*(1-c.p)
		if math.Abs(mean-want) > 4*math.Sqrt(wantVariance/draws) || math.Abs(variance/wantVariance-1) > .06 {
			t.Errorf("binomial(%d, %v): mean %.3f, want %.3f; variance %.3f, want %.3f", c.n, c.p, mean, want, variance, wantVariance)
		}
	}
}

func BenchmarkOf(b *testing.B) {
	r := rand.New(rand.NewPCG(3, 4))
	var js []Judgement
	for i := range 100_000 {
		for k := range 2 {
			js = append(js, Judgement{Item: fmt.Sprint(i), Topic: fmt.Sprint(i % 90), Reviewer: fmt.Sprint((i + k*7) % 20), Verdict: fmt.Sprint(r.IntN(5))})
		}
	}
	for b.Loop() {
		Of(js, nil)
	}
}

// TestWhatIsKnownIsTheSame: what is kept must not outlive what it was reckoned
// from, nor be handed to other items.
func TestWhatIsKnownIsTheSame(t *testing.T) {
	r := rand.New(rand.NewPCG(7, 8))
	known := &Known{}
	for range 60 {
		js := random(r)
		want := Of(js, nil)
		for range 2 {
			of := tally(js, nil)
			of.Known = known
			if got := of.Report(); !reflect.DeepEqual(got, want) {
				t.Fatalf("%+v\n%+v", got, want)
			}
		}
	}
	if n := len(known.of); n < 60 || n > maxKnown {
		t.Errorf("%d are kept", n)
	}
}

// BenchmarkTally is what a page over 100,000 items costs.
func BenchmarkTally(b *testing.B) {
	r := rand.New(rand.NewPCG(3, 4))
	type item struct {
		topic, outcome string
		votes          []Vote
	}
	items := make([]item, 100_000)
	for i := range items {
		items[i].topic = fmt.Sprint(i % 8)
		for k := range 2 {
			items[i].votes = append(items[i].votes, Vote{fmt.Sprint("reviewer-", (i+k*7)%20), fmt.Sprint(r.IntN(5))})
		}
		items[i].outcome = items[i].votes[0].Verdict
	}
	for b.Loop() {
		var t Tally
		for _, it := range items {
			t.Add(it.topic, it.votes, it.outcome)
		}
		t.Report()
	}
}
