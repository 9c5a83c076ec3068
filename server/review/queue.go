// SPDX-License-Identifier: Apache-2.0

package review

import (
	"cmp"
	"slices"
	"strings"
	"time"
)

// index holds what the queue is filtered and sorted by, of every case.
type index struct {
	at    map[string]int    // case id → place in list
	list  []entry           // in the order of arrival
	names map[string]string // rules, sites, languages, people and verdicts, each kept once
	// public counts the changes to what is published, judged those to what two
	// have judged.
	public, judged int
	// sites and languages are those that stood in the queue since the start.
	sites, languages map[string]bool
}

// name is a text that many cases share.
func (x *index) name(s string) string {
	if known, ok := x.names[s]; ok {
		return known
	}
	s = strings.Clone(s)
	x.names[s] = s
	return s
}

type entry struct {
	id, rule, language string
	sites              []string
	state              State
	score              float32
	reports            int
	received           int64    // seconds since 1970
	judges             []string // who judged, in order
	verdicts           [Needed]Verdict
	assigned           []string
	outcome            Verdict // empty: none
	published          int64   // seconds since 1970, where it is or was
	stage              Stage
}

func newIndex() *index {
	return &index{at: map[string]int{}, names: map[string]string{}, sites: map[string]bool{}, languages: map[string]bool{}}
}

func (x *index) put(c *Case) {
	e := entry{
		id: c.ID, rule: x.name(c.Rule), language: x.name(c.Language), state: State(x.name(string(c.State))), score: float32(c.Score),
		reports: c.Reports, received: c.Received.Unix(), assigned: c.Assigned, stage: c.stage(),
	}
	for _, s := range c.Sites {
		e.sites = append(e.sites, x.name(s))
		x.sites[x.name(s)] = true
	}
	x.languages[e.language] = true
	for i, j := range c.Judgements {
		e.judges = append(e.judges, x.name(j.Person))
		if i < Needed {
			e.verdicts[i] = Verdict(x.name(string(j.Verdict)))
		}
	}
	if c.Outcome != nil {
		e.outcome = Verdict(x.name(string(c.Outcome.Verdict)))
	}
	if !c.Published.IsZero() {
		e.published = c.Published.Unix()
	}
	i, known := x.at[c.ID]
	if e.state == Published || known && x.list[i].state == Published {
		x.public++
	}
	if len(e.judges) >= Needed || known && len(x.list[i].judges) >= Needed {
		x.judged++
	}
	if known {
		x.list[i] = e
		return
	}
	x.at[c.ID] = len(x.list)
	x.list = append(x.list, e)
}

// sort puts what was read from the storage in the order of arrival.
func (x *index) sort() {
	slices.SortFunc(x.list, func(a, b entry) int {
		return cmp.Or(cmp.Compare(a.received, b.received), strings.Compare(a.id, b.id))
	})
	for i := range x.list {
		x.at[x.list[i].id] = i
	}
}

// Orders of the queue.
const (
	Newest   = "newest"
	Oldest   = "oldest"
	Score    = "score"   // the engine was surest
	Frequent = "reports" // sent most often
)

// Filter chooses cases. Its zero value chooses all.
type Filter struct {
	State    State
	Rules    []string // of the topic or rule that was asked for; nil: all
	Site     string
	Language string
	Least    float64       // score
	Within   time.Duration // received so long ago at most
	Mine     bool          // assigned to, held or judged by the person
	Open     bool          // waits for a verdict of the person
	Outcome  Verdict       // what was settled; nobody finds by it what is still blind for him
	Order    string        // empty: Newest
}

// sieve is the part of a filter that depends on the case alone, without its
// state.
func (f Filter) sieve(now time.Time) func(*entry) bool {
	var rules map[string]bool
	if f.Rules != nil {
		rules = map[string]bool{}
		for _, r := range f.Rules {
			rules[r] = true
		}
	}
	since := now.Add(-f.Within).Unix()
	return func(e *entry) bool {
		return (rules == nil || rules[e.rule]) &&
			(f.Site == "" || slices.Contains(e.sites, f.Site)) &&
			(f.Language == "" || e.language == f.Language) &&
			float64(e.score) >= f.Least &&
			(f.Within <= 0 || e.received >= since)
	}
}

