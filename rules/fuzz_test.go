// SPDX-License-Identifier: Apache-2.0

package rules_test

import (
	"encoding/json"
	"testing"

	"haechi/rules"
)

// FuzzParsePack: a pack that is taken has canonical bytes that are taken too
// and stay the same, for those are what is signed.
func FuzzParsePack(f *testing.F) {
	r, _ := kimchi(f)
	pack, err := rules.NewPack([]rules.Rule{r})
	if err != nil {
		f.Fatal(err)
	}
	f.Add(pack.Encode())
	f.Add([]byte(`{"format":1,"rules":[]}`))
	f.Fuzz(func(t *testing.T, data []byte) {
		p, err := rules.ParsePack(data)
		if err != nil {
			return
		}
		canonical(t, p)
	})
}

// FuzzApply: whatever changes are taken lead to a pack that clients take, and
// the difference between the packs leads there too.
func FuzzApply(f *testing.F) {
	r, _ := kimchi(f)
	base, err := rules.NewPack([]rules.Rule{r})
	if err != nil {
		f.Fatal(err)
	}
	hash := base.Hash()
	other := base.Rules[0]
	other.ID = "another"
	for _, changes := range [][]rules.Change{{{Put: &other}}, {{Remove: r.ID}}, {{Remove: r.ID}, {Put: &base.Rules[0]}}, {}} {
		data, err := json.Marshal(changes)
		if err != nil {
			f.Fatal(err)
		}
		f.Add(data)
	}
	f.Fuzz(func(t *testing.T, data []byte) {
		var changes []rules.Change
		if json.Unmarshal(data, &changes) != nil {
			return
		}
		next, err := rules.Apply(base, changes)
		if base.Hash() != hash {
			t.Fatalf("the pack was changed in place by %q", data)
		}
		if err != nil {
			return
		}
		canonical(t, next)
		if again, err := rules.Apply(base, rules.Diff(base, next)); err != nil || again.Hash() != next.Hash() {
			t.Fatalf("the difference leads elsewhere than %q: %v", data, err)
		}
	})
}

func canonical(t *testing.T, p rules.Pack) {
	t.Helper()
	encoded := p.Encode()
	if len(encoded) > rules.MaxPack {
		return // it grew beyond the limit; trust refuses it by the signed size
	}
	again, err := rules.ParsePack(encoded)
	if err != nil {
		t.Fatalf("%s is not taken again: %v", encoded, err)
	}
	if string(again.Encode()) != string(encoded) {
		t.Fatalf("%s is written as %s", encoded, again.Encode())
	}
}
