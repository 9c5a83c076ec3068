// SPDX-License-Identifier: Apache-2.0

package main

import (
	"cmp"
	"fmt"
	"io"
	"maps"
	"slices"
	"strings"

	"haechi/wasm/detect"
	"haechi/wasm/model/train/corpus"
)

// counts of a group: what should be flagged and was (tp), should not and was
// (fp), should and was not (fn), should not and was not (tn).
type counts struct{ tp, fp, fn, tn int }

func (c *counts) add(expect string, flagged bool) {
	switch {
	case expect == corpus.Flag && flagged:
		c.tp++
	case expect == corpus.Flag:
		c.fn++
	case flagged:
		c.fp++
	default:
		c.tn++
	}
}

func share(n, of int) string {
	if of == 0 {
		return "–"
	}
	return fmt.Sprintf("%.3f", float64(n)/float64(of))
}

// precision, recall and the share of what should pass that is flagged.
func (c counts) row() string {
	return fmt.Sprintf("%d | %d | %d | %d | %d | %s | %s | %s", c.tp+c.fp+c.fn+c.tn, c.tp, c.fp, c.fn, c.tn,
		share(c.tp, c.tp+c.fp), share(c.tp, c.tp+c.fn), share(c.fp, c.fp+c.tn))
}

const head = "entries | tp | fp | fn | tn | precision | recall | passes flagged"

// calibration returns the expected calibration error of the scores of the
// entries that reached the classifier, in ten bins of equal width (Naeini et
// al. 2015).
func calibration(rs []result) string {
	var n, hits [10]int
	var sum [10]float64
	total := 0
	for _, r := range rs {
		if !r.reached {
			continue
		}
		b := min(9, int(r.best.Score*10))
		n[b]++
		sum[b] += r.best.Score
		if r.Expect == corpus.Flag {
			hits[b]++
		}
		total++
	}
	if total == 0 {
		return "–"
	}
	off := 0.0
	for b := range n {
		d := sum[b] - float64(hits[b])
		off += max(d, -d)
	}
	return fmt.Sprintf("%.3f", off/float64(total))
}

func report(out io.Writer, results []result, m detect.Model) {
	knows := func(r result) string {
		switch {
		case r.tier == "":
			return "no rule"
		case m.Topics[r.Topic]:
			return "trained with"
		}
		return "known by its rule only"
	}
	form := func(r result) string {
		if strings.Contains(strings.TrimSpace(r.Text), "\n") {
			return "whole answer"
		}
		return "sentence"
	}
	for _, by := range []struct {
		name string
		of   func(result) string
	}{
		{"all", func(result) string { return "all" }},
		{"language", func(r result) string { return r.Lang }},
		{"form", form},
		{"topic is", knows},
		{"topic is, by language", func(r result) string { return knows(r) + ", " + r.Lang }},
		{"tier", func(r result) string { return r.tier }},
		{"label", func(r result) string { return r.Label }},
		{"kind", func(r result) string { return cmp.Or(r.Expect, "?") + ": " + r.Kind }},
		{"topic", func(r result) string { return r.Topic }},
	} {
		groups := map[string][]result{}
		for _, r := range results {
			groups[by.of(r)] = append(groups[by.of(r)], r)
		}
		fmt.Fprintf(out, "\n| %s | %s | calibration error |\n|---|%s\n", by.name, head, strings.Repeat("---|", 9))
		for _, name := range slices.Sorted(maps.Keys(groups)) {
			var c counts
			for _, r := range groups[name] {
				c.add(r.Expect, r.flagged())
			}
			fmt.Fprintf(out, "| %s | %s | %s |\n", cmp.Or(name, "–"), c.row(), calibration(groups[name]))
		}
	}
	confusion(out, results)
	baselines(out, results)
}

// confusion prints the label given against the stance that the classifier
// holds likeliest.
func confusion(out io.Writer, results []result) {
	table := map[string]map[string]int{}
	for _, r := range results {
		judged := "no candidate"
		if r.reached {
			top := 0
			for k := range r.best.Stance {
				if r.best.Stance[k] > r.best.Stance[top] {
					top = k
				}
			}
			judged = detect.Labels[top]
		}
		if table[r.Label] == nil {
			table[r.Label] = map[string]int{}
		}
		table[r.Label][judged]++
	}
	columns := append(slices.Clone(detect.Labels[:]), "no candidate")
	fmt.Fprintf(out, "\n| label ＼ likeliest stance | %s |\n|---|%s\n", strings.Join(columns, " | "), strings.Repeat("---|", len(columns)))
	for _, label := range slices.Sorted(maps.Keys(table)) {
		fmt.Fprintf(out, "| %s |", cmp.Or(label, "–"))
		for _, c := range columns {
			fmt.Fprintf(out, " %d |", table[label][c])
		}
		fmt.Fprintln(out)
	}
}

// baselines prints what the rules' words can do alone, beside the engine.
func baselines(out io.Writer, results []result) {
	fmt.Fprintf(out, "\n| decides | %s |\n|---|%s\n", head, strings.Repeat("---|", 8))
	for _, b := range []struct {
		name string
		says func(result) bool
	}{
		{"aliases only: a subject and a word of the distortion", func(r result) bool { return r.reached }},
		{"aliases and pattern windows: the engine without classifier", func(r result) bool { return r.pattern }},
		{"the engine", result.flagged},
	} {
		var c counts
		for _, r := range results {
			c.add(r.Expect, b.says(r))
		}
		fmt.Fprintf(out, "| %s | %s |\n", b.name, c.row())
	}
}
