// SPDX-License-Identifier: Apache-2.0

package onnx

import (
	"os"
	"testing"
)

const own = "../model/model.onnx"

func loadOwn(t testing.TB) *Model {
	t.Helper()
	b, err := os.ReadFile(own)
	if err != nil {
		t.Fatal(err)
	}
	m, err := Load(b)
	if err != nil {
		t.Fatal(err)
	}
	return m
}

// sentence is an input of n tokens.
func sentence(n int) []Tensor {
	ids, mask := make([]int64, n), make([]int64, n)
	for i := range ids {
		ids[i], mask[i] = int64(5+i*37%8000), 1
	}
	shape := []int{1, n}
	return []Tensor{{Type: Int64, Shape: shape, Int64: ids}, {Type: Int64, Shape: shape, Int64: mask}}
}

func TestRunAllocatesNothingOnceWarm(t *testing.T) {
	allocatesNothing(t, loadOwn(t), sentence(120))
}

// allocatesNothing runs a model once, and then holds it to no allocation.
func allocatesNothing(t *testing.T, m *Model, in []Tensor) {
	t.Helper()
	var out []Tensor
	run := func() {
		var err error
		if out, err = m.Run(in, out[:0]); err != nil {
			t.Fatal(err)
		}
	}
	run()
	if n := testing.AllocsPerRun(20, run); n > 0 {
		t.Errorf("%v allocations a run", n)
	}
}

func BenchmarkRun(b *testing.B) {
	m := loadOwn(b)
	in := sentence(100)
	var out []Tensor
	for b.Loop() {
		var err error
		if out, err = m.Run(in, out[:0]); err != nil {
			b.Fatal(err)
		}
	}
	b.ReportMetric(float64(len(m.steps)), "steps")
	b.ReportMetric(float64(len(m.rest)), "steps/op")
}
