// SPDX-License-Identifier: Apache-2.0

// Command parity holds the ways of running the classifier to one another, on
// every input that the corpus and the rules' examples give. hugot is the
// reference; our own executor natively, the built wasm under wazero and,
// through the file that it writes, whatever ext/parity/parity.mjs drives (the
// engine in Chromium, onnxruntime-node) are compared with it.
//
//	./build.sh parity [--every N]
//
// It fails where a logit differs by more than 1e-4, a decision differs, or our
// tokenizer gives other ids.
package main

import (
	"bufio"
	"cmp"
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
	"haechi/wasm/classify/reference"
	"haechi/wasm/detect"
	"haechi/wasm/host"
	"haechi/wasm/model/train/corpus"
)

// tolerance is how far the logits of two runtimes may lie apart.
const tolerance = 1e-4

const folder = "wasm/model/train/corpus"

func main() {
	if err := run(os.Args[1:]); err != nil {
		fmt.Fprintln(os.Stderr, "parity:", err)
		os.Exit(1)
	}
}

// row is one input with what hugot makes of it.
type row struct {
	Input     string        `json:"input"`
	Tokens    []int64       `json:"tokens"`
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
	rows, err := inputs(detect.New(pack, c), ".", *every)
	if err != nil {
		return err
	}
	if len(rows) == 0 {
		return errors.New("no input to compare")
	}
	if err := refer(rows, *model, c.Model()); err != nil {
		return err
	}
	if err := write(*out, c.Model().Temperature, rows); err != nil {
		return err
	}
	return errors.Join(natively(rows, c), underWazero(rows, c.Model(), *wasm, *model, pack))
}

// inputs is what the engine asks the classifier about the corpus and the
// rules' examples, each distinct input once, below the repository's root.
func inputs(e *detect.Engine, root string, every int) ([]row, error) {
	rs, err := data.Rules()
	if err != nil {
		return nil, err
	}
	type said struct {
		text, question string
	}
	var texts []said
	for _, split := range []string{"train", "dev", "test"} {
		entries, err := corpus.Read(os.DirFS(root + "/" + folder + "/" + split))
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
			if !seen[j.Input] {
				seen[j.Input] = true
				out = append(out, row{Input: j.Input, Threshold: j.Threshold})
			}
		}
	}
	return out, nil
}

// refer adds hugot's tokens, logits and scores.
func refer(rows []row, model string, of detect.Model) error {
	hugot, err := reference.Load(model)
	if err != nil {
		return err
	}
	defer hugot.Close()
	for i := range rows {
		r := &rows[i]
		if r.Tokens, err = hugot.Tokens(r.Input); err != nil {
			return err
		}
	}
	// Sentences of like length run together, since hugot pads them.
	order := make([]int, len(rows))
	for i := range order {
		order[i] = i
	}
	slices.SortFunc(order, func(a, b int) int { return cmp.Compare(len(rows[a].Tokens), len(rows[b].Tokens)) })
	for batch := range slices.Chunk(order, 8) {
		var texts []string
		for _, i := range batch {
			texts = append(texts, rows[i].Input)
		}
		logits, err := hugot.Logits(texts)
		if err != nil {
			return err
		}
		for k, i := range batch {
			rows[i].Logits, rows[i].Score = logits[k], of.Stance(logits[k])[detect.Asserts]
		}
	}
	return nil
}

// natively compares our own tokenizer and executor.
func natively(rows []row, c *classify.Classifier) error {
	d := difference{model: c.Model()}
	for _, r := range rows {
		if got := c.Tokens(r.Input); !slices.Equal(got, r.Tokens) {
			return fmt.Errorf("natively: tokens %v, hugot's are %v: %s", got, r.Tokens, r.Input)
		}
		logits, err := c.Classify([]string{r.Input})
		if err != nil {
			return err
		}
		d.add(r, logits[0])
	}
	return d.report("natively")
}

// difference is how far a runtime lies from the reference.
type difference struct {
	model     detect.Model
	inputs    int
	furthest  float64
	decisions int // that differ
	wrong     int // inputs with a logit off by more than tolerance
}

func (d *difference) add(r row, got detect.Logits) {
	off := 0.0
	for k := range r.Logits {
		off = max(off, math.Abs(float64(got[k]-r.Logits[k])))
	}
	d.inputs++
	d.furthest = max(d.furthest, off)
	if (d.model.Stance(got)[detect.Asserts] >= r.Threshold) != (r.Score >= r.Threshold) {
		d.decisions++
	}
	if !(off <= tolerance) {
		d.wrong++
		fmt.Printf("off by %.2g: %s\n", off, r.Input)
	}
}

func (d *difference) report(name string) error {
	fmt.Printf("%s: %d inputs, logits within %.1e of hugot, %d decisions differ\n", name, d.inputs, d.furthest, d.decisions)
	if d.wrong+d.decisions > 0 {
		return fmt.Errorf("%s: %d inputs off by more than %v, %d decisions differ", name, d.wrong, tolerance, d.decisions)
	}
	return nil
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

func underWazero(rows []row, of detect.Model, wasm, model string, pack rules.Pack) error {
	ctx := context.Background()
	h, err := host.Open(ctx, wasm, model, host.CacheDir(), pack)
	if err != nil {
		return err
	}
	defer h.Close(ctx)
	d := difference{model: of}
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
			d.add(r, got.Logits[i])
		}
	}
	return d.report("wazero")
}
