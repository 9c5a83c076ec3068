// SPDX-License-Identifier: Apache-2.0

package main

import (
	"bufio"
	"bytes"
	"context"
	"encoding/json"
	"fmt"
	"os"
	"os/exec"
	"slices"
	"strings"
	"time"

	"haechi/rules"
	"haechi/wasm/detect"
	"haechi/wasm/host"
)

// wazero times single sentences in the built wasm, in milliseconds.
func wazero(pack rules.Pack, sentences []string) ([]float64, error) {
	ctx := context.Background()
	e, err := host.Open(ctx, dist+"/haechi.wasm", dist+"/model", host.CacheDir(), pack)
	if err != nil {
		return nil, err
	}
	defer e.Close(ctx)
	var out []float64
	for i, s := range sentences {
		started := time.Now()
		if _, err := e.Check(ctx, detect.Request{Text: s}); err != nil {
			return nil, err
		}
		if i >= warming {
			out = append(out, ms(time.Since(started)))
		}
	}
	return out, nil
}

// warming is how many sentences go before those that are timed.
const warming = 100

func ms(d time.Duration) float64 { return float64(d.Microseconds()) / 1000 }

// command times `haechi check --jsonl`, from its start to its end, and returns
// sentences a second, and those for each second that it was on a core.
func command(sentences []string) (perSecond, perCPU float64, err error) {
	var in bytes.Buffer
	e := json.NewEncoder(&in)
	for i, s := range sentences {
		if err := e.Encode(map[string]any{"id": i, "text": s}); err != nil {
			return 0, 0, err
		}
	}
	c := exec.Command(dist+"/haechi", "check", "--jsonl")
	var out bytes.Buffer
	c.Stdin, c.Stdout, c.Stderr = &in, &out, os.Stderr
	started := time.Now()
	if err := c.Run(); err != nil {
		return 0, 0, fmt.Errorf("haechi check: %w", err)
	}
	took := time.Since(started)
	n := 0
	for s := bufio.NewScanner(&out); s.Scan(); n++ {
		if !strings.Contains(s.Text(), `"findings"`) {
			return 0, 0, fmt.Errorf("haechi check: %s", s.Text())
		}
	}
	if n != len(sentences) {
		return 0, 0, fmt.Errorf("haechi check: %d lines for %d", n, len(sentences))
	}
	used := c.ProcessState.UserTime() + c.ProcessState.SystemTime()
	return float64(n) / took.Seconds(), float64(n) / used.Seconds(), nil
}

// quantile is the value that a part q of the sample does not exceed.
func quantile(sample []float64, q float64) float64 {
	if len(sample) == 0 {
		return 0
	}
	s := slices.Sorted(slices.Values(sample))
	return s[min(len(s)-1, int(q*float64(len(s))))]
}
