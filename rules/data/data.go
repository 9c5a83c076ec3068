// SPDX-License-Identifier: Apache-2.0

// Package data holds the rules that ship in the binary: call [Rules] for all
// of them, with their examples.
package data

import (
	"embed"
	"fmt"
	"io/fs"
	"os"
	"path"
	"slices"

	"haechi/rules"
	"haechi/rules/sites"
)

//go:embed *.json
var files embed.FS

// Files are the rule files, one a topic, named <id>.json.
func Files() fs.FS { return files }

// Rules parses every rule file. An error means that the binary was built from
// a file that does not validate.
func Rules() ([]rules.Rule, error) { return Read(files) }

// Pack returns the built-in rules and sites, with the rule files of a folder, if
// one is named, in place of those with their ids.
func Pack(folder string) (rules.Pack, error) {
	rs, err := Rules()
	if err != nil {
		return rules.Pack{}, err
	}
	if folder != "" {
		added, err := Read(os.DirFS(folder))
		if err != nil {
			return rules.Pack{}, fmt.Errorf("--rules %s: %w", folder, err)
		}
		for _, a := range added {
			rs = slices.DeleteFunc(rs, func(r rules.Rule) bool { return r.ID == a.ID })
		}
		rs = append(rs, added...)
	}
	shipped, err := sites.All()
	if err != nil {
		return rules.Pack{}, err
	}
	return rules.NewPack(rs, shipped...)
}

// Read parses every .json file at the top of a folder.
func Read(folder fs.FS) ([]rules.Rule, error) {
	names, err := fs.Glob(folder, "*.json")
	if err != nil {
		return nil, err
	}
	if len(names) == 0 {
		return nil, fmt.Errorf("rules: no .json file in the folder")
	}
	var out []rules.Rule
	for _, name := range names {
		b, err := fs.ReadFile(folder, name)
		if err != nil {
			return nil, err
		}
		r, err := rules.Parse(name, b)
		if err != nil {
			return nil, err
		}
		if r.ID+".json" != path.Base(name) {
			return nil, fmt.Errorf("%s: rule %q must be in a file %s.json", name, r.ID, r.ID)
		}
		out = append(out, r)
	}
	return out, nil
}
