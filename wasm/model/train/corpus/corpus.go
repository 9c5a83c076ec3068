// SPDX-License-Identifier: Apache-2.0

// Package corpus reads the labelled sentences that the classifier is trained
// and measured on: call [Read] for a folder of them and [Lint] to find what is
// wrong with them. README.md in the folder above gives the form.
package corpus

import (
	"bufio"
	"bytes"
	"encoding/json"
	"fmt"
	"io/fs"
	"slices"
	"strings"

	"haechi/rules"
)

// Entry is one labelled sentence with the context it is judged in.
type Entry struct {
	ID       string `json:"id"`
	Lang     string `json:"lang"`
	Topic    string `json:"topic"` // a rule's id
	Text     string `json:"text"`
	Question string `json:"question,omitempty"`
	Heading  string `json:"heading,omitempty"`
	Before   string `json:"before,omitempty"`
	Label    string `json:"label"`
	Expect   string `json:"expect"` // flag or pass
	Kind     string `json:"kind"`

	File string `json:"-"`
	Line int    `json:"-"`
}

// Answer lays the sentence out in its context; start is where it begins, in bytes.
func (e Entry) Answer() (text string, start int) {
	return rules.InContext(e.Text, e.Heading, e.Before)
}

// Flag and Pass are what is expected of a sentence.
const (
	Flag = "flag"
	Pass = "pass"
)

var (
	flagKinds = []string{"assertion", "denial", "presupposition", "list-item", "hedged"}
	passKinds = []string{"accurate", "attribution", "refutation", "quotation", "question", "homonym", "neighbour-fact", "origin-label", "comparison", "framing", "general"}
	labels    = []string{"asserts", "reports", "refutes", "asks", "accurate", "unrelated"}
)

// Read reads every .jsonl file at the top of a folder. A line that is not of
// the documented form is an error that names file and line.
func Read(folder fs.FS) ([]Entry, error) { return read(folder, true) }

// ReadSet reads a set that others made to measure with: like Read, but a text
// may be a whole answer of many lines, kinds and further fields are the
// maker's own, and label and kind may be missing.
func ReadSet(folder fs.FS) ([]Entry, error) { return read(folder, false) }

func read(folder fs.FS, strict bool) ([]Entry, error) {
	names, err := fs.Glob(folder, "*.jsonl")
	if err != nil {
		return nil, err
	}
	if len(names) == 0 {
		return nil, fmt.Errorf("corpus: no .jsonl file in the folder")
	}
	var out []Entry
	for _, name := range names {
		b, err := fs.ReadFile(folder, name)
		if err != nil {
			return nil, err
		}
		s := bufio.NewScanner(bytes.NewReader(b))
		s.Buffer(nil, 4<<20)
		for n := 1; s.Scan(); n++ {
			if len(bytes.TrimSpace(s.Bytes())) == 0 {
				continue
			}
			e := Entry{File: name, Line: n}
			d := json.NewDecoder(bytes.NewReader(s.Bytes()))
			if strict {
				d.DisallowUnknownFields()
			}
			if err := d.Decode(&e); err != nil {
				return nil, fmt.Errorf("%s:%d: %w", name, n, err)
			}
			reason := e.lack()
			if strict && reason == "" {
				reason = e.problem()
			}
			if reason != "" {
				return nil, fmt.Errorf("%s:%d: %s: %s", name, n, e.ID, reason)
			}
			out = append(out, e)
		}
		if err := s.Err(); err != nil {
			return nil, fmt.Errorf("%s: %w", name, err)
		}
	}
	return out, nil
}

// lack names what no entry can do without.
func (e Entry) lack() string {
	switch {
	case e.ID == "":
		return "id is required"
	case strings.TrimSpace(e.Text) == "":
		return "text is empty"
	case !slices.Contains(rules.Languages, e.Lang):
		return fmt.Sprintf("lang %q is not one of %v", e.Lang, rules.Languages)
	case e.Expect != Flag && e.Expect != Pass:
		return fmt.Sprintf("expect %q is neither flag nor pass", e.Expect)
	}
	return ""
}

func (e Entry) problem() string {
	switch {
	case e.Topic == "":
		return "topic is required"
	case strings.Contains(e.Text, "\n"):
		return "text has a line break; one sentence a line"
	case !slices.Contains(labels, e.Label):
		return fmt.Sprintf("label %q is not one of %v", e.Label, labels)
	case (e.Expect == Flag) != (e.Label == "asserts"):
		return fmt.Sprintf("expect %q does not go with label %q: flag with asserts, else pass", e.Expect, e.Label)
	case e.Expect == Flag && !slices.Contains(flagKinds, e.Kind):
		return fmt.Sprintf("kind %q is not one of %v", e.Kind, flagKinds)
	case e.Expect == Pass && !slices.Contains(passKinds, e.Kind):
		return fmt.Sprintf("kind %q is not one of %v", e.Kind, passKinds)
	}
	return ""
}
