// SPDX-License-Identifier: Apache-2.0

package main

import (
	"os"
	"path/filepath"
	"strings"
	"testing"
)

func set(t *testing.T, lines string) string {
	t.Helper()
	dir := t.TempDir()
	if err := os.WriteFile(filepath.Join(dir, "set.jsonl"), []byte(lines), 0o644); err != nil {
		t.Fatal(err)
	}
	return dir
}

// TestEval: sentences and a whole answer, a field and a kind of the set's own.
func TestEval(t *testing.T) {
	dir := set(t, `{"id":"a","lang":"en","topic":"kimchi-origin-china","text":"Kimchi is a Chinese dish.","label":"asserts","expect":"flag","kind":"blunt","by":"me"}
{"id":"b","lang":"en","topic":"kimchi-origin-china","text":"China Daily claimed that kimchi is a Chinese dish.","label":"reports","expect":"pass","kind":"attribution"}
{"id":"c","lang":"ko","topic":"unheard-of","text":"오늘은 맑습니다.\n내일도 맑습니다.","expect":"pass"}
{"id":"d","lang":"en","topic":"kimchi-origin-china","text":"It rains.","expect":"flag"}
`)
	var out strings.Builder
	if err := run([]string{"--set", dir, "--model", "../model", "--wasm", "", "--wrong"}, &out); err != nil {
		t.Fatal(err)
	}
	for _, want := range []string{
		"| all | 4 | 1 | 0 | 1 | 2 | 1.000 | 0.500 | 0.000 |",
		"| whole answer | 1 | 0 | 0 | 0 | 1 |",
		"| no rule | 1 |",
		"| flag: blunt | 1 | 1 |",
		"| aliases only: a subject and a word of the distortion | 4 | 1 | 1 | 1 | 1 |",
		"d (, ) reaches no proposition",
	} {
		if !strings.Contains(out.String(), want) {
			t.Errorf("no %q in:\n%s", want, out.String())
		}
	}
}

// TestEvalSaysWhatIsWrong: errors name file, line and cause.
func TestEvalSaysWhatIsWrong(t *testing.T) {
	for line, want := range map[string]string{
		`{"id":"a"`: "set.jsonl:1: unexpected EOF",
		`{"id":"a","lang":"en","text":"x","expect":"maybe"}`:            `neither flag nor pass`,
		`{"id":"a","lang":"fr","text":"x","expect":"pass","topic":"x"}`: `lang "fr"`,
		`{"id":"a","lang":"en","text":" ","expect":"pass","topic":"x"}`: "text is empty",
	} {
		err := run([]string{"--set", set(t, line), "--model", "../model", "--wasm", ""}, &strings.Builder{})
		if err == nil || !strings.Contains(err.Error(), want) {
			t.Errorf("%s: %v, want %q", line, err, want)
		}
	}
	if err := run([]string{"--set", t.TempDir()}, &strings.Builder{}); err == nil || !strings.Contains(err.Error(), "no .jsonl") {
		t.Errorf("an empty folder: %v", err)
	}
}
