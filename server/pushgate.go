// SPDX-License-Identifier: Apache-2.0

package main

import (
	"context"
	"fmt"
	"io"
	"log/slog"
	"strings"

	"haechi/rules"
	"haechi/server/gate"
	"haechi/server/publish"
)

// maxSentences is how many changed sentences an answer to a push carries.
const maxSentences = 500

// pushGate is the gate as the publisher asks it.
type pushGate struct {
	ctx  context.Context // ends with the server
	gate *gate.Gate
}

func (p pushGate) Judge(before, after rules.Pack, files []rules.Rule) ([]string, []publish.Sentence, error) {
	byID := make(map[string]rules.Rule, len(files))
	for _, r := range files {
		byID[r.ID] = r
	}
	report, err := p.gate.Compare(p.ctx, before, after, byID)
	if err != nil {
		return nil, nil, err
	}
	var changes []publish.Sentence
	for _, c := range report.Changes[:min(len(report.Changes), maxSentences)] {
		changes = append(changes, publish.Sentence{Text: c.Text, Expect: c.Expect, People: c.People, Before: c.Before, After: c.After})
	}
	return report.Refusals(gate.DefaultLimits), changes, nil
}

// shutGate refuses every push of a server that cannot judge.
type shutGate struct{ reason error }

func (s shutGate) Judge(_, _ rules.Pack, _ []rules.Rule) ([]string, []publish.Sentence, error) {
	return []string{fmt.Sprintf("this server cannot judge rules: %v; its operator must give --engine and --model, or --no-gate", s.reason)}, nil, nil
}

// openGate returns the gate of a server. One without engine or model serves,
// but takes no pushes.
func openGate(ctx context.Context, engine, model string, log *slog.Logger) publish.Gate {
	entries, err := gate.DefaultCorpus()
	if err == nil {
		var g *gate.Gate
		if g, err = gate.Open(ctx, engine, model, entries); err == nil {
			return pushGate{ctx, g}
		}
	}
	log.Warn("pushes will be refused: rules cannot be judged; give --engine and --model, or --no-gate to take them unjudged", "err", err)
	return shutGate{err}
}

// printSentences lists what the server's gate found to be judged otherwise.
func printSentences(w io.Writer, changes []publish.Sentence) {
	if len(changes) == 0 {
		return
	}
	by := func(ids []string) string {
		if len(ids) == 0 {
			return "passes"
		}
		return strings.Join(ids, ", ")
	}
	fmt.Fprintf(w, "%d sentences of the corpus are judged otherwise:\n", len(changes))
	for _, c := range changes {
		fmt.Fprintf(w, "  %s → %s (expected: %s%s): %s\n", by(c.Before), by(c.After), c.Expect, map[bool]string{true: ", as people judged"}[c.People], strings.Join(strings.Fields(c.Text), " "))
	}
}
