// SPDX-License-Identifier: Apache-2.0

package main

import (
	"math"
	"os"
	"path/filepath"
	"slices"
	"testing"
)

const tokenizer = "../../tokenizer.json"

// TestFeatures: what makes two sentences alike or unlike to the network.
func TestFeatures(t *testing.T) {
	tok, sp, err := readTokenizer(tokenizer)
	if err != nil {
		t.Fatal(err)
	}
	words := func(s string) ([]uint64, []uint64) { return wordsOf(tok.Encode(nil, s, limit), sp) }
	w, codes := words("xSF 龝龡 is not a 龤, nor is 龤")
	if len(w) != len(codes) || len(w) != 13 { // [CLS] xSF 龝 龡 is not a 龤 , nor is 龤 [SEP]
		t.Fatalf("%d words, %d codes; 13 are expected", len(w), len(codes))
	}
	if w[4] != w[10] || w[7] != w[11] || w[4] == w[5] {
		t.Errorf("the same word must have the same number, another word another: %v", w)
	}
	if codes[4] != codes[5] || codes[4] == codes[9] || codes[9] != codes[8] {
		t.Errorf("codes tell between which marks a word stands: %v", codes)
	}
	if a, _ := words("tan"); a[1] == func() uint64 { b, _ := words("ant"); return b[1] }() {
		t.Error("the order of characters does not count")
	}
	f := shipped.of(tok.Encode(nil, "龤 of 龡", limit), sp)
	g := shipped.of(tok.Encode(nil, "龡 of 龤", limit), sp)
	if len(f.flag) != len(g.flag) || slices.Equal(f.flag, g.flag) {
		t.Error("the order of the masks does not count")
	}
	for _, s := range []string{"", "a", "[PAD]", "가나다"} {
		for name, d := range designs {
			for _, r := range d.of(tok.Encode(nil, s, limit), sp).flag {
				if uint64(r) >= d.rows {
					t.Errorf("%s: %q has row %d of %d", name, s, r, d.rows)
				}
			}
		}
	}
}

// TestTrain: the command learns what stands in its data, knows nothing of a
// topic that has no training sentences, and leaves the same bytes twice.
func TestTrain(t *testing.T) {
	data := filepath.Join(t.TempDir(), "data.jsonl")
	lines := ""
	for _, topic := range []string{"one", "two"} {
		for range 6 {
			lines += `{"id":"` + topic + `.a","split":"train","topic":"` + topic + `","input":"xSF 龝龡 is 龤.","label":"asserts","expect":"flag"}` + "\n"
			lines += `{"id":"` + topic + `.b","split":"train","topic":"` + topic + `","input":"xSNF 龝龡 is not 龤.","label":"refutes","expect":"pass"}` + "\n"
		}
	}
	lines += `{"id":"one.c","split":"dev","topic":"one","input":"xSNF 龝well, 龡 is not 龤.","label":"refutes","expect":"pass"}` + "\n"
	lines += `{"id":"one.d","split":"dev","topic":"one","input":"","label":"asserts","expect":"flag"}` + "\n"
	lines += `{"id":"three.flag.0","split":"rule","topic":"three","input":"xSNF 龝龡 is not 龤.","label":"asserts","expect":"flag"}` + "\n"
	if err := os.WriteFile(data, []byte(lines), 0o644); err != nil {
		t.Fatal(err)
	}
	var bytes [2][]byte
	for i := range bytes {
		out := t.TempDir()
		if err := run([]string{"train", data, tokenizer, out}); err != nil {
			t.Fatal(err)
		}
		for _, name := range []string{"quarter.f32", "half.f32", "crossed.f32", "full.f32", "flag.i8", "other.i8", "rest.f32"} {
			b, err := os.ReadFile(filepath.Join(out, name))
			if err != nil {
				t.Fatal(err)
			}
			bytes[i] = append(bytes[i], b...)
		}
		b, err := os.ReadFile(filepath.Join(out, "full.f32"))
		if err != nil {
			t.Fatal(err)
		}
		if len(b) != 27*6*4 {
			t.Fatalf("%d bytes of logits for 27 lines", len(b))
		}
		at := func(line, label int) float32 {
			k := 4 * (6*line + label)
			return math.Float32frombits(uint32(b[k]) | uint32(b[k+1])<<8 | uint32(b[k+2])<<16 | uint32(b[k+3])<<24)
		}
		if at(0, 0) < 1 || at(1, 0) > -1 || at(24, 0) > 0 || at(26, 0) > 0 {
			t.Errorf("log-odds of asserts: %v of what asserts, %v, %v and %v of what refutes", at(0, 0), at(1, 0), at(24, 0), at(26, 0))
		}
		if at(1, 2) < -0.5 || at(25, 0) != 0 {
			t.Errorf("log-probability of refutes %v; logit of what reaches no proposition %v", at(1, 2), at(25, 0))
		}
	}
	if !slices.Equal(bytes[0], bytes[1]) {
		t.Error("two runs left other bytes")
	}
}

// TestQuantise: few bits keep a weight within a step of it.
func TestQuantise(t *testing.T) {
	for _, steps := range []float64{flagSteps, otherSteps} {
		was := []float32{0, 1, -0.5, 0.001, -1e-9, 0.25}
		is := slices.Clone(was)
		q, unit := quantise(is, steps)
		for i, x := range was {
			step := float64(unit) * (1 + 2*math.Sqrt(math.Abs(float64(x/unit))))
			if d := math.Abs(float64(is[i] - x)); d > step || math.Abs(float64(q[i])) > steps {
				t.Errorf("in %v steps %v became %v, step %d", steps, x, is[i], q[i])
			}
		}
	}
	if q, _ := quantise(make([]float32, 2), flagSteps); q[0] != 0 {
		t.Error("nothing learnt is not nothing")
	}
}
