// SPDX-License-Identifier: Apache-2.0

// Package reference runs the classifier's files with hugot, natively, so that
// tests can hold our own executor to it: call [Load], then [Model.Logits].
//
// It is the only package that imports hugot, and nothing that is shipped
// imports it.
package reference

import (
	"cmp"
	"fmt"
	"slices"

	"github.com/knights-analytics/hugot"
	"github.com/knights-analytics/hugot/backends"
	"github.com/knights-analytics/hugot/options"
	"github.com/knights-analytics/hugot/pipelines"

	"haechi/wasm/detect"
)

// Shapes that the model is compiled for: a batch is padded to the next one.
var (
	batchSizes  = []int{1, 8}
	tokenCounts = []int{48, 96, 160, 320}
)

// Model is a model that hugot has loaded. One call at a time.
type Model struct {
	pipeline *pipelines.TextClassificationPipeline
	session  *hugot.Session
}

// Load reads a model from a folder with model.onnx, tokenizer.json and config.json.
func Load(folder string) (m *Model, err error) {
	defer recovered(&err, "load the model in "+folder)
	session, err := hugot.NewGoSession(options.WithGoMLXBatchBuckets(batchSizes), options.WithGoMLXSequenceBuckets(tokenCounts))
	if err != nil {
		return nil, fmt.Errorf("reference: start hugot: %w", err)
	}
	pipeline, err := hugot.NewPipeline(session, hugot.TextClassificationConfig{
		ModelPath: folder, OnnxFilename: "model.onnx", Name: folder, Options: []hugot.TextClassificationOption{pipelines.WithMultiLabel()},
	})
	if err != nil {
		return nil, fmt.Errorf("reference: load the model in %s: %w", folder, err)
	}
	return &Model{pipeline, session}, nil
}

// Logits returns the logits of each input, at most eight at a time in one
// padded batch.
func (m *Model) Logits(inputs []string) ([]detect.Logits, error) {
	out := make([]detect.Logits, 0, len(inputs))
	for batch := range slices.Chunk(inputs, batchSizes[len(batchSizes)-1]) {
		logits, err := m.run(batch)
		if err != nil {
			return nil, err
		}
		out = append(out, logits...)
	}
	return out, nil
}

// Tokens returns the ids that hugot's tokenizer gives an input.
func (m *Model) Tokens(input string) (ids []int64, err error) {
	defer recovered(&err, "tokenize")
	batch := backends.NewBatch(1)
	defer func() { err = cmp.Or(err, batch.Destroy()) }()
	if err := m.pipeline.Preprocess(batch, []string{input}); err != nil {
		return nil, fmt.Errorf("reference: tokenize: %w", err)
	}
	for _, id := range batch.Input[0].TokenIDs {
		ids = append(ids, int64(id))
	}
	return ids, nil
}

// run judges one batch. hugot's own post-processing would squash the logits,
// so the batch is driven step by step.
func (m *Model) run(texts []string) (out []detect.Logits, err error) {
	defer recovered(&err, "run the model")
	batch := backends.NewBatch(len(texts))
	defer func() { err = cmp.Or(err, batch.Destroy()) }()
	if err := m.pipeline.Preprocess(batch, texts); err != nil {
		return nil, fmt.Errorf("reference: tokenize: %w", err)
	}
	if err := m.pipeline.Forward(batch); err != nil {
		return nil, fmt.Errorf("reference: run the model: %w", err)
	}
	rows, ok := batch.OutputValues[0].([][]float32)
	if !ok || len(rows) < len(texts) {
		return nil, fmt.Errorf("reference: the model gave %T for %d sentences; a table of logits is expected", batch.OutputValues[0], len(texts))
	}
	out = make([]detect.Logits, len(texts))
	for i := range out {
		if len(rows[i]) != len(out[i]) {
			return nil, fmt.Errorf("reference: the model gave %d logits; %d are expected", len(rows[i]), len(out[i]))
		}
		copy(out[i][:], rows[i])
	}
	return out, nil
}

// Close frees the model.
func (m *Model) Close() error { return m.session.Destroy() }

// recovered turns a panic of the tensor library into an error.
func recovered(err *error, doing string) {
	if p := recover(); p != nil {
		*err = fmt.Errorf("reference: %s: %v", doing, p)
	}
}
