// SPDX-License-Identifier: Apache-2.0

package main

import (
	"go/parser"
	"go/token"
	"io/fs"
	"os"
	"path"
	"path/filepath"
	"slices"
	"strings"
	"testing"
)

// onlyIn names, for an import path prefix, the only folders that may import
// it: so each outside library has one place where it is known, and the arrows
// of ARCHITECTURE.md stay true.
var onlyIn = map[string][]string{
	"github.com/dgraph-io/badger":        {"server/store"},
	"github.com/gorilla/websocket":       {"server/hub", "server/hub/load"},
	"github.com/nats-io/nats.go":         {"server/cluster"},
	"github.com/nats-io/nats-server":     {},                             // a program of its own, built for the tests
	"github.com/centrifugal":             {"server/hub/load/centrifuge"}, // to compare with, never in the product
	"github.com/tetratelabs/wazero":      {"wasm/host"},
	"github.com/knights-analytics/hugot": {"wasm/classify/reference"},
	"github.com/gomlx":                   {"wasm/classify/reference"},
	"golang.org/x/text":                  {"wasm/detect", "wasm/wordpiece"},
	"github.com/coreos/go-oidc":          {"server/oidc"},
	"golang.org/x/oauth2":                {"server/oidc"},
	"github.com/go-jose/go-jose":         {"server/oidc/oidctest"},
}

// never names what a folder must not import: the rules know nothing of the
// engine, the engine nothing of the server.
var never = map[string][]string{
	"rules":       {"haechi/wasm", "haechi/server"},
	"rules/trust": {"haechi/wasm", "haechi/server"},
	"rules/data":  {"haechi/wasm", "haechi/server"},
	"wasm":        {"haechi/server"},
}

// pure may import the standard library, rules and Unicode tables only, and of
// the standard library nothing that has a clock, files or a network.
const pure = "wasm/detect"

var impure = []string{"time", "os", "io", "net", "sync", "log", "math/rand", "runtime", "syscall"}

func TestImportsPointOneWay(t *testing.T) {
	files := 0
	err := filepath.WalkDir("..", func(name string, d fs.DirEntry, err error) error {
		if err != nil {
			return err
		}
		if d.IsDir() && (d.Name() == "node_modules" || d.Name() == "dist" || d.Name() == "data" && name == "../data" || strings.HasPrefix(d.Name(), ".") && name != "..") {
			return fs.SkipDir
		}
		if d.IsDir() || !strings.HasSuffix(name, ".go") || strings.HasSuffix(name, "_test.go") {
			return nil
		}
		files++
		folder := strings.TrimPrefix(filepath.ToSlash(filepath.Dir(name)), "../")
		f, err := parser.ParseFile(token.NewFileSet(), name, nil, parser.ImportsOnly)
		if err != nil {
			return err
		}
		for _, i := range f.Imports {
			imported := strings.Trim(i.Path.Value, `"`)
			under := func(prefix string) bool { return imported == prefix || strings.HasPrefix(imported, prefix+"/") }
			for prefix, folders := range onlyIn {
				if under(prefix) && !slices.Contains(folders, folder) {
					t.Errorf("%s imports %s, which only %v may", name, imported, folders)
				}
			}
			for inside, forbidden := range never {
				if folder == inside || strings.HasPrefix(folder, inside+"/") {
					if slices.ContainsFunc(forbidden, under) {
						t.Errorf("%s imports %s: the arrows point rules ← wasm ← server", name, imported)
					}
				}
			}
			if folder == pure {
				if slices.ContainsFunc(impure, under) {
					t.Errorf("%s imports %s: the engine has no clock, file, lock or network", name, imported)
				}
				if strings.Contains(strings.Split(imported, "/")[0], ".") && !under("golang.org/x/text/unicode/norm") || under("haechi") && imported != "haechi/rules" {
					t.Errorf("%s imports %s: the engine needs the standard library, the rules and Unicode tables only", name, imported)
				}
			}
		}
		return nil
	})
	if err != nil {
		t.Fatal(err)
	}
	if files < 30 {
		t.Fatalf("saw only %d Go files", files)
	}
}

// TestEachPackageHasOneComment: a reader finds what a package is for in one place.
func TestEachPackageHasOneComment(t *testing.T) {
	comments := map[string][]string{}
	packages := map[string]bool{}
	for _, top := range []string{"rules", "wasm", "server"} {
		err := filepath.WalkDir(path.Join("..", top), func(name string, d fs.DirEntry, err error) error {
			if err != nil || d.IsDir() || !strings.HasSuffix(name, ".go") || strings.HasSuffix(name, "_test.go") {
				return err
			}
			b, err := os.ReadFile(name)
			if err != nil {
				return err
			}
			if !strings.HasPrefix(string(b), "// SPDX-License-Identifier: Apache-2.0\n") {
				t.Errorf("%s does not begin with its SPDX line", name)
			}
			f, err := parser.ParseFile(token.NewFileSet(), name, b, parser.ParseComments|parser.PackageClauseOnly)
			if err != nil {
				return err
			}
			packages[filepath.Dir(name)] = true
			if f.Doc != nil {
				comments[filepath.Dir(name)] = append(comments[filepath.Dir(name)], name)
			}
			return nil
		})
		if err != nil {
			t.Fatal(err)
		}
	}
	for p := range packages {
		if len(comments[p]) != 1 {
			t.Errorf("package %s has %d package comments: %v", p, len(comments[p]), comments[p])
		}
	}
}
