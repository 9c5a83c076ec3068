// SPDX-License-Identifier: Apache-2.0

package web

import (
	"errors"
	"io/fs"
	"os"
	"path"
	"regexp"
	"strings"
	"testing"

	"haechi/rules"
	"haechi/server/review"
	"haechi/server/review/agreement"
	"haechi/server/review/export"
)

// TestEveryWordIsThereAndUsed: a missing text would show its key, and one left
// over would be translated for nobody.
func TestEveryWordIsThereAndUsed(t *testing.T) {
	used := map[string]bool{}
	names, err := fs.Glob(files, "pages/*.html")
	open, openErr := fs.Glob(files, "pages/open/*.html")
	if err := errors.Join(err, openErr); err != nil || len(names) < 10 || len(open) < 4 {
		t.Fatal(names, open, err)
	}
	names = append(names, open...)
	literal := regexp.MustCompile(`\b[TF] "([A-Za-z0-9.-]+)"`)
	for _, n := range names {
		b, err := fs.ReadFile(files, n)
		if err != nil {
			t.Fatal(err)
		}
		page := strings.TrimSuffix(path.Base(n), ".html")
		if page != "frame" {
			used["title."+page] = true
		}
		for _, m := range regexp.MustCompile(`"(agree\.\w+)"`).FindAllStringSubmatch(string(b), -1) { // handed to a table
			used[m[1]] = true
		}
		for _, m := range literal.FindAllStringSubmatch(string(b), -1) {
			switch m[1] {
			case "act", "stage", "label", "kind", "corpus.expect", "title", "role", "can", "state", "verdict", "means", "topic", "tongue", "event", "problem", "chart", "grouping", "coefficient":
			default:
				used[m[1]] = true
			}
		}
	}
	family := func(name string, members ...string) {
		for _, m := range members {
			used[name+"."+m] = true
		}
	}
	for _, r := range review.Roles {
		family("role", string(r))
		family("can", string(r))
	}
	for _, s := range review.States {
		family("state", string(s))
	}
	for _, v := range review.Verdicts {
		family("verdict", string(v))
		family("means", string(v))
	}
	family("verdict", "framing")
	for _, v := range (&page{}).Published() {
		family("public", string(v))
	}
	for _, g := range export.Groupings {
		family("chart", string(g))
		family("grouping", string(g))
	}
	family("coefficient", "krippendorff-alpha", "fleiss-kappa", "cohen-kappa")
	family("agree", string(agreement.OneRater), string(agreement.NoOverlap), string(agreement.OneCategory))
	family("topic", rules.Categories...)
	family("tongue", rules.Languages...)
	family("did", deeds...)
	family("event", review.ActReceived, review.ActJoined, review.ActRepeated, review.ActJudged, review.ActUndone, review.ActAdjudicated,
		review.ActAssigned, review.ActSplit, review.ActPublished, review.ActWithdrawn, review.ActErased, review.ActSignedOff, review.ActDeclined)
	for _, s := range review.Stages {
		family("stage", string(s))
	}
	for _, l := range export.Labels() {
		family("label", l)
		family("kind", export.Kinds(l)...)
	}
	family("corpus.expect", "flag", "pass")
	for _, content := range sources(t, "../review") { // each act that the trail names
		for _, m := range regexp.MustCompile(`\bAct[A-Z]\w*\s+= "([a-z-]+)"`).FindAllStringSubmatch(content, -1) {
			switch m[1] {
			case review.ActReceived, review.ActJoined, review.ActRepeated: // which are no acts of consequence
			default:
				used["act."+m[1]] = true
			}
		}
	}
	family("empty", "judge", "dispute", "ready")
	for _, dir := range []string{".", "../review"} {
		for _, content := range sources(t, dir) {
			for _, m := range regexp.MustCompile(`\binvalid\("(\w+)", "(\w+)"`).FindAllStringSubmatch(content, -1) {
				used["invalid."+m[1]+"."+m[2]] = true
			}
			for _, m := range regexp.MustCompile(`s\.problem\(w, r, [\w.]+, "(\w+)"\)`).FindAllStringSubmatch(content, -1) {
				used["problem."+m[1]] = true
			}
			for _, m := range regexp.MustCompile(`"((?:signin|receipt|me|people|ago|rule|agree|findings|token)\.\w+)"`).FindAllStringSubmatch(content, -1) {
				used[m[1]] = true
			}
		}
	}
	for k := range used {
		if _, ok := words[k]; !ok {
			t.Errorf("no text for %q", k)
		}
	}
	for k, w := range words {
		if !used[k] {
			t.Errorf("nothing shows %q", k)
		}
		if w.ko == "" || w.en == "" || strings.Count(w.ko, "%") != strings.Count(w.en, "%") {
			t.Errorf("%q: %+v", k, w)
		}
	}
}

// sources are the Go files of a folder, without tests and words.go.
func sources(t *testing.T, dir string) map[string]string {
	t.Helper()
	out := map[string]string{}
	entries, err := os.ReadDir(dir)
	if err != nil {
		t.Fatal(err)
	}
	for _, e := range entries {
		if n := e.Name(); strings.HasSuffix(n, ".go") && !strings.HasSuffix(n, "_test.go") && n != "words.go" && n != "words_out.go" {
			b, err := os.ReadFile(dir + "/" + n)
			if err != nil {
				t.Fatal(err)
			}
			out[n] = string(b)
		}
	}
	if len(out) < 5 {
		t.Fatalf("saw %d files in %s", len(out), dir)
	}
	return out
}
