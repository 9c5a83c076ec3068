// SPDX-License-Identifier: Apache-2.0

// Package gate says what a change of rules does to judgements before anybody
// has them: call [Open], then [Gate.Compare] with the rules before and after,
// and [Report.Refusals] for what speaks against it.
//
// What changes is judged by the built wasm under wazero, as citizens run it;
// new rules run there under bounds of memory and time first. The findings of
// one rule do not depend on the other rules, but for one thing: a sentence that
// only the user's question connects with a rule is left to a rule that stands
// nearer (detect.Decide). So only the rules that change are run over the whole
// corpus, in the wasm where they find anything to judge at all, and all rules
// over the few entries where that shows a difference or the exception may apply.
package gate

import (
	"context"
	"errors"
	"fmt"
	"maps"
	"os"
	"slices"
	"sync"

	"haechi/rules"
	"haechi/wasm/classify"
	"haechi/wasm/detect"
	"haechi/wasm/host"
)

// Gate compares packs. It may be used from any goroutine; comparisons run one
// after the other.
type Gate struct {
	Bounds Bounds // of candidate rules; not to be changed while a comparison runs
	// Precedents are asked for at the beginning of each comparison and judged
	// with the corpus: what people decided meanwhile. nil: there are none.
	Precedents func() ([]Entry, error)

	wasm, model string
	corpus      []Entry
	known       map[string]bool // topics that the classifier was trained with
	classifier  *classify.Classifier

	mu    sync.Mutex        // held for the whole of a comparison, so that one core is taken at most
	flags map[string][]bool // pack hash → which entries of the corpus it flags; under mu; the last comparison's two packs
}

// Open returns a gate that judges with the engine in a wasm file and the model
// in a folder. The first start of an engine takes seconds, since it is compiled.
func Open(ctx context.Context, wasmFile, modelDir string, entries []Entry) (*Gate, error) {
	if len(entries) == 0 {
		return nil, errors.New("gate: the corpus is empty; without it nothing would be refused")
	}
	if _, err := os.Stat(wasmFile); err != nil {
		return nil, fmt.Errorf("gate: engine: %w; run ./build.sh build", err)
	}
	c, err := classify.Load(modelDir)
	if err != nil {
		return nil, fmt.Errorf("gate: %w", err)
	}
	g := &Gate{Bounds: DefaultBounds, wasm: wasmFile, model: modelDir, corpus: entries, known: maps.Clone(c.Model().Topics), classifier: c, flags: map[string][]bool{}}
	// An engine that does not run is better noticed now than at a push.
	if _, err := g.try(ctx, rules.Pack{}, nil); err != nil {
		return nil, fmt.Errorf("gate: %w", err)
	}
	return g, nil
}

// Compare says what changes for readers when after takes the place of before,
// which is trusted. files are the rules that were put, with their examples, by
// id. Rules that exceed the bounds are no error: the report says so.
func (g *Gate) Compare(ctx context.Context, before, after rules.Pack, files map[string]rules.Rule) (Report, error) {
	g.mu.Lock()
	defer g.mu.Unlock()
	c := comparison{Gate: g, before: before, after: after, files: files}
	report, err := c.run(ctx)
	var bad *unfit
	if errors.As(err, &bad) {
		report.Unfit = bad.reason
		return report, nil
	}
	if err != nil {
		return Report{}, fmt.Errorf("gate: %w", err)
	}
	return report, nil
}

// base returns which entries a trusted pack flags: the gate's corpus, for which
// it remembers that, and more behind it. It is worked out natively, in a tenth of
// the time; package cases holds the wasm to it.
func (g *Gate) base(ctx context.Context, pack rules.Pack, entries []Entry) ([]bool, error) {
	hash := pack.Hash()
	out := slices.Clone(g.flags[hash])
	if len(out) == len(entries) {
		return out, nil
	}
	e := detect.New(pack, g.classifier)
	for _, x := range entries[len(out):] {
		if err := ctx.Err(); err != nil {
			return nil, err
		}
		fs, err := e.Check(x.Request)
		if err != nil {
			return nil, fmt.Errorf("%s: %w", x.ID, err)
		}
		out = append(out, slices.ContainsFunc(fs, func(f detect.Finding) bool { return f.Start >= x.Start }))
	}
	g.flags = map[string][]bool{hash: slices.Clone(out[:len(g.corpus)])}
	return out, nil
}

// open starts an engine that is not watched, with rules that are trusted or
// have been tried. Their index is made natively, which takes a tenth of the time.
func (g *Gate) open(ctx context.Context, pack rules.Pack) (*host.Engine, error) {
	e, err := host.Open(ctx, g.wasm, g.model, host.CacheDir(), rules.Pack{})
	if err != nil {
		return nil, err
	}
	if err := g.use(ctx, e, pack); err != nil {
		return nil, errors.Join(err, e.Close(ctx))
	}
	return e, nil
}

// use gives an engine other rules.
func (g *Gate) use(ctx context.Context, e *host.Engine, pack rules.Pack) error {
	return e.Use(ctx, detect.New(pack, g.classifier).Prepared(), pack)
}
