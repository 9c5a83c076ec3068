// SPDX-License-Identifier: Apache-2.0

package detect

import "math"

// Labels are the stances a writer can take to a proposition, in the order of
// the classifier's logits.
var Labels = [...]string{"asserts", "reports", "refutes", "asks", "accurate", "unrelated"}

// Stances, as indices into Labels, Logits and Stance.
const (
	Asserts = iota
	Reports
	Refutes
	Asks
	Accurate
	Unrelated
)

// Logits are the classifier's raw outputs for one input, one a label.
type Logits [len(Labels)]float32

// Stance are probabilities, one a label, that add up to 1.
type Stance [len(Labels)]float64

// Classifier judges masked sentences.
type Classifier interface {
	// Classify returns the logits of each input, in order; the inputs are what
	// [Engine.Candidates] writes. It may keep what it has judged before.
	Classify(inputs []string) ([]Logits, error)
	// Model says what it was loaded from.
	Model() Model
}

// Model describes a loaded classifier.
type Model struct {
	ID          string             // name and version, shown with every finding
	Temperature float64            // divides the logits, so that scores are calibrated; > 0
	Thresholds  map[string]float64 // tier → least P(asserts) that flags, for rules it was trained with
	Unseen      map[string]float64 // the same for rules that it never saw, such as one pushed today
	Answer      float64            // the least in an answer of more than a few sentences, where most are true
	Topics      map[string]bool    // ids of the rules it was trained with
}

// threshold returns the least P(asserts) that flags for a rule and tier.
func (m Model) threshold(rule, tier string) float64 {
	if m.Topics[rule] {
		return m.Thresholds[tier]
	}
	return m.Unseen[tier]
}

// Stance turns logits into calibrated probabilities.
func (m Model) Stance(l Logits) Stance {
	var s Stance
	top := float64(l[0])
	for _, x := range l {
		top = max(top, float64(x))
	}
	sum := 0.0
	for i, x := range l {
		s[i] = math.Exp((float64(x) - top) / m.Temperature)
		sum += s[i]
	}
	for i := range s {
		s[i] /= sum
	}
	return s
}
