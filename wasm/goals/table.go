// SPDX-License-Identifier: Apache-2.0

package main

import (
	"encoding/json"
	"fmt"
	"io"
	"os"
	"runtime"
	"slices"
	"strings"
	"time"
)

// measured is everything of one run.
type measured struct {
	Sizes    sizes
	Chromium chromium
	Wazero   []float64 // ms a sentence
	Command  float64   // sentences a second
	PerCPU   float64   // and for a second of one core
}

// row is one goal with what was measured. The figure must not exceed the goal,
// or, where AtLeast, not fall below it.
type row struct {
	What    string  `json:"what"`
	Unit    string  `json:"unit"`
	Figure  float64 `json:"figure"`
	Goal    float64 `json:"goal"`
	AtLeast bool    `json:"at_least,omitempty"`
	Beside  string  `json:"beside,omitempty"` // what the figure is made of
}

func (r row) holds() bool { return (r.Figure <= r.Goal) != r.AtLeast || r.Figure == r.Goal }

const mega = 1e6

// rows holds the figures against the goals.
func (m measured) rows() []row {
	c := m.Chromium
	half := func(sample []float64) float64 { return quantile(sample, 0.5) }
	most := func(sample []float64) float64 { return quantile(sample, 0.95) }
	var cold, busy []float64
	for _, stages := range c.Cold {
		cold, busy = append(cold, stages[firstVerdict]), append(busy, stages["busy"])
	}
	memory := 0.0
	for _, bytes := range c.Memory {
		memory += bytes
	}
	few, many := half(c.Rules.Few), half(c.Rules.Many)
	once, twice := half(c.Doubles.Once), half(c.Doubles.Twice)
	wazero, single := half(m.Wazero), half(c.Singles)
	s := m.Sizes
	return []row{
		{What: "1,000-character Korean answer, all rules, warm, in the Worker: p50", Unit: "ms", Figure: half(c.Answers), Goal: 16, Beside: fmt.Sprintf("on a core %.1f", half(c.AnswersBusy))},
		{What: "the same: p95", Unit: "ms", Figure: most(c.Answers), Goal: 50, Beside: fmt.Sprintf("on a core %.1f", most(c.AnswersBusy))},
		{What: "each streamed update of it: p50", Unit: "ms", Figure: half(c.Streams), Goal: 4, Beside: fmt.Sprintf("p95 %.1f; on a core %.1f and %.1f", most(c.Streams), half(c.StreamsBusy), most(c.StreamsBusy))},
		{What: "worker start to first verdict, cold: p50", Unit: "ms", Figure: half(cold), Goal: 300, Beside: fmt.Sprintf("least %.0f; on a core %.0f; from the service worker's message, engine's document included, %.0f", slices.Min(cold), half(busy), half(c.Path))},
		{What: "engine wasm, raw", Unit: "MB", Figure: float64(s.Wasm) / mega, Goal: 8},
		{What: "engine wasm, gzip -9", Unit: "MB", Figure: float64(s.WasmGzip) / mega, Goal: 2.5},
		{What: "package for Chrome", Unit: "MB", Figure: float64(s.Chrome) / mega, Goal: 8},
		{What: "package for Firefox", Unit: "MB", Figure: float64(s.Firefox) / mega, Goal: 8},
		{What: "memory of the extension at rest, model and rules loaded", Unit: "MB", Figure: memory / mega, Goal: 80, Beside: owners(c.Memory)},
		{What: "10,000 rules against 100", Unit: "×", Figure: many / few, Goal: 1.5, Beside: fmt.Sprintf("%.1f and %.1f ms an answer", many, few)},
		{What: "text twice as long", Unit: "×", Figure: twice / once, Goal: 2.1, Beside: fmt.Sprintf("%.1f and %.1f ms", twice, once)},
		{What: "under wazero against Chromium, a sentence", Unit: "×", Figure: wazero / single, Goal: 4, Beside: fmt.Sprintf("%.2f and %.2f ms", wazero, single)},
		{What: "`haechi check --jsonl` natively, 10,000 sentences, start included", Unit: "/s", Figure: m.Command, Goal: 5000, AtLeast: true, Beside: fmt.Sprintf("%d cores; %.0f for each second on a core", runtime.NumCPU(), m.PerCPU)},
	}
}

