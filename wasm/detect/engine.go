// SPDX-License-Identifier: Apache-2.0

// Package detect judges an answer: call [New] with a pack and a classifier,
// then [Engine.Check] for each answer.
//
// An answer is split into sentences that know their heading, list and the
// user's question; the words of all rules are found in them; each sentence
// that has what a proposition is about and a word of the distortion is masked
// and given to the classifier; the rule's tier and threshold decide. The
// package is pure: no clock, file, goroutine or global state; it imports the
// rules, the standard library and Unicode tables only.
package detect

import (
	"cmp"
	"errors"
	"fmt"
	"slices"
	"strings"
	"unicode/utf8"

	"haechi/rules"
)

// MaxText is the longest answer that is judged, in bytes.
const MaxText = 1 << 20

// DefaultTiers are the tiers that are reported unless a request names others.
const DefaultTiers = rules.TierFalse + rules.TierContested

// clearly is by how much one score must be above another to make it moot.
const clearly = 0.1

// A writer who elsewhere in an answer refutes or reports what a rule is about,
// with at least this probability, asserts it only where the score is sure; one
// who refutes it, only where more than one sentence says so.
const (
	turned = 0.8
	sure   = 0.985
	never  = 2 // more than any score
)

// Errors of a request.
var (
	ErrTooLong = errors.New("text is too long")
	ErrNotUTF8 = errors.New("text is not UTF-8")
)

// Verdicts by tier.
var verdicts = map[string]string{
	rules.TierFalse:     "distortion",
	rules.TierContested: "one-sided",
	rules.TierFraming:   "framing",
}

// Verdict returns the verdict on a finding of the tier.
func Verdict(tier string) string { return verdicts[tier] }

// Engine judges answers by one pack of rules. It is read-only after New, and
// as safe for concurrent use as its classifier is.
type Engine struct {
	*index
	patterns   [][][]pattern // by rule and proposition; nil where there is a classifier
	classifier Classifier
}

// New prepares an engine. A nil classifier gives a degraded engine: it flags
// only where a pattern of a rule stands in a sentence.
func New(pack rules.Pack, c Classifier) *Engine {
	e := &Engine{index: newIndex(pack), classifier: c}
	if c == nil {
		e.patterns = make([][][]pattern, len(pack.Rules))
		for i := range pack.Rules {
			for j := range pack.Rules[i].Propositions {
				e.patterns[i] = append(e.patterns[i], newPatterns(&pack.Rules[i].Propositions[j]))
			}
		}
	}
	return e
}

// With returns an engine with the same rules and a classifier, which is not nil.
func (e *Engine) With(c Classifier) *Engine { return &Engine{index: e.index, classifier: c} }

// Hash returns the hash of the pack that the engine judges by, Rules how many
// rules it has.
func (e *Engine) Hash() string { return e.hash }
func (e *Engine) Rules() int   { return len(e.rules) }

// Degraded reports whether there is no classifier.
func (e *Engine) Degraded() bool { return e.classifier == nil }

// Request is an answer to judge.
type Request struct {
	Text     string  // the answer, as light Markdown
	Question string  // what the user had asked, or empty
	Tiers    string  // tiers to report, "AB" where empty
	Memory   *Memory // of earlier states of the answer; nil for none
}

// Finding is a flagged sentence: the bytes [Start, End) of the answer.
type Finding struct {
	Start, End  int
	Rule        string
	Proposition string
	Tier        string
	Verdict     string  // distortion, one-sided or framing
	Score       float64 // calibrated probability that the writer asserts the proposition; 0 when degraded
	Stance      Stance
}

// Judgement is what the classifier makes of one candidate.
type Judgement struct {
	Candidate
	Tier      string
	Stance    Stance
	Score     float64 // calibrated probability that the writer asserts the proposition; 0 when degraded
	Threshold float64 // the least score that flags; 0 when degraded
}

// Flags reports whether the judgement is one to show.
func (j Judgement) Flags() bool {
	if j.Threshold == 0 {
		return j.Pattern
	}
	return j.Score >= j.Threshold
}

// Judge returns what is thought of every candidate in an answer, flagged or
// not: what an evaluation or a reviewer wants to see.
func (e *Engine) Judge(q Request) ([]Judgement, error) {
	if len(q.Text) > MaxText {
		return nil, fmt.Errorf("%w: %d bytes; at most %d are judged at once, so check it in parts", ErrTooLong, len(q.Text), MaxText)
	}
	if !utf8.ValidString(q.Text) || !utf8.ValidString(q.Question) {
		return nil, ErrNotUTF8
	}
	tiers := cmp.Or(q.Tiers, DefaultTiers)
	candidates := e.candidates(q.Text, q.Question, q.Memory)
	candidates = slices.DeleteFunc(candidates, func(c Candidate) bool { return !strings.Contains(tiers, e.tier(c.at)) })
	stances, err := e.stances(candidates)
	if err != nil {
		return nil, err
	}
	out := make([]Judgement, len(candidates))
	for i, c := range candidates {
		j := Judgement{Candidate: c, Tier: e.tier(c.at)}
		if stances != nil {
			j.Stance = stances[i]
			j.Score = j.Stance[Asserts]
			if j.Tier == rules.TierFraming { // a framing is used, not asserted
				j.Score += j.Stance[Accurate]
			}
			j.Threshold = e.threshold(c.at, j.Tier)
			if c.Whole {
				j.Threshold = max(j.Threshold, e.classifier.Model().Answer)
			}
		}
		out[i] = j
	}
	return out, nil
}

