// SPDX-License-Identifier: Apache-2.0

// Package bert writes classifiers of BERT's shape with random weights, as
// Hugging Face's are exported to ONNX: call [Write] for a folder with
// model.onnx and config.json, or [Model] for the network alone. They judge
// nothing, but cost what a trained one costs, and any runtime can be held to
// another with them.
package bert

import (
	"encoding/json"
	"fmt"
	"math"
	"math/rand/v2"
	"os"
	"path/filepath"
)

// Shape is what a network is made of.
type Shape struct {
	Layers, Width, Heads int
	Pieces               int // of the vocabulary
	Places               int // max_position_embeddings
	Labels               int
	Types                bool   // token_type_ids is an input too
	Seed                 uint64 // of the weights
}

// epsilon is what BERT adds to variances.
const epsilon = 1e-12

// check says what cannot be built.
func (s Shape) check() error {
	if s.Layers < 1 || s.Width < 1 || s.Heads < 1 || s.Pieces < 1 || s.Places < 1 || s.Labels < 1 || s.Width%s.Heads != 0 {
		return fmt.Errorf("bert: %+v: every number must be above 0, and the width divisible by the heads", s)
	}
	return nil
}

// Model is the bytes of a model.onnx.
func Model(s Shape) ([]byte, error) {
	if err := s.check(); err != nil {
		return nil, err
	}
	g := graph{rng: rand.New(rand.NewPCG(s.Seed, 1))}
	g.input("input_ids", "attention_mask")
	if s.Types {
		g.input("token_type_ids")
	}
	shape := g.node("Shape", "input_ids")
	batch, tokens := g.node("Gather", shape, g.whole(0)), g.node("Gather", shape, g.whole(1))
	one := func(v string) string { return g.node("Unsqueeze", v, g.list(0)) }

	x := g.node("Gather", g.random(1, s.Pieces, s.Width), "input_ids")
	kinds := g.random(0.5, 2, s.Width)
	if s.Types {
		x = g.node("Add", x, g.node("Gather", kinds, "token_type_ids"))
	} else {
		x = g.node("Add", x, g.node("Gather", kinds, g.whole(0)))
	}
	places := make([]int64, s.Places)
	for i := range places {
		places[i] = int64(i)
	}
	here := g.node("Slice", g.whole64([]int64{1, int64(s.Places)}, places), g.list(0), one(tokens), g.list(1))
	x = g.node("Add", x, g.node("Gather", g.random(0.5, s.Places, s.Width), here))
	x = g.normalized(x, s.Width)

	seen := g.cast(g.node("Unsqueeze", g.node("Unsqueeze", "attention_mask", g.list(1)), g.list(2)))
	hidden := g.node("Mul", g.node("Sub", g.real(1), seen), g.real(-10000))
	inner := s.Width / s.Heads
	apart := func(v string, order ...int64) string {
		to := g.concat(one(batch), one(tokens), g.list(int64(s.Heads)), g.list(int64(inner)))
		return g.transposed(g.node("Reshape", v, to), order...)
	}
	for range s.Layers {
		q := apart(g.linear(x, s.Width, s.Width), 0, 2, 1, 3)
		k := apart(g.linear(x, s.Width, s.Width), 0, 2, 3, 1)
		v := apart(g.linear(x, s.Width, s.Width), 0, 2, 1, 3)
		scores := g.node("Div", g.node("MatMul", q, k), g.real(float32(math.Sqrt(float64(inner)))))
		weights := g.softmax(g.node("Add", scores, hidden))
		read := g.transposed(g.node("MatMul", weights, v), 0, 2, 1, 3)
		read = g.node("Reshape", read, g.concat(one(batch), one(tokens), g.list(int64(s.Width))))
		x = g.normalized(g.node("Add", g.linear(read, s.Width, s.Width), x), s.Width)
		up := g.linear(x, s.Width, 4*s.Width)
		bell := g.node("Add", g.node("Erf", g.node("Div", up, g.real(math.Sqrt2))), g.real(1))
		up = g.node("Mul", g.node("Mul", up, bell), g.real(0.5))
		x = g.normalized(g.node("Add", g.linear(up, 4*s.Width, s.Width), x), s.Width)
	}
	first := g.gather(x, 1)
	pooled := g.node("Tanh", g.gemm(first, s.Width, s.Width))
	return g.file(g.gemm(pooled, s.Width, s.Labels), s.Labels), nil
}

// linear is x · weights + bias, as exporters write it of three dimensions.
func (g *graph) linear(x string, from, to int) string {
	return g.node("Add", g.random(0.1, to), g.node("MatMul", x, g.random(by(from), from, to)))
}

// gemm is the same of two.
func (g *graph) gemm(x string, from, to int) string {
	return g.attributed("Gemm", []string{x, g.random(by(from), to, from), g.random(0.1, to)}, whole("transB", 1), real("alpha", 1), real("beta", 1))
}

// by keeps what comes out about as large as what goes in.
func by(from int) float64 { return 1 / math.Sqrt(float64(from)) }

// normalized is layer normalisation, as opsets before 17 write it.
func (g *graph) normalized(x string, width int) string {
	less := g.node("Sub", x, g.mean(x))
	root := g.node("Sqrt", g.node("Add", g.mean(g.node("Pow", less, g.real(2))), g.real(epsilon)))
	return g.node("Add", g.node("Mul", g.node("Div", less, root), g.around(1, width)), g.random(0.1, width))
}

// Write makes a folder a classifier: model.onnx, and a config.json that names
// the labels and holds what Haechi wants beside. The folder's tokenizer.json,
// or the one that is copied there, must have no more pieces than the shape.
func Write(folder string, s Shape, labels []string, tokenizer []byte) error {
	s.Labels = len(labels)
	b, err := Model(s)
	if err != nil {
		return err
	}
	names := map[string]string{}
	for i, l := range labels {
		names[fmt.Sprint(i)] = l
	}
	half := map[string]float64{"A": 0.5, "B": 0.5, "C": 0.5}
	config, err := json.MarshalIndent(map[string]any{
		"model_type": "bert", "vocab_size": s.Pieces, "max_position_embeddings": s.Places, "type_vocab_size": 2, "id2label": names,
		"num_hidden_layers": s.Layers, "hidden_size": s.Width, "num_attention_heads": s.Heads,
		"haechi": map[string]any{"id": fmt.Sprintf("random-bert-%dx%d", s.Layers, s.Width), "temperature": 1, "thresholds": half, "unseen": half, "answer": 0.5},
	}, "", " ")
	if err != nil {
		return err
	}
	if err := os.MkdirAll(folder, 0o755); err != nil {
		return err
	}
	for name, content := range map[string][]byte{"model.onnx": b, "tokenizer.json": tokenizer, "config.json": config} {
		if err := os.WriteFile(filepath.Join(folder, name), content, 0o644); err != nil {
			return err
		}
	}
	return nil
}
