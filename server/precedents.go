// SPDX-License-Identifier: Apache-2.0

package main

import (
	"errors"

	"haechi/server/gate"
	"haechi/server/publish"
	"haechi/server/review"
	"haechi/wasm/model/train/corpus"
)

// What maintainers signed off at the review desk, on its way into the gate: the
// server's own at each push, and that of a server or mirror for "haechi rules
// test".

// precedentsPath is where a server and its mirrors serve them.
const precedentsPath = "/v1/corpus.jsonl"

// maxPrecedents bounds the file, in bytes: review.MaxPrecedents of the longest.
const maxPrecedents = 16 << 20

// holdTo has a node's gate judge with what its desk signed off. Nothing is
// pushed yet when it is called.
func holdTo(g publish.Gate, desk *review.Desk) {
	own, ok := g.(pushGate)
	if !ok { // none, or one that refuses everything
		return
	}
	own.gate.Precedents = func() ([]gate.Entry, error) {
		all, err := desk.Precedents()
		if err != nil {
			return nil, err
		}
		out := make([]gate.Entry, len(all))
		for i, p := range all {
			out[i] = gate.Precedent(corpus.Entry{
				ID: p.ID, Lang: p.Lang, Topic: p.Topic, Text: p.Text, Question: p.Question, Label: p.Label, Expect: p.Expect, Kind: p.Kind,
			})
		}
		return out, nil
	}
}

// precedents fetches what a server or mirror holds rules to. They are not
// signed: they only make this machine's test stricter. A server from before
// there were any has none.
func (r *remote) precedents() ([]gate.Entry, error) {
	lines, err := r.get(precedentsPath, maxPrecedents)
	if errors.Is(err, errMissing) {
		return nil, nil
	}
	if err != nil {
		return nil, err
	}
	return gate.ReadPrecedents(lines)
}