// Row is one case in the queue.
type Row struct {
	Case
	Held   int  // by other people
	Judged bool // by the person who asks
	Differ bool // the two verdicts differ; only where the person may see both
}

// Page is a part of the queue. Counts are by state, under the filter without
// its state.
type Page struct {
	Rows   []Row
	Total  int
	Counts map[State]int
}

// PageSize is how many rows a page has.
const PageSize = 50

// Queue returns the page of the queue that begins with row from.
func (d *Desk) Queue(who Person, f Filter, from int) (Page, error) {
	if !who.Role.May(See) {
		return Page{}, ErrForbidden
	}
	p := Page{Counts: map[State]int{}}
	chosen, held := d.choose(who, f, p.Counts)
	p.Total = len(chosen)
	from = max(0, min(from, len(chosen)))
	err := d.storage.View(func(r Reader) error {
		for _, id := range chosen[from:min(from+PageSize, len(chosen))] {
			var c Case
			if found, err := load(r, keyCase+id, &c); err != nil || !found {
				return cmp.Or(err, ErrNotFound)
			}
			seen := c.SeenBy(who)
			p.Rows = append(p.Rows, Row{
				Case: seen, Held: held[id], Judged: c.JudgementOf(who.ID) != nil,
				Differ: c.State == DoubleReviewed && c.Outcome == nil && len(seen.Judgements) == Needed,
			})
		}
		return nil
	})
	return p, err
}

// choose returns the ids under a filter in its order, and how many others hold
// each of them.
func (d *Desk) choose(who Person, f Filter, counts map[State]int) (chosen []string, held map[string]int) {
	now := d.now()
	fits := f.sieve(now)
	held = map[string]int{}
	d.mu.RLock()
	defer d.mu.RUnlock()
	var found []*entry
	for i := range d.index.list {
		e := &d.index.list[i]
		switch {
		case !fits(e),
			f.Mine && !slices.Contains(e.assigned, who.ID) && !slices.Contains(e.judges, who.ID) && !d.holds.has(e.id, who.ID, now),
			f.Open && !d.free(e, who, now),
			f.Outcome != "" && (e.outcome != f.Outcome || e.blind(who)):
			continue
		}
		counts[e.state]++
		if f.State == "" || e.state == f.State {
			found = append(found, e)
		}
	}
	if f.Order == "" || f.Order == Newest {
		slices.Reverse(found)
	} else if f.Order != Oldest {
		slices.SortStableFunc(found, order(f.Order))
	}
	chosen = make([]string, len(found))
	for i, e := range found {
		chosen[i] = e.id
	}
	for id := range d.holds { // as many as people at work
		held[id] = d.holds.others(id, who.ID, now)
	}
	return chosen, held
}

// blind says that a person must not learn the outcome yet.
func (e *entry) blind(who Person) bool {
	if e.state == Adjudicated || e.state == Published {
		return false
	}
	return !who.Role.May(Adjudicate) || slices.Contains(e.judges, who.ID)
}

// order is that of the list, which is in the order of arrival, by something else.
func order(name string) func(a, b *entry) int {
	if name == Frequent {
		return func(a, b *entry) int { return cmp.Compare(b.reports, a.reports) }
	}
	return func(a, b *entry) int { return cmp.Compare(b.score, a.score) }
}

// free says whether a person may judge a case now: it is open, he has not
// judged it, and others have not filled its places. mu is held.
func (d *Desk) free(e *entry, who Person, now time.Time) bool {
	if e.state != New && e.state != InReview || slices.Contains(e.judges, who.ID) {
		return false
	}
	if len(e.judges)+len(e.assigned)+len(d.holds[e.id]) < Needed { // nearly always
		return true
	}
	if d.holds.has(e.id, who.ID, now) || slices.Contains(e.assigned, who.ID) {
		return true
	}
	return taken(e.judges, e.assigned, d.holds.people(e.id, now)) < Needed
}

