// SPDX-License-Identifier: Apache-2.0

package main

import (
	"errors"
	"fmt"
	"io"
	"strings"
	"time"

	"haechi/rules"
	"haechi/rules/trust"
	"haechi/server/publish"
)

const rulesPushHelp = `
Puts rule files onto the rules of a server, signs the result and publishes it:
every open browser has it at once. What the server holds is verified first. On
a refusal nothing changes, and the reason is printed.

Before its first release a server holds the rules of its own binary, which
nobody has signed. If this binary carries others, --baseline must name the
server's, so that you never sign rules that you did not see.

Example:
  haechi rules push rules/data/kimchi-origin-china.json --remove old-rule`

func runRulesPush(args []string, _ io.Reader, stdout, stderr io.Writer) int {
	o := newOptions("rules push", "[FILE…] [--remove ID] [--again] [--server URL] [--key FILE] [--trust FILE] [--expires DURATION] [--baseline HASH]", rulesPushHelp)
	remove := o.list("remove", "take the rule `ID` away; may be repeated")
	again := o.Bool("again", false, "publish even if no rule changes, for a later expiry or new examples")
	server := o.String("server", "http://127.0.0.1:8787", "publish on the server at `URL`")
	key := o.String("key", "dist/keys/maintainer.key", "sign with the private key in `FILE`")
	trustFile := o.String("trust", "dist/trust.json", "verify under the root in `FILE`")
	expires := o.Duration("expires", 8760*time.Hour, "clients start with it for this `DURATION`")
	baseline := o.String("baseline", "", "build on the unsigned baseline with this `HASH`")
	files, code, ok := o.parse(args, 0, -1, stdout, stderr)
	switch {
	case !ok:
		return code
	case len(files)+len(*remove) == 0 && !*again:
		return o.wrong(stderr, "give rule files, --remove or --again")
	case *expires < time.Second:
		return o.wrong(stderr, "--expires %v: give at least a second", *expires)
	}
	at, err := newRemote(*server)
	if err != nil {
		return o.wrong(stderr, "%v", err)
	}
	read, problems := readRules(files)
	if len(problems) > 0 {
		return o.failed(stderr, fmt.Errorf("rules are not valid; nothing was sent\n%s", strings.Join(problems, "\n")))
	}
	signer, err := readSigner(*key)
	if err != nil {
		return o.failed(stderr, err)
	}
	root, err := readRoot(*trustFile)
	if err != nil {
		return o.failed(stderr, err)
	}
	have, err := verifiedState(at, root, *baseline)
	if err != nil {
		return o.failed(stderr, err)
	}

	next, push, err := change(have.Pack, read, *remove)
	if err != nil {
		return o.failed(stderr, err)
	}
	if next.Hash() == have.Pack.Hash() && !*again {
		fmt.Fprintf(stdout, "nothing to publish: sequence %d has these rules already\n", have.Sequence)
		return exitDone
	}
	now := time.Now().UTC().Truncate(time.Second)
	release := trust.Release{
		Sequence: have.Sequence + 1, Previous: have.Release,
		Pack: next.Hash(), Size: len(next.Encode()), Created: now, Expires: now.Add(*expires),
	}
	if have.Sequence == 0 {
		release.Previous = trust.NoPrevious
	}
	note, err := trust.Sign(release, signer)
	if err != nil {
		return o.failed(stderr, err)
	}
	push.Release = string(note)
	// A key that does not count is better noticed here than at the server.
	if _, err := trust.Open(note, root); err != nil {
		return o.failed(stderr, fmt.Errorf("the key in %s: %w", *key, err))
	}
	result, err := at.publish(push)
	var refusal *publish.Refusal
	if errors.As(err, &refusal) {
		return o.failed(stderr, fmt.Errorf("refused: %w", err))
	}
	if err != nil {
		return o.failed(stderr, fmt.Errorf("%w; push again: it is published once at most", err))
	}
	printResult(stdout, result)
	return exitDone
}

// verifiedState fetches what the server holds and verifies it. An expired
// release is taken: it must be possible to publish the next one.
func verifiedState(at *remote, root trust.Root, baseline string) (trust.State, error) {
	head, err := at.head()
	if err != nil {
		return trust.State{}, err
	}
	frame, err := at.snapshot()
	if err != nil {
		return trust.State{}, err
	}
	u, err := trust.ParseUpdate(frame)
	if err != nil {
		return trust.State{}, err
	}
	if u.Sequence < head.Sequence {
		return trust.State{}, fmt.Errorf("the server says head %d and serves %d", head.Sequence, u.Sequence)
	}
	if u.Sequence == 0 && u.Release == "" {
		return unsignedState(u, baseline)
	}
	release, err := trust.Open([]byte(u.Release), root)
	if err != nil {
		return trust.State{}, fmt.Errorf("what the server holds: %w", err)
	}
	state, err := trust.Accept(root, release.Created, trust.State{}, u)
	if err != nil {
		return trust.State{}, fmt.Errorf("what the server holds: %w", err)
	}
	return state, nil
}

// unsignedState takes a baseline only if it is this binary's or was named.
func unsignedState(u trust.Update, baseline string) (trust.State, error) {
	pack, err := rules.ParsePack(u.Pack)
	if err != nil {
		return trust.State{}, fmt.Errorf("the server's baseline: %w", err)
	}
	own, err := embeddedPack()
	if err != nil {
		return trust.State{}, err
	}
	if hash := pack.Hash(); hash != own.Hash() && hash != baseline {
		return trust.State{}, fmt.Errorf("the server's unsigned baseline is not the one in this binary; look at it, and build on it with --baseline %s", hash)
	}
	return trust.State{Pack: pack}, nil
}

// change returns the pack after the files are put and the ids removed, and the
// push that says so, still without its release.
func change(pack rules.Pack, files []ruleFile, remove []string) (rules.Pack, publish.Push, error) {
	push := publish.Push{Remove: remove}
	var changes []rules.Change
	for _, f := range files {
		r := f.rule
		r.Examples = nil
		changes = append(changes, rules.Change{Put: &r})
		push.Files = append(push.Files, f.text)
	}
	for _, id := range remove {
		changes = append(changes, rules.Change{Remove: id})
	}
	next, err := rules.Apply(pack, changes)
	if err != nil {
		return rules.Pack{}, publish.Push{}, err
	}
	return next, push, nil
}

func printResult(w io.Writer, r publish.Result) {
	fmt.Fprintf(w, "published sequence %d, pack %.16s…\n", r.Sequence, r.Pack)
	for _, part := range []struct {
		mark string
		ids  []string
	}{{"+", r.Added}, {"~", r.Changed}, {"-", r.Removed}} {
		for _, id := range part.ids {
			fmt.Fprintf(w, "  %s %s\n", part.mark, id)
		}
	}
}
