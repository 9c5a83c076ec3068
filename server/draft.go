// SPDX-License-Identifier: Apache-2.0

package main

import (
	"bytes"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"os"
	"path/filepath"
	"strings"
	"time"

	"golang.org/x/mod/sumdb/note"

	"haechi/rules"
	"haechi/rules/trust"
	"haechi/server/publish"
)

// drafting holds the options of every command that makes a release.
type drafting struct {
	reading
	baseline, channel, out string
	newRoot, online        string
	keys                   *[]string
	expires                time.Duration
	rollout                int
	json                   bool
}

// draftArgs is what drafting adds to a usage line.
const draftArgs = "[--key FILE]… [--out FILE] [--channel NAME] [--rollout PERCENT] [--expires DURATION] [--server URL] [--trust FILE] [--root FILE] [--online FILE] [--baseline HASH] [--json]"

// declare adds the options to a command.
func (d *drafting) declare(o *options) {
	d.keys = o.list("key", "sign with the private key in `FILE`; may be repeated (default the first two of dist/keys/maintainer-*.key)")
	o.StringVar(&d.out, "out", "", "write the signed draft to `FILE` for others to sign, and publish nothing")
	o.StringVar(&d.channel, "channel", trust.Stable, "`NAME` of the channel: stable or preview")
	o.IntVar(&d.rollout, "rollout", trust.Everyone, "for `PERCENT` of the channel's clients")
	o.DurationVar(&d.expires, "expires", 8760*time.Hour, "clients start with it for this `DURATION`")
	d.reading.declare(o, "build on and publish on the server")
	o.StringVar(&d.newRoot, "root", "", "from the next release on the root in `FILE` counts")
	o.StringVar(&d.online, "online", "", "the online key's note in `FILE` takes effect with the release")
	o.StringVar(&d.baseline, "baseline", "", "build on the unsigned baseline with this `HASH`")
	o.BoolVar(&d.json, "json", false, "print the result as JSON")
}

// complete finds wrong usage once the options are parsed.
func (d *drafting) complete() error {
	if len(*d.keys) == 0 {
		*d.keys = developerKeys()
	}
	switch {
	case d.expires < time.Second:
		return fmt.Errorf("--expires %v: give at least a second", d.expires)
	case d.channel != trust.Stable && d.channel != trust.Preview:
		return fmt.Errorf("--channel %q: give stable or preview", d.channel)
	case d.rollout < 1 || d.rollout > trust.Everyone:
		return fmt.Errorf("--rollout %d: give 1 to 100", d.rollout)
	}
	_, err := newRemote(d.server)
	return err
}

// developerKeys are the keys that build.sh makes for a developer: two of three.
func developerKeys() []string {
	keys, err := filepath.Glob("dist/keys/maintainer-*.key")
	if err != nil || len(keys) == 0 {
		return []string{"dist/keys/maintainer-1.key"} // which is then said to be missing
	}
	return keys[:min(len(keys), 2)]
}

// ahead is a release to be made on top of what a server holds.
type ahead struct {
	*drafting
	at   *remote
	root trust.Root // of the file
	have standing
}

// standing fetches and verifies what the server holds.
func (d *drafting) standing() (ahead, error) {
	at, err := newRemote(d.server)
	if err != nil {
		return ahead{}, err
	}
	root, err := readRoot(d.trust)
	if err != nil {
		return ahead{}, err
	}
	have, err := verified(at, root, d.baseline)
	return ahead{d, at, root, have}, err
}

// errNothing says that a release would change nothing.
var errNothing = errors.New("nothing to publish: the server has these rules already")

