// SPDX-License-Identifier: Apache-2.0

package rules

import (
	"bytes"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"strings"
	"unicode/utf8"
)

// MaxFile is the largest rule file that is read, in bytes.
const MaxFile = 256 << 10

// Parse reads and validates one rule file. name is used in errors, which name
// the file, the rule and the field, and the line where JSON itself is broken.
func Parse(name string, data []byte) (Rule, error) {
	var r Rule
	if len(data) > MaxFile {
		return Rule{}, fmt.Errorf("%s: %d bytes; a rule file has at most %d", name, len(data), MaxFile)
	}
	if !utf8.Valid(data) {
		return Rule{}, fmt.Errorf("%s: not UTF-8; save the file as UTF-8", name)
	}
	d := json.NewDecoder(bytes.NewReader(data))
	d.DisallowUnknownFields()
	if err := d.Decode(&r); err != nil {
		return Rule{}, fmt.Errorf("%s:%d: %w", name, lineOf(data, d, err), err)
	}
	if _, err := d.Token(); !errors.Is(err, io.EOF) {
		return Rule{}, fmt.Errorf("%s:%d: text after the rule; one file holds one rule", name, lineOf(data, d, nil))
	}
	if problems := Validate(&r); len(problems) > 0 {
		return Rule{}, &InvalidError{File: name, Rule: r.ID, Problems: problems}
	}
	return r, nil
}

// InvalidError lists everything that is wrong with one rule or site.
type InvalidError struct {
	File, Rule, Site string // Rule or Site is its id
	Problems         []Problem
}

// Problem names a field, as a path such as propositions[0].wrong.ko[2], and
// what is wrong with it.
type Problem struct{ Field, Reason string }

func (e *InvalidError) Error() string {
	lines := make([]string, len(e.Problems))
	for i, p := range e.Problems {
		lines[i] = fmt.Sprintf("%s: %s: %s: %s", e.File, e.Whose(), p.Field, p.Reason)
	}
	return strings.Join(lines, "\n")
}

// Whose names what is not valid.
func (e *InvalidError) Whose() string {
	if e.Site != "" {
		return fmt.Sprintf("site %q", e.Site)
	}
	return fmt.Sprintf("rule %q", e.Rule)
}

func lineOf(data []byte, d *json.Decoder, err error) int {
	at := d.InputOffset()
	var syntax *json.SyntaxError
	var kind *json.UnmarshalTypeError
	if errors.As(err, &syntax) {
		at = syntax.Offset
	} else if errors.As(err, &kind) {
		at = kind.Offset
	}
	return 1 + bytes.Count(data[:min(max(at, 0), int64(len(data)))], []byte("\n"))
}

// Format returns the canonical file form of a rule: two-space indent, fields
// in the order of [Rule], one newline at the end.
func Format(r Rule) []byte { return indented(r) }

func indented(v any) []byte {
	line, err := marshal(v)
	if err != nil {
		panic(err) // only strings, numbers and slices: cannot fail
	}
	var b bytes.Buffer
	if err := json.Indent(&b, line, "", "  "); err != nil {
		panic(err)
	}
	b.WriteByte('\n')
	return b.Bytes()
}
