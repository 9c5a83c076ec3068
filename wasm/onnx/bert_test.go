// SPDX-License-Identifier: Apache-2.0

package onnx

import (
	"fmt"
	"slices"
	"strings"
	"testing"

	"haechi/wasm/onnx/bert"
)

func loadBERT(t testing.TB, s bert.Shape, fuse bool) *Model {
	t.Helper()
	b, err := bert.Model(s)
	if err != nil {
		t.Fatal(err)
	}
	m, err := load(b, fuse)
	if err != nil {
		t.Fatal(err)
	}
	return m
}

// texts are so many inputs of n tokens, the last of them padded from the middle on.
func texts(batch, n, pieces int) []Tensor {
	ids, mask := make([]int64, batch*n), make([]int64, batch*n)
	for i := range ids {
		ids[i] = int64(i * 37 % pieces)
		if i/n < batch-1 || i%n <= n/2 {
			mask[i] = 1
		}
	}
	shape := []int{batch, n}
	return []Tensor{{Type: Int64, Shape: shape, Int64: ids}, {Type: Int64, Shape: shape, Int64: mask}, {Type: Int64, Shape: shape, Int64: make([]int64, batch*n)}}
}

// TestFusedEncodersGiveWhatTheirNodesGive: for shapes that leave every remainder.
func TestFusedEncodersGiveWhatTheirNodesGive(t *testing.T) {
	for _, s := range []bert.Shape{
		{Layers: 2, Width: 32, Heads: 4, Pieces: 97, Places: 64, Labels: 6, Seed: 1},
		{Layers: 1, Width: 30, Heads: 2, Pieces: 97, Places: 64, Labels: 9, Types: true, Seed: 2},
		{Layers: 1, Width: 4, Heads: 2, Pieces: 97, Places: 64, Labels: 2, Seed: 3},
	} {
		fused, plain := loadBERT(t, s, true), loadBERT(t, s, false)
		for _, n := range [][2]int{{1, 1}, {1, 5}, {2, 8}, {3, 19}, {1, 64}} {
			in := texts(n[0], n[1], s.Pieces)[:len(fused.Inputs())]
			want, err := plain.Run(in, nil)
			if err != nil {
				t.Fatal(err)
			}
			for range 2 { // the second time as planned
				got, err := fused.Run(in, nil)
				if err != nil {
					t.Fatal(err)
				}
				if !slices.Equal(got[0].Shape, []int{n[0], s.Labels}) {
					t.Fatalf("%+v, %v: logits of shape %v", s, n, got[0].Shape)
				}
				for i, x := range got[0].Float32 {
					near(t, float64(x), float64(want[0].Float32[i]), 1e-5, s, n, " logit ", i)
				}
			}
		}
	}
}

// TestEncodersAreFused: no product, activation or normalisation is left to the
// nodes that exporters write it in.
func TestEncodersAreFused(t *testing.T) {
	const layers = 3
	m := loadBERT(t, bert.Shape{Layers: layers, Width: 32, Heads: 4, Pieces: 97, Places: 64, Labels: 9, Seed: 1}, true)
	count := map[string]int{}
	for _, s := range m.steps {
		count[s.op]++
	}
	for op, want := range map[string]int{
		"MatMul, Add": 5 * layers, "MatMul, Gelu": layers, "MatMul, Div": layers, "MatMul": layers, "LayerNormalization": 2*layers + 1, "Gemm": 2,
		"Pow": 0, "Sqrt": 0, "Erf": 0, "ReduceMean": 0, "Div": 0,
	} {
		if count[op] != want {
			t.Errorf("%d steps %q, want %d: %v", count[op], op, want, count)
		}
	}
	for _, s := range m.steps {
		if l := s.op; strings.HasPrefix(l, "Gemm") && len(s.in) != 1 {
			t.Error("a Gemm was not packed")
		}
	}
}

func TestEncodersAllocateNothingOnceWarm(t *testing.T) {
	m := loadBERT(t, bert.Shape{Layers: 2, Width: 32, Heads: 4, Pieces: 97, Places: 64, Labels: 6, Seed: 1}, true)
	allocatesNothing(t, m, texts(2, 40, 97)[:2])
}

// BenchmarkEncoder: the transformer of tomorrow.
func BenchmarkEncoder(b *testing.B) {
	m := loadBERT(b, bert.Shape{Layers: 4, Width: 256, Heads: 4, Pieces: 8282, Places: 512, Labels: 6, Seed: 1}, true)
	for _, n := range [][2]int{{1, 64}, {8, 64}, {1, 128}, {8, 128}} {
		b.Run(fmt.Sprintf("%dx%d", n[0], n[1]), func(b *testing.B) {
			in := texts(n[0], n[1], 8282)[:2]
			var out []Tensor
			for b.Loop() {
				var err error
				if out, err = m.Run(in, out[:0]); err != nil {
					b.Fatal(err)
				}
			}
			b.ReportMetric(b.Elapsed().Seconds()*1e3/float64(b.N*n[0]), "ms/text")
		})
	}
}
