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
)

const packFormat = 1

// Pack is a set of rules as clients hold it: sorted by id, without examples.
// The zero value is the empty pack.
type Pack struct {
	Rules []Rule
}

type packFile struct {
	Format int    `json:"format"`
	Rules  []Rule `json:"rules"`
}

// NewPack sorts the rules, drops their examples and checks that no id stands twice.
func NewPack(rs []Rule) (Pack, error) {
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
	return Pack{Rules: out}, nil
}

// Encode returns the canonical bytes of the pack: what is hashed and signed.
func (p Pack) Encode() []byte {
	f := packFile{Format: packFormat, Rules: p.Rules}
	if f.Rules == nil {
		f.Rules = []Rule{}
	}
	b, err := marshal(f)
	if err != nil {
		panic(err) // only strings, numbers and slices: cannot fail
	}
	return b
}

// Hash is the lower-case hexadecimal SHA-256 of Encode.
func (p Pack) Hash() string {
	sum := sha256.Sum256(p.Encode())
	return hex.EncodeToString(sum[:])
}

// Rule returns the rule with the id, or nil. It points into the pack.
func (p Pack) Rule(id string) *Rule {
	i, ok := slices.BinarySearchFunc(p.Rules, id, func(r Rule, id string) int { return strings.Compare(r.ID, id) })
	if !ok {
		return nil
	}
	return &p.Rules[i]
}

// ParsePack reads a pack and validates every rule in it.
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
	if f.Format != packFormat {
		return Pack{}, fmt.Errorf("rules: pack format %d; this program reads %d", f.Format, packFormat)
	}
	p, err := NewPack(f.Rules)
	if err != nil {
		return Pack{}, err
	}
	return p, p.validate(f.Rules)
}

func (p Pack) validate(rs []Rule) error {
	for i := range rs {
		if problems := ValidatePublished(&rs[i]); len(problems) > 0 {
			return &InvalidError{File: "pack", Rule: rs[i].ID, Problems: problems}
		}
	}
	return nil
}

// Change puts one rule in place or takes one away.
type Change struct {
	Put    *Rule  `json:"put,omitempty"`
	Remove string `json:"remove,omitempty"`
}

// Diff returns the changes that lead from one pack to the other, by id.
func Diff(from, to Pack) []Change {
	changes := []Change{}
	i, j := 0, 0
	for i < len(from.Rules) || j < len(to.Rules) {
		switch {
		case j == len(to.Rules) || i < len(from.Rules) && from.Rules[i].ID < to.Rules[j].ID:
			changes = append(changes, Change{Remove: from.Rules[i].ID})
			i++
		case i == len(from.Rules) || from.Rules[i].ID > to.Rules[j].ID:
			changes = append(changes, Change{Put: &to.Rules[j]})
			j++
		default:
			if !bytes.Equal(Format(from.Rules[i]), Format(to.Rules[j])) {
				changes = append(changes, Change{Put: &to.Rules[j]})
			}
			i, j = i+1, j+1
		}
	}
	return changes
}

// Apply returns the pack after the changes; p stays as it is. A change that
// neither puts nor removes, removes what is not there, or puts a rule that is
// not valid is an error.
func Apply(p Pack, changes []Change) (Pack, error) {
	byID := make(map[string]Rule, len(p.Rules)+len(changes))
	for _, r := range p.Rules {
		byID[r.ID] = r
	}
	for i, c := range changes {
		switch {
		case c.Put != nil && c.Remove == "":
			if problems := ValidatePublished(c.Put); len(problems) > 0 {
				return Pack{}, &InvalidError{File: fmt.Sprintf("change %d", i), Rule: c.Put.ID, Problems: problems}
			}
			byID[c.Put.ID] = *c.Put
		case c.Put == nil && c.Remove != "":
			if _, ok := byID[c.Remove]; !ok {
				return Pack{}, fmt.Errorf("rules: change %d removes %q, which is not there", i, c.Remove)
			}
			delete(byID, c.Remove)
		default:
			return Pack{}, fmt.Errorf("rules: change %d must either put or remove", i)
		}
	}
	out := make([]Rule, 0, len(byID))
	for _, r := range byID {
		out = append(out, r)
	}
	return NewPack(out)
}
