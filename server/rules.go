// SPDX-License-Identifier: Apache-2.0

package main

import (
	"fmt"
	"io"

	"haechi/rules"
	"haechi/rules/data"
	"haechi/wasm/detect"
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
extension ships, byte for byte what is hashed and signed. With --index, in its
place, what the engine works out of it, so that it starts several times faster.

Example:
  haechi rules pack > dist/baseline.json
  haechi rules pack --index > dist/baseline.index`

func runRulesPack(args []string, _ io.Reader, stdout, stderr io.Writer) int {
	o := newOptions("rules pack", "[--index] > FILE", rulesPackHelp)
	index := o.Bool("index", false, "print the engine's index of the pack")
	if _, code, ok := o.parse(args, 0, 0, stdout, stderr); !ok {
		return code
	}
	pack, err := embeddedPack()
	if err != nil {
		return o.failed(stderr, err)
	}
	var out []byte
	if *index {
		out = detect.New(pack, nil).Prepared()
	} else {
		out = pack.Encode()
	}
	if _, err := stdout.Write(out); err != nil {
		return o.failed(stderr, fmt.Errorf("standard output: %w", err))
	}
	return exitDone
}

// embeddedPack is the baseline of this binary.
func embeddedPack() (rules.Pack, error) { return data.Pack("") }
