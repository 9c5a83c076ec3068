// SPDX-License-Identifier: Apache-2.0

package agreement

import (
	"cmp"
	"slices"
)

// Vote is the verdict of one reviewer on an item. A verdict of "" is missing.
type Vote struct{ Reviewer, Verdict string }

// Tally counts what reviewers found, item by item, and forgets the items: it
// grows with reviewers, topics and verdicts only. Its zero value is empty. What
// it reports does not depend on the order of the items.
type Tally struct {
	// Known has what was reckoned before; nil: nothing is kept.
	Known *Known

	reviewers, verdicts, topics names
	all                         census
	byTopic                     []census     // by number of the topic
	judged                      []int        // items, by number of the reviewer
	met                         map[duel]int // two reviewers on one item
	settled                     map[settled]int
	code                        []byte // of the item at hand
}

// duel is a meeting of two reviewers, the one with the smaller number first.
type duel struct{ a, b, va, vb int32 }

type settled struct{ reviewer, verdict, outcome int32 }

// names gives each text a number.
type names struct {
	list []string
	of   map[string]int32
}

func (n *names) number(s string) int32 {
	if i, ok := n.of[s]; ok {
		return i
	}
	if n.of == nil {
		n.of = map[string]int32{}
	}
	i := int32(len(n.list))
	n.of[s] = i
	n.list = append(n.list, s)
	return i
}

// census counts the kinds of items: those on which the same verdicts were given,
// whoever gave them. A kind's code is its verdicts' numbers in order.
type census struct {
	kinds  map[string]*int
	raters []bool // by number of the reviewer
}

func (t *census) add(code []byte) {
	if n, ok := t.kinds[string(code)]; ok {
		*n++
		return
	}
	if t.kinds == nil {
		t.kinds = map[string]*int{}
	}
	t.kinds[string(code)] = new(1)
}

func (t *census) rate(reviewer int32) {
	for int(reviewer) >= len(t.raters) {
		t.raters = append(t.raters, false)
	}
	t.raters[reviewer] = true
}

// Add counts one item: its topic, or "", the votes of different reviewers, and
// what it was settled as, or "".
func (t *Tally) Add(topic string, votes []Vote, outcome string) {
	type vote struct{ reviewer, verdict int32 }
	var room [8]vote
	given := room[:0]
	for _, v := range votes {
		if v.Verdict != "" {
			given = append(given, vote{t.reviewers.number(v.Reviewer), t.verdicts.number(v.Verdict)})
		}
	}
	if len(given) == 0 {
		return
	}
	of := t.topics.number(topic)
	for int(of) >= len(t.byTopic) {
		t.byTopic = append(t.byTopic, census{})
	}
	slices.SortFunc(given, func(a, b vote) int { return cmp.Compare(a.verdict, b.verdict) })
	t.code = t.code[:0]
	for i, a := range given {
		t.code = append(t.code, byte(a.verdict>>8), byte(a.verdict))
		t.all.rate(a.reviewer)
		t.byTopic[of].rate(a.reviewer)
		for int(a.reviewer) >= len(t.judged) {
			t.judged = append(t.judged, 0)
		}
		t.judged[a.reviewer]++
		for _, b := range given[i+1:] {
			d := duel{a.reviewer, b.reviewer, a.verdict, b.verdict}
			if a.reviewer > b.reviewer {
				d = duel{b.reviewer, a.reviewer, b.verdict, a.verdict}
			}
			if t.met == nil {
				t.met = map[duel]int{}
			}
			t.met[d]++
		}
		if outcome != "" {
			if t.settled == nil {
				t.settled = map[settled]int{}
			}
			t.settled[settled{a.reviewer, a.verdict, t.verdicts.number(outcome)}]++
		}
	}
	t.all.add(t.code)
	t.byTopic[of].add(t.code)
}

// counts holds how often each verdict was given to each kind of item. Verdicts
// and kinds are sorted, so that sums and resamples come out to the last digit.
type counts struct {
	verdicts []string
	kinds    []kind
	items    int
	raters   int
}

// kind are items that got the same verdicts: row[i] is how often verdict i was
// given to each of them.
type kind struct {
	row   []int
	times int // how many items are of this kind
}

// counts reads a census.
func (t *Tally) counts(of *census) counts {
	var c counts
	used := map[int32]bool{}
	for code := range of.kinds {
		for i := 0; i < len(code); i += 2 {
			used[int32(code[i])<<8|int32(code[i+1])] = true
		}
	}
	for v := range used {
		c.verdicts = append(c.verdicts, t.verdicts.list[v])
	}
	slices.Sort(c.verdicts)
	for code, times := range of.kinds {
		k := kind{make([]int, len(c.verdicts)), *times}
		for i := 0; i < len(code); i += 2 {
			k.row[index(c.verdicts, t.verdicts.list[int32(code[i])<<8|int32(code[i+1])])]++
		}
		c.kinds = append(c.kinds, k)
		c.items += k.times
	}
	slices.SortFunc(c.kinds, func(a, b kind) int { return slices.Compare(a.row, b.row) })
	for _, r := range of.raters {
		if r {
			c.raters++
		}
	}
	return c
}

// given is the number of verdicts.
func (c counts) given() (n int) {
	for _, k := range c.kinds {
		n += sum(k.row) * k.times
	}
	return n
}

// meetings counts pairs of verdicts on the same item.
type meetings map[meeting]int

// meeting is one pair of verdicts.
type meeting struct{ row, column string }

// pairs are the meetings of every two reviewers who share an item, by their
// names, of which the first sorts first and whose verdicts are the rows.
func (t *Tally) pairs() map[[2]string]meetings {
	out := map[[2]string]meetings{}
	for d, n := range t.met {
		names := [2]string{t.reviewers.list[d.a], t.reviewers.list[d.b]}
		m := meeting{t.verdicts.list[d.va], t.verdicts.list[d.vb]}
		if names[0] > names[1] {
			names[0], names[1] = names[1], names[0]
			m = meeting{m.column, m.row}
		}
		if out[names] == nil {
			out[names] = meetings{}
		}
		out[names][m] += n
	}
	return out
}
