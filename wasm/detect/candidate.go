// SPDX-License-Identifier: Apache-2.0

package detect

import (
	"cmp"
	"slices"
	"strings"
)

// Candidate is a sentence that has what a rule is about in it or around it, and
// a word of the distortion in it; or, for a short list item or fragment that names
// what the rule is about, in the heading it stands under ("Japan's islands").
type Candidate struct {
	Start, End  int    // bytes of the answer
	Rule        string // id
	Proposition string // id
	Input       string // what the classifier reads: the sentence and its context, masked
	Pattern     bool   // one of the proposition's patterns stands in it; looked for only without a classifier
	Asked       bool   // what it is about stands only in the question
	Whole       bool   // it is one of more than a few sentences

	at proposition
}

// maxListed is the longest list item or fragment, in folded bytes, to which its
// heading's words apply as if they stood in it.
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
	return e.candidates(text, question, nil)
}

func (e *Engine) candidates(text, question string, memory *Memory) []Candidate {
	var out []Candidate
	if len(question) > maxQuestion {
		question = strings.ToValidUTF8(question[:maxQuestion], "")
	}
	memory.begin(e)
	ask := memory.context(e, question)
	var heading, before context
	lastHeading, lastColumns, lastSentence := "", "", ""
	reported := false // the heading or the columns give what stands under them to a party
	sentences := split(text)
	for i, s := range sentences {
		if i == maxAnswering {
			ask = context{}
		}
		if s.heading != lastHeading || s.columns != lastColumns {
			heading, lastHeading, lastColumns = memory.context(e, s.heading), s.heading, s.columns
			reported = attributed(heading.text) || attributed(fold(s.columns).text)
		}
		raw := text[s.start:s.end]
		if s.before == "" || s.before != lastSentence {
			before, lastSentence = context{}, ""
		}
		key := place{raw, s.heading, s.columns, lastSentence, ask.text, s.kind, i == maxAnswering}
		known, ok := memory.recall(key)
		if !ok {
			f := fold(raw)
			known.own = context{text: f.text, found: e.words.find(f.text, heading.text+"\n"+ask.text)}
			if !asks(f.text) && !labelled.MatchString(f.text) && !quoted(f.text) && !reported {
				known.candidates = e.judge(nil, s, known.own, before, heading, ask)
			}
			memory.keep(key, known)
		}
		for _, c := range known.candidates {
			c.Start, c.End, c.Whole = s.start, s.end, len(sentences) > maxAnswering
			out = append(out, c)
		}
		before, lastSentence = known.own, raw
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

// judge appends the candidates that a sentence is: one for each rule and tier
// of which a proposition matches. The propositions of one rule and tier are
// read as one claim, with the words of all of them masked, and named by the
// one that most of the sentence speaks of.
func (e *Engine) judge(out []Candidate, s sentence, own, before, heading, ask context) []Candidate {
	var matched []proposition
	for _, c := range []context{own, before, heading, ask} {
		for _, m := range c.found {
			for _, p := range e.words.subjectOf(m.word) {
				if !slices.Contains(matched, p) && e.matches(p, s, own, heading, ask) {
					matched = append(matched, p)
				}
			}
		}
	}
	slices.SortFunc(matched, func(a, b proposition) int {
		return cmp.Or(cmp.Compare(a.rule, b.rule), cmp.Compare(e.tier(a), e.tier(b)), cmp.Compare(a.index, b.index))
	})
	shown := heading
	if len(matched) > 0 && s.columns != "" { // says who holds what, but not what a row is about
		shown = e.context(join(s.heading, s.columns))
	}
	for len(matched) > 0 {
		n := 1
		for n < len(matched) && matched[n].rule == matched[0].rule && e.tier(matched[n]) == e.tier(matched[0]) {
			n++
		}
		out = append(out, e.candidate(matched[:n], s, own, before, shown, ask))
		matched = matched[n:]
	}
	return out
}

// matches reports whether a proposition whose subject stands in or around a
// sentence says something of it.
func (e *Engine) matches(p proposition, s sentence, own, heading, ask context) bool {
	r := &e.roles[p.rule][p.index]
	listed := (s.kind == itemLine || !endsBefore(own.text, 0, len(own.text))) && has(r.subject, own.found) && has(r.wrong, heading.found) && len(own.text) <= maxListed
	return (has(r.wrong, own.found) || listed) && !has(r.unless, own.found) && !has(r.unless, heading.found) && r.applies(own, heading, ask)
}

// candidate makes one candidate of the matching propositions of a rule and tier.
func (e *Engine) candidate(ps []proposition, s sentence, own, before, heading, ask context) Candidate {
	r := &e.roles[ps[0].rule][ps[0].index]
	named, most := ps[0], -1
	pattern := false
	if len(ps) > 1 {
		r = &roles{}
	}
	for _, p := range ps {
		x := &e.roles[p.rule][p.index]
		if len(ps) > 1 {
			r.subject = append(r.subject, x.subject...)
			r.wrong = append(r.wrong, x.wrong...)
			r.right = append(r.right, x.right...)
		}
		said := 0
		for _, m := range own.found {
			if contains(x.wrong, m.word) {
				said += m.end - m.start
			}
		}
		if said > most {
			named, most = p, said
		}
		for _, y := range e.patternsOf(p) {
			pattern = pattern || y.in(own.text, own.found, x, !has(x.subject, own.found))
		}
	}
	if len(ps) > 1 {
		r.subject, r.wrong, r.right = set(r.subject), set(r.wrong), set(r.right)
	}
	inherited := !has(r.subject, own.found)
	return Candidate{
		Start: s.start, End: s.end,
		Rule: e.rules[named.rule].id, Proposition: e.roles[named.rule][named.index].id,
		Input:   e.input(r, own, before, heading, ask, inherited),
		Pattern: pattern,
		Asked:   inherited && !has(r.subject, before.found) && !has(r.subject, heading.found), at: named,
	}
}

// set sorts words and drops what stands twice.
func set(words []int32) []int32 {
	slices.Sort(words)
	return slices.Compact(words)
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
