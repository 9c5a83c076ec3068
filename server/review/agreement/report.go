// SPDX-License-Identifier: Apache-2.0

package agreement

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
	js := clean(judgements)
	t := count(js)
	r := Report{
		Items: len(t.items), Verdicts: len(js),
		Fleiss: fleiss(t), Alpha: alpha(t), Confusion: pairs(js),
		Pairs: []Pair{}, Topics: []TopicReport{}, Reviewers: []ReviewerReport{},
	}
	byTopic := map[string][]Judgement{}
	byReviewer := map[string][]Judgement{}
	for _, j := range js {
		byTopic[j.Topic] = append(byTopic[j.Topic], j)
		byReviewer[j.Reviewer] = append(byReviewer[j.Reviewer], j)
	}
	for _, name := range distinct(js, topic) {
		of := byTopic[name]
		r.Topics = append(r.Topics, TopicReport{Topic: name, Alpha: alpha(count(of)), Confusion: pairs(of)})
	}
	names := distinct(js, reviewer)
	for i, a := range names {
		of := byReviewer[a]
		r.Reviewers = append(r.Reviewers, ReviewerReport{
			Reviewer: a, Items: len(of),
			Others: against(js, a), Settled: settledBy(of, settled),
		})
		if len(names) > MaxReviewers {
			continue
		}
		for _, b := range names[i+1:] {
			if c := cohen(of, byReviewer[b]); c.Items > 0 {
				r.Pairs = append(r.Pairs, Pair{A: a, B: b, Cohen: c})
			}
		}
	}
	return r
}
