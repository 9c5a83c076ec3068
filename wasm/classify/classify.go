// SPDX-License-Identifier: Apache-2.0

// Package classify is the ONNX classifier behind the engine: call [Load] with
// the folder that holds model.onnx, tokenizer.json and config.json, and give
// what it returns to [detect.New].
//
// Packages wordpiece and onnx do the work, natively and inside the wasm alike.
// Package reference runs the same files with hugot, to compare with in tests.
package classify

import (
	"errors"
	"fmt"
	"os"
	"slices"
	"sync"

	"haechi/wasm/detect"
	"haechi/wasm/onnx"
	"haechi/wasm/wordpiece"
)

// maxKept is how many judged inputs are kept, so that an answer that grows is
// judged sentence by sentence, each once.
const maxKept = 4096

// maxModel bounds model.onnx, in bytes: a browser has no memory for more.
const maxModel = 256 << 20

// Classifier judges masked sentences with an ONNX model. It is safe for
// concurrent use; one call runs at a time.
type Classifier struct {
	model     detect.Model
	tokenizer *wordpiece.Tokenizer
	limit     int // tokens of an input

	mu      sync.Mutex
	network *network                 // under mu; nil when closed
	kept    map[string]detect.Logits // under mu; emptied when full
	missing []string                 // under mu; what is judged now
	ids     []int64                  // under mu; its tokens
	texts   [][]int64                // under mu; parts of ids, by length
	order   []int                    // under mu; of missing, by length
	logits  []detect.Logits          // under mu; in that order
}

// Load reads a model from a folder. Its errors say which file is wrong and why.
func Load(folder string) (*Classifier, error) {
	cfg, err := readConfig(folder)
	if err != nil {
		return nil, err
	}
	c := &Classifier{model: cfg.describe(), limit: cfg.MaxTokens, kept: map[string]detect.Logits{}}
	tokenizer, err := read(folder, "tokenizer.json")
	if err != nil {
		return nil, err
	}
	if c.tokenizer, err = wordpiece.Parse(tokenizer); err != nil {
		return nil, fmt.Errorf("classifier: load %s/tokenizer.json: %w", folder, err)
	}
	file, err := read(folder, "model.onnx")
	if err != nil {
		return nil, err
	}
	network, err := onnx.Load(file)
	if err != nil {
		return nil, fmt.Errorf("classifier: load the model %s/model.onnx: %w", folder, err)
	}
	if c.network, err = newNetwork(network, cfg, c.tokenizer.Last()); err != nil {
		return nil, fmt.Errorf("classifier: %s/model.onnx: %w", folder, err)
	}
	return c, nil
}

func read(folder, name string) ([]byte, error) {
	path := folder + "/" + name
	info, err := os.Stat(path)
	if err == nil && info.Size() > maxModel {
		return nil, fmt.Errorf("classifier: %s has %d bytes; at most %d are supported", path, info.Size(), maxModel)
	}
	b, err := os.ReadFile(path)
	if err != nil {
		return nil, fmt.Errorf("classifier: %w; the folder must hold model.onnx, tokenizer.json and config.json", err)
	}
	if len(b) == 0 {
		return nil, fmt.Errorf("classifier: %s is empty; build the model again or restore the file", path)
	}
	return b, nil
}

// Model says what was loaded.
func (c *Classifier) Model() detect.Model {
	return c.model
}

// Classify returns the logits of each input. Inputs of like length run
// together where the network is so small that this saves time; the logits of
// one do not depend on the others.
func (c *Classifier) Classify(inputs []string) ([]detect.Logits, error) {
	c.mu.Lock()
	defer c.mu.Unlock()
	if c.network == nil {
		return nil, errors.New("classifier: it is closed")
	}
	c.missing = c.missing[:0]
	for _, s := range inputs {
		if _, ok := c.kept[s]; !ok {
			c.missing = append(c.missing, s)
		}
	}
	if len(c.kept)+len(c.missing) > maxKept {
		clear(c.kept)
		c.missing = append(c.missing[:0], inputs...)
	}
	if err := c.judge(); err != nil {
		return nil, fmt.Errorf("classifier: run the model: %w", err)
	}
	out := make([]detect.Logits, len(inputs))
	for i, s := range inputs {
		out[i] = c.kept[s]
	}
	return out, nil
}

// judge adds what is missing to what is kept.
func (c *Classifier) judge() error {
	c.ids, c.texts, c.order = c.ids[:0], c.texts[:0], c.order[:0]
	ends := make([]int, 0, together)
	for i, s := range c.missing {
		c.ids = c.tokenizer.Encode(c.ids, s, c.limit)
		ends, c.order = append(ends, len(c.ids)), append(c.order, i)
	}
	text := func(i int) []int64 {
		if i == 0 {
			return c.ids[:ends[0]]
		}
		return c.ids[ends[i-1]:ends[i]]
	}
	slices.SortFunc(c.order, func(a, b int) int { return len(text(a)) - len(text(b)) })
	for _, i := range c.order {
		c.texts = append(c.texts, text(i))
	}
	return c.network.groups(c.texts, func(from, to int) error {
		c.logits = slices.Grow(c.logits[:0], to-from)[:to-from]
		if err := c.network.run(c.texts[from:to], c.logits); err != nil {
			return err
		}
		for k, i := range c.order[from:to] {
			c.kept[c.missing[i]] = c.logits[k]
		}
		return nil
	})
}

// Tokens returns the ids that the network reads for an input, for whoever wants
// to run the model elsewhere and compare.
func (c *Classifier) Tokens(input string) []int64 {
	return c.tokenizer.Encode(nil, input, c.limit)
}

// Close lets the model's memory go.
func (c *Classifier) Close() error {
	c.mu.Lock()
	defer c.mu.Unlock()
	c.network, c.kept = nil, nil
	return nil
}
