// SPDX-License-Identifier: Apache-2.0

package review

import (
	"cmp"
	"errors"
	"maps"
	"slices"
	"time"
)

// Public is a published case as anybody may see it. Nothing in it tells who
// sent, judged, settled or published it, or what they wrote to one another.
type Public struct {
	ID        string
	Rule      string
	Language  string
	Sentence  string
	Sites     []string
	Verdict   Verdict
	Sources   []string
	Wording   string
	Published time.Time
	Said      []Said // only of one case that was asked for
}

// Said is what one chatbot answered.
type Said struct{ Site, Model, Question, Excerpt, Sentence string }

// ErrWithdrawn: it was public and no longer is. Say so where it was linked.
var ErrWithdrawn = errors.New("review: withdrawn")

// PublicFilter chooses published cases. Its zero value chooses all.
type PublicFilter struct {
	Rules    []string // nil: all
	Site     string
	Language string
	Verdict  Verdict
}

// Count is how many published cases there are of a kind. A case that several
// chatbots said counts once for each of them.
type Count struct {
	Site, Rule, Language string
	Verdict              Verdict
	Number               int
}

// Publication is what is published under a filter.
type Publication struct {
	Rows   []Public // a page of them, the latest first
	Total  int
	Counts []Count   // by site, rule, language and verdict
	Latest time.Time // of all that is published; zero for none
	// Of all that is published, under any filter.
	Sites, Languages []string
}

// public is everything published, put together once for each change to it. It
// is never altered after that.
type public struct {
	version int
	order   []int32 // places in the index's list, the latest first
	counts  []Count

	sites, languages []string
}

// Published returns the page of published cases that begins with row from.
// What is withdrawn is missing from the moment at which Withdraw returns.
func (d *Desk) Published(f PublicFilter, from int) (Publication, error) {
	p := d.published()
	fits := f.sieve()
	out := Publication{Sites: p.sites, Languages: p.languages}
	var ids []string
	d.mu.RLock()
	if len(p.order) > 0 {
		out.Latest = time.Unix(d.index.list[p.order[0]].published, 0).UTC()
	}
	for _, i := range p.order {
		e := &d.index.list[i]
		if !fits(e) {
			continue
		}
		if out.Total >= from && len(ids) < PageSize {
			ids = append(ids, e.id)
		}
		out.Total++
	}
	d.mu.RUnlock()
	for _, c := range p.counts {
		if (f.Rules == nil || slices.Contains(f.Rules, c.Rule)) && (f.Site == "" || c.Site == f.Site) &&
			(f.Language == "" || c.Language == f.Language) && (f.Verdict == "" || c.Verdict == f.Verdict) {
			out.Counts = append(out.Counts, c)
		}
	}
	err := d.storage.View(func(r Reader) error {
		for _, id := range ids {
			var c Case
			found, err := load(r, keyCase+id, &c)
			if err != nil {
				return err
			}
			if found && c.State == Published { // still
				out.Rows = append(out.Rows, c.public())
			}
		}
		return nil
	})
	return out, err
}

// published brings what is put together up to date.
func (d *Desk) published() *public {
	d.mu.RLock()
	p := d.public
	if p != nil && p.version == d.index.public {
		d.mu.RUnlock()
		return p
	}
	p = &public{version: d.index.public}
	var sites, rules, languages ranks
	for i := range d.index.list {
		e := &d.index.list[i]
		if e.state != Published {
			continue
		}
		p.order = append(p.order, int32(i))
		rules.see(e.rule)
		languages.see(e.language)
		for _, s := range e.sites {
			sites.see(s)
		}
	}
	for _, r := range []*ranks{&sites, &rules, &languages} {
		r.sort()
	}
	counts := map[kind]int{}
	for _, i := range p.order {
		e := &d.index.list[i]
		verdict := slices.Index(Verdicts, e.outcome)
		if verdict < 0 { // nobody publishes that
			continue
		}
		k := kind{0, rules.of[e.rule], languages.of[e.language], verdict}
		for _, s := range e.sites {
			k.site = sites.of[s]
			counts[k]++
		}
	}
	slices.SortFunc(p.order, func(a, b int32) int {
		return cmp.Or(cmp.Compare(d.index.list[b].published, d.index.list[a].published), cmp.Compare(b, a))
	})
	d.mu.RUnlock()
	for _, k := range slices.SortedFunc(maps.Keys(counts), kind.compare) {
		p.counts = append(p.counts, Count{
			Site: sites.names[k.site], Rule: rules.names[k.rule], Language: languages.names[k.language], Verdict: Verdicts[k.verdict], Number: counts[k],
		})
	}
	p.sites, p.languages = sites.names, languages.names
	d.mu.Lock()
	defer d.mu.Unlock()
	if d.public == nil || d.public.version < p.version {
		d.public = p
	}
	return p
}

// kind is what a count counts, in numbers, which are compared sooner than names.
type kind struct{ site, rule, language, verdict int }

func (k kind) compare(o kind) int {
	return cmp.Or(k.site-o.site, k.rule-o.rule, k.language-o.language, k.verdict-o.verdict)
}

// ranks number names in their order.
type ranks struct {
	names []string
	of    map[string]int
}

func (r *ranks) see(name string) {
	if _, ok := r.of[name]; ok {
		return
	}
	if r.of == nil {
		r.of = map[string]int{}
	}
	r.of[name] = 0
	r.names = append(r.names, name)
}

func (r *ranks) sort() {
	slices.Sort(r.names)
	for i, name := range r.names {
		r.of[name] = i
	}
}

// PublishedIDs are all published cases under a filter, the latest first.
func (d *Desk) PublishedIDs(f PublicFilter) []string {
	p := d.published()
	fits := f.sieve()
	var ids []string
	d.mu.RLock()
	defer d.mu.RUnlock()
	for _, i := range p.order {
		if e := &d.index.list[i]; fits(e) {
			ids = append(ids, e.id)
		}
	}
	return ids
}

// sieve lets published cases through.
func (f PublicFilter) sieve() func(*entry) bool {
	fits := (Filter{Rules: f.Rules, Site: f.Site, Language: f.Language}).sieve(time.Time{})
	return func(e *entry) bool {
		return e.state == Published && (f.Verdict == "" || e.outcome == f.Verdict) && fits(e)
	}
}

// PublishedCase returns one published case with what each chatbot answered.
// ErrWithdrawn comes with the case's id and the day of the withdrawal only.
func (d *Desk) PublishedCase(id string) (Public, error) {
	var c Case
	var answers []Answer
	err := d.storage.View(func(r Reader) (err error) {
		c, answers, err = whole(r, id)
		return err
	})
	switch {
	case err != nil:
		return Public{}, err
	case c.State == Withdrawn && !c.Published.IsZero():
		return Public{ID: c.ID, Published: c.Changed}, ErrWithdrawn
	case c.State != Published:
		return Public{}, ErrNotFound
	}
	p := c.public()
	for _, a := range answers {
		p.Said = append(p.Said, Said{a.Site, a.Model, a.Question, a.Excerpt, a.Sentence})
	}
	return p, nil
}

func (c *Case) public() Public {
	return Public{
		ID: c.ID, Rule: c.Rule, Language: c.Language, Sentence: c.Sentence, Sites: c.Sites,
		Verdict: c.Outcome.Verdict, Sources: c.Outcome.Sources, Wording: c.Outcome.Wording, Published: c.Published,
	}
}
