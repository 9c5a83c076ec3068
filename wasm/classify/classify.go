// SPDX-License-Identifier: Apache-2.0

// Package classify is the ONNX classifier behind the engine: call [Load] with
// the folder that holds model.onnx, tokenizer.json and config.json, and give
// what it returns to [detect.New].
//
// hugot runs the model, natively and inside the wasm alike; this is the only
// package that imports it.
package classify

import (
	"cmp"
	"fmt"
	"os"
	"slices"
	"sync"

	"github.com/knights-analytics/hugot"
	"github.com/knights-analytics/hugot/backends"
	"github.com/knights-analytics/hugot/options"
	"github.com/knights-analytics/hugot/pipelines"

	"haechi/wasm/detect"
)

// Shapes that the model is compiled for: a batch is padded to the next one.
// Each pair of them costs a few milliseconds once and some memory.
var (
	batchSizes  = []int{1, 8}
	tokenCounts = []int{48, 96, 160, 320}
)

// maxKept is how many judged inputs are kept, so that an answer that grows is
// judged sentence by sentence, each once.
const maxKept = 4096

// Classifier judges masked sentences with an ONNX model. It is safe for
// concurrent use; one batch runs at a time.
type Classifier struct {
	model    detect.Model
	pipeline *pipelines.TextClassificationPipeline
	session  *hugot.Session

	mu   sync.Mutex
	kept map[string]detect.Logits // under mu; emptied when full
}

// Load reads a model from a folder. Its errors say which file is wrong and why.
func Load(folder string) (c *Classifier, err error) {
	cfg, err := readConfig(folder)
	if err != nil {
		return nil, err
	}
	for _, name := range []string{"model.onnx", "tokenizer.json"} {
		s, err := os.Stat(folder + "/" + name)
		if err != nil {
			return nil, fmt.Errorf("classifier: %w; the folder must hold model.onnx, tokenizer.json and config.json", err)
		}
		if s.Size() == 0 {
			return nil, fmt.Errorf("classifier: %s/%s is empty; build the model again or restore the file", folder, name)
		}
	}
	defer recovered(&err, "load the model in "+folder)
	session, err := hugot.NewGoSession(options.WithGoMLXBatchBuckets(batchSizes), options.WithGoMLXSequenceBuckets(tokenCounts))
	if err != nil {
		return nil, fmt.Errorf("classifier: start hugot: %w", err)
	}
	pipeline, err := hugot.NewPipeline(session, hugot.TextClassificationConfig{
		ModelPath: folder, OnnxFilename: "model.onnx", Name: cfg.Haechi.ID, Options: []hugot.TextClassificationOption{pipelines.WithMultiLabel()},
	})
	if err != nil {
		return nil, fmt.Errorf("classifier: load the model in %s: %w", folder, err)
	}
	model := detect.Model{ID: cfg.Haechi.ID, Temperature: cfg.Haechi.Temperature, Thresholds: cfg.Haechi.Thresholds, Unseen: cfg.Haechi.Unseen, Answer: cfg.Haechi.Answer, Topics: map[string]bool{}}
	for _, topic := range cfg.Haechi.Topics {
		model.Topics[topic] = true
	}
	return &Classifier{model: model, pipeline: pipeline, session: session, kept: map[string]detect.Logits{}}, nil
}

// Model says what was loaded.
func (c *Classifier) Model() detect.Model {
	return c.model
}

// Classify returns the logits of each input. Inputs of like length run
// together, at most eight at a time.
func (c *Classifier) Classify(inputs []string) ([]detect.Logits, error) {
	c.mu.Lock()
	defer c.mu.Unlock()
	out := make([]detect.Logits, len(inputs))
	var todo []int
	for i, s := range inputs {
		if l, ok := c.kept[s]; ok {
			out[i] = l
		} else {
			todo = append(todo, i)
		}
	}
	slices.SortStableFunc(todo, func(a, b int) int { return cmp.Compare(len(inputs[a]), len(inputs[b])) })
	for batch := range slices.Chunk(todo, batchSizes[len(batchSizes)-1]) {
		texts := make([]string, len(batch))
		for k, i := range batch {
			texts[k] = inputs[i]
		}
		logits, err := c.run(texts)
		if err != nil {
			return nil, err
		}
		if len(c.kept) > maxKept {
			clear(c.kept)
		}
		for k, i := range batch {
			out[i] = logits[k]
			c.kept[inputs[i]] = logits[k]
		}
	}
	return out, nil
}

// Tokens returns the ids that the network reads for an input, for whoever wants
// to run the model elsewhere and compare.
func (c *Classifier) Tokens(input string) (ids []uint32, err error) {
	c.mu.Lock()
	defer c.mu.Unlock()
	defer recovered(&err, "tokenize")
	batch := backends.NewBatch(1)
	defer func() { err = cmp.Or(err, batch.Destroy()) }()
	if err := c.pipeline.Preprocess(batch, []string{input}); err != nil {
		return nil, fmt.Errorf("classifier: tokenize: %w", err)
	}
	return slices.Clone(batch.Input[0].TokenIDs), nil
}

// run judges one batch. hugot's own post-processing would squash the logits,
// so the batch is driven step by step.
func (c *Classifier) run(texts []string) (out []detect.Logits, err error) {
	defer recovered(&err, "run the model")
	batch := backends.NewBatch(len(texts))
	defer func() { err = cmp.Or(err, batch.Destroy()) }()
	if err := c.pipeline.Preprocess(batch, texts); err != nil {
		return nil, fmt.Errorf("classifier: tokenize: %w", err)
	}
	if err := c.pipeline.Forward(batch); err != nil {
		return nil, fmt.Errorf("classifier: run the model: %w", err)
	}
	rows, ok := batch.OutputValues[0].([][]float32)
	if !ok || len(rows) < len(texts) {
		return nil, fmt.Errorf("classifier: the model gave %T for %d sentences; a table of logits is expected", batch.OutputValues[0], len(texts))
	}
	out = make([]detect.Logits, len(texts))
	for i := range out {
		if len(rows[i]) != len(out[i]) {
			return nil, fmt.Errorf("classifier: the model gave %d logits; %d are expected", len(rows[i]), len(out[i]))
		}
		copy(out[i][:], rows[i])
	}
	return out, nil
}

// Close frees the model.
func (c *Classifier) Close() error { return c.session.Destroy() }

// recovered turns a panic of the tensor library into an error: a broken model
// file must not end the program.
func recovered(err *error, doing string) {
	if p := recover(); p != nil {
		*err = fmt.Errorf("classifier: %s: %v", doing, p)
	}
}
