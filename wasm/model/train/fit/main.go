// SPDX-License-Identifier: Apache-2.0

// Command fit trains the classifier's weights on what prepare encode wrote:
//
//	go run ./wasm/model/train/fit train DATA TOKENIZER OUT
//	go run ./wasm/model/train/fit study DATA TOKENIZER OUT FRACTION DESIGN
//
// It leaves in OUT the logits of every line of DATA as float32, six a line, by
// networks trained on the training split (full), on shares of it (quarter, half)
// and on the topics of other folds (crossed), and the weights of the first for
// train.py to export. study trains a design on four topics of five and leaves
// its logits of the fifth and its weights. One goroutine, fixed seeds: the same bytes each time on one machine.
package main

import (
	"bufio"
	"bytes"
	"crypto/sha256"
	"encoding/binary"
	"encoding/json"
	"errors"
	"fmt"
	"maps"
	"os"
	"path/filepath"
	"slices"
	"strconv"
	"strings"
	"time"

	"haechi/wasm/detect"
	"haechi/wasm/wordpiece"
)

const (
	epochs        = 12
	folds         = 5   // by topic
	studyFolds    = 5   // of which one is left out; as in study.py
	limit         = 320 // tokens; as in train.py
	exampleWeight = 4   // of a rule's own examples: they are what its author promises
	answerWeight  = 4   // of sentences of whole good answers, all of which must pass
)

// designs are what study compares, by the names in study.py.
var designs = map[string]design{
	"grams and words":            shipped,
	"grams":                      characters,
	"grams, runs of words":       with(func(d *design) { d.words = shipped.words }),
	"grams, pairs of words":      with(func(d *design) { d.skip = shipped.skip }),
	"grams, words between masks": with(func(d *design) { d.between = true }),
	"grams in a small table":     with(func(d *design) { d.rows = 1 << 18 }),
	"grams without skeleton":     with(func(d *design) { d.text = func(r *row) string { _, s, _ := strings.Cut(r.Input, " "); return s } }),
	"grams of unmasked text":     with(func(d *design) { d.text = func(r *row) string { return strings.ToLower(r.Plain) } }),
}

// with is the design of characters alone, changed.
func with(change func(d *design)) design {
	d := characters
	change(&d)
	return d
}

func main() {
	if err := run(os.Args[1:]); err != nil {
		fmt.Fprintln(os.Stderr, "fit:", err)
		os.Exit(1)
	}
}

// row is a line of what prepare encode wrote.
type row struct {
	ID, Split, Topic, Input, Plain, Label, Expect, Kind string
	sample
	known bool // its topic is trained with
}

func run(args []string) error {
	if len(args) < 4 || args[0] == "train" && len(args) != 4 || args[0] == "study" && len(args) != 6 {
		return fmt.Errorf("usage: fit train DATA TOKENIZER OUT | fit study DATA TOKENIZER OUT FRACTION DESIGN")
	}
	d, fraction := shipped, 1.0
	if args[0] == "study" {
		var ok bool
		var err error
		if d, ok = designs[args[5]]; !ok {
			return fmt.Errorf("no design %q; there are %s", args[5], strings.Join(slices.Sorted(maps.Keys(designs)), ", "))
		}
		if fraction, err = strconv.ParseFloat(args[4], 64); err != nil {
			return err
		}
	}
	rows, rank, err := read(args[1], args[2], &d)
	if err != nil {
		return err
	}
	out := args[3]
	if err := os.MkdirAll(out, 0o755); err != nil {
		return err
	}
	started := time.Now()
	train := func(fraction float64, leave func(*row) bool) *network {
		var samples []sample
		for i := range rows {
			if r := &rows[i]; r.trains(fraction) && !leave(r) {
				samples = append(samples, r.sample)
			}
		}
		w := learn(&d, samples, epochs)
		fmt.Printf("learnt from %d inputs [%.0f s]\n", len(samples), time.Since(started).Seconds())
		return w
	}
	none := func(*row) bool { return false }
	all := func(*row) bool { return true }
	logits := make([]float32, (1+stances)*len(rows))
	judge := func(w *network, which func(*row) bool) {
		for i := range rows {
			if r := &rows[i]; r.Input != "" && which(r) {
				l := w.logits(r.features)
				copy(logits[(1+stances)*i:], l[:])
			}
		}
	}
	// finish leaves a network's weights, and the logits that it gives with them.
	finish := func(w *network, name string, which func(*row) bool) error {
		flag, flagUnit := quantise(w.flag, flagSteps)
		other, otherUnit := quantise(w.other, otherSteps)
		judge(w, which)
		return errors.Join(
			write(filepath.Join(out, name+".f32"), logits),
			write(filepath.Join(out, "flag.i8"), flag),
			write(filepath.Join(out, "other.i8"), other),
			write(filepath.Join(out, "rest.f32"), append([]float32{flagUnit, otherUnit, w.bias}, w.otherBias[:]...)),
		)
	}
	if args[0] == "study" {
		left := func(r *row) bool { return rank[r.Topic]%studyFolds == 0 }
		return finish(train(fraction, left), "study", left)
	}
	for _, share := range []struct {
		name     string
		fraction float64
	}{{"quarter", 0.25}, {"half", 0.5}} {
		judge(train(share.fraction, none), all)
		if err := write(filepath.Join(out, share.name+".f32"), logits); err != nil {
			return err
		}
	}
	for f := range folds {
		aside := func(r *row) bool { return r.known && rank[r.Topic]%folds == f }
		judge(train(1, aside), aside)
	}
	if err := write(filepath.Join(out, "crossed.f32"), logits); err != nil {
		return err
	}
	w := train(1, none)
	return finish(w, "full", all)
}

