// SPDX-License-Identifier: Apache-2.0

package main

import (
	"bytes"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"os"
	"path/filepath"
	"strconv"
	"strings"

	"haechi/rules"
)

const rulesFmtHelp = `
Writes each rule file in its canonical form (two-space indent, fields in the
order of rules/README.md) and prints the names of those that changed. A rule
need not be complete to be formatted.

Example:
  haechi rules fmt rules/data/*.json`

func runRulesFmt(args []string, _ io.Reader, stdout, stderr io.Writer) int {
	o := newOptions("rules fmt", "FILE…", rulesFmtHelp)
	files, code, ok := o.parse(args, 1, -1, stdout, stderr)
	if !ok {
		return code
	}
	for _, file := range files {
		changed, err := formatFile(file)
		if err != nil {
			fmt.Fprintln(stderr, err)
			code = exitFailed
		} else if changed {
			fmt.Fprintln(stdout, file)
		}
	}
	return code
}

// formatFile reports whether the file had to be changed. It is replaced as a
// whole, so that an interrupted run leaves the old or the new text.
func formatFile(file string) (changed bool, err error) {
	old, err := os.ReadFile(file)
	if err != nil {
		return false, err
	}
	formatted, err := canonical(file, old)
	if err != nil {
		return false, err
	}
	if bytes.Equal(old, formatted) {
		return false, nil
	}
	info, err := os.Stat(file)
	if err != nil {
		return false, err
	}
	return true, replaceWith(file, info.Mode().Perm(), formatted)
}

// canonical returns a rule or site file in its canonical form.
func canonical(file string, old []byte) ([]byte, error) {
	var r rules.Rule
	var s rules.Site
	var into any = &r
	site := rules.IsSite(old)
	if site {
		into = &s
	}
	d := json.NewDecoder(bytes.NewReader(old))
	d.DisallowUnknownFields() // formatting must not lose what it does not know
	if err := d.Decode(into); err != nil {
		// Parse says the same with a line, unless it finds still more wrong.
		if _, parseErr := parseFile(file, old); parseErr != nil {
			err = parseErr
		}
		return nil, err
	}
	if _, err := d.Token(); !errors.Is(err, io.EOF) {
		return nil, fmt.Errorf("%s: text after the rule; one file holds one rule", file)
	}
	if site {
		return rules.FormatSite(s), nil
	}
	return rules.Format(r), nil
}

const rulesCheckHelp = `
Says everything that is wrong with rule files: one line each, with the file,
the line where it is known, the rule, the field and the reason. A file must be
named after its rule and be in canonical form.

Example:
  haechi rules check rules/data/*.json`

func runRulesCheck(args []string, _ io.Reader, stdout, stderr io.Writer) int {
	o := newOptions("rules check", "FILE…", rulesCheckHelp)
	files, code, ok := o.parse(args, 1, -1, stdout, stderr)
	if !ok {
		return code
	}
	read, problems := readRules(files)
	for _, f := range read {
		if want := f.id() + ".json"; filepath.Base(f.name) != want {
			problems = append(problems, fmt.Sprintf("%s: rule %q: id: the file must be named %s", f.name, f.id(), want))
		}
		if !bytes.Equal(f.text, f.canonical()) {
			problems = append(problems, fmt.Sprintf("%s: not in canonical form; run \"haechi rules fmt %s\"", f.name, f.name))
		}
	}
	for _, p := range problems {
		fmt.Fprintln(stderr, p)
	}
	if len(problems) > 0 {
		return exitFailed
	}
	fmt.Fprintf(stdout, "%d valid\n", len(read))
	return exitDone
}

// ruleFile is a rule or site file that was read and is valid.
type ruleFile struct {
	name string
	text []byte
	rule rules.Rule
	site *rules.Site // nil for a rule
}

func parseFile(name string, text []byte) (ruleFile, error) {
	if rules.IsSite(text) {
		s, err := rules.ParseSite(name, text)
		return ruleFile{name: name, text: text, site: &s}, err
	}
	r, err := rules.Parse(name, text)
	return ruleFile{name: name, text: text, rule: r}, err
}

func (f ruleFile) id() string {
	if f.site != nil {
		return f.site.ID
	}
	return f.rule.ID
}

// key tells files apart: a site may have the id of a rule.
func (f ruleFile) key() string {
	if f.site != nil {
		return rules.SiteKey(f.site.ID)
	}
	return f.rule.ID
}

func (f ruleFile) canonical() []byte {
	if f.site != nil {
		return rules.FormatSite(*f.site)
	}
	return rules.Format(f.rule)
}

// readRules reads and validates rule and site files. Problems are lines that say where
// and what; files with one are left out.
func readRules(names []string) (read []ruleFile, problems []string) {
	in := map[string]string{} // the file of each id
	for _, name := range names {
		text, err := os.ReadFile(name)
		if err != nil {
			problems = append(problems, err.Error())
			continue
		}
		f, err := parseFile(name, text)
		if err != nil {
			problems = append(problems, located(text, err)...)
			continue
		}
		if other, twice := in[f.key()]; twice {
			problems = append(problems, fmt.Sprintf("%s: rule %q: id: stands in %s too", name, f.id(), other))
			continue
		}
		in[f.key()] = name
		read = append(read, f)
	}
	return read, problems
}

// located returns the lines of an error of rules.Parse, with the line of each
// field where it can be found in the text.
func located(text []byte, err error) []string {
	var invalid *rules.InvalidError
	if !errors.As(err, &invalid) {
		return strings.Split(err.Error(), "\n")
	}
	var lines []string
	for _, p := range invalid.Problems {
		at := invalid.File
		if n := lineOfField(text, p.Field); n > 0 {
			at += ":" + strconv.Itoa(n)
		}
		lines = append(lines, fmt.Sprintf("%s: %s: %s: %s", at, invalid.Whose(), p.Field, p.Reason))
	}
	return lines
}

// lineOfField returns the line of a field such as propositions[0].wrong.ko[2],
// or of the nearest field around it that is there; 0 if none is.
func lineOfField(text []byte, field string) int {
	path := strings.FieldsFunc(field, func(r rune) bool { return r == '.' || r == '[' || r == ']' })
	d := json.NewDecoder(bytes.NewReader(text))
	line := 0
	here := func() {
		line = 1 + bytes.Count(text[:d.InputOffset()], []byte("\n"))
	}
	for _, step := range path {
		open, err := d.Token()
		if err != nil {
			return line
		}
		found := false
		switch open {
		case json.Delim('{'):
			for !found && d.More() {
				key, err := d.Token()
				if err != nil {
					return line
				}
				if found = key == step; found {
					here() // the end of the key, so its line
				} else if skip(d) != nil {
					return line
				}
			}
		case json.Delim('['):
			n, _ := strconv.Atoi(step)
			for i := 0; !found && d.More(); i++ {
				if found = i == n; found {
					rest := text[d.InputOffset():]
					space := len(rest) - len(bytes.TrimLeft(rest, ", \t\r\n"))
					line = 1 + bytes.Count(text[:int(d.InputOffset())+space], []byte("\n"))
				} else if skip(d) != nil {
					return line
				}
			}
		}
		if !found {
			return line
		}
	}
	return line
}

// skip reads one value and forgets it.
func skip(d *json.Decoder) error {
	var value json.RawMessage
	return d.Decode(&value)
}
