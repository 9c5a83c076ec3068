// SPDX-License-Identifier: Apache-2.0

package main

import (
	"os"
	"testing"

	"haechi/rules/data"
	"haechi/wasm/classify"
	"haechi/wasm/detect"
	"haechi/wasm/onnx/bert"
)

// TestBERTsLogitsAreHugots: a classifier of BERT's shape in place of ours, also
// in the built wasm where there is one.
func TestBERTsLogitsAreHugots(t *testing.T) {
	tokenizer, err := os.ReadFile(model + "/tokenizer.json")
	if err != nil {
		t.Fatal(err)
	}
	folder := t.TempDir()
	if err := bert.Write(folder, bert.Shape{Layers: 2, Width: 64, Heads: 4, Pieces: 8300, Places: 320, Types: true, Seed: 3}, detect.Labels[:], tokenizer); err != nil {
		t.Fatal(err)
	}
	pack, err := data.Pack("")
	if err != nil {
		t.Fatal(err)
	}
	c, err := classify.Load(folder)
	if err != nil {
		t.Fatal(err)
	}
	defer c.Close()
	rows, err := inputs(detect.New(pack, c), "../..", max(every(), 1000))
	if err != nil {
		t.Fatal(err)
	}
	if len(rows) < 20 {
		t.Fatalf("only %d inputs", len(rows))
	}
	if err := refer(rows, folder, c.Model()); err != nil {
		t.Fatal(err)
	}
	if err := natively(rows, c); err != nil {
		t.Fatal(err)
	}
	const wasm = "../../dist/haechi.wasm"
	if _, err := os.Stat(wasm); err != nil {
		t.Logf("not under wazero: %v", err)
		return
	}
	if err := underWazero(rows, c.Model(), wasm, folder, pack); err != nil {
		t.Fatal(err)
	}
}
