// SPDX-License-Identifier: Apache-2.0

// Command population counts through what 50 million browsers would need, from
// what "load --scale --json" measured on this machine: how many nodes, what
// limits them, bandwidth and cost of a day, and how all come back after an
// outage. What cannot be measured here is an assumption, and is printed as one.
// The same seed and inputs give the same output.
package main

import (
	"encoding/json"
	"flag"
	"fmt"
	"io"
	"os"
	"strings"
)

func main() {
	a := assumed()
	file := flag.String("measured", "-", "read what was measured from the last line of `FILE`; - is the standard input")
	asJSON := flag.Bool("json", false, "print one JSON object as the last line")
	flag.Float64Var(&a.Browsers, "browsers", a.Browsers, "browsers with the extension")
	flag.Float64Var(&a.Releases, "releases", a.Releases, "releases a day")
	flag.Uint64Var(&a.Seed, "seed", a.Seed, "of what is drawn at random")
	flag.Parse()
	in := io.Reader(os.Stdin)
	if *file != "-" {
		f, err := os.Open(*file)
		if err != nil {
			fail(err)
		}
		defer f.Close()
		in = f
	}
	m, load, err := readMeasured(in)
	if err != nil {
		fail(err)
	}
	r := count(a, m)
	r.Load = load
	r.print(os.Stdout)
	if *asJSON {
		line, err := json.Marshal(r)
		if err != nil {
			fail(err)
		}
		fmt.Printf("%s\n", line)
	}
}

func fail(err error) {
	fmt.Fprintln(os.Stderr, "population:", err)
	os.Exit(1)
}

// readMeasured takes the object "measured" of the last line, and returns the
// line as well.
func readMeasured(in io.Reader) (measured, json.RawMessage, error) {
	text, err := io.ReadAll(io.LimitReader(in, 1<<20))
	if err != nil {
		return measured{}, nil, err
	}
	lines := strings.Split(strings.TrimSpace(string(text)), "\n")
	var outer struct {
		Measured measured `json:"measured"`
	}
	last := []byte(lines[len(lines)-1])
	if err := json.Unmarshal(last, &outer); err != nil {
		return measured{}, nil, fmt.Errorf("the last line is not what \"load --scale --json\" prints: %w", err)
	}
	return outer.Measured, last, outer.Measured.check()
}
