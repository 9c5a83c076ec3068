// SPDX-License-Identifier: Apache-2.0

package main

import (
	"encoding/json"
	"fmt"
	"io"
	"maps"
	"slices"
	"strings"

	"haechi/rules"
)

// ruleDiff is what changes in one rule.
type ruleDiff struct {
	Rule   string       `json:"rule"`
	New    bool         `json:"new,omitempty"` // there was none with this id
	Fields []fieldDelta `json:"fields"`
}

// fieldDelta is what changes in one field: members of a list that come and go,
// or one value for another.
type fieldDelta struct {
	Field   string   `json:"field"` // such as propositions.origin.wrong.ko
	Added   []string `json:"added,omitempty"`
	Removed []string `json:"removed,omitempty"`
	Old     string   `json:"old,omitempty"`
	New     string   `json:"new,omitempty"`
}

// diffRule compares a rule with the one of its id in a pack, or with nothing.
// Examples are left out: a pack has none.
func diffRule(old *rules.Rule, r rules.Rule) ruleDiff {
	r.Examples = nil
	before := map[string]field{}
	if old != nil {
		before = fieldsOf(*old)
	}
	after := fieldsOf(r)
	d := ruleDiff{Rule: r.ID, New: old == nil}
	names := slices.Concat(slices.Collect(maps.Keys(before)), slices.Collect(maps.Keys(after)))
	slices.Sort(names)
	for _, name := range slices.Compact(names) {
		a, b := before[name], after[name]
		delta := fieldDelta{Field: name, Added: without(b.list, a.list), Removed: without(a.list, b.list)}
		if a.value != b.value {
			delta.Old, delta.New = a.value, b.value
		}
		if len(delta.Added)+len(delta.Removed) > 0 || a.value != b.value {
			d.Fields = append(d.Fields, delta)
		}
	}
	return d
}

// field is a list of words or one value.
type field struct {
	list  []string
	value string
}

// fieldsOf flattens a rule to its fields, by path. It goes by the rule's JSON,
// so that a field which rules gain later is compared as well. Propositions are
// named by their ids.
func fieldsOf(r rules.Rule) map[string]field {
	var tree any
	if err := json.Unmarshal(rules.Format(r), &tree); err != nil {
		panic(err) // it was written a line above
	}
	out := map[string]field{}
	flatten(out, "", tree)
	return out
}

func flatten(out map[string]field, path string, node any) {
	switch x := node.(type) {
	case map[string]any:
		for key, value := range x {
			flatten(out, strings.TrimPrefix(path+"."+key, "."), value)
		}
	case []any:
		for i, value := range x {
			if object, ok := value.(map[string]any); ok && object["text"] == nil || ok && strings.HasSuffix(path, "positions") || ok && path == "propositions" {
				flatten(out, path+"."+nameOf(object, i), value)
				continue
			}
			f := out[path]
			f.list = append(f.list, written(value))
			out[path] = f
		}
	default:
		out[path] = field{value: written(x)}
	}
}

// nameOf is what tells one object of a list from the others.
func nameOf(object map[string]any, i int) string {
	for _, key := range []string{"id", "url"} {
		if s, ok := object[key].(string); ok {
			return s
		}
	}
	return fmt.Sprint(i)
}

// written is a string as it is, anything else as JSON.
func written(v any) string {
	if s, ok := v.(string); ok {
		return s
	}
	var b strings.Builder
	e := json.NewEncoder(&b)
	e.SetEscapeHTML(false)
	if err := e.Encode(v); err != nil {
		panic(err) // it came from JSON
	}
	return strings.TrimSpace(b.String())
}

// without returns what is in list and not in other.
func without(list, other []string) []string {
	in := map[string]bool{}
	for _, s := range other {
		in[s] = true
	}
	var out []string
	for _, s := range list {
		if !in[s] {
			out = append(out, s)
		}
	}
	return out
}

func printDiffs(w io.Writer, diffs []ruleDiff) error {
	var b strings.Builder
	if len(diffs) == 0 {
		b.WriteString("nothing changes\n")
	}
	for _, d := range diffs {
		mark := "~"
		if d.New {
			mark = "+"
		}
		fmt.Fprintf(&b, "%s %s\n", mark, d.Rule)
		for _, f := range d.Fields {
			fmt.Fprintf(&b, "  %s\n", f.Field)
			for _, s := range f.Removed {
				fmt.Fprintf(&b, "    - %s\n", s)
			}
			for _, s := range f.Added {
				fmt.Fprintf(&b, "    + %s\n", s)
			}
			if f.Old != "" {
				fmt.Fprintf(&b, "    old: %s\n", f.Old)
			}
			if f.New != "" {
				fmt.Fprintf(&b, "    new: %s\n", f.New)
			}
		}
	}
	_, err := io.WriteString(w, b.String())
	return err
}
