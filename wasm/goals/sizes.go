// SPDX-License-Identifier: Apache-2.0

package main

import (
	"archive/zip"
	"compress/flate"
	"compress/gzip"
	_ "embed"
	"encoding/json"
	"fmt"
	"io"
	"os"
	"path/filepath"
)

// sizes are what a person downloads, in bytes.
type sizes struct {
	Wasm     int64 `json:"wasm"`
	WasmGzip int64 `json:"wasm_gzip"`
	Chrome   int64 `json:"chrome"` // the package, zipped
	Firefox  int64 `json:"firefox"`
}

// Budgets of sizes; sizes_test.go holds the build to them.
var budget = sizes{Wasm: 8_000_000, WasmGzip: 2_500_000, Chrome: 8_000_000, Firefox: 8_000_000}

// recorded are the sizes when somebody last recorded them.
//
//go:embed sizes.json
var recorded []byte

// grown is by what part a size may exceed the recorded one in silence.
const grown = 0.02

// measureSizes measures what the build left in dist.
func measureSizes() (sizes, error) { return sizesIn(dist) }

func sizesIn(dist string) (sizes, error) {
	var s sizes
	wasm, err := os.ReadFile(dist + "/haechi.wasm")
	if err != nil {
		return s, fmt.Errorf("%w; run ./build.sh build", err)
	}
	s.Wasm = int64(len(wasm))
	var n counter
	z, err := gzip.NewWriterLevel(&n, gzip.BestCompression)
	if err != nil {
		return s, err
	}
	if _, err := z.Write(wasm); err != nil {
		return s, err
	}
	if err := z.Close(); err != nil {
		return s, err
	}
	s.WasmGzip = int64(n)
	if s.Chrome, err = zipped(dist + "/chrome"); err != nil {
		return s, err
	}
	s.Firefox, err = zipped(dist + "/firefox")
	return s, err
}

// counter counts what is written to it.
type counter int64

func (c *counter) Write(p []byte) (int, error) {
	*c += counter(len(p))
	return len(p), nil
}

// zipped is the size of a folder as an archive, like those for the stores.
func zipped(folder string) (int64, error) {
	var n counter
	z := zip.NewWriter(&n)
	z.RegisterCompressor(zip.Deflate, func(w io.Writer) (io.WriteCloser, error) { return flate.NewWriter(w, flate.BestCompression) })
	if err := z.AddFS(os.DirFS(folder)); err != nil {
		return 0, fmt.Errorf("%s: %w; run ./build.sh build", filepath.Base(folder), err)
	}
	if err := z.Close(); err != nil {
		return 0, err
	}
	return int64(n), nil
}

// named gives each size its name.
func (s sizes) named() []struct {
	name  string
	bytes int64
} {
	return []struct {
		name  string
		bytes int64
	}{{"engine wasm", s.Wasm}, {"engine wasm, gzip -9", s.WasmGzip}, {"package for Chrome", s.Chrome}, {"package for Firefox", s.Firefox}}
}

// compareSizes prints the sizes beside those that were recorded, and says what
// grew by more than 2 %. It fails only where nothing can be measured: budgets
// are what tests fail on.
func compareSizes(record bool) error {
	now, err := measureSizes()
	if err != nil {
		return err
	}
	var before sizes
	if err := json.Unmarshal(recorded, &before); err != nil {
		return fmt.Errorf("sizes.json: %w", err)
	}
	most := budget.named()
	was := before.named()
	for i, x := range now.named() {
		change := float64(x.bytes-was[i].bytes) / float64(max(1, was[i].bytes))
		note := ""
		if change > grown {
			note = "  GREW by more than 2 %: say in the change why, and record it with 'go run ./wasm/goals sizes --record'"
		}
		fmt.Printf("%-22s %9d bytes, recorded %9d (%+.1f %%), budget %9d%s\n", x.name, x.bytes, was[i].bytes, 100*change, most[i].bytes, note)
	}
	if !record {
		return nil
	}
	b, err := json.MarshalIndent(now, "", "  ")
	if err != nil {
		return err
	}
	return os.WriteFile("wasm/goals/sizes.json", append(b, '\n'), 0o644)
}
