// SPDX-License-Identifier: Apache-2.0

package onnx

import (
	"errors"
	"fmt"
	"maps"
	"math"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"testing"
)

// nodeTests is the folder of the official backend node tests: Debian's package
// libonnx-testdata, or what HAECHI_ONNX_TESTS names.
func nodeTests(t *testing.T) string {
	if dir := os.Getenv("HAECHI_ONNX_TESTS"); dir != "" {
		return dir
	}
	const dir = "/usr/share/libonnx-testdata/data/node"
	if _, err := os.Stat(dir); err != nil {
		t.Skip("the official node tests are not here: install libonnx-testdata, or set HAECHI_ONNX_TESTS to their folder")
	}
	return dir
}

// TestOfficialNodeTests: every official test of a graph of claimed operators
// either gives the expected outputs or is refused for a type, an opset or an
// attribute that is not claimed, by name. Each operator passes at least one.
func TestOfficialNodeTests(t *testing.T) {
	folders, err := filepath.Glob(filepath.Join(nodeTests(t), "test_*"))
	if err != nil || len(folders) < 500 {
		t.Fatalf("%d official tests, %v", len(folders), err)
	}
	passed, refusals := map[string]int{}, map[string]int{}
	for _, folder := range folders {
		b, err := os.ReadFile(filepath.Join(folder, "model.onnx"))
		if err != nil {
			t.Fatal(err)
		}
		ops := operatorsIn(b)
		if len(ops) == 0 || slices.ContainsFunc(ops, func(o string) bool { _, ok := operators[o]; return !ok }) {
			if _, err := Load(b); err == nil {
				t.Errorf("%s: a model of %v loads", filepath.Base(folder), ops)
			} else if !strings.Contains(err.Error(), "not supported") {
				t.Errorf("%s: refused with %q, which does not say what is not supported", filepath.Base(folder), err)
			}
			continue
		}
		t.Run(strings.TrimPrefix(filepath.Base(folder), "test_"), func(t *testing.T) {
			m, err := Load(b)
			if errors.Is(err, ErrUnsupported) {
				refusals[strings.TrimPrefix(err.Error(), "onnx: load: ")]++
				return
			}
			if err != nil {
				t.Fatal(err)
			}
			compareSets(t, m, folder)
			for _, o := range ops {
				passed[o]++
			}
		})
	}
	for name := range operators {
		if passed[name] == 0 {
			t.Errorf("no official test of %s passes", name)
		}
	}
	total := 0
	for _, n := range passed {
		total += n
	}
	t.Logf("%d passes: %v", total, passed)
	for _, r := range slices.Sorted(maps.Keys(refusals)) {
		t.Logf("refused: %d × %s", refusals[r], r)
	}
}

// operatorsIn lists a model's operators; nil where the file cannot be read.
func operatorsIn(b []byte) []string {
	p, err := readModel(b)
	if err != nil {
		return nil
	}
	var out []string
	for _, n := range p.graph.nodes {
		if !slices.Contains(out, n.op) {
			out = append(out, n.op)
		}
	}
	return out
}

func compareSets(t *testing.T, m *Model, folder string) {
	sets, err := filepath.Glob(filepath.Join(folder, "test_data_set_*"))
	if err != nil || len(sets) == 0 {
		t.Fatalf("%d data sets, %v", len(sets), err)
	}
	for _, set := range sets {
		inputs, want := tensors(t, set, "input"), tensors(t, set, "output")
		for range 2 { // the second time in memory that the first one left
			got, err := m.Run(inputs, nil)
			if err != nil {
				t.Fatal(err)
			}
			if len(got) != len(want) {
				t.Fatalf("%d outputs, %d are expected", len(got), len(want))
			}
			for i := range want {
				if err := equal(&got[i], &want[i]); err != nil {
					t.Fatal(err)
				}
			}
		}
	}
}

func tensors(t *testing.T, set, kind string) []Tensor {
	var out []Tensor
	for {
		b, err := os.ReadFile(filepath.Join(set, fmt.Sprintf("%s_%d.pb", kind, len(out))))
		if errors.Is(err, os.ErrNotExist) {
			return out
		}
		if err != nil {
			t.Fatal(err)
		}
		x, err := ParseTensor(b)
		if err != nil {
			t.Fatal(err)
		}
		out = append(out, x)
	}
}

// equal compares as the official runner does.
func equal(got, want *Tensor) error {
	if got.Type != want.Type || !slices.Equal(got.Shape, want.Shape) {
		return fmt.Errorf("got %v %v, want %v %v", got.Type, got.Shape, want.Type, want.Shape)
	}
	if !slices.Equal(got.Int32, want.Int32) || !slices.Equal(got.Int64, want.Int64) || !slices.Equal(got.Bool, want.Bool) {
		return fmt.Errorf("got %v%v%v, want %v%v%v", got.Int32, got.Int64, got.Bool, want.Int32, want.Int64, want.Bool)
	}
	near := func(a, b float64) bool {
		return a == b || math.IsNaN(a) && math.IsNaN(b) || math.Abs(a-b) <= 1e-7+1e-3*math.Abs(b)
	}
	for i, w := range want.Float32 {
		if !near(float64(got.Float32[i]), float64(w)) {
			return fmt.Errorf("element %d is %v, want %v", i, got.Float32[i], w)
		}
	}
	for i, w := range want.Float64 {
		if !near(got.Float64[i], w) {
			return fmt.Errorf("element %d is %v, want %v", i, got.Float64[i], w)
		}
	}
	return nil
}
