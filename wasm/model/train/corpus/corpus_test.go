// SPDX-License-Identifier: Apache-2.0

package corpus

import (
	"strings"
	"testing"
	"testing/fstest"
)

const line = `{"id":"a.en.1","lang":"en","topic":"a","text":"Kimchi is a Chinese dish.","label":"asserts","expect":"flag","kind":"assertion"}`

func folder(lines string) fstest.MapFS { return fstest.MapFS{"a.jsonl": {Data: []byte(lines)}} }

func TestReadNamesWhatIsWrong(t *testing.T) {
	if es, err := Read(folder(line + "\n\n")); err != nil || len(es) != 1 || es[0].Line != 1 {
		t.Fatalf("%v, %v", es, err)
	}
	for change, want := range map[string]string{
		`"label":"asserts"→"label":"accurate"`:    "does not go with label",
		`"kind":"assertion"→"kind":"attribution"`: "is not one of",
		`"lang":"en"→"lang":"fr"`:                 `lang "fr"`,
		`"expect":"flag"→"expect":"maybe"`:        "neither flag nor pass",
		`"text":"→"text":"a\nb`:                   "line break",
		`"topic":"a"→"topic":""`:                  "topic is required",
		`"topic":"a"→"topic":"a","by":"me"`:       "unknown field",
		`{"id":"a.en.1"→{"id":""`:                 "id is required",
	} {
		from, to, _ := strings.Cut(change, "→")
		_, err := Read(folder(strings.Replace(line, from, to, 1)))
		if err == nil || !strings.Contains(err.Error(), want) || !strings.HasPrefix(err.Error(), "a.jsonl:1:") {
			t.Errorf("%s: %v, want a.jsonl:1: … %s", change, err, want)
		}
	}
}

func TestReadSetTakesWhatOthersMade(t *testing.T) {
	es, err := ReadSet(folder(`{"id":"x","lang":"ko","text":"하나.\n둘.","expect":"pass","kind":"good","by":"me"}`))
	if err != nil || len(es) != 1 || !strings.Contains(es[0].Text, "\n") {
		t.Errorf("%v, %v", es, err)
	}
}

func TestLintFindsWhatWouldSpoilTheMeasure(t *testing.T) {
	e := func(id, text, label string) Entry {
		return Entry{ID: id, Lang: "en", Topic: "a", Text: text, Label: label, File: "a.jsonl", Line: 1}
	}
	long := "In those years the annals of the court speak of kimchi as a Chinese dish"
	train := []Entry{
		e("a.en.1", long, "asserts"), e("a.en.2", long+" indeed", "asserts"), e("a.en.3", "Kimchi is not Chinese.", "refutes"), e("a.en.3", "Another one.", "accurate"),
		e("a.en.4", "Kimchi is Chinese.", "asserts"), e("a.en.5", "Kimchi is Chinese.", "refutes"),
	}
	for i, w := range []string{"Arirang", "Hangul", "Hanbok", "Soju", "Ondol"} {
		train = append(train, e("a.en.6"+string(rune('0'+i)), w+" was brought over from China long ago.", "asserts"))
	}
	out := strings.Join(Lint(train, nil, []Entry{e("a.en.t1", long+"!", "asserts")}), "\n")
	for _, want := range []string{"id a.en.3 stands twice", "stands under two labels", "a.en.2 is nearly a.en.1", "a.en.t1 is nearly a.en.1", "a template?"} {
		if !strings.Contains(out, want) {
			t.Errorf("lint does not say %q:\n%s", want, out)
		}
	}
	if out := Lint([]Entry{e("a.en.1", long, "asserts")}, nil, []Entry{e("a.en.t1", "Nothing of the kind.", "accurate")}); len(out) > 0 {
		t.Errorf("lint of clean splits: %q", out)
	}
}
