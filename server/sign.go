// SPDX-License-Identifier: Apache-2.0

package main

import (
	"encoding/json"
	"errors"
	"fmt"
	"io"

	"haechi/rules"
	"haechi/rules/trust"
	"haechi/server/publish"
)

const rulesSignHelp = `
Adds your signature to a draft that another maintainer made with --out. It
verifies the draft first: that it stands on what the server holds, and that its
files lead to the very pack that was signed; then it prints what changes. Read
it. Nothing is published.

Examples:
  haechi rules sign dokdo.push --key b.key
  haechi rules sign dokdo.push --check`

func runRulesSign(args []string, _ io.Reader, stdout, stderr io.Writer) int {
	o := newOptions("rules sign", "DRAFT [--key FILE] [--check] [--server URL] [--trust FILE] [--baseline HASH] [--json]", rulesSignHelp)
	key := o.String("key", "dist/keys/maintainer-2.key", "sign with the private key in `FILE`")
	check := o.Bool("check", false, "only verify and print; sign nothing")
	var from reading
	from.declare(o, "the draft builds on the server")
	baseline := o.String("baseline", "", "it builds on the unsigned baseline with this `HASH`")
	asJSON := o.Bool("json", false, "print what changes as JSON")
	files, code, ok := o.parse(args, 1, 1, stdout, stderr)
	if !ok {
		return code
	}
	at, root, code, ok := from.open(o, stderr)
	if !ok {
		return code
	}
	have, err := verified(at, root, *baseline)
	if err != nil {
		return o.failed(stderr, err)
	}
	push, err := readDraft(files[0])
	if err != nil {
		return o.failed(stderr, err)
	}
	release, changed, err := inspect(at, root, have, push)
	if err != nil {
		return o.failed(stderr, fmt.Errorf("%s: %w", files[0], err))
	}
	if !*check {
		signer, err := readSigner(*key)
		if err != nil {
			return o.failed(stderr, err)
		}
		signed, err := trust.AddSignature([]byte(push.Release), signer)
		if err != nil {
			return o.failed(stderr, err)
		}
		push.Release = string(signed)
		if err := writeDraft(files[0], push); err != nil {
			return o.failed(stderr, err)
		}
	}
	signers := trust.Signers([]byte(push.Release), have.state.Root)
	if *asJSON {
		err = json.NewEncoder(stdout).Encode(struct {
			publish.Result
			Signers   []string `json:"signers"`
			Threshold int      `json:"threshold"`
		}{changed, signers, have.state.Root.Threshold})
		if err != nil {
			return o.failed(stderr, err)
		}
		return exitDone
	}
	fmt.Fprintf(stdout, "release %d, channel %s, for %d %%, until %s, pack %.16s…\n", release.Sequence, release.Channel, release.Rollout, release.Expires.Format("2006-01-02"), release.Pack)
	printChanges(stdout, changed)
	if release.Root != nil {
		fmt.Fprintf(stdout, "  new root %d: %d of %d keys\n", release.Root.Version, release.Root.Threshold, len(release.Root.Keys))
	}
	fmt.Fprintf(stdout, "signed by %s (%d of %d needed)\n", names(signers), len(signers), have.state.Root.Threshold)
	return exitDone
}

// inspect holds a draft against what the server has and returns its release and
// what it changes. Nothing in the draft is believed.
func inspect(at *remote, root trust.Root, have standing, push publish.Push) (trust.Release, publish.Result, error) {
	r, err := trust.ParseRelease([]byte(push.Release))
	if err != nil {
		return r, publish.Result{}, err
	}
	previous := have.state.Release
	if have.state.Sequence == 0 {
		previous = trust.NoPrevious
	}
	if r.Sequence != have.state.Sequence+1 || r.Previous != previous {
		return r, publish.Result{}, fmt.Errorf("it stands on another release than the server's %d; make the draft again", have.state.Sequence)
	}
	pack := have.state.Pack
	if push.Restore != nil {
		if pack, err = restored(at, root, *push.Restore); err != nil {
			return r, publish.Result{}, err
		}
	}
	files, sites, err := push.Parse()
	if err != nil {
		return r, publish.Result{}, err
	}
	next, err := push.Onto(pack, files, sites)
	if err != nil {
		return r, publish.Result{}, err
	}
	if hash, size := next.Sum(); hash != r.Pack || size != r.Size {
		return r, publish.Result{}, errors.New("its files lead to another pack than the one that was signed; do not sign it")
	}
	return r, publish.Describe(have.state.Pack, r.Sequence, r.Pack, rules.Diff(have.state.Pack, next)), nil
}

const rulesPublishHelp = `
Sends a draft that enough maintainers have signed to the server, which verifies
it as every client will and publishes it.

Example:
  haechi rules publish dokdo.push`

func runRulesPublish(args []string, _ io.Reader, stdout, stderr io.Writer) int {
	o := newOptions("rules publish", "DRAFT [--server URL] [--json]", rulesPublishHelp)
	server := o.String("server", "http://127.0.0.1:8787", "publish on the server at `URL`")
	asJSON := o.Bool("json", false, "print the result as JSON")
	files, code, ok := o.parse(args, 1, 1, stdout, stderr)
	if !ok {
		return code
	}
	at, err := newRemote(*server)
	if err != nil {
		return o.wrong(stderr, "%v", err)
	}
	push, err := readDraft(files[0])
	if err == nil {
		err = send(at, push, *asJSON, stdout)
	}
	return o.ended(stdout, stderr, err)
}
