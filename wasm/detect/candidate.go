// SPDX-License-Identifier: Apache-2.0

package detect

import (
	"slices"
	"strings"
)

// Candidate is a sentence that has what a proposition is about in it or around
// it, and a word of the distortion in it; or, for a short one that names what
// the proposition is about, in the heading it stands under ("Japan's islands").
type Candidate struct {
	Start, End  int    // bytes of the answer
	Rule        string // id
	Proposition string // id
	Input       string // what the classifier reads: the sentence and its context, masked
	Pattern     bool   // one of the proposition's patterns stands in it
	Asked       bool   // what it is about stands only in the question

	at proposition
}

// maxListed is the longest sentence, in folded bytes, to which its heading's
// words apply as if they stood in it.
const maxListed = 240

// maxAnswering is how many sentences of an answer are read as answering the
// question where they do not say what they are about; later ones have moved on.
const maxAnswering = 3

// maxQuestion is how much of the user's question is read, in bytes.
const maxQuestion = 4096

// context is a folded text around a sentence and the words found in it.
type context struct {
	text  string
	found []match
}

// Candidates returns what the classifier has to judge in an answer, by place,
// then by rule. question is what the user had asked, or empty.
func (e *Engine) Candidates(text, question string) []Candidate {
	var out []Candidate
	if len(question) > maxQuestion {
		question = strings.ToValidUTF8(question[:maxQuestion], "")
	}
	ask := e.context(question)
	var heading, before context
	lastHeading, lastSentence := "", ""
	for i, s := range split(text) {
		if i == maxAnswering {
			ask = context{}
		}
		if s.heading != lastHeading {
			heading, lastHeading = e.context(s.heading), s.heading
		}
		raw := text[s.start:s.end]
		f := fold(raw)
		own := context{text: f.text, found: e.words.find(f.text, heading.text+"\n"+ask.text)}
		if s.before == "" || s.before != lastSentence {
			before = context{}
		}
		if !asks(f.text) {
			out = e.judge(out, s, own, before, heading, ask)
		}
		before, lastSentence = own, raw
	}
	return out
}

func (e *Engine) context(s string) context {
	f := fold(s).text
	if f == "" {
		return context{}
	}
	return context{text: f, found: e.words.find(f, "")}
}

// asks reports whether a folded sentence asks: only assertions are judged.
func asks(s string) bool {
	s = strings.TrimRight(s, " \"'”’」』)）")
	return strings.HasSuffix(s, "?")
}

// judge appends the propositions for which a sentence is a candidate.
func (e *Engine) judge(out []Candidate, s sentence, own, before, heading, ask context) []Candidate {
	n := len(out)
	var seen []proposition
	for _, c := range []context{own, before, heading, ask} {
		for _, m := range c.found {
			for _, p := range e.words.words[m.word].subjects {
				if slices.Contains(seen, p) {
					continue
				}
				seen = append(seen, p)
				r := &e.roles[p.rule][p.index]
				inherited := !has(r.subject, own.found)
				listed := !inherited && has(r.wrong, heading.found) && len(own.text) <= maxListed
				if !has(r.wrong, own.found) && !listed || has(r.unless, own.found) || has(r.unless, heading.found) ||
					!r.applies(own, heading, ask) {
					continue
				}
				rule := &e.pack.Rules[p.rule]
				out = append(out, Candidate{
					Start: s.start, End: s.end,
					Rule: rule.ID, Proposition: rule.Propositions[p.index].ID,
					Input:   e.input(r, own, before, heading, ask, inherited),
					Pattern: slices.ContainsFunc(e.patterns[p.rule][p.index], func(x pattern) bool { return x.in(own.text, own.found, r, inherited) }),
					Asked:   inherited && !has(r.subject, before.found) && !has(r.subject, heading.found), at: p,
				})
			}
		}
	}
	slices.SortFunc(out[n:], func(a, b Candidate) int {
		if a.at.rule != b.at.rule {
			return int(a.at.rule - b.at.rule)
		}
		return int(a.at.index - b.at.index)
	})
	return out
}

// applies reports whether one of the strings that the proposition needs stands
// in one of the texts.
func (r *roles) applies(texts ...context) bool {
	return len(r.with) == 0 || slices.ContainsFunc(r.with, func(s string) bool {
		return slices.ContainsFunc(texts, func(c context) bool { return strings.Contains(c.text, s) })
	})
}

// input writes what the classifier reads: the skeletons of its parts, then the
// parts masked. The heading is one where it has a word of the rule or a cue; the
// sentence before, or else the question, only where the sentence itself does not say what it is about.
func (e *Engine) input(r *roles, own, before, heading, ask context, inherited bool) string {
	var bones, parts strings.Builder
	part := func(sign byte, mark string, c context, shorten func(string) string) {
		if c.text != "" {
			marks := r.marks(e.words, c.found)
			bones.WriteByte(sign)
			bones.WriteString(skeleton(c.text, marks))
			parts.WriteString(mark)
			parts.WriteString(shorten(masked(c.text, marks)))
		}
	}
	end := func(s string) string { return tail(s, maxContext) }
	if inherited && !has(r.subject, before.found) && !has(r.subject, heading.found) {
		part('q', MarkAsk, ask, end)
	}
	if len(r.marks(e.words, heading.found)) > 0 { // else it says nothing of stance or subject
		part('h', MarkHeading, heading, end)
	}
	if inherited && has(r.subject, before.found) {
		part('b', MarkBefore, before, end)
	}
	part('x', MarkText, own, window)
	return bones.String() + " " + parts.String()
}
