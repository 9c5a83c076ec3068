// SPDX-License-Identifier: Apache-2.0

package publish

import (
	"encoding/json"
	"fmt"
	"strings"

	"haechi/rules"
)

// Push is what maintainers send: the signed release, and what it changes.
type Push struct {
	Release     string            `json:"release"`
	Files       []json.RawMessage `json:"files"`                  // rule files it puts, with their examples
	Remove      []string          `json:"remove"`                 // ids of rules it removes
	Sites       []json.RawMessage `json:"sites,omitempty"`        // site files it puts
	RemoveSites []string          `json:"remove_sites,omitempty"` // ids of sites it removes
	Disable     []string          `json:"disable,omitempty"`      // ids of rules it switches off
	Restore     *uint64           `json:"restore,omitempty"`      // the sequence whose rules and sites it goes back to, before the other changes
	Online      string            `json:"online,omitempty"`       // the online key's note, where it changes with the release
}

// Parse validates every file, so that a maintainer sees all that is wrong at
// once. The error is a *Refusal.
func (push Push) Parse() ([]rules.Rule, []rules.Site, error) {
	files := push.Files
	if len(files) > rules.MaxPackRules || len(push.Sites) > rules.MaxPackSites {
		return nil, nil, refuse("too-large", fmt.Errorf("%d rule files and %d site files; at most %d and %d", len(files), len(push.Sites), rules.MaxPackRules, rules.MaxPackSites))
	}
	var problems []string
	seen := map[string]bool{}
	out := make([]rules.Rule, 0, len(files))
	for i, data := range files {
		r, err := rules.Parse(fileName(i, data), data)
		switch {
		case err != nil:
			problems = append(problems, strings.Split(err.Error(), "\n")...)
		case seen[r.ID]:
			problems = append(problems, fmt.Sprintf("%s.json: rule %q: id: stands in two files of the push", r.ID, r.ID))
		}
		seen[r.ID] = true
		out = append(out, r)
	}
	sites := make([]rules.Site, 0, len(push.Sites))
	for i, data := range push.Sites {
		s, err := rules.ParseSite(fileName(i, data), data)
		switch {
		case err != nil:
			problems = append(problems, strings.Split(err.Error(), "\n")...)
		case seen[rules.SiteKey(s.ID)]:
			problems = append(problems, fmt.Sprintf("%s.json: site %q: id: stands in two files of the push", s.ID, s.ID))
		}
		seen[rules.SiteKey(s.ID)] = true
		sites = append(sites, s)
	}
	if len(problems) > 0 {
		return nil, nil, &Refusal{Code: "invalid", Message: "rules are not valid", Problems: problems}
	}
	return out, sites, nil
}

// fileName is the name of a pushed file in errors: files travel without names,
// but are named by the id in them.
func fileName(i int, data []byte) string {
	var r struct {
		ID string `json:"id"`
	}
	if err := json.Unmarshal(data, &r); err != nil || r.ID == "" || len(r.ID) > 64 {
		return fmt.Sprintf("file %d", i+1)
	}
	return r.ID + ".json"
}

// Onto returns the pack that a push leads to from the one that it builds on:
// the newest, or the one of Restore. files and sites are what it puts.
func (push Push) Onto(pack rules.Pack, files []rules.Rule, sites []rules.Site) (rules.Pack, error) {
	var changes []rules.Change
	put := map[string]bool{}
	for _, r := range files {
		put[r.ID] = true
		r.Examples = nil
		changes = append(changes, rules.Change{Put: &r})
	}
	for _, id := range push.Disable {
		old := pack.Rule(id)
		switch {
		case old == nil:
			return rules.Pack{}, fmt.Errorf("there is no rule %q", id)
		case put[id]:
			return rules.Pack{}, fmt.Errorf("rule %q is both put and disabled", id)
		}
		off := *old
		off.Disabled = true
		changes = append(changes, rules.Change{Put: &off})
	}
	for _, s := range sites {
		changes = append(changes, rules.Change{PutSite: &s})
		put[rules.SiteKey(s.ID)] = true
	}
	for _, id := range push.RemoveSites {
		if put[rules.SiteKey(id)] {
			return rules.Pack{}, fmt.Errorf("site %q is both put and removed", id)
		}
		changes = append(changes, rules.Change{RemoveSite: id})
	}
	for _, id := range push.Remove {
		if put[id] {
			return rules.Pack{}, fmt.Errorf("rule %q is both put and removed", id)
		}
		changes = append(changes, rules.Change{Remove: id})
	}
	return rules.Apply(pack, changes)
}
