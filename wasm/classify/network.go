// SPDX-License-Identifier: Apache-2.0

package classify

import (
	"errors"
	"fmt"
	"slices"

	"haechi/wasm/detect"
	"haechi/wasm/onnx"
)

// Inputs that a BERT classifier may have.
const (
	inputIDs   = "input_ids"
	inputMask  = "attention_mask"
	inputTypes = "token_type_ids"
)

// network is the model with what its inputs are laid out in.
type network struct {
	model   *onnx.Model
	columns [len(detect.Labels)]int // of the logits
	labels  int
	limit   int // tokens of an input
	padding int64
	padded  bool // texts of unlike length can run together

	names              []string // of the inputs
	inputs             []onnx.Tensor
	ids, seen, nothing []int64
	shape              [2]int
	outputs            []onnx.Tensor
}

// Where texts run together: a run's steps cost, whatever the texts, what a
// million weights cost, and a text is padded by some tens of tokens. So a
// network with fewer weights than this saves by running once.
const (
	fewWeights = 1 << 14
	together   = 8 // texts of a run, at most
	rounded    = 8 // padded lengths are multiples, so that few shapes occur
)

// newNetwork checks what the model wants and gives, and lets it judge the
// shortest and the longest text, so that one that does not fit is noticed now.
// last is the greatest id that the tokenizer gives.
func newNetwork(m *onnx.Model, cfg config, last int64) (*network, error) {
	n := &network{model: m, limit: cfg.MaxTokens, labels: len(cfg.Labels), padding: int64(cfg.Padding)}
	var err error
	if n.columns, err = cfg.columns(); err != nil {
		return nil, err
	}
	for _, in := range m.Inputs() {
		if !slices.Contains([]string{inputIDs, inputMask, inputTypes}, in.Name) || in.Type != onnx.Int64 {
			return nil, fmt.Errorf("input %q of %v; only input_ids, attention_mask and token_type_ids of int64 can be given", in.Name, in.Type)
		}
		n.inputs, n.names = append(n.inputs, onnx.Tensor{Type: onnx.Int64}), append(n.names, in.Name)
	}
	if !slices.Contains(n.names, inputIDs) {
		return nil, fmt.Errorf("inputs %v; input_ids is needed", n.names)
	}
	if out := m.Outputs(); len(out) != 1 || out[0].Type != onnx.Float32 {
		return nil, fmt.Errorf("outputs %v; one table of float logits is expected", out)
	}
	n.padded = m.Weights() < fewWeights && slices.Contains(n.names, inputMask)
	if cfg.Pieces > 0 && last >= int64(cfg.Pieces) {
		return nil, fmt.Errorf("tokenizer.json gives ids up to %d, and config.json says vocab_size %d; they are of two models", last, cfg.Pieces)
	}
	for _, trial := range []struct {
		length int
		what   string
	}{{2, "tokenizer.json and the network may be of two models"}, {cfg.MaxTokens, "config.json's max_position_embeddings may be more than the network takes"}} {
		text := make([]int64, trial.length)
		text[trial.length-1] = last
		if err := n.run([][]int64{text}, make([]detect.Logits, 1)); err != nil {
			return nil, fmt.Errorf("a trial text of %d tokens up to %d: %w; %s", trial.length, last, err, trial.what)
		}
	}
	m.Forget()
	return n, nil
}

// groups cuts texts, ordered by length, into what runs together.
func (n *network) groups(texts [][]int64, judge func(from, to int) error) error {
	for from := 0; from < len(texts); {
		to := from + 1
		// A text half as long again costs less than a run of its own.
		for n.padded && to < len(texts) && to-from < together && len(texts[to]) <= len(texts[from])*3/2+rounded {
			to++
		}
		if err := judge(from, to); err != nil {
			return err
		}
		from = to
	}
	return nil
}

// run judges texts in one run, padded to the length of the longest.
func (n *network) run(texts [][]int64, out []detect.Logits) error {
	width := 0
	for _, t := range texts {
		width = max(width, len(t))
	}
	if len(texts) > 1 {
		width = min((width+rounded-1)/rounded*rounded, n.limit)
	}
	n.ids, n.seen = n.ids[:0], n.seen[:0]
	for _, t := range texts {
		n.ids = append(n.ids, t...)
		for k := range width {
			if k < len(t) {
				n.seen = append(n.seen, 1)
			} else {
				n.ids, n.seen = append(n.ids, n.padding), append(n.seen, 0)
			}
		}
	}
	for len(n.nothing) < len(n.ids) {
		n.nothing = append(n.nothing, 0)
	}
	n.shape = [2]int{len(texts), width}
	for i, name := range n.names {
		t := &n.inputs[i]
		t.Shape = n.shape[:]
		switch name {
		case inputIDs:
			t.Int64 = n.ids
		case inputMask:
			t.Int64 = n.seen
		default:
			t.Int64 = n.nothing[:len(n.ids)]
		}
	}
	var err error
	if n.outputs, err = n.model.Run(n.inputs, n.outputs[:0]); err != nil {
		return err
	}
	l := n.outputs[0]
	if len(l.Shape) != 2 || l.Shape[0] != len(texts) {
		return fmt.Errorf("logits of shape %v; [%d %d] is expected", l.Shape, len(texts), n.labels)
	}
	if l.Shape[1] != n.labels {
		return fmt.Errorf("the network gives %d logits, and config.json's id2label names %d labels", l.Shape[1], n.labels)
	}
	for i := range texts {
		row := l.Float32[i*n.labels : (i+1)*n.labels]
		for k, at := range n.columns {
			out[i][k] = never
			if at != absent {
				out[i][k] = row[at]
			}
			if out[i][k] != out[i][k] {
				return errors.New("a logit is no number")
			}
		}
	}
	return nil
}

// never is the logit of a label that the model lacks: no probability is left.
const never = -1e4
