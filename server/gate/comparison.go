// SPDX-License-Identifier: Apache-2.0

package gate

import (
	"context"
	"errors"
	"fmt"
	"slices"

	"haechi/rules"
	"haechi/wasm/host"
	"haechi/wasm/model/train/corpus"
)

// comparison is one call of Compare.
type comparison struct {
	*Gate
	before, after rules.Pack
	files         map[string]rules.Rule

	held    int     // how many entries the rules are held to: the gate's corpus, then the precedents
	entries []Entry // these, then the examples of the files
	was, is [][]string
}

// run fills a report. What it has so far is returned with an error too.
func (c *comparison) run(ctx context.Context) (Report, error) {
	r := Report{
		Before: c.before.Hash(), After: c.after.Hash(),
		Rules:    c.touched(),
		Size:     Pair[int]{len(c.before.Encode()), len(c.after.Encode())},
		Words:    Pair[int]{words(c.before), words(c.after)},
		Changes:  []Change{},
		Examples: []Example{},
	}
	if r.Size.After > rules.MaxPack {
		return r, &unfit{fmt.Sprintf("the pack would have %d bytes; clients take at most %d", r.Size.After, rules.MaxPack)}
	}
	c.entries = slices.Clone(c.corpus)
	if c.Precedents != nil {
		more, err := c.Precedents()
		if err != nil {
			return r, err
		}
		c.entries = append(c.entries, more...)
	}
	c.held = len(c.entries)
	r.Entries = c.held
	c.relabel()
	for _, id := range r.Rules {
		if f, ok := c.files[id]; ok {
			for _, x := range examples(f) {
				x.Request.Tiers = tiersOf(f)
				c.entries = append(c.entries, x)
			}
		}
	}
	if r.Before == r.After {
		return c.unchanged(ctx, r)
	}
	var err error
	small := only(c.after, r.Rules)
	if c.is, err = c.try(ctx, small, c.entries); err != nil {
		return r, err
	}
	oldRules := only(c.before, r.Rules)
	old, err := c.open(ctx, oldRules)
	if err != nil {
		return r, err
	}
	defer old.Close(ctx)
	if c.was, err = c.judgeSome(ctx, old, oldRules, c.entries); err != nil {
		return r, err
	}
	flagged, err := c.base(ctx, c.before, c.entries[:c.held])
	if err != nil {
		return r, err
	}
	then := slices.Clone(flagged)
	if err := c.whole(ctx, &r, flagged, then); err != nil {
		return r, err
	}
	c.count(&r, flagged, then)
	c.judgeExamples(&r)
	c.flags = map[string][]bool{r.Before: flagged[:len(c.corpus)], r.After: then[:len(c.corpus)]}
	return r, nil
}

// unchanged tests the examples of rules that stay as they are, which are
// trusted: nothing else can differ.
func (c *comparison) unchanged(ctx context.Context, r Report) (Report, error) {
	flagged, err := c.base(ctx, c.before, c.entries[:c.held])
	if err != nil {
		return r, err
	}
	e, err := c.open(ctx, c.before)
	if err != nil {
		return r, err
	}
	defer e.Close(ctx)
	judged, err := judge(ctx, e, c.entries[c.held:])
	if err != nil {
		return r, err
	}
	c.is = append(make([][]string, c.held), judged...)
	c.was = c.is
	c.count(&r, flagged, flagged)
	c.judgeExamples(&r)
	return r, nil
}

// touched are the ids of the rules that change, and of those whose files were
// given, sorted.
func (c *comparison) touched() []string {
	var ids []string
	for _, x := range rules.Diff(c.before, c.after) {
		switch { // sites change no judgement
		case x.Put != nil:
			ids = append(ids, x.Put.ID)
		case x.Remove != "":
			ids = append(ids, x.Remove)
		}
	}
	for id := range c.files {
		ids = append(ids, id)
	}
	slices.Sort(ids)
	return slices.Compact(ids)
}

// relabel takes the expectation of a built-in example from the new file where
// that has it too: its author may have changed his mind.
func (c *comparison) relabel() {
	type key struct{ topic, text, question string }
	expect := map[key]string{}
	for _, f := range c.files {
		for _, x := range examples(f) {
			expect[key{f.ID, x.Request.Text, x.Request.Question}] = x.Expect
		}
	}
	for i := range c.entries {
		x := &c.entries[i]
		if e, ok := expect[key{x.Topic, x.Request.Text, x.Request.Question}]; ok && !x.Hard && !x.People {
			x.Expect = e
		}
	}
}

