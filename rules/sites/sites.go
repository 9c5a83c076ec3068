// SPDX-License-Identifier: Apache-2.0

// Package sites holds the chatbot sites that ship in the binary: call [All].
package sites

import (
	"embed"
	"fmt"
	"io/fs"

	"haechi/rules"
)

//go:embed *.json
var files embed.FS

// Files are the site files, named <id>.json.
func Files() fs.FS { return files }

// All parses every site file. An error means that the binary was built from a
// file that does not validate.
func All() ([]rules.Site, error) {
	names, err := fs.Glob(files, "*.json")
	if err != nil {
		return nil, err
	}
	var out []rules.Site
	for _, name := range names {
		b, err := files.ReadFile(name)
		if err != nil {
			return nil, err
		}
		s, err := rules.ParseSite(name, b)
		if err != nil {
			return nil, err
		}
		if s.ID+".json" != name {
			return nil, fmt.Errorf("%s: site %q must be in a file %s.json", name, s.ID, s.ID)
		}
		out = append(out, s)
	}
	return out, nil
}