// taken counts the different people who have judged a case, were given it or
// have it in hand.
func taken(groups ...[]string) int {
	people := map[string]bool{}
	for _, g := range groups {
		for _, p := range g {
			people[p] = true
		}
	}
	return len(people)
}

// Next gives a person the case under a filter that wants his verdict most, and
// holds it for him: what was assigned to him, then what one other has judged,
// then what was sent most often, then the oldest. skip are cases not to give.
// ErrNotFound: there is none.
func (d *Desk) Next(who Person, f Filter, skip ...string) (string, error) {
	if !who.Role.May(Judge) {
		return "", ErrForbidden
	}
	f.Open, f.State, f.Order = true, "", Oldest
	chosen, _ := d.choose(who, f, map[State]int{})
	now := d.now()
	d.mu.Lock()
	defer d.mu.Unlock()
	best, most := -1, -1
	for i, id := range chosen {
		if slices.Contains(skip, id) {
			continue
		}
		e := &d.index.list[d.index.at[id]]
		if !d.free(e, who, now) { // since choose
			continue
		}
		weight := min(e.reports, 1000)
		if len(e.judges) > 0 {
			weight += 2000
		}
		if slices.Contains(e.assigned, who.ID) || d.holds.has(id, who.ID, now) {
			weight += 4000
		}
		if weight > most {
			best, most = i, weight
		}
	}
	if best < 0 {
		return "", ErrNotFound
	}
	d.holds.take(chosen[best], who.ID, now)
	return chosen[best], nil
}

// NextDispute gives a person the oldest case on which two differ and that he
// may settle. ErrNotFound: there is none.
func (d *Desk) NextDispute(who Person, skip ...string) (string, error) {
	if !who.Role.May(Adjudicate) {
		return "", ErrForbidden
	}
	return d.first(func(e *entry) bool {
		return e.state == DoubleReviewed && e.outcome == "" && !slices.Contains(e.judges, who.ID) && !slices.Contains(skip, e.id)
	})
}

// NextReady gives a maintainer the oldest case that can be published.
// ErrNotFound: there is none.
func (d *Desk) NextReady(who Person, skip ...string) (string, error) {
	if !who.Role.May(Publish) {
		return "", ErrForbidden
	}
	return d.first(func(e *entry) bool { return e.ready() && !slices.Contains(skip, e.id) })
}

func (e *entry) ready() bool {
	return (e.state == DoubleReviewed || e.state == Adjudicated) && e.outcome != "" && e.outcome != CannotJudge
}

func (d *Desk) first(fits func(*entry) bool) (string, error) {
	d.mu.RLock()
	defer d.mu.RUnlock()
	for i := range d.index.list {
		if fits(&d.index.list[i]) {
			return d.index.list[i].id, nil
		}
	}
	return "", ErrNotFound
}

// Work is how much waits for a person.
type Work struct{ Judge, Settle, Publish, SignOff int }

// Waiting counts what a person could do now, each part only if his role allows
// it.
func (d *Desk) Waiting(who Person) (w Work) {
	now := d.now()
	d.mu.RLock()
	defer d.mu.RUnlock()
	for i := range d.index.list {
		e := &d.index.list[i]
		switch {
		case who.Role.May(Judge) && d.free(e, who, now):
			w.Judge++
		case who.Role.May(Adjudicate) && e.state == DoubleReviewed && e.outcome == "" && !slices.Contains(e.judges, who.ID):
			w.Settle++
		case who.Role.May(Publish) && e.ready():
			w.Publish++
		case who.Role.May(Publish) && e.stage == Proposed:
			w.SignOff++
		}
	}
	return w
}

// Sites and Languages that stand in the queue, for its filters.
func (d *Desk) Sites() (sites, languages []string) {
	d.mu.RLock()
	defer d.mu.RUnlock()
	return keys(d.index.sites), keys(d.index.languages)
}

func keys(m map[string]bool) []string {
	out := make([]string, 0, len(m))
	for k := range m {
		out = append(out, k)
	}
	slices.Sort(out)
	return out
}
