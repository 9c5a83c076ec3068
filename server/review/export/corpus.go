// SPDX-License-Identifier: Apache-2.0

package export

import (
	"encoding/json"
	"fmt"
	"io"
	"slices"
	"strings"

	"haechi/rules"
)

// Sentence is one line of the corpus form; wasm/model/train/README.md describes
// it.
type Sentence struct {
	ID       string `json:"id"`
	Lang     string `json:"lang"`
	Topic    string `json:"topic"`
	Text     string `json:"text"`
	Question string `json:"question,omitempty"`
	Heading  string `json:"heading,omitempty"`
	Before   string `json:"before,omitempty"`
	Label    string `json:"label"`
	Expect   string `json:"expect"`
	Kind     string `json:"kind"`

	Finding string `json:"-"` // its id; the corpus takes no other fields
}

// kinds of each label, the one that is assumed first.
var kinds = map[string][]string{
	"asserts":   {"assertion", "denial", "presupposition", "list-item", "hedged"},
	"reports":   {"attribution", "quotation"},
	"refutes":   {"refutation", "quotation"},
	"asks":      {"question"},
	"accurate":  {"accurate", "neighbour-fact", "comparison", "framing"},
	"unrelated": {"general", "homonym", "origin-label", "neighbour-fact"},
}

// Kinds are the kinds of a label, the one that is assumed first; none for what
// is no label.
func Kinds(label string) []string { return kinds[label] }

// Labels are all labels; those of sentences that must be flagged first.
func Labels() []string {
	return []string{"asserts", "reports", "refutes", "asks", "accurate", "unrelated"}
}

// Sentences are the findings that teach something, with numbers from first on
// for each topic and language. Distortion and one-sided become asserts and flag.
// Accurate becomes pass, with the stance that a reviewer gave, else accurate.
// Contested becomes pass, kind framing: a reader must not be told that it is
// false, whatever its stance. Left out: what could not be judged, what has no
// topic, sentence or one of the product's languages, and what contradicts itself (a distortion that
// the writer is said to refute).
func Sentences(findings []Finding, first int) []Sentence {
	out := []Sentence{}
	n := numbering{first, map[string]int{}}
	for i := range findings {
		if s, ok := n.sentence(&findings[i]); ok {
			out = append(out, s)
		}
	}
	return out
}

// numbering counts the sentences of each topic and language.
type numbering struct {
	first int
	given map[string]int
}

func (n numbering) sentence(f *Finding) (s Sentence, ok bool) {
	label, kind, ok := teach(f)
	text := strings.Join(strings.Fields(f.Sentence), " ") // the corpus has one sentence a line
	if !ok || f.Rule == "" || text == "" || !slices.Contains(rules.Languages, f.Language) {
		return s, false
	}
	group := f.Rule + "." + f.Language
	s = Sentence{
		ID: fmt.Sprintf("%s.%04d", group, n.first+n.given[group]), Lang: f.Language, Topic: f.Rule, Text: text,
		Question: f.Question, Heading: f.Heading, Before: f.Before,
		Label: label, Expect: "pass", Kind: kind, Finding: f.ID,
	}
	if label == "asserts" {
		s.Expect = "flag"
	}
	n.given[group]++
	return s, true
}

// teach says what a finding teaches.
func teach(f *Finding) (label, kind string, ok bool) {
	switch f.Verdict {
	case Distortion, OneSided:
		if f.Stance != "" && f.Stance != "asserts" {
			return "", "", false
		}
		label = "asserts"
	case Accurate:
		label = f.Stance
		if label == "" {
			label = "accurate"
		}
		if label == "asserts" || kinds[label] == nil {
			return "", "", false
		}
	case Contested:
		return "accurate", "framing", true
	default:
		return "", "", false
	}
	if slices.Contains(kinds[label], f.Kind) {
		return label, f.Kind, true
	}
	return label, kinds[label][0], true
}

// Corpus writes as JSONL what [Sentences] says of findings.
func Corpus(w io.Writer, findings Findings, first int) error {
	e := json.NewEncoder(w)
	e.SetEscapeHTML(false)
	n := numbering{first, map[string]int{}}
	for f, err := range findings {
		if err != nil {
			return err
		}
		s, ok := n.sentence(&f)
		if !ok {
			continue
		}
		if err := e.Encode(s); err != nil {
			return fmt.Errorf("export: corpus: %w", err)
		}
	}
	return nil
}
