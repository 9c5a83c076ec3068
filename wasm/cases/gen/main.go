// SPDX-License-Identifier: Apache-2.0

// Command gen writes the documented answers for the replica pages, so that the
// browser is shown the cases that every other runner is held to: gen FILE, or
// gen --check FILE to fail when the file is not what would be written.
package main

import (
	"bytes"
	"encoding/json"
	"fmt"
	"os"

	"haechi/wasm/cases"
)

// answer is a case as ext/replica/replica.js reads it.
type answer struct {
	ID        string `json:"id"`
	Question  string `json:"question"`
	Answer    string `json:"answer"`
	Lang      string `json:"lang"`
	Expect    string `json:"expect"`
	Source    string `json:"source"`
	SourceURL string `json:"source_url"`
}

func main() {
	args := os.Args[1:]
	check := len(args) > 0 && args[0] == "--check"
	if check {
		args = args[1:]
	}
	if len(args) != 1 {
		fmt.Fprintln(os.Stderr, "usage: gen [--check] FILE")
		os.Exit(2)
	}
	if err := run(check, args[0]); err != nil {
		fmt.Fprintln(os.Stderr, "gen:", err)
		os.Exit(1)
	}
}

func run(check bool, file string) error {
	all, err := cases.All()
	if err != nil {
		return err
	}
	out := []answer{}
	for _, c := range all {
		if c.SourceURL != "" {
			out = append(out, answer{c.ID, c.Question, c.Text, c.Lang, c.Expect, c.Source, c.SourceURL})
		}
	}
	var want bytes.Buffer
	e := json.NewEncoder(&want)
	e.SetEscapeHTML(false)
	e.SetIndent("", " ")
	if err := e.Encode(out); err != nil {
		return err
	}
	if !check {
		return os.WriteFile(file, want.Bytes(), 0o644)
	}
	got, err := os.ReadFile(file)
	if err != nil {
		return err
	}
	if !bytes.Equal(got, want.Bytes()) {
		return fmt.Errorf("%s is not what wasm/cases says; run ./build.sh gen", file)
	}
	return nil
}