func write(path string, data any) error {
	var b bytes.Buffer
	if err := binary.Write(&b, binary.LittleEndian, data); err != nil {
		return err
	}
	return os.WriteFile(path, b.Bytes(), 0o644)
}

// share is a number in [0, 1) that depends on key alone; as in train.py.
func share(key string) float64 {
	h := sha256.Sum256([]byte(key))
	return float64(binary.BigEndian.Uint32(h[:])) / (1 << 32)
}

// trains reports whether a row is of the given share of what is trained on.
func (r *row) trains(fraction float64) bool {
	return r.known && r.Input != "" && (r.Split == "train" || r.Split == "rule") && (fraction >= 1 || share("part"+r.ID) < fraction)
}

// read returns the rows with their features, and the rank of each topic with
// training sentences. The examples of a rule without any are not known: the
// model must not have seen such a topic at all.
func read(data, tokenizer string, d *design) ([]row, map[string]int, error) {
	t, sp, err := readTokenizer(tokenizer)
	if err != nil {
		return nil, nil, err
	}
	f, err := os.Open(data)
	if err != nil {
		return nil, nil, err
	}
	defer f.Close()
	var rows []row
	known := map[string]bool{}
	lines := bufio.NewScanner(f)
	lines.Buffer(nil, 1<<20)
	for lines.Scan() {
		var r row
		if err := json.Unmarshal(lines.Bytes(), &r); err != nil {
			return nil, nil, fmt.Errorf("%s:%d: %w", data, len(rows)+1, err)
		}
		if r.Split == "train" && r.Kind != "answer" {
			known[r.Topic] = true
		}
		rows = append(rows, r)
	}
	if err := lines.Err(); err != nil {
		return nil, nil, fmt.Errorf("%s: %w", data, err)
	}
	rank := map[string]int{}
	for i, topic := range slices.Sorted(maps.Keys(known)) {
		rank[topic] = i
	}
	for i := range rows {
		r := &rows[i]
		r.known = known[r.Topic]
		r.flags, r.weight, r.stance = r.Expect == "flag", 1, -1
		switch {
		case r.Split == "rule":
			r.weight = exampleWeight
		case r.Kind == "answer":
			r.weight = answerWeight
		}
		if !r.flags {
			r.stance = slices.Index(detect.Labels[1:], r.Label)
		}
		if r.Input != "" {
			text := r.Input
			if d.text != nil {
				text = d.text(r)
			}
			r.features = d.of(t.Encode(nil, text, limit), sp)
		}
	}
	return rows, rank, nil
}

// readTokenizer reads a tokenizer.json and which of its ids mean something to a design.
func readTokenizer(path string) (*wordpiece.Tokenizer, *special, error) {
	b, err := os.ReadFile(path)
	if err != nil {
		return nil, nil, err
	}
	t, err := wordpiece.Parse(b)
	if err != nil {
		return nil, nil, fmt.Errorf("%s: %w", path, err)
	}
	var file struct {
		Model struct{ Vocab map[string]int64 }
	}
	if err := json.Unmarshal(b, &file); err != nil {
		return nil, nil, fmt.Errorf("%s: %w", path, err)
	}
	sp := &special{marks: map[int64]int{}, goes: map[int64]bool{}}
	for i, m := range []string{detect.MaskSubject, detect.MaskWrong, detect.MaskRight} {
		sp.masks[i] = file.Model.Vocab[m]
		sp.marks[sp.masks[i]] = i + 1
	}
	for i, m := range []string{detect.MarkAsk, detect.MarkHeading, detect.MarkBefore, detect.MarkText} {
		sp.marks[file.Model.Vocab[m]] = len(sp.masks) + i + 1
	}
	for piece, id := range file.Model.Vocab {
		if len(piece) > 2 && strings.HasPrefix(piece, "##") {
			sp.goes[id] = true
		}
	}
	return t, sp, nil
}
