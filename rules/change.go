// SPDX-License-Identifier: Apache-2.0

package rules

import (
	"bytes"
	"fmt"
	"maps"
	"reflect"
	"slices"
	"strings"
)

// Change is one step from a pack to the next; exactly one field is set.
type Change struct {
	Put        *Rule  `json:"put,omitempty"`
	Remove     string `json:"remove,omitempty"` // id of a rule
	Patch      *Patch `json:"patch,omitempty"`  // part of a rule that is there
	PutSite    *Site  `json:"put_site,omitempty"`
	RemoveSite string `json:"remove_site,omitempty"` // id of a site
}

// Key names what the change is about: a rule by its id, a site by "site/" and
// its id, which no rule can have.
func (c Change) Key() string {
	switch {
	case c.Put != nil:
		return c.Put.ID
	case c.Patch != nil:
		return c.Patch.ID
	case c.PutSite != nil:
		return SiteKey(c.PutSite.ID)
	case c.RemoveSite != "":
		return SiteKey(c.RemoveSite)
	}
	return c.Remove
}

// SiteKey is the key of changes to a site.
func SiteKey(id string) string { return "site/" + id }

// Removes reports whether the change takes something away.
func (c Change) Removes() bool { return c.Remove != "" || c.RemoveSite != "" }

// Has reports whether the pack has what a change of this key is about.
func (p Pack) Has(key string) bool {
	if id, ok := strings.CutPrefix(key, "site/"); ok {
		return p.Site(id) != nil
	}
	return p.Rule(key) != nil
}

// Diff returns the changes that lead from one pack to the other: rules by id,
// then sites by id, each put as a whole or removed. Package delta makes them
// smaller.
func Diff(from, to Pack) []Change {
	changes := []Change{}
	diff(from.Rules, to.Rules, ruleID, Format,
		func(r *Rule) { changes = append(changes, Change{Put: r}) },
		func(id string) { changes = append(changes, Change{Remove: id}) })
	diff(from.Sites, to.Sites, siteID, FormatSite,
		func(s *Site) { changes = append(changes, Change{PutSite: s}) },
		func(id string) { changes = append(changes, Change{RemoveSite: id}) })
	return changes
}

func ruleID(r Rule) string { return r.ID }
func siteID(s Site) string { return s.ID }

// diff walks two lists that are sorted by id.
func diff[T any](from, to []T, id func(T) string, format func(T) []byte, put func(*T), remove func(id string)) {
	i, j := 0, 0
	for i < len(from) || j < len(to) {
		switch {
		case j == len(to) || i < len(from) && id(from[i]) < id(to[j]):
			remove(id(from[i]))
			i++
		case i == len(from) || id(from[i]) > id(to[j]):
			put(&to[j])
			j++
		default:
			// Most are the same: that is seen sooner than written.
			if !reflect.DeepEqual(from[i], to[j]) && !bytes.Equal(format(from[i]), format(to[j])) {
				put(&to[j])
			}
			i, j = i+1, j+1
		}
	}
}

// Apply returns the pack after the changes; p stays as it is. A change that
// sets no field or several, removes or patches what is not there, patches a
// rule twice, or puts what is not valid is an error.
func Apply(p Pack, changes []Change) (Pack, error) {
	ruleByID := make(map[string]Rule, len(p.Rules)+len(changes))
	for _, r := range p.Rules {
		ruleByID[r.ID] = r
	}
	siteByID := make(map[string]Site, len(p.Sites))
	for _, s := range p.Sites {
		siteByID[s.ID] = s
	}
	// One patch a rule, so that the work grows with the pack, not with the changes.
	patched := map[string]bool{}
	for i, c := range changes {
		if c.fields() != 1 {
			return Pack{}, fmt.Errorf("rules: change %d must do exactly one of put, remove, patch, put_site and remove_site", i)
		}
		switch {
		case c.Put != nil:
			if problems := ValidatePublished(c.Put); len(problems) > 0 {
				return Pack{}, &InvalidError{File: fmt.Sprintf("change %d", i), Rule: c.Put.ID, Problems: problems}
			}
			ruleByID[c.Put.ID] = *c.Put
		case c.Remove != "":
			if _, ok := ruleByID[c.Remove]; !ok {
				return Pack{}, fmt.Errorf("rules: change %d removes %q, which is not there", i, c.Remove)
			}
			delete(ruleByID, c.Remove)
		case c.Patch != nil:
			r, ok := ruleByID[c.Patch.ID]
			if !ok || patched[c.Patch.ID] {
				return Pack{}, fmt.Errorf("rules: change %d patches %q, which is not there or was patched already", i, c.Patch.ID)
			}
			patched[c.Patch.ID] = true
			next, err := c.Patch.apply(r)
			if err != nil {
				return Pack{}, fmt.Errorf("rules: change %d: patch of %q: %w", i, c.Patch.ID, err)
			}
			ruleByID[c.Patch.ID] = next
		case c.PutSite != nil:
			if problems := ValidateSite(c.PutSite); len(problems) > 0 {
				return Pack{}, &InvalidError{File: fmt.Sprintf("change %d", i), Site: c.PutSite.ID, Problems: problems}
			}
			siteByID[c.PutSite.ID] = *c.PutSite
		default:
			if _, ok := siteByID[c.RemoveSite]; !ok {
				return Pack{}, fmt.Errorf("rules: change %d removes site %q, which is not there", i, c.RemoveSite)
			}
			delete(siteByID, c.RemoveSite)
		}
	}
	return NewPack(slices.Collect(maps.Values(ruleByID)), slices.Collect(maps.Values(siteByID))...)
}

func (c Change) fields() int {
	n := 0
	for _, set := range []bool{c.Put != nil, c.Remove != "", c.Patch != nil, c.PutSite != nil, c.RemoveSite != ""} {
		if set {
			n++
		}
	}
	return n
}
