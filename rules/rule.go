// SPDX-License-Identifier: Apache-2.0

// Package rules holds what Haechi flags and where it reads: call [Parse] to read
// one rule file, [ParseSite] one site file, [NewPack] to put them together,
// [Diff] and [Apply] to move a pack from one release to the next.
//
// A rule is flat declarative data (words, sentences, texts, sources); README.md
// beside this file describes every field. The package does no I/O.
package rules

// Languages are the codes that a rule carries text in, in the order of the
// product: Korean first.
var Languages = []string{"ko", "en", "ja", "zh"}

// Categories are the subjects a rule may belong to.
var Categories = []string{"territory", "history", "naming", "culture", "colonial", "people", "modern", "overclaim"}

// Tiers of evidence.
const (
	TierFalse     = "A" // contradicted by evidence or near-consensus
	TierContested = "B" // contested; flagged only when one side is put as plain fact
	TierFraming   = "C" // framing or naming; off by default
)

// Text is one text in the four languages, keyed by language code.
type Text map[string]string

// In returns the text in lang, else in Korean.
func (t Text) In(lang string) string {
	if s := t[lang]; s != "" {
		return s
	}
	return t["ko"]
}

// Words are the terms of one role, keyed by language code. All languages are
// matched in every sentence, because chatbots mix them.
type Words map[string][]Term

// Rule is one topic: what is distorted, how to know it and what the evidence says.
type Rule struct {
	ID           string              `json:"id"`
	Category     string              `json:"category"`
	Tier         string              `json:"tier"`
	Disabled     bool                `json:"disabled,omitempty"`
	Threshold    float64             `json:"threshold,omitempty"` // least P(asserts) that flags; 0: the model's for the tier
	Title        Text                `json:"title"`
	Subject      Words               `json:"subject"`
	Right        Words               `json:"right,omitempty"`
	Unless       Words               `json:"unless,omitempty"`
	Propositions []Proposition       `json:"propositions"`
	Correction   Text                `json:"correction"`
	Positions    []Position          `json:"positions,omitempty"`
	Sources      []Source            `json:"sources"`
	Examples     map[string]Examples `json:"examples,omitempty"` // only in rule files, never in a pack
}

// Proposition is one distorted claim of a rule.
type Proposition struct {
	ID       string              `json:"id"`
	Tier     string              `json:"tier,omitempty"` // where it differs from the rule's
	Text     Text                `json:"text"`
	Subject  Words               `json:"subject,omitempty"` // in place of the rule's
	Wrong    Words               `json:"wrong"`
	With     map[string][]string `json:"with,omitempty"`  // one of these must stand in the sentence or its context
	Right    Words               `json:"right,omitempty"` // in place of the rule's
	Patterns map[string][]string `json:"patterns"`
}

// Position is what one side of a contested matter holds.
type Position struct {
	Holder Text `json:"holder"`
	Text   Text `json:"text"`
}

// Source is a publication by an institution. Year is 0 where it bears no date.
type Source struct {
	Title     string `json:"title"`
	Publisher string `json:"publisher"`
	Year      int    `json:"year"`
	URL       string `json:"url"`
	Lang      string `json:"lang"`
}

// Examples are sentences that the rule must flag and must pass over.
type Examples struct {
	Hit  []Example `json:"hit"`
	Miss []Example `json:"miss"`
}

// TierOf returns the tier that a finding of p has under r.
func (r *Rule) TierOf(p *Proposition) string {
	if p.Tier != "" {
		return p.Tier
	}
	return r.Tier
}

// SubjectOf returns the words for what a sentence under p is about.
func (r *Rule) SubjectOf(p *Proposition) Words {
	if len(p.Subject) > 0 {
		return p.Subject
	}
	return r.Subject
}

// RightOf returns the words of the accurate side under p.
func (r *Rule) RightOf(p *Proposition) Words {
	if len(p.Right) > 0 {
		return p.Right
	}
	return r.Right
}

// Proposition returns the proposition with the id, or nil.
func (r *Rule) Proposition(id string) *Proposition {
	for i := range r.Propositions {
		if r.Propositions[i].ID == id {
			return &r.Propositions[i]
		}
	}
	return nil
}
