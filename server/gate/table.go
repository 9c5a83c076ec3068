// SPDX-License-Identifier: Apache-2.0

package gate

import (
	"fmt"
	"io"
	"slices"
	"strings"
	"text/tabwriter"
	"unicode/utf8"
)

// shortRunes is how much of a sentence stands in a table or a reason.
const shortRunes = 70

// short puts a text on one line and cuts it.
func short(s string) string {
	s = whole(s)
	if utf8.RuneCountInString(s) <= shortRunes {
		return s
	}
	return string([]rune(s)[:shortRunes-1]) + "…"
}

// whole puts a text on one line.
func whole(s string) string { return strings.Join(strings.Fields(s), " ") }

func judged(by []string) string {
	if len(by) == 0 {
		return "passes"
	}
	return strings.Join(by, ", ")
}

// Write prints a report for a person, with what speaks against the change
// under the limits at the end.
func (r Report) Write(out io.Writer, l Limits) error {
	var b strings.Builder
	w := tabwriter.NewWriter(&b, 0, 0, 2, ' ', 0)
	if r.Unfit == "" {
		r.examples(w)
		r.changes(w)
		r.figures(w)
	}
	w.Flush()
	if refusals := r.Refusals(l); len(refusals) > 0 {
		b.WriteString("\nrefused:\n")
		for _, line := range refusals {
			fmt.Fprintf(&b, "  %s\n", line)
		}
	} else {
		b.WriteString("\nmay be published\n")
	}
	_, err := io.WriteString(out, b.String())
	return err
}

func (r Report) examples(w io.Writer) {
	var hits, flagged, misses, wrong int
	for _, t := range r.Tested {
		hits, flagged, misses, wrong = hits+t.Hits, flagged+t.HitsFlagged, misses+t.Misses, wrong+t.MissesFlagged
	}
	fmt.Fprintf(w, "examples of %d rules: %d of %d hits flagged, %d of %d misses flagged\n", len(r.Tested), flagged, hits, wrong, misses)
	if len(r.Examples) == 0 {
		return
	}
	fmt.Fprintf(w, "\nEXAMPLE\tWANTED\tUNLIKE BEFORE\tSENTENCE\n")
	for _, x := range r.Examples {
		unlike := ""
		if x.Broken {
			unlike = "yes"
		}
		fmt.Fprintf(w, "%s\t%s\t%s\t%s\n", x.ID, x.Expect, unlike, short(x.Text))
	}
}

func (r Report) changes(w io.Writer) {
	fmt.Fprintf(w, "\ncorpus: %d of %d entries judged by other rules than before\n", len(r.Changes), r.Entries)
	if len(r.Changes) == 0 {
		return
	}
	fmt.Fprintf(w, "\nSENTENCE\tEXPECTED\tBEFORE\tAFTER\tENTRY\n")
	worst := slices.Clone(r.Changes) // what changes for the worse first
	slices.SortStableFunc(worst, func(a, b Change) int {
		rank := map[bool]int{true: 0, false: 1}
		return rank[a.newlyWrong()] - rank[b.newlyWrong()]
	})
	for _, c := range worst {
		mark := ""
		if c.newlyWrong() {
			mark = " !"
		}
		fmt.Fprintf(w, "%s\t%s%s\t%s\t%s\t%s\n", short(c.Text), c.Expect, mark, judged(c.Before), judged(c.After), c.ID)
	}
}

func (r Report) figures(w io.Writer) {
	fmt.Fprintf(w, "\n\tBEFORE\tAFTER\n")
	c := r.Counts
	fmt.Fprintf(w, "precision\t%.4f\t%.4f\n", c.Before.Precision(), c.After.Precision())
	fmt.Fprintf(w, "recall\t%.4f\t%.4f\n", c.Before.Recall(), c.After.Recall())
	fmt.Fprintf(w, "false flags\t%d\t%d\n", c.Before.FP, c.After.FP)
	fmt.Fprintf(w, "missed\t%d\t%d\n", c.Before.FN, c.After.FN)
	fmt.Fprintf(w, "pack, bytes\t%d\t%d\n", r.Size.Before, r.Size.After)
	fmt.Fprintf(w, "words\t%d\t%d\n", r.Words.Before, r.Words.After)
	if r.People > 0 {
		fmt.Fprintf(w, "as people judged, of %d\t%d\t%d\n", r.People, r.Agree.Before, r.Agree.After)
	}
	if r.Speed != nil {
		fmt.Fprintf(w, "engine time\t1.00\t%.2f\n", r.Speed.slower())
	}
	if r.Retired > 0 {
		fmt.Fprintf(w, "%d entries are expected by no rule any more\n", r.Retired)
	}
}
