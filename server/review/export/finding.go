// SPDX-License-Identifier: Apache-2.0

// Package export writes what reviewers decided in the forms that others read:
// [CSV] for a spreadsheet, [Corpus] for the publish gate and training, [ClaimReviews]
// for fact-check archives, [WriteHandout] for a class, [Summarise] with
// [Summary.CSV] and [Summary.Chart] for the public page. The functions are pure:
// the same findings give the same bytes, none included. What may be long is
// written as it comes and never held as a whole.
//
// A finding holds pseudonyms only and its texts are masked before they reach
// this package; nothing here looks for personal data.
package export

import (
	"iter"
	"time"

	"haechi/rules"
)

// Verdict is what was settled about a sentence.
type Verdict string

// The verdicts, in the order in which they are listed everywhere.
const (
	Distortion  Verdict = "distortion"
	OneSided    Verdict = "one-sided"
	Contested   Verdict = "contested"
	Accurate    Verdict = "accurate"
	CannotJudge Verdict = "cannot-judge"
)

// Verdicts lists them all.
var Verdicts = []Verdict{Distortion, OneSided, Contested, Accurate, CannotJudge}

var names = map[Verdict]rules.Text{
	Distortion:  {"ko": "왜곡", "en": "Distortion"},
	OneSided:    {"ko": "일방적 주장", "en": "One-sided claim"},
	Contested:   {"ko": "학계 논쟁 중", "en": "Contested among scholars"},
	Accurate:    {"ko": "정확함", "en": "Accurate"},
	CannotJudge: {"ko": "판단할 수 없음", "en": "Cannot be judged"},
}

// Name is the verdict in Korean or English.
func (v Verdict) Name(lang string) string { return names[v].In(lang) }

// Finding is one sentence of a chatbot's answer with what was settled about it.
// Zero values are left out of every form.
type Finding struct {
	ID       string
	Page     string // of its case, below the public page
	Site     string // id of the chatbot's site, as in rules/sites
	Chatbot  string // its name
	Maker    string // the company behind it
	Model    string // as the site called it
	Language string // of the answer: ko, en, zh, ja
	Question string
	Excerpt  string // of the answer, with Sentence in it
	Sentence string // the one that was judged
	Heading  string // above the sentence
	Before   string // the sentence before it
	Link     string // where the answer can be seen, if its owner shared it

	Rule    string     // id of the rule, which is the topic
	Title   rules.Text // of the rule
	Verdict Verdict
	Stance  string // how the writer treats the distortion, if a reviewer said so: asserts, reports, refutes, asks, accurate, unrelated
	Kind    string // the corpus's kind, if a reviewer said so

	Sources    []rules.Source
	Note       string           // the reviewers' reason
	Correction rules.Text       // what the evidence says
	Positions  []rules.Position // of a contested topic: what each side holds
	Reviewers  []string         // pseudonyms

	Received  time.Time // when the answer was sent in: on or after the day it was given
	Judged    time.Time
	Published time.Time

	RulesSequence uint64 // of the release that flagged it
	RulesHash     string
	Classifier    string // version of the classifier
}

// Findings yields findings one after the other, or the error that ends them.
type Findings = iter.Seq2[Finding, error]

// chatbot is the name to print.
func (f *Finding) chatbot() string {
	if f.Chatbot != "" {
		return f.Chatbot
	}
	return f.Site
}

// day writes a date, or nothing.
func day(t time.Time) string { return written(t, time.DateOnly) }

// moment writes a time, or nothing.
func moment(t time.Time) string { return written(t, time.RFC3339) }

func written(t time.Time, layout string) string {
	if t.IsZero() {
		return ""
	}
	return t.UTC().Format(layout)
}
