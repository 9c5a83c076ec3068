// SPDX-License-Identifier: Apache-2.0

// Command eval measures the engine on a set of labelled sentences or whole
// answers, natively and as the built wasm, and prints Markdown tables.
//
//	./build.sh eval [--set DIR] [--rules DIR] [--wrong]
//
// A set is a folder of .jsonl files in the form of
// wasm/model/train/README.md; a text with line breaks is a whole answer, which
// is flagged when any sentence of it is. --rules adds rule files that the
// model was not trained with, as a push would.
package main

import (
	"cmp"
	"context"
	"errors"
	"flag"
	"fmt"
	"io"
	"os"
	"slices"
	"strings"
	"time"

	"haechi/rules"
	"haechi/rules/data"
	"haechi/wasm/abi"
	"haechi/wasm/classify"
	"haechi/wasm/detect"
	"haechi/wasm/host"
	"haechi/wasm/model/train/corpus"
)

func main() {
	if err := run(os.Args[1:], os.Stdout); err != nil {
		fmt.Fprintln(os.Stderr, "eval:", err)
		os.Exit(1)
	}
}

func run(args []string, out io.Writer) error {
	f := flag.NewFlagSet("eval", flag.ContinueOnError)
	set := f.String("set", "wasm/model/train/corpus/test", "folder of .jsonl files to measure on")
	more := f.String("rules", "", "folder of rule files to add to the built-in ones")
	model := f.String("model", "wasm/model", "folder of the classifier")
	wasm := f.String("wasm", "dist/haechi.wasm", "the built engine; empty: natively only")
	wrong := f.Bool("wrong", false, "print every sentence that was judged wrongly")
	if err := f.Parse(args); err != nil {
		return err
	}
	entries, err := corpus.ReadSet(os.DirFS(*set))
	if err != nil {
		return fmt.Errorf("%s: %w", *set, err)
	}
	pack, err := data.Pack(*more)
	if err != nil {
		return err
	}
	c, err := classify.Load(*model)
	if err != nil {
		return err
	}
	defer c.Close()
	e := detect.New(pack, c)
	results, err := judge(e, detect.New(pack, nil), pack, entries)
	if err != nil {
		return err
	}
	fmt.Fprintf(out, "# %s\n\n%d entries, %d rules, model %s\n", *set, len(entries), len(pack.Rules), c.Model().ID)
	report(out, results, c.Model())
	if *wrong {
		list(out, results)
	}
	if *wasm == "" {
		return nil
	}
	return compare(out, results, *wasm, *model, pack)
}

// result is an entry with what the engine made of it.
type result struct {
	corpus.Entry
	tier     string // of the topic's rule; empty where there is none
	request  detect.Request
	start    int              // where the entry begins in its answer, in bytes
	best     detect.Judgement // of the greatest score within the entry
	reached  bool             // some proposition matched
	pattern  bool             // the engine without classifier would flag it
	findings []detect.Finding // within the entry
	all      []detect.Finding // of the answer as a whole, for the comparison
}

func (r result) flagged() bool { return len(r.findings) > 0 }

// judge asks the engine of each entry, and one without a classifier what it
// would flag.
func judge(e, degraded *detect.Engine, pack rules.Pack, entries []corpus.Entry) ([]result, error) {
	out := make([]result, len(entries))
	for i, x := range entries {
		text, start := x.Answer()
		r := result{Entry: x, request: detect.Request{Text: text, Question: x.Question}, start: start}
		if rule := pack.Rule(x.Topic); rule != nil {
			r.tier = rule.Tier
		}
		judged, err := e.Judge(r.request)
		if err != nil {
			return nil, fmt.Errorf("%s: %w", x.ID, err)
		}
		for _, j := range judged {
			if j.Start < start {
				continue
			}
			if !r.reached || j.Score > r.best.Score {
				r.best = j
			}
			r.reached = true
		}
		flagged, err := degraded.Check(r.request)
		if err != nil {
			return nil, fmt.Errorf("%s: %w", x.ID, err)
		}
		r.pattern = slices.ContainsFunc(flagged, func(f detect.Finding) bool { return f.Start >= start })
		r.all = detect.Decide(judged)
		for _, f := range r.all {
			if f.Start >= start {
				r.findings = append(r.findings, f)
			}
		}
		out[i] = r
	}
	return out, nil
}

// list prints what was judged wrongly, the surest mistakes first.
func list(out io.Writer, results []result) {
	wrong := slices.DeleteFunc(slices.Clone(results), func(r result) bool { return r.flagged() == (r.Expect == corpus.Flag) })
	slices.SortStableFunc(wrong, func(a, b result) int {
		return cmp.Or(cmp.Compare(a.Expect, b.Expect), cmp.Compare(b.best.Score, a.best.Score))
	})
	fmt.Fprintf(out, "\n## Judged wrongly\n\n")
	for _, r := range wrong {
		what := "missed"
		if r.flagged() {
			what = fmt.Sprintf("flagged by %s/%s", r.findings[0].Rule, r.findings[0].Proposition)
		} else if !r.reached {
			what = "reaches no proposition"
		}
		fmt.Fprintf(out, "- %s (%s, %s) %s, score %.2f: %s\n", r.ID, r.Label, r.Kind, what, r.best.Score, strings.ReplaceAll(r.Text, "\n", " ⏎ "))
	}
}

// compare holds the wasm under wazero to the native engine.
func compare(out io.Writer, results []result, wasm, model string, pack rules.Pack) error {
	ctx := context.Background()
	h, err := host.Open(ctx, wasm, model, host.CacheDir(), pack)
	if err != nil {
		return err
	}
	defer h.Close(ctx)
	started, differ, furthest := time.Now(), 0, 0.0
	for _, r := range results {
		got, err := h.Check(ctx, r.request)
		if err != nil {
			return fmt.Errorf("%s: in the wasm: %w", r.ID, err)
		}
		want := abi.Findings(r.request.Text, r.all)
		same := len(got) == len(want)
		for i := 0; same && i < len(got); i++ {
			same = got[i].Start == want[i].Start && got[i].End == want[i].End && got[i].Rule == want[i].Rule && got[i].Proposition == want[i].Proposition
			furthest = max(furthest, got[i].Score-want[i].Score, want[i].Score-got[i].Score)
		}
		if !same {
			differ++
			fmt.Fprintf(out, "- %s: %d findings in the wasm, %d natively\n", r.ID, len(got), len(want))
		}
	}
	fmt.Fprintf(out, "\n## Through the wasm (wazero)\n\n%d of %d entries decided as natively, scores within %.1e, %.1f ms an entry\n",
		len(results)-differ, len(results), furthest, float64(time.Since(started).Microseconds())/1000/float64(max(1, len(results))))
	if differ > 0 {
		return errors.New("the wasm decides otherwise than the native engine; run ./build.sh build, and report it if it stays")
	}
	return nil
}
