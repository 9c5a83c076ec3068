// SPDX-License-Identifier: Apache-2.0

package gate

import (
	"bytes"
	"encoding/json"
	"errors"
	"fmt"
	"os"
	"strings"

	"haechi/rules"
	"haechi/rules/data"
	"haechi/wasm/cases"
	"haechi/wasm/detect"
	"haechi/wasm/model/train/corpus"
)

// Entry is a text with what is expected of it.
type Entry struct {
	ID      string
	Topic   string // the id of the rule that it is about
	Expect  string // corpus.Flag: by any rule; corpus.Pass: by none
	Hard    bool   // must pass whatever else a change is good for: one flag refuses it
	People  bool   // people at the review desk judged it, and a maintainer signed it off: a change must not undo that
	Text    string // the sentence or answer itself
	Request detect.Request
	Start   int // where Text begins in the request's text, in bytes; what is flagged before it does not count
}

// DefaultCorpus is the corpus that every change is held to: the documented
// answers, the hard negatives and every built-in rule's examples.
func DefaultCorpus() ([]Entry, error) {
	var out []Entry
	all, err := cases.All()
	if err != nil {
		return nil, err
	}
	for _, c := range all {
		if c.Expect == cases.Any {
			continue
		}
		out = append(out, Entry{
			ID: c.ID, Topic: c.Topic, Expect: c.Expect, Hard: c.Expect == cases.Pass,
			Text: c.Text, Request: detect.Request{Text: c.Text, Question: c.Question},
		})
	}
	rs, err := data.Rules()
	if err != nil {
		return nil, err
	}
	for _, r := range rs {
		out = append(out, examples(r)...)
	}
	return out, nil
}

// ReadCorpus reads a folder of labelled sentences or whole answers, in the form
// of wasm/model/train/README.md.
func ReadCorpus(folder string) ([]Entry, error) {
	set, err := corpus.ReadSet(os.DirFS(folder))
	if err != nil {
		return nil, fmt.Errorf("--corpus %s: %w", folder, err)
	}
	out := make([]Entry, len(set))
	for i, e := range set {
		text, start := e.Answer()
		out[i] = Entry{
			ID: e.ID, Topic: e.Topic, Expect: e.Expect,
			Text: e.Text, Request: detect.Request{Text: text, Question: e.Question}, Start: start,
		}
	}
	return out, nil
}

// ReadPrecedents reads what maintainers signed off at a review desk, as its
// server serves it.
func ReadPrecedents(lines []byte) ([]Entry, error) {
	var out []Entry
	for n, line := range bytes.Split(lines, []byte("\n")) {
		if len(line) == 0 {
			continue
		}
		var e corpus.Entry
		d := json.NewDecoder(bytes.NewReader(line))
		d.DisallowUnknownFields()
		err := d.Decode(&e)
		if err == nil && (e.ID == "" || strings.TrimSpace(e.Text) == "" || e.Expect != corpus.Flag && e.Expect != corpus.Pass) {
			err = errors.New("an entry needs id, text and expect")
		}
		if err != nil {
			return nil, fmt.Errorf("gate: signed-off corpus, line %d: %w", n+1, err)
		}
		out = append(out, Precedent(e))
	}
	return out, nil
}

// Precedent is an entry that people judged and a maintainer signed off.
func Precedent(e corpus.Entry) Entry {
	text, start := e.Answer()
	return Entry{
		ID: e.ID, Topic: e.Topic, Expect: e.Expect, People: true,
		Text: e.Text, Request: detect.Request{Text: text, Question: e.Question}, Start: start,
	}
}

// examples are a rule's own, as entries.
func examples(r rules.Rule) []Entry {
	var out []Entry
	add := func(lang, kind, expect string, xs []rules.Example) {
		for i, x := range xs {
			text, start := x.Answer()
			out = append(out, Entry{
				ID: fmt.Sprintf("%s %s.%s[%d]", r.ID, lang, kind, i), Topic: r.ID, Expect: expect,
				Text: x.Text, Request: detect.Request{Text: text, Question: x.Question}, Start: start,
			})
		}
	}
	for _, lang := range rules.Languages {
		add(lang, "hit", corpus.Flag, r.Examples[lang].Hit)
		add(lang, "miss", corpus.Pass, r.Examples[lang].Miss)
	}
	return out
}

// tiersOf are the tiers in which a rule's examples are judged: what users see,
// or all for a rule that users see nothing of unless they ask for it.
func tiersOf(r rules.Rule) string {
	for i := range r.Propositions {
		if r.TierOf(&r.Propositions[i]) != rules.TierFraming {
			return detect.DefaultTiers
		}
	}
	return detect.DefaultTiers + rules.TierFraming
}
