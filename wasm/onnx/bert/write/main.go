// SPDX-License-Identifier: Apache-2.0

// Command write makes a folder a classifier of BERT's shape with random
// weights, which reads text as the model that it is told of does:
//
//	go run ./wasm/onnx/bert/write --out dist/cost/bert-4x256
package main

import (
	"encoding/json"
	"errors"
	"flag"
	"fmt"
	"os"

	"haechi/wasm/detect"
	"haechi/wasm/onnx/bert"
)

func main() {
	if err := run(os.Args[1:]); err != nil {
		fmt.Fprintln(os.Stderr, "write:", err)
		os.Exit(1)
	}
}

func run(args []string) error {
	f := flag.NewFlagSet("write", flag.ContinueOnError)
	out := f.String("out", "", "folder to write")
	layers := f.Int("layers", 4, "layers")
	width := f.Int("width", 256, "width of a layer")
	heads := f.Int("heads", 4, "heads of attention")
	types := f.Bool("types", false, "take token_type_ids too")
	tokenizer := f.String("tokenizer", "wasm/model/tokenizer.json", "what to split text with")
	if err := f.Parse(args); err != nil {
		return err
	}
	if *out == "" {
		return errors.New("--out must name a folder")
	}
	b, err := os.ReadFile(*tokenizer)
	if err != nil {
		return err
	}
	var t struct {
		Model struct {
			Vocabulary map[string]int `json:"vocab"`
		} `json:"model"`
	}
	if err := json.Unmarshal(b, &t); err != nil {
		return fmt.Errorf("%s: %w", *tokenizer, err)
	}
	shape := bert.Shape{Layers: *layers, Width: *width, Heads: *heads, Pieces: len(t.Model.Vocabulary), Places: 512, Types: *types, Seed: 1}
	return bert.Write(*out, shape, detect.Labels[:], b)
}
