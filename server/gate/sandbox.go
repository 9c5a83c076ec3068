// SPDX-License-Identifier: Apache-2.0

package gate

import (
	"context"
	"errors"
	"fmt"
	"slices"
	"strings"
	"time"

	"haechi/rules"
	"haechi/wasm/abi"
	"haechi/wasm/detect"
	"haechi/wasm/host"
)

// Bounds are what candidate rules may use.
type Bounds struct {
	MemoryPages uint32        // of the wasm, see host.PageBytes
	Time        time.Duration // for the whole corpus, with one rule changed
	TimePerRule time.Duration // more, for each further one
}

// DefaultBounds leave much room: today's whole pack takes 135 MB, and one rule
// over the default corpus ten seconds of one slow core; a busy machine takes
// several times that, and must not refuse a good rule for it.
var DefaultBounds = Bounds{MemoryPages: 512 << 20 / host.PageBytes, Time: 3 * time.Minute, TimePerRule: 4 * time.Second}

func (b Bounds) within(rules int) time.Duration {
	return b.Time + time.Duration(max(0, rules-1))*b.TimePerRule
}

// unfit is why candidate rules could not be run to the end. It is the
// maintainer's to mend, not the server's.
type unfit struct{ reason string }

func (u *unfit) Error() string { return u.reason }

// try runs candidate rules over entries in an instance of their own, under the
// gate's bounds, and returns what each entry is flagged by. The error is an
// *unfit where the rules are at fault.
func (g *Gate) try(ctx context.Context, pack rules.Pack, entries []Entry) ([][]string, error) {
	var last tail
	// Without rules first: compiling and loading are not the candidate's work.
	e, err := host.Open(ctx, g.wasm, g.model, host.CacheDir(), rules.Pack{},
		host.Memory(g.Bounds.MemoryPages), host.Interruptible(), host.Stderr(&last))
	if err != nil {
		return nil, err
	}
	defer e.Close(ctx)
	limit := g.Bounds.within(len(pack.Rules))
	bounded, cancel := context.WithTimeout(ctx, limit)
	defer cancel()
	err = e.Call(bounded, abi.Request{Op: "rules", Pack: pack.Encode()}, &abi.Ruled{})
	var out [][]string
	if err == nil {
		out, err = g.judgeSome(bounded, e, pack, entries)
	}
	var own *abi.Error
	switch {
	case err == nil:
		return out, nil
	case ctx.Err() != nil:
		return nil, ctx.Err()
	case errors.Is(bounded.Err(), context.DeadlineExceeded):
		return nil, &unfit{fmt.Sprintf("the rules did not get through the corpus in %v, in which others take a tenth of that; look for patterns of many parts, words of one letter and long lists of \"not\" and \"with\"", limit)}
	case errors.As(err, &own):
		return nil, &unfit{"the engine does not take the rules: " + own.Message}
	case errors.Is(err, host.ErrTrap) && strings.Contains(last.String(), "out of memory"):
		return nil, &unfit{fmt.Sprintf("the rules need more memory than the %d MiB that an engine is given; split the push or cut word lists", int(g.Bounds.MemoryPages)*host.PageBytes>>20)}
	case errors.Is(err, host.ErrTrap):
		return nil, &unfit{fmt.Sprintf("the engine ends with these rules: %v %s; push them one by one to find which", err, last.String())}
	}
	return nil, err
}

// judgeSome is judge with an engine that has the few rules of a pack: it is
// asked only of the entries in which these rules find something to judge. Which
// ones is worked out natively, by the same code; most have nothing.
func (g *Gate) judgeSome(ctx context.Context, e *host.Engine, pack rules.Pack, entries []Entry) ([][]string, error) {
	native := detect.New(pack, g.classifier)
	out := make([][]string, len(entries))
	var some []Entry
	var at []int
	for i, x := range entries {
		if err := ctx.Err(); err != nil {
			return nil, err
		}
		if len(native.Candidates(x.Request.Text, x.Request.Question)) > 0 {
			some, at = append(some, x), append(at, i)
		}
	}
	judged, err := judge(ctx, e, some)
	if err != nil {
		return nil, err
	}
	for k, i := range at {
		out[i] = judged[k]
	}
	return out, nil
}

// judge returns the ids of the rules that flag each entry, sorted.
func judge(ctx context.Context, e *host.Engine, entries []Entry) ([][]string, error) {
	out := make([][]string, len(entries))
	for i, x := range entries {
		if err := ctx.Err(); err != nil {
			return nil, err
		}
		fs, err := e.Check(ctx, x.Request)
		if err != nil {
			return nil, fmt.Errorf("%s: %w", x.ID, err)
		}
		for _, f := range fs {
			if f.Start >= x.Start && !slices.Contains(out[i], f.Rule) {
				out[i] = append(out[i], f.Rule)
			}
		}
		slices.Sort(out[i])
	}
	return out, nil
}

// tail keeps the beginning of what a dying engine writes: the cause comes
// first, then pages of stacks.
type tail struct{ strings.Builder }

const tailBytes = 300

func (t *tail) Write(p []byte) (int, error) {
	if room := tailBytes - t.Len(); room > 0 {
		t.Builder.Write(p[:min(room, len(p))])
	}
	return len(p), nil
}
