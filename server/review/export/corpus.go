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

// Sentences are the findings that teach something, with numbers from first on
// for each topic and language. Distortion and one-sided become asserts and flag.
// Accurate becomes pass, with the stance that a reviewer gave, else accurate.
// Contested becomes pass, kind framing: a reader must not be told that it is
// false, whatever its stance. Left out: what could not be judged, what has no
// topic, sentence or one of the product's languages, and what contradicts itself (a distortion that
// the writer is said to refute).
func Sentences(findings []Finding, first int) []Sentence {
	out := []Sentence{}
	next := map[string]int{}
	for i := range findings {
		f := &findings[i]
		label, kind, ok := teach(f)
		text := strings.Join(strings.Fields(f.Sentence), " ") // the corpus has one sentence a line
		if !ok || f.Rule == "" || text == "" || !slices.Contains(rules.Languages, f.Language) {
			continue
		}
		group := f.Rule + "." + f.Language
		s := Sentence{
			ID: fmt.Sprintf("%s.%04d", group, first+next[group]), Lang: f.Language, Topic: f.Rule, Text: text,
			Question: f.Question, Heading: f.Heading, Before: f.Before,
			Label: label, Expect: "pass", Kind: kind, Finding: f.ID,
		}
		if label == "asserts" {
			s.Expect = "flag"
		}
		next[group]++
		out = append(out, s)
	}
	return out
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

// Corpus writes [Sentences] as JSONL.
func Corpus(w io.Writer, findings []Finding, first int) error {
	e := json.NewEncoder(w)
	e.SetEscapeHTML(false)
	for _, s := range Sentences(findings, first) {
		if err := e.Encode(s); err != nil {
			return fmt.Errorf("export: corpus: %w", err)
		}
	}
	return nil
}