// Check judges one answer.
func (e *Engine) Check(q Request) ([]Finding, error) {
	judged, err := e.Judge(q)
	if err != nil {
		return nil, err
	}
	return Decide(judged), nil
}

// Decide returns what to show of one answer's judgements, whose thresholds it
// may raise. Findings come by place; of one sentence the plainer tier first,
// then the likelier. A rule flags a sentence once, with its likeliest
// proposition; one whose subject only the question names gives way to a
// clearly likelier one whose subject stands nearer.
func Decide(judged []Judgement) []Finding {
	surer(judged)
	var out []Finding
	nearer := map[int]float64{} // sentence, by start → best score of a rule whose subject stands in or near it
	asked := map[Finding]bool{}
	for _, j := range judged {
		if !j.Flags() {
			continue
		}
		f := Finding{
			Start: j.Start, End: j.End, Rule: j.Rule, Proposition: j.Proposition,
			Tier: j.Tier, Verdict: verdicts[j.Tier], Score: j.Score, Stance: j.Stance,
		}
		if j.Asked {
			asked[f] = true
		} else {
			nearer[f.Start] = max(nearer[f.Start], f.Score)
		}
		if n := len(out) - 1; n >= 0 && out[n].Rule == f.Rule && out[n].Start == f.Start {
			if f.Score > out[n].Score {
				out[n] = f
			}
			continue
		}
		out = append(out, f)
	}
	out = slices.DeleteFunc(out, func(f Finding) bool { return asked[f] && f.Score < nearer[f.Start]-clearly })
	slices.SortStableFunc(out, func(a, b Finding) int {
		return cmp.Or(cmp.Compare(a.Start, b.Start), cmp.Compare(a.Tier, b.Tier), cmp.Compare(b.Score, a.Score))
	})
	return out
}

// surer raises the thresholds of judgements on rules that another sentence of
// the answer refutes or reports.
func surer(judged []Judgement) {
	turns, refuted, flags := map[string]places{}, map[string]places{}, map[string]places{} // by rule
	for _, j := range judged {
		if j.Whole && j.Stance[Refutes]+j.Stance[Reports] >= turned {
			turns[j.Rule] = append(turns[j.Rule], j.Start)
		}
		if j.Whole && j.Stance[Refutes] >= turned {
			refuted[j.Rule] = append(refuted[j.Rule], j.Start)
		}
	}
	for i, j := range judged {
		if j.Threshold > 0 && turns[j.Rule].besides(j.Start) {
			judged[i].Threshold = max(j.Threshold, sure)
		}
		if judged[i].Flags() {
			flags[j.Rule] = append(flags[j.Rule], j.Start)
		}
	}
	for i, j := range judged {
		if j.Threshold > 0 && refuted[j.Rule].besides(j.Start) && !flags[j.Rule].besides(j.Start) {
			judged[i].Threshold = never
		}
	}
}

// places are where sentences begin.
type places []int

// besides reports whether there is a place other than start.
func (p places) besides(start int) bool {
	return slices.ContainsFunc(p, func(s int) bool { return s != start })
}

func (e *Engine) tier(p proposition) string { return e.roles[p.rule][p.index].tier }

func (e *Engine) threshold(p proposition, tier string) float64 {
	r := &e.rules[p.rule]
	if r.threshold > 0 {
		return r.threshold
	}
	return e.classifier.Model().threshold(r.id, tier)
}

func (e *Engine) patternsOf(p proposition) []pattern {
	if e.patterns == nil {
		return nil
	}
	return e.patterns[p.rule][p.index]
}

// stances asks the classifier about all candidates, each distinct input once.
// It returns nil when there is no classifier.
func (e *Engine) stances(cs []Candidate) ([]Stance, error) {
	if e.classifier == nil || len(cs) == 0 {
		return nil, nil
	}
	number := map[string]int{}
	var inputs []string
	for _, c := range cs {
		if _, ok := number[c.Input]; !ok {
			number[c.Input] = len(inputs)
			inputs = append(inputs, c.Input)
		}
	}
	logits, err := e.classifier.Classify(inputs)
	if err != nil {
		return nil, fmt.Errorf("classify %d sentences: %w", len(inputs), err)
	}
	m := e.classifier.Model()
	out := make([]Stance, len(cs))
	for i, c := range cs {
		out[i] = m.Stance(logits[number[c.Input]])
	}
	return out, nil
}
