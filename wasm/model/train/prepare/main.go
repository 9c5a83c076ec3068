// SPDX-License-Identifier: Apache-2.0

// Command prepare turns the corpus into what the classifier reads: run it in
// the repository's root with lint to check the corpus, or with encode to write
// every sentence as the engine itself masks it, one JSON object a line.
//
//	go run ./wasm/model/train/prepare lint [TOPIC…]
//	go run ./wasm/model/train/prepare encode OUT.jsonl
package main

import (
	"bufio"
	"cmp"
	"encoding/json"
	"fmt"
	"io/fs"
	"os"
	"slices"
	"strings"

	"haechi/rules"
	"haechi/rules/data"
	"haechi/wasm/detect"
	"haechi/wasm/model/train/corpus"
)

const folder = "wasm/model/train/corpus/"

// kindAnswer marks the sentences of whole good answers, as train.py reads it.
const kindAnswer = "answer"

var allSplits = []string{"train", "dev", "test"}

func main() {
	if err := run(os.Args[1:]); err != nil {
		fmt.Fprintln(os.Stderr, "prepare:", err)
		os.Exit(1)
	}
}

func run(args []string) error {
	switch {
	case len(args) >= 1 && args[0] == "lint":
		return lint(args[1:])
	case len(args) == 2 && args[0] == "encode":
		return encode(args[1])
	}
	return fmt.Errorf("usage: prepare lint [TOPIC…] | prepare encode OUT.jsonl")
}

// example is one training input, as train.py reads it.
type example struct {
	ID     string `json:"id"`
	Split  string `json:"split"` // train, dev, test, or rule for a rule's own examples
	Lang   string `json:"lang"`
	Topic  string `json:"topic"`
	Input  string `json:"input"` // "" where no proposition of the topic matches
	Label  string `json:"label"` // "" for a rule's examples that must not be flagged
	Expect string `json:"expect"`
	Kind   string `json:"kind"`

	// For study.py alone: what baselines and other designs read.
	Pattern bool   `json:"pattern,omitempty"` // a pattern of the rule stands in it
	Plain   string `json:"plain,omitempty"`   // the sentence with its context, nothing masked
}

func encode(out string) error {
	rs, err := data.Rules()
	if err != nil {
		return err
	}
	entries, err := splits()
	if err != nil {
		return err
	}
	e, err := engine(rs)
	if err != nil {
		return err
	}
	f, err := os.Create(out)
	if err != nil {
		return err
	}
	defer f.Close()
	w := bufio.NewWriter(f)
	j := json.NewEncoder(w)
	j.SetEscapeHTML(false)
	for _, split := range allSplits {
		for _, c := range entries[split] {
			text, start := c.Answer()
			x := example{ID: c.ID, Split: split, Lang: c.Lang, Topic: c.Topic, Label: c.Label, Expect: c.Expect, Kind: c.Kind}
			if err := write(j, x, e, text, c.Question, start); err != nil {
				return err
			}
		}
	}
	known := map[string]bool{}
	for _, c := range entries["train"] {
		known[c.Topic] = true
	}
	for _, split := range []string{"train", "dev"} {
		if err := answers(j, e, split, known); err != nil {
			return err
		}
	}
	for _, r := range rs {
		for _, lang := range rules.Languages {
			for _, expect := range []string{corpus.Flag, corpus.Pass} {
				list := r.Examples[lang].Hit
				if expect == corpus.Pass {
					list = r.Examples[lang].Miss
				}
				for i, s := range list {
					text, start := s.Answer()
					x := example{ID: fmt.Sprintf("%s.%s.%s.%d", r.ID, lang, expect, i), Split: "rule", Lang: lang, Topic: r.ID, Expect: expect}
					if expect == corpus.Flag {
						x.Label = "asserts"
					}
					if err := write(j, x, e, text, s.Question, start); err != nil {
						return err
					}
				}
			}
		}
	}
	if err := w.Flush(); err != nil {
		return err
	}
	return f.Close()
}

// answers writes what whole good answers give: whatever any rule trained with
// finds in them must pass. An answer in which none finds anything is written
// once, without input.
func answers(j *json.Encoder, e *detect.Engine, split string, known map[string]bool) error {
	whole, err := corpus.ReadSet(os.DirFS(folder + split + "/answers"))
	if err != nil {
		return fmt.Errorf("%s%s/answers: %w", folder, split, err)
	}
	for _, a := range whole {
		if a.Expect != corpus.Pass {
			return fmt.Errorf("%s:%d: %s: only answers in which nothing may be flagged are of use here", a.File, a.Line, a.ID)
		}
		x := example{Split: split, Lang: a.Lang, Expect: corpus.Pass, Kind: kindAnswer}
		silent := true
		for _, c := range e.Candidates(a.Text, a.Question) {
			if !known[c.Rule] {
				continue
			}
			silent = false
			x.ID, x.Topic, x.Input = fmt.Sprintf("%s:%d:%s", a.ID, c.Start, c.Rule), c.Rule, c.Input
			x.Plain = strings.Join(strings.Fields(a.Question+" "+a.Text[c.Start:c.End]), " ")
			if err := j.Encode(x); err != nil {
				return err
			}
		}
		if silent {
			x.ID = a.ID + ":"
			if err := j.Encode(x); err != nil {
				return err
			}
		}
	}
	return nil
}

