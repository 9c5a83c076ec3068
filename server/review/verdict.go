// SPDX-License-Identifier: Apache-2.0

package review

import (
	"net/url"
	"strings"
	"time"
	"unicode"
	"unicode/utf8"
)

// Verdict is what a person holds of a sentence.
type Verdict string

const (
	Distortion  Verdict = "distortion"   // contradicted by evidence
	OneSided    Verdict = "one-sided"    // one position of several put as plain fact
	Contested   Verdict = "contested"    // scholars differ, and the answer says so or leaves it open
	Accurate    Verdict = "accurate"     // it agrees with the evidence
	CannotJudge Verdict = "cannot-judge" // the excerpt or one's own knowledge does not suffice
)

// Verdicts are all verdicts in the order of the keys 1 to 5.
var Verdicts = []Verdict{Distortion, OneSided, Contested, Accurate, CannotJudge}

// Known says whether v is one of Verdicts.
func (v Verdict) Known() bool {
	for _, k := range Verdicts {
		if v == k {
			return true
		}
	}
	return false
}

// NeedsSource says whether v blames an answer, so that it must show evidence.
func (v Verdict) NeedsSource() bool { return v == Distortion || v == OneSided }

// Limits of what people write, in characters.
const (
	MaxNote    = 4000
	MaxWording = 1000
	MaxSource  = 500
	MaxSources = 10
)

// Judgement is one person's verdict on a case, or the draft of one.
type Judgement struct {
	Person  string    `json:"person"`
	Verdict Verdict   `json:"verdict,omitempty"`
	Sources []string  `json:"sources,omitempty"` // http or https addresses
	Note    string    `json:"note,omitempty"`
	Wording string    `json:"wording,omitempty"` // a better text for the rule's correction
	At      time.Time `json:"at"`
}

// Outcome is what a case came to.
type Outcome struct {
	Verdict Verdict   `json:"verdict"`
	Sources []string  `json:"sources,omitempty"`
	Note    string    `json:"note,omitempty"`
	Wording string    `json:"wording,omitempty"`
	By      string    `json:"by,omitempty"` // the adjudicator; empty where the reviewers agreed
	At      time.Time `json:"at"`
}

// Agreed says that no adjudicator was needed.
func (o Outcome) Agreed() bool { return o.By == "" }

// Invalid says which field of what somebody sent cannot be taken, and why.
// Code names the reason for whoever translates it; Error is English.
type Invalid struct {
	Field, Code, Message string
}

func (i *Invalid) Error() string { return i.Field + ": " + i.Message }

func invalid(field, code, message string) error { return &Invalid{field, code, message} }

// tidy brings a draft within what may be kept, without asking for a verdict.
func (j *Judgement) tidy() error {
	j.Note, j.Wording = clean(j.Note), clean(j.Wording)
	if utf8.RuneCountInString(j.Note) > MaxNote {
		return invalid("note", "long", "at most 4000 characters")
	}
	if utf8.RuneCountInString(j.Wording) > MaxWording {
		return invalid("wording", "long", "at most 1000 characters")
	}
	var kept []string
	for _, s := range j.Sources {
		s = strings.TrimSpace(s)
		if s == "" || contains(kept, s) {
			continue
		}
		if utf8.RuneCountInString(s) > MaxSource {
			return invalid("sources", "long", "an address has at most 500 characters")
		}
		kept = append(kept, s)
	}
	if len(kept) > MaxSources {
		return invalid("sources", "many", "at most 10 sources")
	}
	j.Sources = kept
	return nil
}

// check says what a verdict still lacks. It tidies first.
func (j *Judgement) check() error {
	if err := j.tidy(); err != nil {
		return err
	}
	if !j.Verdict.Known() {
		return invalid("verdict", "verdict", "choose one of the five verdicts")
	}
	for _, s := range j.Sources {
		if !webAddress(s) {
			return invalid("sources", "address", "a source is an address that begins with http:// or https://")
		}
	}
	if j.Verdict.NeedsSource() && len(j.Sources) == 0 {
		return invalid("sources", "source", "this verdict needs at least one source")
	}
	return nil
}

func webAddress(s string) bool {
	u, err := url.Parse(s)
	return err == nil && (u.Scheme == "http" || u.Scheme == "https") && u.Hostname() != "" && u.User == nil &&
		!strings.ContainsFunc(s, func(r rune) bool { return unicode.IsSpace(r) || unicode.IsControl(r) })
}

func contains(list []string, s string) bool {
	for _, l := range list {
		if l == s {
			return true
		}
	}
	return false
}

// clean makes text from outside fit to be kept: valid UTF-8, plain newlines, no
// control characters and none that turn the direction of what follows.
func clean(s string) string {
	s = strings.ReplaceAll(strings.ToValidUTF8(s, "\uFFFD"), "\r\n", "\n")
	return strings.TrimSpace(strings.Map(func(r rune) rune {
		switch {
		case r == '\n' || r == '\t':
			return r
		case r == '\r':
			return '\n'
		case unicode.IsControl(r), r >= 0x202A && r <= 0x202E, r >= 0x2066 && r <= 0x2069, r == 0xFEFF:
			return -1
		}
		return r
	}, s))
}
