// SPDX-License-Identifier: Apache-2.0

// Command parity holds the ways of running the classifier to one another, on
// every input that the corpus and the rules' examples give: hugot natively,
// the built wasm under wazero, and, through the file that it writes, whatever
// ext/parity/parity.mjs drives (the engine in Chromium, onnxruntime-node).
//
//	./build.sh parity [--every N]
//
// It fails where a logit differs by more than 1e-3 or a decision differs.
package main

import (
	"bufio"
	"context"
	"encoding/json"
	"errors"
	"flag"
	"fmt"
	"math"
	"os"
	"slices"

	"haechi/rules"
	"haechi/rules/data"
	"haechi/wasm/abi"
	"haechi/wasm/classify"
	"haechi/wasm/detect"
	"haechi/wasm/host"
	"haechi/wasm/model/train/corpus"
)

// tolerance is how far the logits of two runtimes may lie apart.
const tolerance = 1e-3

const folder = "wasm/model/train/corpus"

func main() {
	if err := run(os.Args[1:]); err != nil {
		fmt.Fprintln(os.Stderr, "parity:", err)
		os.Exit(1)
	}
}

// row is one input with what the native engine makes of it.
type row struct {
	Input     string        `json:"input"`
	Tokens    []uint32      `json:"tokens"`
	Logits    detect.Logits `json:"logits"`
	Threshold float64       `json:"threshold"` // the least P(asserts) that flags
	Score     float64       `json:"score"`     // P(asserts)
}

func run(args []string) error {
	f := flag.NewFlagSet("parity", flag.ContinueOnError)
	every := f.Int("every", 1, "compare every Nth input only")
	model := f.String("model", "wasm/model", "folder of the classifier")
	wasm := f.String("wasm", "dist/haechi.wasm", "the built engine")
	out := f.String("out", "dist/parity.jsonl", "file for the other runtimes to compare with")
	if err := f.Parse(args); err != nil {
		return err
	}
	if *every < 1 {
		return fmt.Errorf("--every %d must be at least 1", *every)
	}
	pack, err := data.Pack("")
	if err != nil {
		return err
	}
	c, err := classify.Load(*model)
	if err != nil {
		return err
	}
	defer c.Close()
	rows, err := natively(detect.New(pack, c), c, *every)
	if err != nil {
		return err
	}
	if len(rows) == 0 {
		return errors.New("no input to compare")
	}
	if err := write(*out, c.Model().Temperature, rows); err != nil {
		return err
	}
	return underWazero(rows, c.Model().Temperature, *wasm, *model, pack)
}

// natively judges the corpus and the rules' examples, each distinct input once.
func natively(e *detect.Engine, c *classify.Classifier, every int) ([]row, error) {
	rs, err := data.Rules()
	if err != nil {
		return nil, err
	}
	type said struct {
		text, question string
	}
	var texts []said
	for _, split := range []string{"train", "dev", "test"} {
		entries, err := corpus.Read(os.DirFS(folder + "/" + split))
		if err != nil {
			return nil, fmt.Errorf("%s: %w", split, err)
		}
		for _, x := range entries {
			text, _ := x.Answer()
			texts = append(texts, said{text, x.Question})
		}
	}
	for _, r := range rs {
		for _, lang := range rules.Languages {
			for _, x := range slices.Concat(r.Examples[lang].Hit, r.Examples[lang].Miss) {
				text, _ := x.Answer()
				texts = append(texts, said{text, x.Question})
			}
		}
	}
	seen := map[string]bool{}
	var out []row
	for i, t := range texts {
		if i%every != 0 {
			continue
		}
		judged, err := e.Judge(detect.Request{Text: t.text, Question: t.question})
		if err != nil {
			return nil, err
		}
		for _, j := range judged {
			if seen[j.Input] {
				continue
			}
			seen[j.Input] = true
			logits, err := c.Classify([]string{j.Input})
			if err != nil {
				return nil, err
			}
			tokens, err := c.Tokens(j.Input)
			if err != nil {
				return nil, err
			}
			out = append(out, row{j.Input, tokens, logits[0], j.Threshold, j.Stance[detect.Asserts]})
		}
	}
	return out, nil
}

func write(path string, temperature float64, rows []row) (err error) {
	f, err := os.Create(path)
	if err != nil {
		return err
	}
	defer func() { err = errors.Join(err, f.Close()) }()
	w := bufio.NewWriter(f)
	j := json.NewEncoder(w)
	j.SetEscapeHTML(false)
	if err := j.Encode(map[string]float64{"temperature": temperature, "tolerance": tolerance}); err != nil {
		return err
	}
	for _, r := range rows {
		if err := j.Encode(r); err != nil {
			return err
		}
	}
	return w.Flush()
}

func underWazero(rows []row, temperature float64, wasm, model string, pack rules.Pack) error {
	ctx := context.Background()
	h, err := host.Open(ctx, wasm, model, host.CacheDir(), pack)
	if err != nil {
		return err
	}
	defer h.Close(ctx)
	furthest, decisions, wrong := 0.0, 0, 0
	for batch := range slices.Chunk(rows, 64) {
		q := abi.Request{Op: "classify"}
		for _, r := range batch {
			q.Inputs = append(q.Inputs, r.Input)
		}
		var got abi.Classified
		if err := h.Call(ctx, q, &got); err != nil {
			return err
		}
		if len(got.Logits) != len(batch) {
			return fmt.Errorf("wazero: %d rows of logits for %d inputs", len(got.Logits), len(batch))
		}
		for i, r := range batch {
			off := 0.0
			for k := range r.Logits {
				off = max(off, math.Abs(float64(got.Logits[i][k]-r.Logits[k])))
			}
			furthest = max(furthest, off)
			decides := (detect.Model{Temperature: temperature}).Stance(got.Logits[i])[detect.Asserts] >= r.Threshold
			if decides != (r.Score >= r.Threshold) {
				decisions++
			}
			if off > tolerance {
				wrong++
				fmt.Printf("wazero: off by %.2g: %s\n", off, r.Input)
			}
		}
	}
	fmt.Printf("wazero: %d inputs, logits within %.1e of hugot natively, %d decisions differ\n", len(rows), furthest, decisions)
	if wrong+decisions > 0 {
		return fmt.Errorf("wazero: %d inputs off by more than %v, %d decisions differ", wrong, tolerance, decisions)
	}
	return nil
}
