// SPDX-License-Identifier: Apache-2.0

package rules

import (
	"bytes"
	"encoding/json"
	"errors"
	"fmt"
	"slices"
	"strconv"
	"strings"
)

// Limits of a patch. What exceeds them is put as a whole rule.
const (
	MaxOps  = 200
	MaxPath = 200 // bytes of an operation's path
)

// Patch changes a part of one rule: a JSON Patch (RFC 6902) on the rule's JSON
// with the operations add, remove and replace only. It is read here in place of
// a library's code because the engine's wasm would grow by half a megabyte.
type Patch struct {
	ID  string `json:"id"`
	Ops []Op   `json:"ops"`
}

// Op is one operation of a patch.
type Op struct {
	Op    string          `json:"op"`              // add, remove or replace
	Path  string          `json:"path"`            // JSON Pointer, RFC 6901
	Value json.RawMessage `json:"value,omitempty"` // of add and replace
}

// apply returns the rule after the patch, validated; its id stays the same.
// Errors are never *InvalidError: a patch that leads nowhere good means another
// base, not a bad rule, and a whole rule can still come.
func (p *Patch) apply(r Rule) (Rule, error) {
	if len(p.Ops) == 0 || len(p.Ops) > MaxOps {
		return Rule{}, fmt.Errorf("%d operations; 1 to %d", len(p.Ops), MaxOps)
	}
	size := 0
	for _, op := range p.Ops {
		if size += len(op.Value); len(op.Path) > MaxPath || size > MaxFile {
			return Rule{}, fmt.Errorf("a path above %d bytes or values above %d", MaxPath, MaxFile)
		}
	}
	line, err := marshal(r)
	if err != nil {
		return Rule{}, err
	}
	doc, err := decodeValue(line)
	if err != nil {
		return Rule{}, err
	}
	for i, op := range p.Ops {
		if doc, err = op.apply(doc); err != nil {
			return Rule{}, fmt.Errorf("operation %d, %.40q at %.80q: %w", i, op.Op, op.Path, err)
		}
	}
	if line, err = marshal(doc); err != nil {
		return Rule{}, err
	}
	if len(line) > MaxFile {
		return Rule{}, fmt.Errorf("%d bytes after it; a rule has at most %d", len(line), MaxFile)
	}
	var next Rule
	d := json.NewDecoder(bytes.NewReader(line))
	d.DisallowUnknownFields()
	if err := d.Decode(&next); err != nil {
		return Rule{}, err
	}
	if next.ID != p.ID {
		return Rule{}, errors.New("changes the id")
	}
	if problems := ValidatePublished(&next); len(problems) > 0 {
		return Rule{}, fmt.Errorf("%s: %s", problems[0].Field, problems[0].Reason)
	}
	return next, nil
}

// decodeValue keeps numbers as they are written.
func decodeValue(data []byte) (any, error) {
	var v any
	d := json.NewDecoder(bytes.NewReader(data))
	d.UseNumber()
	err := d.Decode(&v)
	return v, err
}

var unescape = strings.NewReplacer("~1", "/", "~0", "~")

func (op Op) apply(doc any) (any, error) {
	var value any
	switch op.Op {
	case "add", "replace":
		if len(op.Value) == 0 {
			return nil, errors.New("no value")
		}
		var err error
		if value, err = decodeValue(op.Value); err != nil {
			return nil, err
		}
	case "remove":
	default:
		return nil, errors.New("only add, remove and replace are known")
	}
	path, ok := strings.CutPrefix(op.Path, "/")
	if !ok {
		return nil, errors.New("the path must begin with / and name a part of the rule")
	}
	steps := strings.Split(path, "/")
	for i := range steps {
		steps[i] = unescape.Replace(steps[i])
	}
	return op.at(doc, steps, value)
}

// at returns the container with the operation done below it.
func (op Op) at(in any, steps []string, value any) (any, error) {
	step, rest := steps[0], steps[1:]
	switch in := in.(type) {
	case map[string]any:
		old, there := in[step]
		switch {
		case !there && (len(rest) > 0 || op.Op != "add"):
			return nil, fmt.Errorf("no %.40q", step)
		case len(rest) > 0:
			next, err := op.at(old, rest, value)
			if err != nil {
				return nil, err
			}
			in[step] = next
		case op.Op == "remove":
			delete(in, step)
		default:
			in[step] = value
		}
		return in, nil
	case []any:
		i, err := index(step, len(in))
		if err != nil || i == len(in) && (len(rest) > 0 || op.Op != "add") {
			return nil, fmt.Errorf("no element %.40q", step)
		}
		switch {
		case len(rest) > 0:
			next, err := op.at(in[i], rest, value)
			if err != nil {
				return nil, err
			}
			in[i] = next
		case op.Op == "add":
			in = slices.Insert(in, i, value)
		case op.Op == "remove":
			in = slices.Delete(in, i, i+1)
		default:
			in[i] = value
		}
		return in, nil
	}
	return nil, fmt.Errorf("nothing below which %.40q could stand", step)
}

// index reads an array index up to n; "-" is n, behind the last element.
func index(step string, n int) (int, error) {
	if step == "-" {
		return n, nil
	}
	i, err := strconv.Atoi(step)
	if err != nil || i < 0 || i > n || step != strconv.Itoa(i) {
		return 0, errors.New("no index")
	}
	return i, nil
}
