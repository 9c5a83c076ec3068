// SPDX-License-Identifier: Apache-2.0

// Package delta makes changes small before they travel: call [Shrink].
//
// A rule is tens of kilobytes, a new word in it a few dozen bytes. This is the
// server's half; what a client does with the result is [rules.Apply], without
// this package's library.
package delta

import (
	"encoding/json"
	"errors"
	"fmt"

	"github.com/wI2L/jsondiff"

	"haechi/rules"
)

// Shrink returns the changes with each rule that is put over one in from as a
// patch of that one, where the patch is smaller. They lead from the same pack
// to the same pack. from and changes stay as they are.
func Shrink(from rules.Pack, changes []rules.Change) ([]rules.Change, error) {
	out := make([]rules.Change, len(changes))
	for i, c := range changes {
		out[i] = c
		if c.Put == nil {
			continue
		}
		old := from.Rule(c.Put.ID)
		if old == nil {
			continue
		}
		smaller, err := patch(old, c.Put)
		if err != nil {
			return nil, fmt.Errorf("delta: rule %q: %w", c.Put.ID, err)
		}
		if smaller != nil {
			out[i] = rules.Change{Patch: smaller}
		}
	}
	return out, nil
}

// patch returns what leads from one rule to the other, or nil where the whole
// rule is the better way.
func patch(from, to *rules.Rule) (*rules.Patch, error) {
	src, err := json.Marshal(from)
	if err != nil {
		return nil, err
	}
	target, err := json.Marshal(to)
	if err != nil {
		return nil, err
	}
	// LCS: a word put into the middle of a list is one operation, not one for
	// each word behind it. Rationalize: a value that is shorter as a whole is
	// replaced as a whole.
	found, err := jsondiff.CompareJSON(src, target, jsondiff.LCS(), jsondiff.Rationalize())
	if err != nil {
		return nil, err
	}
	if len(found) == 0 || len(found) > rules.MaxOps {
		return nil, nil
	}
	p := &rules.Patch{ID: to.ID}
	for _, f := range found {
		op := rules.Op{Op: f.Type, Path: f.Path}
		switch f.Type {
		case jsondiff.OperationAdd, jsondiff.OperationReplace:
			if op.Value, err = json.Marshal(f.Value); err != nil {
				return nil, err
			}
		case jsondiff.OperationRemove:
		default:
			return nil, fmt.Errorf("operation %q was not asked for", f.Type)
		}
		if len(op.Path) > rules.MaxPath {
			return nil, nil
		}
		p.Ops = append(p.Ops, op)
	}
	written, err := json.Marshal(p)
	if err != nil {
		return nil, err
	}
	if len(written) >= len(target) {
		return nil, nil
	}
	// A client must not find out what can be found out here.
	base, err := rules.NewPack([]rules.Rule{*from})
	if err != nil {
		return nil, err
	}
	result, err := rules.Apply(base, []rules.Change{{Patch: p}})
	if err != nil {
		return nil, nil
	}
	want, err := rules.NewPack([]rules.Rule{*to})
	if err != nil {
		return nil, err
	}
	if result.Hash() != want.Hash() {
		return nil, errors.New("the patch leads to another rule")
	}
	return p, nil
}