func owners(memory map[string]float64) string {
	var out []string
	for name, bytes := range memory {
		out = append(out, fmt.Sprintf("%s %.1f", name, bytes/mega))
	}
	slices.Sort(out)
	return strings.Join(out, ", ")
}

// The last stage of a cold start, and all in order, as ext/bench/engine.mjs names them.
const firstVerdict = "first verdict"

var stages = []string{"compiled and initialised", "model loaded", "rules loaded", firstVerdict}

// print writes the goals and the stages of a cold start as Markdown tables.
func print(w io.Writer, rows []row, m measured) {
	fmt.Fprintf(w, "%s, %d cores, load %s, %s\n\n", cpu(), runtime.NumCPU(), load(), m.Chromium.Version)
	fmt.Fprintln(w, "| what | measured | goal | holds | beside |\n|---|---|---|---|---|")
	for _, r := range rows {
		sign, holds := "≤", "yes"
		if r.AtLeast {
			sign = "≥"
		}
		if !r.holds() {
			holds = "**no**"
		}
		fmt.Fprintf(w, "| %s | %s %s | %s %g %s | %s | %s |\n", r.What, figure(r.Figure), r.Unit, sign, r.Goal, r.Unit, holds, r.Beside)
	}
	fmt.Fprintln(w, "\n| cold start, ms | p50 | least |\n|---|---|---|")
	for i, stage := range stages {
		var sample []float64
		for _, start := range m.Chromium.Cold {
			took := start[stage]
			if i > 0 {
				took -= start[stages[i-1]]
			}
			sample = append(sample, took)
		}
		fmt.Fprintf(w, "| %s | %.1f | %.1f |\n", stage, quantile(sample, 0.5), slices.Min(sample))
	}
}

func figure(x float64) string {
	if x >= 100 {
		return fmt.Sprintf("%.0f", x)
	}
	return fmt.Sprintf("%.2f", x)
}

// history keeps the figures of recorded runs, one JSON object a line.
const history = "wasm/goals/history.jsonl"

type run struct {
	Date     string             `json:"date"`
	CPU      string             `json:"cpu"`
	Cores    int                `json:"cores"`
	Load     string             `json:"load"` // of one minute; figures of a busy machine are too high
	Chromium string             `json:"chromium"`
	Figures  map[string]float64 `json:"figures"` // by goal
}

func keep(rows []row, chromium string) error {
	r := run{time.Now().UTC().Format(time.DateOnly), cpu(), runtime.NumCPU(), load(), chromium, map[string]float64{}}
	for _, x := range rows {
		r.Figures[x.What] = x.Figure
	}
	line, err := json.Marshal(r)
	if err != nil {
		return err
	}
	f, err := os.OpenFile(history, os.O_APPEND|os.O_CREATE|os.O_WRONLY, 0o644)
	if err != nil {
		return err
	}
	if _, err := f.Write(append(line, '\n')); err != nil {
		f.Close()
		return err
	}
	return f.Close()
}

// cpu and load are what Linux says; empty elsewhere.
func cpu() string {
	b, _ := os.ReadFile("/proc/cpuinfo")
	_, rest, _ := strings.Cut(string(b), "model name")
	line, _, _ := strings.Cut(rest, "\n")
	_, name, _ := strings.Cut(line, ":")
	return strings.TrimSpace(name)
}

func load() string {
	b, _ := os.ReadFile("/proc/loadavg")
	first, _, _ := strings.Cut(string(b), " ")
	return first
}
