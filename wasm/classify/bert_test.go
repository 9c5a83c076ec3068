// SPDX-License-Identifier: Apache-2.0

package classify

import (
	"encoding/json"
	"math"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"testing"

	"haechi/wasm/detect"
	"haechi/wasm/onnx/bert"
)

var tiny = bert.Shape{Layers: 2, Width: 16, Heads: 2, Pieces: 8300, Places: 48, Types: true, Seed: 7}

// bertFolder is a folder with a classifier of BERT's shape; change edits what
// its config.json says.
func bertFolder(t *testing.T, s bert.Shape, labels []string, change func(config map[string]any)) string {
	t.Helper()
	tokenizer, err := os.ReadFile(filepath.Join(modelFolder, "tokenizer.json"))
	if err != nil {
		t.Fatal(err)
	}
	dir := t.TempDir()
	if err := bert.Write(dir, s, labels, tokenizer); err != nil {
		t.Fatal(err)
	}
	if change != nil {
		path := filepath.Join(dir, "config.json")
		b, err := os.ReadFile(path)
		if err != nil {
			t.Fatal(err)
		}
		var config map[string]any
		if err := json.Unmarshal(b, &config); err != nil {
			t.Fatal(err)
		}
		change(config)
		if b, err = json.Marshal(config); err != nil {
			t.Fatal(err)
		}
		if err := os.WriteFile(path, b, 0o644); err != nil {
			t.Fatal(err)
		}
	}
	return dir
}

var sentences = []string{"김치는 중국에서 유래했다.", "Kimchi is Chinese, they say.", strings.Repeat("독도는 우리 땅이다. ", 20)}

func logits(t *testing.T, folder string) []detect.Logits {
	t.Helper()
	c, err := Load(folder)
	if err != nil {
		t.Fatal(err)
	}
	defer c.Close()
	out, err := c.Classify(sentences)
	if err != nil {
		t.Fatal(err)
	}
	return out
}

// TestLabelsMayHaveAnyOrderAndName: the same network, its labels told otherwise.
func TestLabelsMayHaveAnyOrderAndName(t *testing.T) {
	straight := logits(t, bertFolder(t, tiny, detect.Labels[:], nil))
	turned := slices.Clone(detect.Labels[:])
	slices.Reverse(turned)
	named := []string{"LABEL_0", "LABEL_1", "asks", "refutes", "reports", "asserts"}
	for name, folder := range map[string]string{
		"reversed": bertFolder(t, tiny, turned, nil),
		"renamed": bertFolder(t, tiny, named, func(config map[string]any) {
			config["haechi"].(map[string]any)["labels"] = map[string]string{"LABEL_0": "unrelated", "LABEL_1": "accurate"}
		}),
	} {
		for i, l := range logits(t, folder) {
			for k := range l {
				if want := straight[i][len(l)-1-k]; l[k] != want {
					t.Errorf("%s: %q, %s: %v, want %v", name, sentences[i], detect.Labels[k], l[k], want)
				}
			}
		}
	}
}

// TestModelsMayLackLabels: what a model cannot tell has no probability.
func TestModelsMayLackLabels(t *testing.T) {
	folder := bertFolder(t, tiny, []string{"unrelated", "asserts"}, nil)
	c, err := Load(folder)
	if err != nil {
		t.Fatal(err)
	}
	defer c.Close()
	for i, l := range logits(t, folder) {
		s := c.Model().Stance(l)
		if sum := s[detect.Asserts] + s[detect.Unrelated]; math.Abs(sum-1) > 1e-9 || s[detect.Asserts] == 0 || s[detect.Unrelated] == 0 {
			t.Errorf("%q: %v", sentences[i], s)
		}
	}
}

func TestLoadSaysWhatDoesNotFit(t *testing.T) {
	set := func(key string, value any) func(map[string]any) {
		return func(config map[string]any) { config[key] = value }
	}
	narrow := tiny
	narrow.Pieces = 100
	for name, c := range map[string]struct {
		shape  bert.Shape
		change func(map[string]any)
		want   string
	}{
		"more places":        {tiny, set("max_position_embeddings", 64), "max_position_embeddings may be more"},
		"fewer labels":       {tiny, set("id2label", map[string]string{"0": "asserts", "1": "asks"}), "gives 6 logits"},
		"other vocabulary":   {narrow, nil, "vocab_size 100"},
		"unsaid vocabulary":  {narrow, func(config map[string]any) { delete(config, "vocab_size") }, "two models"},
		"padding":            {tiny, set("pad_token_id", 8300), "pad_token_id"},
		"not ours":           {tiny, set("id2label", map[string]string{"0": "positive", "1": "negative"}), "haechi.labels"},
		"nothing of Haechi":  {tiny, func(config map[string]any) { delete(config, "haechi") }, "haechi.id"},
		"threshold left out": {tiny, func(config map[string]any) { delete(config["haechi"].(map[string]any), "thresholds") }, "haechi.thresholds.A"},
	} {
		t.Run(name, func(t *testing.T) {
			_, err := Load(bertFolder(t, c.shape, detect.Labels[:], c.change))
			if err == nil || !strings.Contains(err.Error(), c.want) {
				t.Errorf("error %v, want one that says %q", err, c.want)
			}
		})
	}
}

// TestHeavyNetworksAreNotPadded: but their logits are the same in any company.
func TestHeavyNetworksAreNotPadded(t *testing.T) {
	wide := tiny
	wide.Width, wide.Layers = 64, 1
	for _, s := range []bert.Shape{tiny, wide} {
		folder := bertFolder(t, s, detect.Labels[:], nil)
		c, err := Load(folder)
		if err != nil {
			t.Fatal(err)
		}
		if heavy := s.Width == 64; c.network.padded == heavy {
			t.Errorf("width %d: padded is %v at %d weights", s.Width, c.network.padded, c.network.model.Weights())
		}
		together, err := c.Classify(sentences)
		if err != nil {
			t.Fatal(err)
		}
		c.Close()
		for i, text := range sentences {
			alone, err := Load(folder)
			if err != nil {
				t.Fatal(err)
			}
			l, err := alone.Classify([]string{text})
			if err != nil {
				t.Fatal(err)
			}
			alone.Close()
			for k := range l[0] {
				if math.Abs(float64(l[0][k]-together[i][k])) > 1e-5 {
					t.Errorf("%q: %v alone, %v together", text, l[0], together[i])
				}
			}
		}
	}
}
