// SPDX-License-Identifier: Apache-2.0

package main

import (
	"context"
	"encoding/json"
	"fmt"
	"io"
	"os"
	"os/signal"
	"strings"
	"syscall"

	"haechi/rules"
	"haechi/rules/data"
	"haechi/server/gate"
)

const rulesTestHelp = `
Shows what rule files would do before anybody has them. They are put on top of
the rules in this binary and run in the built engine, bounded in memory and
time: their own examples first, then the documented answers, the hard negatives
and the examples of all other rules, with a table of the sentences that are
judged otherwise than before. It ends with 1 where a server would refuse them.

With --server the files are put on top of the rules that a server or mirror
holds, verified under --trust, and judged with the sentences that people judged
at its review desk and a maintainer signed off, as its own gate would.

Without FILE and --remove the examples of all rules in this binary are tested,
which takes minutes.

Examples:
  haechi rules test rules/data/kimchi-origin-china.json
  haechi rules test my-rule.json --server https://rules.example --trust trust.json
  haechi rules test --remove old-rule --corpus my-sentences --json`

func runRulesTest(args []string, _ io.Reader, stdout, stderr io.Writer) int {
	o := newOptions("rules test", "[FILE…] [--remove ID] [--server URL [--trust FILE] [--baseline HASH]] [--corpus DIR] [--engine FILE] [--model DIR] [--json]", rulesTestHelp)
	remove := o.list("remove", "take the rule `ID` away; may be repeated")
	folder := o.String("corpus", "", "judge the labelled .jsonl files in `DIR` as well")
	server := o.String("server", "", "test on top of what the server or mirror at `URL` holds, with what was signed off at its review desk")
	trustFile := o.String("trust", "dist/trust.json", "verify that under the root in `FILE`")
	baseline := o.String("baseline", "", "the server's rules are the unsigned baseline with this `HASH`")
	engine := o.String("engine", beside("haechi.wasm"), "run the built engine in `FILE`")
	model := o.String("model", beside("model"), "run it with the classifier in `DIR`")
	asJSON := o.Bool("json", false, "print the report as JSON")
	files, code, ok := o.parse(args, 0, -1, stdout, stderr)
	if !ok {
		return code
	}
	read, problems := readRules(files)
	if len(problems) > 0 {
		return o.failed(stderr, fmt.Errorf("rules are not valid; nothing was tested\n%s", strings.Join(problems, "\n")))
	}
	before, signedOff, err := testedAgainst(*server, *trustFile, *baseline)
	if err != nil {
		return o.failed(stderr, err)
	}
	after, _, err := change(before, read, *remove)
	if err != nil {
		return o.failed(stderr, err)
	}
	entries, err := gate.DefaultCorpus()
	if err == nil && *folder != "" {
		var more []gate.Entry
		more, err = gate.ReadCorpus(*folder)
		entries = append(entries, more...)
	}
	if err != nil {
		return o.failed(stderr, err)
	}
	entries = append(entries, signedOff...)
	byID, err := tested(read, len(*remove) == 0)
	if err != nil {
		return o.failed(stderr, err)
	}
	ctx, stop := signal.NotifyContext(context.Background(), os.Interrupt, syscall.SIGTERM)
	defer stop()
	g, err := gate.Open(ctx, *engine, *model, entries)
	if err != nil {
		return o.failed(stderr, err)
	}
	report, err := g.Compare(ctx, before, after, byID)
	if err != nil {
		return o.failed(stderr, err)
	}
	refusals := report.Refusals(gate.DefaultLimits)
	if *asJSON {
		e := json.NewEncoder(stdout)
		e.SetEscapeHTML(false)
		e.SetIndent("", "  ")
		err = e.Encode(struct {
			Refusals []string `json:"refusals"`
			gate.Report
		}{append([]string{}, refusals...), report})
	} else {
		err = report.Write(stdout, gate.DefaultLimits)
	}
	if err != nil {
		return o.failed(stderr, fmt.Errorf("standard output: %w", err))
	}
	if len(refusals) > 0 {
		return exitFailed
	}
	return exitDone
}

// testedAgainst returns the rules that the files are put on: those of a server,
// with what was signed off at its desk, or this binary's.
func testedAgainst(server, trustFile, baseline string) (rules.Pack, []gate.Entry, error) {
	if server == "" {
		pack, err := embeddedPack()
		return pack, nil, err
	}
	at, err := newRemote(server)
	if err != nil {
		return rules.Pack{}, nil, err
	}
	root, err := readRoot(trustFile)
	if err != nil {
		return rules.Pack{}, nil, err
	}
	have, err := verified(at, root, baseline)
	if err != nil {
		return rules.Pack{}, nil, err
	}
	entries, err := at.precedents()
	return have.state.Pack, entries, err
}

// tested are the rules whose examples are tested: those of the files, or all
// built-in ones where nothing is changed.
func tested(read []ruleFile, all bool) (map[string]rules.Rule, error) {
	out := map[string]rules.Rule{}
	for _, f := range read {
		if f.site == nil {
			out[f.rule.ID] = f.rule
		}
	}
	if len(out) > 0 || !all {
		return out, nil
	}
	rs, err := data.Rules()
	if err != nil {
		return nil, err
	}
	for _, r := range rs {
		out[r.ID] = r
	}
	return out, nil
}
