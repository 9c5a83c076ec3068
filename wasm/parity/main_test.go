// SPDX-License-Identifier: Apache-2.0

package main

import (
	"runtime/debug"
	"slices"
	"testing"

	"haechi/rules/data"
	"haechi/wasm/classify"
	"haechi/wasm/detect"
)

const model = "../model"

// every is how many inputs stand behind one that is compared: with -short, or
// the race detector, under which hugot is many times slower.
func every() int {
	info, _ := debug.ReadBuildInfo()
	raced := info != nil && slices.Contains(info.Settings, debug.BuildSetting{Key: "-race", Value: "true"})
	if testing.Short() || raced {
		return 200
	}
	return 1
}

// TestOurLogitsAreHugots: the same ids, logits within 1e-4 and the same
// decisions on the whole corpus.
func TestOurLogitsAreHugots(t *testing.T) {
	pack, err := data.Pack("")
	if err != nil {
		t.Fatal(err)
	}
	c, err := classify.Load(model)
	if err != nil {
		t.Fatal(err)
	}
	defer c.Close()
	rows, err := inputs(detect.New(pack, c), "../..", every())
	if err != nil {
		t.Fatal(err)
	}
	if len(rows) < 100 {
		t.Fatalf("only %d inputs", len(rows))
	}
	if err := refer(rows, model, c.Model()); err != nil {
		t.Fatal(err)
	}
	if err := natively(rows, c); err != nil {
		t.Fatal(err)
	}
}
