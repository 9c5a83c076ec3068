// SPDX-License-Identifier: Apache-2.0

package main

import (
	"fmt"
	"io"

	"haechi/rules"
	"haechi/rules/data"
)

func runRules(args []string, stdin io.Reader, stdout, stderr io.Writer) int {
	return dispatch("haechi rules", []subcommand{
		{"fmt", "write rule files in canonical form", runRulesFmt},
		{"check", "say what is wrong in rule files, and where", runRulesCheck},
		{"test", "run rules in the built engine and show what changes", runRulesTest},
		{"diff", "show what changes in the rules themselves", runRulesDiff},
		{"pack", "print the pack of the rules in this binary", runRulesPack},
		{"push", "sign rules and publish them on a server", runRulesPush},
		{"sign", "add your signature to another maintainer's draft", runRulesSign},
		{"publish", "send a draft that enough maintainers signed", runRulesPublish},
		{"rollback", "publish the rules of an old release again", runRulesRollback},
		{"disable", "switch rules off everywhere", runRulesDisable},
	}, args, stdin, stdout, stderr)
}

const rulesPackHelp = `
Prints the canonical pack of the rules and sites in this binary: the baseline that an
extension ships, byte for byte what is hashed and signed.

Example:
  haechi rules pack > dist/baseline.json`

func runRulesPack(args []string, _ io.Reader, stdout, stderr io.Writer) int {
	o := newOptions("rules pack", "> FILE", rulesPackHelp)
	if _, code, ok := o.parse(args, 0, 0, stdout, stderr); !ok {
		return code
	}
	pack, err := embeddedPack()
	if err != nil {
		return o.failed(stderr, err)
	}
	if _, err := stdout.Write(pack.Encode()); err != nil {
		return o.failed(stderr, fmt.Errorf("standard output: %w", err))
	}
	return exitDone
}

// embeddedPack is the baseline of this binary.
func embeddedPack() (rules.Pack, error) { return data.Pack("") }