// write writes an example once for each distinct input that its topic gives.
func write(j *json.Encoder, x example, e *detect.Engine, text, question string, start int) error {
	found := candidates(e, x.Topic, text, question, start)
	if len(found) == 0 {
		return j.Encode(x)
	}
	for _, c := range found {
		x.Input, x.Pattern, x.Plain = c.Input, c.Pattern, strings.Join(strings.Fields(question+" "+text), " ")
		if err := j.Encode(x); err != nil {
			return err
		}
	}
	return nil
}

// candidates returns what a topic's rule makes of the sentence that begins at
// start, each distinct input once.
func candidates(e *detect.Engine, topic, text, question string, start int) []detect.Candidate {
	var out []detect.Candidate
	for _, c := range e.Candidates(text, question) {
		same := func(o detect.Candidate) bool { return o.Input == c.Input }
		if c.Rule == topic && c.Start >= start && !slices.ContainsFunc(out, same) {
			out = append(out, c)
		}
	}
	return out
}

func engine(rs []rules.Rule) (*detect.Engine, error) {
	pack, err := rules.NewPack(rs)
	if err != nil {
		return nil, err
	}
	return detect.New(pack, nil), nil
}

func splits() (map[string][]corpus.Entry, error) {
	out := map[string][]corpus.Entry{}
	for _, split := range allSplits {
		dir := os.DirFS(folder + split)
		es, err := corpus.Read(dir)
		if err != nil {
			return nil, err
		}
		out[split] = es
	}
	return out, nil
}

// lint prints what is wrong with the corpus and with the rules' word lists as
// the corpus shows them; topics narrow it.
func lint(topics []string) error {
	wanted := func(topic string) bool { return len(topics) == 0 || slices.Contains(topics, topic) }
	files, err := fs.Glob(os.DirFS("rules/data"), "*.json")
	if err != nil {
		return err
	}
	problems := 0
	say := func(format string, args ...any) {
		problems++
		fmt.Printf(format+"\n", args...)
	}
	var rs []rules.Rule
	for _, name := range files {
		topic := strings.TrimSuffix(name, ".json")
		b, err := os.ReadFile("rules/data/" + name)
		if err != nil {
			return err
		}
		r, err := rules.Parse("rules/data/"+name, b)
		if err != nil {
			if wanted(topic) {
				say("%v", err)
			}
			continue
		}
		rs = append(rs, r)
	}
	e, err := engine(rs)
	if err != nil {
		return err
	}
	entries, err := splits()
	if err != nil {
		return err
	}
	for _, line := range corpus.Lint(entries["train"], entries["dev"], entries["test"]) {
		name, _, _ := strings.Cut(line, ".jsonl:")
		if wanted(name) {
			say("%s", line)
		}
	}
	known := map[string]bool{}
	for _, r := range rs {
		known[r.ID] = true
		if !wanted(r.ID) {
			continue
		}
		for _, lang := range rules.Languages {
			for i, s := range r.Examples[lang].Hit {
				text, start := s.Answer()
				if len(candidates(e, r.ID, text, s.Question, start)) == 0 {
					say("rules/data/%s.json: examples.%s.hit[%d] reaches no proposition (no subject, no wrong word, or an unless word): %s", r.ID, lang, i, s.Text)
				}
			}
		}
	}
	count := map[string]int{}
	for _, split := range allSplits {
		for _, c := range entries[split] {
			if !wanted(c.Topic) {
				continue
			}
			if !known[c.Topic] {
				count[split+": no valid rule "+c.Topic]++
				continue
			}
			text, start := c.Answer()
			reached := len(candidates(e, c.Topic, text, c.Question, start)) > 0
			count[fmt.Sprintf("%s %s %s reached=%v", split, c.Lang, c.Expect, reached)]++
			if c.Expect == corpus.Flag && !reached && split == "train" {
				say("%s:%d: %s must be flagged but reaches no proposition: %s", c.File, c.Line, c.ID, c.Text)
			}
		}
	}
	var keys []string
	for k := range count {
		keys = append(keys, k)
	}
	slices.SortFunc(keys, cmp.Compare)
	for _, k := range keys {
		fmt.Println("#", k, count[k])
	}
	for k := range count {
		if strings.Contains(k, "no valid rule") {
			problems++
		}
	}
	if problems > 0 {
		return fmt.Errorf("%d problems", problems)
	}
	return nil
}
