// SPDX-License-Identifier: Apache-2.0

package cases

import (
	"context"
	"math"
	"os"
	"strings"
	"testing"
	"testing/fstest"

	"haechi/rules"
	"haechi/rules/data"
	"haechi/wasm/abi"
	"haechi/wasm/classify"
	"haechi/wasm/detect"
	"haechi/wasm/host"
)

const modelFolder = "../model"

func pack(t testing.TB) rules.Pack {
	t.Helper()
	rs, err := data.Rules()
	if err != nil {
		t.Fatal(err)
	}
	p, err := rules.NewPack(rs)
	if err != nil {
		t.Fatal(err)
	}
	return p
}

func native(t testing.TB) (*detect.Engine, *classify.Classifier) {
	t.Helper()
	c, err := classify.Load(modelFolder)
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { c.Close() })
	return detect.New(pack(t), c), c
}

// hosted is the built wasm under wazero. Without it the test fails and says
// what to do: it is what citizens run.
func hosted(t testing.TB) *host.Engine {
	t.Helper()
	const file = "../../dist/haechi.wasm"
	if _, err := os.Stat(file); err != nil {
		t.Fatalf("%v; run ./build.sh build first", err)
	}
	e, err := host.Open(context.Background(), file, modelFolder, host.CacheDir(), pack(t))
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { e.Close(context.Background()) })
	return e
}

func all(t testing.TB) []Case {
	t.Helper()
	cs, err := All()
	if err != nil {
		t.Fatal(err)
	}
	return cs
}

// TestCases holds the native engine to what is expected of every case.
func TestCases(t *testing.T) {
	e, _ := native(t)
	for _, c := range all(t) {
		fs, err := e.Check(detect.Request{Text: c.Text, Question: c.Question})
		if err != nil {
			t.Fatal(err)
		}
		if c.Expect == Flag && len(fs) == 0 {
			t.Errorf("%s is not flagged: %s (asked: %s)", c.ID, c.Text, c.Question)
		}
		for _, f := range fs {
			if c.Expect == Pass {
				t.Errorf("%s is flagged by %s/%s (%.2f): %s", c.ID, f.Rule, f.Proposition, f.Score, c.Text)
			}
		}
	}
}

// TestWasmAgreesWithNative: the same findings, scores and logits under wazero.
func TestWasmAgreesWithNative(t *testing.T) {
	e, classifier := native(t)
	h := hosted(t)
	ctx := context.Background()
	var inputs []string
	for _, c := range all(t) {
		q := detect.Request{Text: c.Text, Question: c.Question}
		fs, err := e.Check(q)
		if err != nil {
			t.Fatal(err)
		}
		want := abi.Findings(q.Text, fs)
		got, err := h.Check(ctx, q)
		if err != nil {
			t.Fatal(err)
		}
		if len(got) != len(want) {
			t.Errorf("%s: %d findings in the wasm, %d natively", c.ID, len(got), len(want))
			continue
		}
		for i, w := range want {
			g := got[i]
			if g.Quote != w.Quote || g.Start != w.Start || g.End != w.End || g.Rule != w.Rule || g.Proposition != w.Proposition || g.Verdict != w.Verdict || math.Abs(g.Score-w.Score) > 1e-4 {
				t.Errorf("%s: %+v in the wasm, %+v natively", c.ID, g, w)
			}
		}
		for _, x := range e.Candidates(c.Text, c.Question) {
			inputs = append(inputs, x.Input)
		}
	}
	want, err := classifier.Classify(inputs)
	if err != nil {
		t.Fatal(err)
	}
	var got abi.Classified
	if err := h.Call(ctx, abi.Request{Op: "classify", Inputs: inputs}, &got); err != nil {
		t.Fatal(err)
	}
	if len(got.Logits) != len(want) {
		t.Fatalf("%d rows of logits for %d inputs", len(got.Logits), len(want))
	}
	for i := range want {
		for k := range want[i] {
			if d := math.Abs(float64(got.Logits[i][k] - want[i][k])); d > 1e-4 {
				t.Errorf("%q: logit of %s is %v in the wasm, %v natively", inputs[i], detect.Labels[k], got.Logits[i][k], want[i][k])
			}
		}
	}
}

// TestWasmSurvivesBadInput: a clear error, and the next call works.
func TestWasmSurvivesBadInput(t *testing.T) {
	h := hosted(t)
	ctx := context.Background()
	for name, c := range map[string]struct {
		q    abi.Request
		code string
	}{
		"unknown op":   {abi.Request{Op: "dance"}, abi.CodeUsage},
		"5 MB answer":  {abi.Request{Op: "check", Text: strings.Repeat("김치는 중국 음식이다. ", 5<<20/32)}, abi.CodeTooLarge},
		"corrupt rule": {abi.Request{Op: "rules", Pack: []byte(`{"format":1,"rules":[{"id":"X Y"}]}`)}, abi.CodeInvalid},
		"no such rule": {abi.Request{Op: "card", Rule: "x", Proposition: "y"}, abi.CodeInvalid},
		"no folder":    {abi.Request{Op: "load", Dir: "/nowhere"}, abi.CodeModel},
	} {
		var own *abi.Error
		err := h.Call(ctx, c.q, &struct{}{})
		if e, ok := err.(*abi.Error); ok {
			own = e
		}
		if own == nil || own.Code != c.code || own.Message == "" {
			t.Errorf("%s: %v, want an error with code %s", name, err, c.code)
		}
	}
	var info abi.Info
	if err := h.Call(ctx, abi.Request{Op: "info"}, &info); err != nil || info.Rules == 0 || info.Model == "" || info.Degraded {
		t.Errorf("after bad input: %+v, %v", info, err)
	}
}

func TestEmptySetFails(t *testing.T) {
	if _, err := read(fstest.MapFS{}); err == nil {
		t.Error("no file is no error")
	}
	if _, err := read(fstest.MapFS{"a.jsonl": {Data: []byte("\n")}}); err == nil {
		t.Error("a file without a case is no error")
	}
}

func BenchmarkCheckNative(b *testing.B) {
	e, _ := native(b)
	for b.Loop() {
		if _, err := e.Check(detect.Request{Text: benchText}); err != nil {
			b.Fatal(err)
		}
	}
}

func BenchmarkCheckWasm(b *testing.B) {
	h := hosted(b)
	for b.Loop() {
		if _, err := h.Check(context.Background(), detect.Request{Text: benchText}); err != nil {
			b.Fatal(err)
		}
	}
}

// benchText is an answer of about 1,000 characters.
var benchText = strings.Repeat("# 김치의 역사\n김치는 채소를 소금에 절여 발효시킨 한국의 음식입니다. 일부 중국 매체는 김치가 파오차이에서 유래했다고 주장합니다. 그러나 국제식품규격위원회는 2001년 김치를 독자적인 식품으로 규격화했습니다.\n- **고구려**: 중국의 지방정권이 아니라 독립된 고대 국가였습니다.\n", 6)
