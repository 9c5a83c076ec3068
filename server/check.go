// SPDX-License-Identifier: Apache-2.0

package main

import (
	"context"
	"fmt"
	"io"
	"os"
	"path/filepath"
	"slices"
	"strings"

	"haechi/rules"
	"haechi/rules/data"
	"haechi/wasm/abi"
	"haechi/wasm/classify"
	"haechi/wasm/detect"
	"haechi/wasm/host"
)

// maxLine is the longest line of JSONL that is read, in bytes; it leaves room
// for an answer of detect.MaxText written with escapes.
const maxLine = 8 << 20

const checkHelp = `
Reports the distortions in one answer, read from FILE or standard input. With
--jsonl each line is an answer, {"id","text","question"?}, and each line out
its findings, {"id","findings":[{"quote","start","end","rule","verdict","tier",
"score",…}]}, in order; a bad line gives {"id","error"} and the run goes on.

Examples:
  echo '김치는 중국에서 유래했다.' | haechi check
  haechi check --jsonl --engine wasm answers.jsonl`

// checker is an engine that judges answers, native or in the wasm.
type checker interface {
	check(q detect.Request) ([]abi.Finding, error)
	// fork returns one more that works beside it, or nil where there is none.
	fork() checker
	close()
}

// runCheck is the check command.
func runCheck(args []string, stdin io.Reader, stdout, stderr io.Writer) int {
	o := newOptions("check", "[--lang ko] [--jsonl] [FILE]", checkHelp)
	jsonl := o.Bool("jsonl", false, "read and write JSON lines")
	engine := o.String("engine", "native", "native, or wasm: the built artefact under wazero")
	folder := o.String("rules", "", "folder of rule files to add for this run; a file replaces the rule of its id")
	lang := o.String("lang", "ko", "language of the report: ko, en, ja or zh")
	tiers := o.String("tiers", detect.DefaultTiers, "tiers to report, of A, B and C")
	model := o.String("model", beside("model"), "folder of the classifier; \"none\" judges by patterns alone")
	wasm := o.String("wasm", beside("haechi.wasm"), "the built engine")
	rest, code, ok := o.parse(args, 0, 1, stdout, stderr)
	if !ok {
		return code
	}
	switch {
	case *engine != "native" && *engine != "wasm":
		return o.wrong(stderr, "--engine %q is not native or wasm", *engine)
	case !slices.Contains(rules.Languages, *lang):
		return o.wrong(stderr, "--lang %q is not one of %s", *lang, strings.Join(rules.Languages, ", "))
	case *tiers == "" || strings.Trim(*tiers, "ABC") != "":
		return o.wrong(stderr, "--tiers %q: write some of A, B and C", *tiers)
	}
	input := ""
	if len(rest) > 0 {
		input = rest[0]
	}
	if err := check(checkOptions{*jsonl, *engine, *folder, *lang, *tiers, *model, *wasm, input}, stdin, stdout, stderr); err != nil {
		return o.failed(stderr, err)
	}
	return exitDone
}

type checkOptions struct {
	jsonl                                          bool
	engine, rules, lang, tiers, model, wasm, input string
}

func check(o checkOptions, stdin io.Reader, stdout, stderr io.Writer) error {
	pack, err := data.Pack(o.rules)
	if err != nil {
		return err
	}
	in := stdin
	if o.input != "" && o.input != "-" {
		file, err := os.Open(o.input)
		if err != nil {
			return err
		}
		defer file.Close()
		in = file
	}
	c, err := openChecker(o, pack, stderr)
	if err != nil {
		return err
	}
	defer c.close()
	if o.jsonl {
		return checkLines(c, o.tiers, in, stdout)
	}
	return report(c, pack, o, in, stdout)
}

// beside returns the path of a file that the build leaves beside the command.
func beside(name string) string {
	self, err := os.Executable()
	if err != nil {
		return name
	}
	return filepath.Join(filepath.Dir(self), name)
}

type nativeChecker struct {
	engine *detect.Engine
	model  string               // folder of the classifier; empty without one
	own    *classify.Classifier // closed with the checker; nil without one
}

func (n nativeChecker) check(q detect.Request) ([]abi.Finding, error) {
	fs, err := n.engine.Check(q)
	if err != nil {
		return nil, err
	}
	return abi.Findings(q.Text, fs), nil
}

// fork shares the rules, but brings a classifier of its own: one judges one
// sentence at a time.
func (n nativeChecker) fork() checker {
	if n.own == nil {
		return nativeChecker{engine: n.engine}
	}
	c, err := classify.Load(n.model)
	if err != nil { // it was there a moment ago; one fewer does the work too
		return nil
	}
	return nativeChecker{n.engine.With(c), n.model, c}
}

func (n nativeChecker) close() {
	if n.own != nil {
		n.own.Close()
	}
}

type wasmChecker struct{ engine *host.Engine }

func (w wasmChecker) check(q detect.Request) ([]abi.Finding, error) {
	return w.engine.Check(context.Background(), q)
}
func (w wasmChecker) fork() checker { return nil }
func (w wasmChecker) close()        { w.engine.Close(context.Background()) }

// openChecker opens the engine that was asked for. Where the classifier cannot
// be loaded it says so and goes on with patterns alone.
func openChecker(o checkOptions, pack rules.Pack, stderr io.Writer) (checker, error) {
	model := o.model
	if model == "none" {
		model = ""
	} else if c, err := classify.Load(model); err != nil {
		fmt.Fprintf(stderr, "haechi check: %v\nhaechi check: judging by the rules' patterns alone, which finds far less\n", err)
		model = ""
	} else if o.engine == "native" {
		return nativeChecker{detect.New(pack, c), model, c}, nil
	} else {
		c.Close()
	}
	if o.engine == "native" {
		return nativeChecker{engine: detect.New(pack, nil)}, nil
	}
	e, err := host.Open(context.Background(), o.wasm, model, host.CacheDir(), pack)
	if err != nil {
		return nil, err
	}
	return wasmChecker{e}, nil
}
