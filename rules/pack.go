// SPDX-License-Identifier: Apache-2.0

package rules

import (
	"bytes"
	"crypto/sha256"
	"encoding/hex"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"slices"
	"strings"
)

// Limits of a pack; a client refuses more.
const (
	MaxPack      = 6 << 20 // bytes of the canonical form
	MaxPackRules = 20000
	MaxPackSites = 200
)

// The forms of a pack's JSON. One without sites is written in the first, so
// that what was signed before there were sites keeps its hash.
const (
	formatRules = 1
	formatSites = 2
)

// Pack is a set of rules and sites as clients hold it: each sorted by id, the
// rules without examples. The zero value is the empty pack.
type Pack struct {
	Rules []Rule
	Sites []Site
}

type packFile struct {
	Format int    `json:"format"`
	Rules  []Rule `json:"rules"`
	Sites  []Site `json:"sites,omitempty"`
}

// NewPack sorts rules and sites, drops the rules' examples and checks that no
// id stands twice.
func NewPack(rs []Rule, sites ...Site) (Pack, error) {
	out := make([]Rule, len(rs))
	for i, r := range rs {
		r.Examples = nil
		out[i] = r
	}
	slices.SortFunc(out, func(a, b Rule) int { return strings.Compare(a.ID, b.ID) })
	for i := 1; i < len(out); i++ {
		if out[i].ID == out[i-1].ID {
			return Pack{}, fmt.Errorf("rules: id %q stands twice", out[i].ID)
		}
	}
	if len(out) > MaxPackRules {
		return Pack{}, fmt.Errorf("rules: %d rules; a pack has at most %d", len(out), MaxPackRules)
	}
	var sorted []Site // nil where there is none, as in a pack that was read
	sorted = append(sorted, sites...)
	slices.SortFunc(sorted, func(a, b Site) int { return strings.Compare(a.ID, b.ID) })
	for i := 1; i < len(sorted); i++ {
		if sorted[i].ID == sorted[i-1].ID {
			return Pack{}, fmt.Errorf("rules: site %q stands twice", sorted[i].ID)
		}
	}
	if len(sorted) > MaxPackSites {
		return Pack{}, fmt.Errorf("rules: %d sites; a pack has at most %d", len(sorted), MaxPackSites)
	}
	return Pack{Rules: out, Sites: sorted}, nil
}

// Encode returns the canonical bytes of the pack: what is hashed and signed.
func (p Pack) Encode() []byte {
	f := packFile{Format: formatRules, Rules: p.Rules, Sites: p.Sites}
	if len(p.Sites) > 0 {
		f.Format = formatSites
	}
	if f.Rules == nil {
		f.Rules = []Rule{}
	}
	b, err := marshal(f)
	if err != nil {
		panic(err) // only strings, numbers and slices: cannot fail
	}
	return b
}

// Sum is the lower-case hexadecimal SHA-256 of Encode, and its length in bytes.
func (p Pack) Sum() (hash string, size int) {
	canonical := p.Encode()
	sum := sha256.Sum256(canonical)
	return hex.EncodeToString(sum[:]), len(canonical)
}

// Hash is the hash of Sum.
func (p Pack) Hash() string {
	hash, _ := p.Sum()
	return hash
}

// Rule returns the rule with the id, or nil. It points into the pack.
func (p Pack) Rule(id string) *Rule {
	i, ok := slices.BinarySearchFunc(p.Rules, id, func(r Rule, id string) int { return strings.Compare(r.ID, id) })
	if !ok {
		return nil
	}
	return &p.Rules[i]
}

// FindRule returns one rule of a pack's canonical bytes without reading the
// others, or nil. They are trusted: the rule is not validated.
func FindRule(canonical []byte, id string) (*Rule, error) {
	// Inside a text the quotation marks would be escaped, and only a rule goes on like this.
	at := bytes.Index(canonical, fmt.Appendf(nil, `{"id":%q,"category":`, id))
	if at < 0 {
		return nil, nil
	}
	var r Rule
	if err := json.NewDecoder(bytes.NewReader(canonical[at:])).Decode(&r); err != nil {
		return nil, fmt.Errorf("rules: rule %q of the pack: %w", id, err)
	}
	return &r, nil
}

// Site returns the site with the id, or nil. It points into the pack.
func (p Pack) Site(id string) *Site {
	i, ok := slices.BinarySearchFunc(p.Sites, id, func(s Site, id string) int { return strings.Compare(s.ID, id) })
	if !ok {
		return nil
	}
	return &p.Sites[i]
}

// ParsePack reads a pack and validates every rule and site in it.
func ParsePack(data []byte) (Pack, error) {
	if len(data) > MaxPack {
		return Pack{}, fmt.Errorf("rules: pack of %d bytes; at most %d", len(data), MaxPack)
	}
	var f packFile
	d := json.NewDecoder(bytes.NewReader(data))
	d.DisallowUnknownFields()
	if err := d.Decode(&f); err != nil {
		return Pack{}, fmt.Errorf("rules: pack: %w", err)
	}
	if _, err := d.Token(); !errors.Is(err, io.EOF) {
		return Pack{}, errors.New("rules: pack: text after the end")
	}
	if f.Format != formatSites && (f.Format != formatRules || len(f.Sites) > 0) {
		return Pack{}, fmt.Errorf("rules: pack format %d; this program reads %d, which has no sites, and %d", f.Format, formatRules, formatSites)
	}
	p, err := NewPack(f.Rules, f.Sites...)
	if err != nil {
		return Pack{}, err
	}
	return p, f.validate()
}

func (f packFile) validate() error {
	for i := range f.Rules {
		if problems := ValidatePublished(&f.Rules[i]); len(problems) > 0 {
			return &InvalidError{File: "pack", Rule: f.Rules[i].ID, Problems: problems}
		}
	}
	for i := range f.Sites {
		if problems := ValidateSite(&f.Sites[i]); len(problems) > 0 {
			return &InvalidError{File: "pack", Site: f.Sites[i].ID, Problems: problems}
		}
	}
	return nil
}
