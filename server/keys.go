// SPDX-License-Identifier: Apache-2.0

package main

import (
	"crypto/rand"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"io/fs"
	"os"
	"path/filepath"
	"strings"

	"golang.org/x/mod/sumdb/note"

	"haechi/rules/trust"
)

func runKeys(args []string, stdin io.Reader, stdout, stderr io.Writer) int {
	return dispatch("haechi keys", []subcommand{
		{"new", "make a maintainer's key", runKeysNew},
		{"root", "make the trust root that clients and servers hold", runKeysRoot},
	}, args, stdin, stdout, stderr)
}

const keysNewHelp = `
Writes a new private key to FILE, readable by its owner only, and prints the
public key for "haechi keys root". It never overwrites a key. Whoever has the
file can sign rules: keep it off servers and out of repositories.

Example:
  haechi keys new --out dist/keys/maintainer.key`

func runKeysNew(args []string, _ io.Reader, stdout, stderr io.Writer) int {
	o := newOptions("keys new", "--out FILE [--name NAME]", keysNewHelp)
	out := o.String("out", "", "write the private key to `FILE`")
	name := o.String("name", "haechi-maintainer", "`NAME` that stands beside the signatures, without spaces and +")
	if _, code, ok := o.parse(args, 0, 0, stdout, stderr); !ok {
		return code
	}
	if *out == "" {
		return o.wrong(stderr, "--out is missing")
	}
	private, public, err := note.GenerateKey(rand.Reader, *name)
	if err == nil {
		_, err = note.NewVerifier(public) // checks the name, which GenerateKey does not
	}
	if err != nil {
		return o.wrong(stderr, "--name %q: %v", *name, err)
	}
	if err := writeKey(*out, private); err != nil {
		return o.failed(stderr, err)
	}
	fmt.Fprintln(stdout, public)
	return exitDone
}

func writeKey(file, private string) error {
	if err := os.MkdirAll(filepath.Dir(file), 0o700); err != nil {
		return err
	}
	f, err := os.OpenFile(file, os.O_WRONLY|os.O_CREATE|os.O_EXCL, 0o600)
	if errors.Is(err, fs.ErrExist) {
		return fmt.Errorf("%s is there already; a key is never overwritten", file)
	}
	if err != nil {
		return err
	}
	_, err = io.WriteString(f, private+"\n")
	return errors.Join(err, f.Sync(), f.Close())
}

const keysRootHelp = `
Prints the trust root: the maintainers' public keys, and how many of them must
sign a release. Clients and servers hold it as trust.json.

Example:
  haechi keys root --threshold 1 "$(haechi keys new --out a.key)" > dist/trust.json`

func runKeysRoot(args []string, _ io.Reader, stdout, stderr io.Writer) int {
	o := newOptions("keys root", "[--threshold N] PUBKEY…", keysRootHelp)
	threshold := o.Int("threshold", 1, "`N` different maintainers must sign")
	keys, code, ok := o.parse(args, 1, -1, stdout, stderr)
	if !ok {
		return code
	}
	b, err := json.MarshalIndent(trust.Root{Threshold: *threshold, Keys: keys}, "", "  ")
	if err == nil {
		_, err = trust.ParseRoot(b)
	}
	if err != nil {
		return o.wrong(stderr, "%v", err)
	}
	fmt.Fprintf(stdout, "%s\n", b)
	return exitDone
}

// readSigner reads the private key that "keys new" wrote.
func readSigner(file string) (note.Signer, error) {
	b, err := os.ReadFile(file)
	if err != nil {
		return nil, fmt.Errorf("key: %w; make one with \"haechi keys new\"", err)
	}
	signer, err := note.NewSigner(strings.TrimSpace(string(b)))
	if err != nil {
		return nil, fmt.Errorf("%s is no private key: %w", file, err)
	}
	return signer, nil
}
