// SPDX-License-Identifier: Apache-2.0

package main

import (
	"encoding/json"
	"fmt"
	"io"
	"os"
	"strings"

	"haechi/rules"
	"haechi/rules/trust"
)

const rulesDiffHelp = `
Shows what rule files change, rule by rule: words that come and go, by role and
language, and texts as old and new. They are held against the rules in this
binary, a pack file (--against) or what a server holds now (--server, not
verified: "haechi rules push" does that).

Examples:
  haechi rules diff rules/data/kimchi-origin-china.json
  haechi rules diff my-rule.json --server http://127.0.0.1:8787`

func runRulesDiff(args []string, _ io.Reader, stdout, stderr io.Writer) int {
	o := newOptions("rules diff", "FILE… [--server URL | --against FILE] [--json]", rulesDiffHelp)
	server := o.String("server", "", "compare with what the server at `URL` holds")
	against := o.String("against", "", "compare with the pack in `FILE`, as \"haechi rules pack\" writes it")
	asJSON := o.Bool("json", false, "print JSON")
	files, code, ok := o.parse(args, 1, -1, stdout, stderr)
	if !ok {
		return code
	}
	if *server != "" && *against != "" {
		return o.wrong(stderr, "give --server or --against, not both")
	}
	if *server != "" {
		if _, err := newRemote(*server); err != nil {
			return o.wrong(stderr, "%v", err)
		}
	}
	read, problems := readRules(files)
	if len(problems) > 0 {
		return o.failed(stderr, fmt.Errorf("rules are not valid\n%s", strings.Join(problems, "\n")))
	}
	before, err := diffBase(*server, *against)
	if err != nil {
		return o.failed(stderr, err)
	}
	var diffs []ruleDiff
	for _, f := range read {
		if f.site != nil { // its file says all there is to say
			continue
		}
		if d := diffRule(before.Rule(f.rule.ID), f.rule); len(d.Fields) > 0 {
			diffs = append(diffs, d)
		}
	}
	if *asJSON {
		e := json.NewEncoder(stdout)
		e.SetEscapeHTML(false)
		e.SetIndent("", "  ")
		err = e.Encode(append([]ruleDiff{}, diffs...))
	} else {
		err = printDiffs(stdout, diffs)
	}
	if err != nil {
		return o.failed(stderr, fmt.Errorf("standard output: %w", err))
	}
	return exitDone
}

// diffBase is the pack that files are held against.
func diffBase(server, against string) (rules.Pack, error) {
	switch {
	case against != "":
		b, err := os.ReadFile(against)
		if err != nil {
			return rules.Pack{}, err
		}
		p, err := rules.ParsePack(b)
		if err != nil {
			return rules.Pack{}, fmt.Errorf("%s: %w; write one with \"haechi rules pack\"", against, err)
		}
		return p, nil
	case server != "":
		at, err := newRemote(server)
		if err != nil {
			return rules.Pack{}, err
		}
		// Only shown: "haechi rules sign" verifies what it signs.
		head, err := at.head(trust.Preview)
		if err != nil {
			return rules.Pack{}, err
		}
		frame, err := at.snapshot(head.Sequence)
		if err != nil {
			return rules.Pack{}, err
		}
		u, err := trust.ParseUpdate(frame)
		if err != nil {
			return rules.Pack{}, fmt.Errorf("what the server holds: %w", err)
		}
		return rules.ParsePack(u.Pack)
	}
	return embeddedPack()
}
