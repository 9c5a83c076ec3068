// SPDX-License-Identifier: Apache-2.0

// Command write makes a folder a classifier of BERT's shape with random
// weights, which reads text as the model that it is told of does:
//
//	go run ./wasm/onnx/bert/write --places 64 --inputs dist/cost/haechi/inputs.jsonl --out dist/cost/bert-4x256-64
//
// With --inputs it leaves an inputs.jsonl there too, for ext/parity/cost.mjs:
// texts of as many tokens as the network has places, made of those given.
package main

import (
	"bufio"
	"bytes"
	"encoding/json"
	"errors"
	"flag"
	"fmt"
	"os"

	"haechi/wasm/detect"
	"haechi/wasm/onnx/bert"
	"haechi/wasm/wordpiece"
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
	places := f.Int("places", 512, "max_position_embeddings")
	inputs := f.String("inputs", "", "texts to make long texts of")
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
	shape := bert.Shape{Layers: *layers, Width: *width, Heads: *heads, Pieces: len(t.Model.Vocabulary), Places: *places, Types: *types, Seed: 1}
	if err := bert.Write(*out, shape, detect.Labels[:], b); err != nil || *inputs == "" {
		return err
	}
	return lengthen(*inputs, *out+"/inputs.jsonl", b, *places)
}

// row is a text with what the network reads of it.
type row struct {
	Input  string  `json:"input"`
	Tokens []int64 `json:"tokens"`
}

// lengthen writes as many texts as the file from has, each of n tokens: one of
// its texts and those behind it.
func lengthen(from, to string, tokenizer []byte, n int) (err error) {
	b, err := os.ReadFile(from)
	if err != nil {
		return err
	}
	var texts []string
	for d := json.NewDecoder(bytes.NewReader(b)); d.More(); {
		var r row
		if err := d.Decode(&r); err != nil {
			return fmt.Errorf("%s: %w", from, err)
		}
		texts = append(texts, r.Input)
	}
	t, err := wordpiece.Parse(tokenizer)
	if err != nil {
		return err
	}
	f, err := os.Create(to)
	if err != nil {
		return err
	}
	defer func() { err = errors.Join(err, f.Close()) }()
	w := bufio.NewWriter(f)
	for i := range texts {
		var r row
		for k := 0; len(r.Tokens) < n; k++ {
			if k == len(texts) {
				return fmt.Errorf("%s: too few texts for %d tokens", from, n)
			}
			r.Input += texts[(i+k)%len(texts)] + " "
			r.Tokens = t.Encode(nil, r.Input, n)
		}
		if err := json.NewEncoder(w).Encode(r); err != nil {
			return err
		}
	}
	return w.Flush()
}
