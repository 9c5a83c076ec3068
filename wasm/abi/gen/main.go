// SPDX-License-Identifier: Apache-2.0

// Command gen writes the engine's requests and answers as TypeScript types, so
// that the extension never mirrors them by hand: gen FILE, or gen --check FILE
// to fail when the file is not what would be written.
package main

import (
	"bytes"
	"fmt"
	"os"
	"reflect"
	"strings"

	"haechi/rules"
	"haechi/wasm/abi"
	"haechi/wasm/detect"
)

func main() {
	args := os.Args[1:]
	check := len(args) > 0 && args[0] == "--check"
	if check {
		args = args[1:]
	}
	if len(args) != 1 {
		fmt.Fprintln(os.Stderr, "usage: gen [--check] FILE")
		os.Exit(2)
	}
	want := types()
	if check {
		if got, err := os.ReadFile(args[0]); err != nil || !bytes.Equal(got, want) {
			fmt.Fprintf(os.Stderr, "gen: %s is not what wasm/abi says; run ./build.sh gen\n", args[0])
			os.Exit(1)
		}
		return
	}
	if err := os.WriteFile(args[0], want, 0o644); err != nil {
		fmt.Fprintln(os.Stderr, "gen:", err)
		os.Exit(1)
	}
}

// types returns the whole file.
func types() []byte {
	var b bytes.Buffer
	b.WriteString("// SPDX-License-Identifier: Apache-2.0\n// Written by wasm/abi/gen from the Go package wasm/abi; do not edit.\n\n")
	fmt.Fprintf(&b, "export const ABI_VERSION = %d;\n\n", abi.Version)
	fmt.Fprintf(&b, "export type Lang = %s;\n", union(rules.Languages))
	fmt.Fprintf(&b, "export type Tier = %s;\n", union([]string{rules.TierFalse, rules.TierContested, rules.TierFraming}))
	fmt.Fprintf(&b, "export type Verdict = %s;\n", union([]string{detect.Verdict(rules.TierFalse), detect.Verdict(rules.TierContested), detect.Verdict(rules.TierFraming)}))
	fmt.Fprintf(&b, "export type Stance = %s;\n\n", union(detect.Labels[:]))
	for _, v := range []any{abi.Loaded{}, abi.Ruled{}, abi.Indexed{}, rules.Site{}, abi.Updated{}, abi.Finding{}, abi.Checked{}, abi.Classified{}, rules.Source{}, abi.CardPosition{}, abi.Card{}, abi.Info{}} {
		write(&b, reflect.TypeOf(v))
	}
	return b.Bytes()
}

func union(names []string) string {
	return `"` + strings.Join(names, `" | "`) + `"`
}

func write(b *bytes.Buffer, t reflect.Type) {
	fmt.Fprintf(b, "export interface %s {\n", t.Name())
	for i := range t.NumField() {
		f := t.Field(i)
		name, options, _ := strings.Cut(f.Tag.Get("json"), ",")
		if strings.Contains(options, "omitempty") {
			name += "?"
		}
		fmt.Fprintf(b, "  %s: %s;\n", name, typescript(f.Type, f.Name))
	}
	b.WriteString("}\n\n")
}

// typescript names a field's type; verdicts, tiers and stances have types of their own.
func typescript(t reflect.Type, field string) string {
	switch {
	case field == "Verdict" || field == "Tier":
		return field
	case t.Kind() == reflect.Map:
		return "Record<Stance, number>"
	case t.Kind() == reflect.Slice || t.Kind() == reflect.Array:
		return typescript(t.Elem(), "") + "[]"
	case t.Kind() == reflect.Struct:
		return t.Name()
	case t.Kind() == reflect.String:
		return "string"
	case t.Kind() == reflect.Bool:
		return "boolean"
	}
	return "number"
}
