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

// Classifier judges masked sentences with an ONNX model. It is safe for
// concurrent use; one sentence runs at a time.
type Classifier struct {
	model     detect.Model
	tokenizer *wordpiece.Tokenizer
	limit     int // tokens of an input

	mu       sync.Mutex
	network  *onnx.Model              // under mu
	kept     map[string]detect.Logits // under mu; emptied when full
	ids      []int64                  // under mu; the tokens of the input that runs
	ones     []int64                  // as many as limit; its attention mask
	zeros    []int64                  // its token types
	inputs   []onnx.Tensor            // under mu
	names    []string                 // of the inputs
	outputs  []onnx.Tensor            // under mu
	sequence [2]int                   // under mu; the inputs' shape
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
	network, err := read(folder, "model.onnx")
	if err != nil {
		return nil, err
	}
	if c.network, err = onnx.Load(network); err != nil {
		return nil, fmt.Errorf("classifier: load the model %s/model.onnx: %w", folder, err)
	}
	if err := c.prepare(); err != nil {
		return nil, fmt.Errorf("classifier: %s/model.onnx: %w", folder, err)
	}
	return c, nil
}

func read(folder, name string) ([]byte, error) {
	b, err := os.ReadFile(folder + "/" + name)
	if err != nil {
		return nil, fmt.Errorf("classifier: %w; the folder must hold model.onnx, tokenizer.json and config.json", err)
	}
	if len(b) == 0 {
		return nil, fmt.Errorf("classifier: %s/%s is empty; build the model again or restore the file", folder, name)
	}
	return b, nil
}

// prepare checks what the network wants and gives, and lets it judge one
// sentence, so that a model that does not fit is noticed now.
func (c *Classifier) prepare() error {
	c.ones, c.zeros = slices.Repeat([]int64{1}, c.limit), make([]int64, c.limit)
	for _, in := range c.network.Inputs() {
		if !slices.Contains([]string{"input_ids", "attention_mask", "token_type_ids"}, in.Name) || in.Type != onnx.Int64 {
			return fmt.Errorf("input %q of %v; only input_ids, attention_mask and token_type_ids of int64 can be given", in.Name, in.Type)
		}
		c.inputs, c.names = append(c.inputs, onnx.Tensor{Type: onnx.Int64}), append(c.names, in.Name)
	}
	if out := c.network.Outputs(); len(out) != 1 || out[0].Type != onnx.Float32 {
		return fmt.Errorf("outputs %v; one table of float logits is expected", out)
	}
	if _, err := c.run("a"); err != nil {
		return fmt.Errorf("a trial sentence: %w", err)
	}
	return nil
}

// Model says what was loaded.
func (c *Classifier) Model() detect.Model {
	return c.model
}

// Classify returns the logits of each input. Every input runs at its own
// length: on one core, padding sentences to run them together costs more than
// it saves.
func (c *Classifier) Classify(inputs []string) ([]detect.Logits, error) {
	c.mu.Lock()
	defer c.mu.Unlock()
	if c.network == nil {
		return nil, errors.New("classifier: it is closed")
	}
	out := make([]detect.Logits, len(inputs))
	for i, s := range inputs {
		l, ok := c.kept[s]
		if !ok {
			var err error
			if l, err = c.run(s); err != nil {
				return nil, fmt.Errorf("classifier: run the model: %w", err)
			}
			if len(c.kept) >= maxKept {
				clear(c.kept)
			}
			c.kept[s] = l
		}
		out[i] = l
	}
	return out, nil
}

// Tokens returns the ids that the network reads for an input, for whoever wants
// to run the model elsewhere and compare.
func (c *Classifier) Tokens(input string) []int64 {
	return c.tokenizer.Encode(nil, input, c.limit)
}

// run judges one input.
func (c *Classifier) run(input string) (out detect.Logits, err error) {
	c.ids = c.tokenizer.Encode(c.ids[:0], input, c.limit)
	n := len(c.ids)
	c.sequence = [2]int{1, n}
	for i, name := range c.names {
		t := &c.inputs[i]
		t.Shape = c.sequence[:]
		switch name {
		case "input_ids":
			t.Int64 = c.ids
		case "attention_mask":
			t.Int64 = c.ones[:n]
		default:
			t.Int64 = c.zeros[:n]
		}
	}
	if c.outputs, err = c.network.Run(c.inputs, c.outputs[:0]); err != nil {
		return out, err
	}
	if l := c.outputs[0]; len(l.Shape) != 2 || l.Shape[0] != 1 || l.Shape[1] != len(out) {
		return out, fmt.Errorf("logits of shape %v; [1 %d] is expected", l.Shape, len(out))
	}
	copy(out[:], c.outputs[0].Float32)
	return out, nil
}

// Close lets the model's memory go.
func (c *Classifier) Close() error {
	c.mu.Lock()
	defer c.mu.Unlock()
	c.network, c.kept = nil, nil
	return nil
}
