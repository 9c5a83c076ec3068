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
	"time"

	"golang.org/x/mod/sumdb/note"

	"haechi/rules/trust"
)

func runKeys(args []string, stdin io.Reader, stdout, stderr io.Writer) int {
	return dispatch("haechi keys", []subcommand{
		{"new", "make a maintainer's key", runKeysNew},
		{"root", "make the trust root that clients and servers hold", runKeysRoot},
		{"lend", "sign the note that lets a server sign the state of the log", runKeysLend},
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
sign a release (by default more than half: 2 of 3). Clients and servers hold it
as trust.json. To change maintainers later, make the next version with
--after and publish it with "haechi rules push --root".

Examples:
  haechi keys root "$(cat a.pub)" "$(cat b.pub)" "$(cat c.pub)" > dist/trust.json
  haechi keys root --after dist/trust.json "$(cat a.pub)" "$(cat b.pub)" "$(cat d.pub)" > next.json`

func runKeysRoot(args []string, _ io.Reader, stdout, stderr io.Writer) int {
	o := newOptions("keys root", "[--threshold N] [--after FILE] PUBKEY…", keysRootHelp)
	threshold := o.Int("threshold", 0, "`N` different maintainers must sign (default more than half)")
	after := o.String("after", "", "make the version that follows the root in `FILE`")
	keys, code, ok := o.parse(args, 1, -1, stdout, stderr)
	if !ok {
		return code
	}
	root := trust.Root{Version: 1, Threshold: *threshold, Keys: keys}
	if root.Threshold == 0 {
		root.Threshold = len(keys)/2 + 1
	}
	if *after != "" {
		before, err := readRoot(*after)
		if err != nil {
			return o.failed(stderr, err)
		}
		root.Version = before.Version + 1
	}
	b, err := json.MarshalIndent(root, "", "  ")
	if err == nil {
		_, err = trust.ParseRoot(b)
	}
	if err != nil {
		return o.wrong(stderr, "%v", err)
	}
	fmt.Fprintf(stdout, "%s\n", b)
	return exitDone
}

const keysLendHelp = `
Prints the note by which maintainers lend a server its online key. The server's
operator makes the key with "haechi keys new" and sends its public half. As many
maintainers sign as for a release; each adds a signature to the note of the one
before. The key can sign the state of the log for at most 90 days, and no rules.

After a key was stolen, lend another with a higher --version and --forget: then
clients no longer hold to what they were shown under the stolen one.

Examples:
  haechi keys lend "$(cat online.pub)" --key a.key --key b.key > online.note
  haechi keys lend --add online.note --key c.key > online3.note`

func runKeysLend(args []string, _ io.Reader, stdout, stderr io.Writer) int {
	o := newOptions("keys lend", "[PUBKEY] --key FILE… [--add FILE] [--version N] [--days N] [--forget]", keysLendHelp)
	keys := o.list("key", "sign with the private key in `FILE`; may be repeated")
	add := o.String("add", "", "add signatures to the note in `FILE`, in place of a new one")
	version := o.Uint64("version", 1, "`N`, higher than that of every key lent before")
	days := o.Int("days", 90, "for `N` days, at most 90")
	forget := o.Bool("forget", false, "clients forget what they saw under earlier keys")
	rest, code, ok := o.parse(args, 0, 1, stdout, stderr)
	switch {
	case !ok:
		return code
	case len(*keys) == 0:
		return o.wrong(stderr, "--key is missing")
	case (*add == "") != (len(rest) == 1):
		return o.wrong(stderr, "give either PUBKEY or --add FILE")
	}
	signers, err := readSigners(*keys)
	if err != nil {
		return o.failed(stderr, err)
	}
	var signed []byte
	if *add != "" {
		if signed, err = os.ReadFile(*add); err != nil {
			return o.failed(stderr, err)
		}
		for _, signer := range signers {
			if signed, err = trust.AddSignature(signed, signer); err != nil {
				return o.failed(stderr, err)
			}
		}
	} else {
		now := time.Now().UTC().Truncate(time.Second)
		signed, err = trust.SignOnlineKey(trust.OnlineKey{
			Version: *version, Key: strings.TrimSpace(rest[0]), Created: now, Expires: now.AddDate(0, 0, *days), Forget: *forget,
		}, signers...)
		if err != nil {
			return o.wrong(stderr, "%v", err)
		}
	}
	if _, err := stdout.Write(signed); err != nil {
		return o.failed(stderr, err)
	}
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
