// SPDX-License-Identifier: Apache-2.0

package classify

import (
	"bufio"
	"encoding/json"
	"math"
	"os"
	"path/filepath"
	"strings"
	"testing"

	"haechi/wasm/detect"
)

const modelFolder = "../model"

func load(t testing.TB) *Classifier {
	t.Helper()
	c, err := Load(modelFolder)
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { c.Close() })
	return c
}

// TestLogitsAreTheRecipes: tokenizer and graph give what they gave
// in the training program, so neither lost anything on the way.
func TestLogitsAreTheRecipes(t *testing.T) {
	c := load(t)
	f, err := os.Open(modelFolder + "/reference.jsonl")
	if err != nil {
		t.Fatal(err)
	}
	defer f.Close()
	var inputs []string
	var want []detect.Logits
	for s := bufio.NewScanner(f); s.Scan(); {
		var r struct {
			Input  string        `json:"input"`
			Logits detect.Logits `json:"logits"`
		}
		if err := json.Unmarshal(s.Bytes(), &r); err != nil {
			t.Fatal(err)
		}
		inputs, want = append(inputs, r.Input), append(want, r.Logits)
	}
	if len(inputs) < 20 {
		t.Fatalf("%d reference inputs", len(inputs))
	}
	got, err := c.Classify(inputs)
	if err != nil {
		t.Fatal(err)
	}
	for i := range want {
		for k := range want[i] {
			if d := math.Abs(float64(got[i][k] - want[i][k])); d > 1e-4 {
				t.Errorf("%q: logit of %s is %v, want %v", inputs[i], detect.Labels[k], got[i][k], want[i][k])
			}
		}
	}
}

// TestLogitsDoNotDependOnTheBatch: a longer neighbour changes nothing.
func TestLogitsDoNotDependOnTheBatch(t *testing.T) {
	short := "xSF " + detect.MarkText + detect.MaskSubject + "는 " + detect.MaskWrong + " 음식이다."
	long := "xSF " + detect.MarkText + detect.MaskSubject + strings.Repeat("가나다 ", 60) + detect.MaskWrong
	alone, err := load(t).Classify([]string{short})
	if err != nil {
		t.Fatal(err)
	}
	together, err := load(t).Classify([]string{long, short, long})
	if err != nil {
		t.Fatal(err)
	}
	for k := range alone[0] {
		if d := math.Abs(float64(alone[0][k] - together[1][k])); d > 1e-4 {
			t.Errorf("logit of %s: %v alone, %v in a batch", detect.Labels[k], alone[0][k], together[1][k])
		}
	}
}

func TestLoadSaysWhatIsWrong(t *testing.T) {
	copyOf := func(t *testing.T) string {
		dir := t.TempDir()
		for _, name := range []string{"model.onnx", "tokenizer.json", "config.json"} {
			b, err := os.ReadFile(filepath.Join(modelFolder, name))
			if err != nil {
				t.Fatal(err)
			}
			if err := os.WriteFile(filepath.Join(dir, name), b, 0o644); err != nil {
				t.Fatal(err)
			}
		}
		return dir
	}
	for name, c := range map[string]struct {
		file, content, want string
	}{
		"empty model":      {"model.onnx", "", "is empty"},
		"broken model":     {"model.onnx", "not an ONNX file", "load the model"},
		"empty tokenizer":  {"tokenizer.json", "", "is empty"},
		"broken tokenizer": {"tokenizer.json", "{", "tokenizer.json"},
		"broken config":    {"config.json", "{", "config.json"},
		"other labels":     {"config.json", `{"id2label":{"0":"yes","1":"no"}}`, "id2label"},
		"label twice":      {"config.json", `{"id2label":{"0":"asserts","1":"asserts"}}`, "two labels"},
		"label left out":   {"config.json", `{"id2label":{"0":"asserts","2":"reports"}}`, "counted from 0"},
		"one label":        {"config.json", `{"id2label":{"0":"asserts"}}`, "at least one more"},
		"renamed nothing":  {"config.json", `{"id2label":{"0":"asserts","1":"reports"},"haechi":{"labels":{"yes":"asks"}}}`, `"yes"`},
		"no limit":         {"config.json", `{"id2label":{"0":"asserts","1":"reports","2":"refutes","3":"asks","4":"accurate","5":"unrelated"}}`, "max_position_embeddings"},
		"no temperature":   {"config.json", `{"max_position_embeddings":320,"id2label":{"0":"asserts","1":"reports","2":"refutes","3":"asks","4":"accurate","5":"unrelated"},"haechi":{"id":"x"}}`, "temperature"},
	} {
		t.Run(name, func(t *testing.T) {
			dir := copyOf(t)
			if err := os.WriteFile(filepath.Join(dir, c.file), []byte(c.content), 0o644); err != nil {
				t.Fatal(err)
			}
			if _, err := Load(dir); err == nil || !strings.Contains(err.Error(), c.want) {
				t.Errorf("error %v, want one that says %q", err, c.want)
			}
		})
	}
	if _, err := Load(t.TempDir()); err == nil {
		t.Error("an empty folder loads")
	}
}

func BenchmarkClassify(b *testing.B) {
	c := load(b)
	inputs := make([]string, 8)
	for b.Loop() {
		for i := range inputs { // new each time, so that nothing is kept
			inputs[i] = "xSFA " + detect.MarkText + detect.MaskSubject + "는 " + strings.Repeat("가나 ", i) + detect.MaskWrong + "에서 유래했다는 주장이 있다." + string(rune('가'+b.N%1000))
		}
		c.mu.Lock()
		clear(c.kept)
		c.mu.Unlock()
		if _, err := c.Classify(inputs); err != nil {
			b.Fatal(err)
		}
	}
}

func BenchmarkLoad(b *testing.B) {
	for b.Loop() {
		if _, err := Load(modelFolder); err != nil {
			b.Fatal(err)
		}
	}
}
