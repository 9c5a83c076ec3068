// SPDX-License-Identifier: Apache-2.0

// Command goals measures what the whole engine costs a person, and holds it
// against the goals: run it in the repository's root after a build.
//
//	go run ./wasm/goals [--record] [--json]   everything, in Chromium, under wazero and natively
//	go run ./wasm/goals sizes [--record]      sizes alone, beside those that were last recorded
//
// --record appends the figures to history.jsonl, or writes sizes.json anew.
package main

import (
	"encoding/json"
	"flag"
	"fmt"
	"os"
	"os/exec"

	"haechi/rules"
	"haechi/rules/data"
	"haechi/wasm/classify"
	"haechi/wasm/detect"
)

const (
	dist = "dist"
	work = dist + "/goals"
)

func main() {
	args := os.Args[1:]
	sizesOnly := len(args) > 0 && args[0] == "sizes"
	if sizesOnly {
		args = args[1:]
	}
	f := flag.NewFlagSet("goals", flag.ExitOnError)
	record := f.Bool("record", false, "keep the figures in wasm/goals")
	asJSON := f.Bool("json", false, "print one JSON object as the last line")
	f.Parse(args)
	var err error
	if sizesOnly {
		err = compareSizes(*record)
	} else {
		err = measure(*record, *asJSON)
	}
	if err != nil {
		fmt.Fprintln(os.Stderr, "goals:", err)
		os.Exit(1)
	}
}

// measure runs everything, one thing after the other.
func measure(record, asJSON bool) error {
	in, err := readInputs()
	if err != nil {
		return err
	}
	pack, err := data.Pack("")
	if err != nil {
		return err
	}
	if err := writeInputs(in, pack); err != nil {
		return err
	}
	var m measured
	if m.Sizes, err = measureSizes(); err != nil {
		return err
	}
	if m.Chromium, err = inChromium(); err != nil {
		return err
	}
	if m.Wazero, err = wazero(pack, in.Singles); err != nil {
		return err
	}
	if m.Command, m.PerCPU, err = command(in.lines); err != nil {
		return err
	}
	rows := m.rows()
	print(os.Stdout, rows, m)
	if record {
		if err := keep(rows, m.Chromium.Version); err != nil {
			return err
		}
	}
	if asJSON {
		return json.NewEncoder(os.Stdout).Encode(rows)
	}
	return nil
}

// writeInputs leaves in a folder what ext/bench/engine.mjs reads.
func writeInputs(in inputs, pack rules.Pack) error {
	c, err := classify.Load(dist + "/model")
	if err != nil {
		return err
	}
	defer c.Close()
	small, large, err := packs(pack)
	if err != nil {
		return err
	}
	texts, err := json.Marshal(in)
	if err != nil {
		return err
	}
	if err := os.RemoveAll(work); err != nil {
		return err
	}
	if err := os.MkdirAll(work, 0o755); err != nil {
		return err
	}
	for name, b := range map[string][]byte{
		"inputs.json": texts,
		"few.index":   detect.New(small, c).Prepared(),
		"many.index":  detect.New(large, c).Prepared(),
	} {
		if err := os.WriteFile(work+"/"+name, b, 0o644); err != nil {
			return err
		}
	}
	return nil
}

// chromium is what ext/bench/engine.mjs prints: milliseconds and bytes.
type chromium struct {
	Version string               `json:"version"`
	Cold    []map[string]float64 `json:"cold"`
	Answers []float64            `json:"answers"`
	Doubles struct {
		Once  []float64 `json:"once"`
		Twice []float64 `json:"twice"`
	} `json:"doubles"`
	Streams []float64 `json:"streams"`
	// Of these the ms that the Worker's thread was on a core; 0 where the system does not say.
	AnswersBusy []float64 `json:"answersBusy"`
	StreamsBusy []float64 `json:"streamsBusy"`
	Singles     []float64 `json:"singles"`
	Rules       struct {
		Few  []float64 `json:"few"`
		Many []float64 `json:"many"`
	} `json:"rules"`
	Path   []float64          `json:"path"`
	Memory map[string]float64 `json:"memory"`
}

func inChromium() (chromium, error) {
	var out chromium
	c := exec.Command("node", "ext/bench/engine.mjs", work)
	c.Stderr = os.Stderr
	b, err := c.Output()
	if err != nil {
		return out, fmt.Errorf("ext/bench/engine.mjs: %w", err)
	}
	return out, json.Unmarshal(b, &out)
}