// finish signs the release that leads to next, and publishes it or writes it
// down for others to sign.
func (a ahead) finish(next rules.Pack, push publish.Push, again bool, stdout io.Writer) error {
	hash, size := next.Sum()
	if hash == a.have.state.Pack.Hash() && !again && a.newRoot == "" && a.online == "" {
		return errNothing
	}
	now := time.Now().UTC().Truncate(time.Second)
	release := trust.Release{
		Sequence: a.have.state.Sequence + 1, Previous: a.have.state.Release,
		Pack: hash, Size: size, Created: now, Expires: now.Add(a.expires),
		Channel: a.channel, Rollout: a.rollout, Under: a.have.state.Root.Version,
	}
	if release.Sequence == 1 {
		release.Previous = trust.NoPrevious
	}
	if a.newRoot != "" {
		root, err := readRoot(a.newRoot)
		if err != nil {
			return err
		}
		release.Root = &root
	}
	if a.online != "" {
		text, err := os.ReadFile(a.online)
		if err != nil {
			return err
		}
		push.Online = string(text)
	}
	signers, err := readSigners(*a.keys)
	if err != nil {
		return err
	}
	signed, err := trust.Sign(release, signers...)
	if err != nil {
		return err
	}
	push.Release = string(signed)
	if a.out != "" {
		if err := writeDraft(a.out, push); err != nil {
			return err
		}
		fmt.Fprintf(stdout, "draft of release %d in %s, signed by %d of %d; next: haechi rules sign %s --key …, then haechi rules publish %s\n",
			release.Sequence, a.out, len(signers), a.have.state.Root.Threshold, a.out, a.out)
		return nil
	}
	// Too few signatures are better noticed here than at the server.
	if _, err := trust.Open(signed, a.have.state.Root); err != nil {
		return fmt.Errorf("%w; give more --key, or write a draft with --out for the other maintainers to sign", err)
	}
	return send(a.at, push, a.json, stdout)
}

// send publishes a push and prints what it changed.
func send(at *remote, push publish.Push, asJSON bool, stdout io.Writer) error {
	result, err := at.publish(push)
	var refusal *publish.Refusal
	if errors.As(err, &refusal) {
		return fmt.Errorf("refused: %w", err)
	}
	if err != nil {
		return fmt.Errorf("%w; publish again: it is published once at most", err)
	}
	if asJSON {
		return json.NewEncoder(stdout).Encode(result)
	}
	printResult(stdout, result)
	return nil
}

func readSigners(files []string) ([]note.Signer, error) {
	var signers []note.Signer
	for _, file := range files {
		signer, err := readSigner(file)
		if err != nil {
			return nil, err
		}
		signers = append(signers, signer)
	}
	return signers, nil
}

// writeDraft writes a push as a file that people can read and compare.
func writeDraft(file string, push publish.Push) error {
	var b bytes.Buffer
	e := json.NewEncoder(&b)
	e.SetEscapeHTML(false)
	e.SetIndent("", "  ")
	if err := e.Encode(push); err != nil {
		return err
	}
	return replaceWith(file, 0o644, b.Bytes())
}

// readDraft reads what writeDraft wrote.
func readDraft(file string) (publish.Push, error) {
	data, err := os.ReadFile(file)
	if err != nil {
		return publish.Push{}, fmt.Errorf("%w; make a draft with \"haechi rules push … --out FILE\"", err)
	}
	var push publish.Push
	d := json.NewDecoder(bytes.NewReader(data))
	d.DisallowUnknownFields()
	if err := d.Decode(&push); err != nil {
		return publish.Push{}, fmt.Errorf("%s is no draft of a release: %w", file, err)
	}
	return push, nil
}

func printResult(w io.Writer, r publish.Result) {
	fmt.Fprintf(w, "published sequence %d, pack %.16s…\n", r.Sequence, r.Pack)
	printChanges(w, r)
	printSentences(w, r.Changes)
}

func printChanges(w io.Writer, r publish.Result) {
	for _, part := range []struct {
		mark string
		ids  []string
	}{{"+", r.Added}, {"~", r.Changed}, {"-", r.Removed}} {
		for _, id := range part.ids {
			fmt.Fprintf(w, "  %s %s\n", part.mark, id)
		}
	}
}

// names joins what stands in a list, or says that it is empty.
func names(list []string) string {
	if len(list) == 0 {
		return "nobody"
	}
	return strings.Join(list, ", ")
}
