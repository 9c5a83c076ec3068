// SPDX-License-Identifier: Apache-2.0

// Package cases holds texts with what is expected of them: call [All] for one
// set that every runner is held to (native, wazero, browser).
//
// documented.jsonl has answers that chatbots really gave, as the press reported
// them; hard_negatives.jsonl sentences that must pass. Nothing in them is
// trained on.
package cases

import (
	"bufio"
	"bytes"
	"embed"
	"encoding/json"
	"fmt"
	"io/fs"
)

//go:embed *.jsonl
var files embed.FS

// Case is a text with what is expected of it.
type Case struct {
	ID        string `json:"id"`
	Lang      string `json:"lang"`
	Topic     string `json:"topic"` // the rule's id
	Question  string `json:"question,omitempty"`
	Text      string `json:"text"`
	Expect    string `json:"expect"` // flag: by any rule; pass: by none; any: the text alone cannot decide
	Kind      string `json:"kind,omitempty"`
	Source    string `json:"source,omitempty"` // who answered, and when
	SourceURL string `json:"source_url,omitempty"`
}

// What is expected of a case.
const (
	Flag = "flag"
	Pass = "pass"
	Any  = "any"
)

// All returns the cases of every file. No file, or a file without a case, is
// an error.
func All() ([]Case, error) { return read(files) }

func read(folder fs.FS) ([]Case, error) {
	names, err := fs.Glob(folder, "*.jsonl")
	if err != nil {
		return nil, err
	}
	if len(names) == 0 {
		return nil, fmt.Errorf("cases: no .jsonl file")
	}
	var out []Case
	seen := map[string]bool{}
	for _, name := range names {
		b, err := fs.ReadFile(folder, name)
		if err != nil {
			return nil, err
		}
		n, before := 0, len(out)
		for s := bufio.NewScanner(bytes.NewReader(b)); s.Scan(); {
			n++
			d := json.NewDecoder(bytes.NewReader(s.Bytes()))
			d.DisallowUnknownFields()
			var c Case
			if err := d.Decode(&c); err != nil {
				return nil, fmt.Errorf("%s:%d: %w", name, n, err)
			}
			if c.ID == "" || c.Text == "" || seen[c.ID] || c.Expect != Flag && c.Expect != Pass && c.Expect != Any {
				return nil, fmt.Errorf("%s:%d: %s: id and text must be given, the id once, and expect be flag, pass or any", name, n, c.ID)
			}
			seen[c.ID] = true
			out = append(out, c)
		}
		if len(out) == before {
			return nil, fmt.Errorf("%s: no case", name)
		}
	}
	return out, nil
}
