// SPDX-License-Identifier: Apache-2.0

package agreement

import (
	"cmp"
	"slices"
)

// MaxReviewers is how many reviewers [Of] compares two by two; with more, only
// the coefficients for all of them are given, because the pairs grow with the square.
const MaxReviewers = 40

// Report is what an adjudicator sees.
type Report struct {
	Items     int              `json:"items"`
	Verdicts  int              `json:"verdicts"`
	Fleiss    Coefficient      `json:"fleiss"`
	Alpha     Coefficient      `json:"alpha"`
	Pairs     []Pair           `json:"pairs"` // of reviewers who share an item, in the order of their names
	Confusion Confusion        `json:"confusion"`
	Topics    []TopicReport    `json:"topics"`
	Reviewers []ReviewerReport `json:"reviewers"`
}

// Pair is Cohen's κ of two reviewers.
type Pair struct {
	A     string      `json:"a"`
	B     string      `json:"b"`
	Cohen Coefficient `json:"cohen"`
}

// TopicReport is agreement within one topic: where the guidelines need work.
type TopicReport struct {
	Topic     string      `json:"topic"`
	Alpha     Coefficient `json:"alpha"`
	Confusion Confusion   `json:"confusion"`
}

// ReviewerReport sets one reviewer beside the others and beside what was settled.
type ReviewerReport struct {
	Reviewer string    `json:"reviewer"`
	Items    int       `json:"items"`
	Others   Confusion `json:"others"`
	Settled  Confusion `json:"settled"` // empty where nothing is
}

// Of reports on all judgements. settled gives the final verdict of an item; it
// may be nil.
func Of(judgements []Judgement, settled map[string]string) Report {
	return tally(judgements, settled).Report()
}

// Report reports on everything that was added.
func (t *Tally) Report() Report {
	all := t.counts(&t.all)
	r := Report{
		Items: all.items, Verdicts: all.given(),
		Fleiss: fleiss(all), Alpha: t.Known.alpha(all), Confusion: all.confusion(),
		Pairs: []Pair{}, Topics: []TopicReport{}, Reviewers: []ReviewerReport{},
	}
	for _, name := range slices.Sorted(slices.Values(t.topics.list)) {
		of := t.counts(&t.byTopic[t.topics.of[name]])
		r.Topics = append(r.Topics, TopicReport{Topic: name, Alpha: t.Known.alpha(of), Confusion: of.confusion()})
	}
	pairs := t.pairs()
	for _, name := range slices.Sorted(slices.Values(t.reviewers.list)) {
		i := t.reviewers.of[name]
		r.Reviewers = append(r.Reviewers, ReviewerReport{Reviewer: name, Items: t.judged[i], Others: against(pairs, name), Settled: t.outcomes(i)})
	}
	if len(r.Reviewers) <= MaxReviewers {
		for names, met := range pairs {
			r.Pairs = append(r.Pairs, Pair{A: names[0], B: names[1], Cohen: cohen(met, 2)})
		}
		slices.SortFunc(r.Pairs, func(a, b Pair) int { return cmp.Or(cmp.Compare(a.A, b.A), cmp.Compare(a.B, b.B)) })
	}
	return r
}