// whole judges with all rules where the rules that change make a difference,
// or may make one to another rule, and times both packs. It writes what it finds
// to c.was, c.is and, for the corpus, flagged and then.
func (c *comparison) whole(ctx context.Context, r *Report, flagged, then []bool) error {
	var differ []int
	for i, x := range c.entries {
		if !slices.Equal(c.was[i], c.is[i]) || x.Request.Question != "" && len(c.was[i])+len(c.is[i]) > 0 {
			differ = append(differ, i)
		}
	}
	asked := make([]Entry, len(differ))
	for k, i := range differ {
		asked[k] = c.entries[i]
	}
	// A new one, as for the rules after: both are timed with the same behind them.
	before, err := c.open(ctx, c.before)
	if err != nil {
		return err
	}
	defer before.Close(ctx)
	was, err := judge(ctx, before, asked)
	if err != nil {
		return err
	}
	after, err := c.open(ctx, c.after)
	if err != nil {
		return trapped(err)
	}
	defer after.Close(ctx)
	is, err := judge(ctx, after, asked)
	if err != nil {
		return trapped(err)
	}
	for k, i := range differ {
		c.was[i], c.is[i] = was[k], is[k]
		if i < c.held {
			flagged[i], then[i] = len(was[k]) > 0, len(is[k]) > 0
		}
		if i < c.held && !slices.Equal(was[k], is[k]) {
			x := c.entries[i]
			r.Changes = append(r.Changes, Change{ID: x.ID, Topic: x.Topic, Text: x.Text, Expect: x.Expect, Hard: x.Hard, People: x.People && !c.excused(x), Before: list(was[k]), After: list(is[k])})
		}
	}
	s, err := c.speed(ctx, before, after)
	if err != nil {
		return trapped(err)
	}
	r.Speed = &s
	return nil
}

// trapped says that rules which passed alone ended the engine together with
// the others.
func trapped(err error) error {
	if errors.Is(err, host.ErrTrap) {
		return &unfit{fmt.Sprintf("the engine ends with the rules before and these together: %v", err)}
	}
	return err
}

// count holds the flags of the corpus against what is expected. What a rule
// that is taken away or disabled was expected to flag is not expected any more.
func (c *comparison) count(r *Report, flagged, then []bool) {
	for i, x := range c.entries[:c.held] {
		if c.excused(x) {
			r.Retired++
			continue
		}
		if x.People {
			r.People++
			for _, side := range []struct {
				n       *int
				flagged bool
			}{{&r.Agree.Before, flagged[i]}, {&r.Agree.After, then[i]}} {
				if side.flagged == (x.Expect == corpus.Flag) {
					*side.n++
				}
			}
		}
		r.Counts.Before.add(x.Expect, flagged[i])
		r.Counts.After.add(x.Expect, then[i])
	}
}

// excused reports whether an entry is not expected to be flagged any more.
func (c *comparison) excused(x Entry) bool { return x.Expect == corpus.Flag && c.retired(x.Topic) }

// retired reports whether the change takes a rule out of use.
func (c *comparison) retired(id string) bool {
	in := func(p rules.Pack) bool { r := p.Rule(id); return r != nil && !r.Disabled }
	return in(c.before) && !in(c.after)
}

// judgeExamples fills in what became of the examples of the files.
func (c *comparison) judgeExamples(r *Report) {
	at := map[string]int{} // place in r.Tested
	for _, id := range r.Rules {
		f, ok := c.files[id]
		if !ok || f.Disabled { // what is switched off flags nothing
			continue
		}
		at[id] = len(r.Tested)
		r.Tested = append(r.Tested, Tested{Rule: id, Known: c.known[id]})
	}
	for i := c.held; i < len(c.entries); i++ {
		x := c.entries[i]
		k, ok := at[x.Topic]
		if !ok {
			continue
		}
		was, is := slices.Contains(c.was[i], x.Topic), slices.Contains(c.is[i], x.Topic)
		if r.Tested[k].add(x.Expect, is) {
			continue
		}
		broken := c.before.Rule(x.Topic) != nil && was == (x.Expect == corpus.Flag)
		r.Examples = append(r.Examples, Example{ID: x.ID, Rule: x.Topic, Text: x.Text, Expect: x.Expect, Broken: broken})
	}
}

// only returns the rules of a pack with these ids.
func only(p rules.Pack, ids []string) rules.Pack {
	var out rules.Pack
	for _, id := range ids {
		if r := p.Rule(id); r != nil {
			out.Rules = append(out.Rules, *r)
		}
	}
	return out
}

// words counts the words of all roles: what the engine has to keep and find.
func words(p rules.Pack) int {
	n := 0
	count := func(w rules.Words) {
		for _, terms := range w {
			n += len(terms)
		}
	}
	for _, r := range p.Rules {
		if r.Disabled {
			continue
		}
		count(r.Subject)
		count(r.Right)
		count(r.Unless)
		for _, p := range r.Propositions {
			count(p.Subject)
			count(p.Wrong)
			count(p.Right)
		}
	}
	return n
}

// list is never nil, for JSON.
func list(ids []string) []string {
	if ids == nil {
		return []string{}
	}
	return ids
}
