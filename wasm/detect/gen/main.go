// SPDX-License-Identifier: Apache-2.0

// Command gen writes wasm/detect/han.txt: the traditional Han characters, each
// followed by its simplified form, from the Unicode Han Database's
// Unihan_Variants.txt (Unicode Standard Annex 38; Debian's unicode-data has it).
//
//	bzcat /usr/share/unicode/Unihan_Variants.txt.bz2 | go run ./wasm/detect/gen > wasm/detect/han.txt
//
// Characters with several simplified forms, or whose form is their own, are
// left as they are.
package main

import (
	"bufio"
	"fmt"
	"os"
	"strconv"
	"strings"
)

func main() {
	if err := run(); err != nil {
		fmt.Fprintln(os.Stderr, "gen:", err)
		os.Exit(1)
	}
}

func run() error {
	out := bufio.NewWriter(os.Stdout)
	n := 0
	s := bufio.NewScanner(os.Stdin)
	for s.Scan() {
		f := strings.Split(s.Text(), "\t")
		if len(f) != 3 || f[1] != "kSimplifiedVariant" {
			continue
		}
		from, err := character(f[0])
		if err != nil {
			return err
		}
		to, err := character(f[2])
		if err != nil || strings.Contains(f[2], " ") || from == to {
			continue
		}
		if from < 0x4E00 || from > 0x9FFF || to < 0x4E00 || to > 0x9FFF {
			continue // outside the block that detect keeps a table for
		}
		fmt.Fprintf(out, "%c%c", from, to)
		if n++; n%32 == 0 {
			fmt.Fprintln(out)
		}
	}
	if err := s.Err(); err != nil {
		return err
	}
	if n == 0 {
		return fmt.Errorf("no kSimplifiedVariant on standard input; give it Unihan_Variants.txt")
	}
	fmt.Fprintln(out)
	return out.Flush()
}

// character reads a code point such as U+4E00.
func character(s string) (rune, error) {
	v, err := strconv.ParseUint(strings.TrimPrefix(s, "U+"), 16, 32)
	if err != nil {
		return 0, fmt.Errorf("code point %q: %w", s, err)
	}
	return rune(v), nil
}
