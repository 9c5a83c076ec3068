// SPDX-License-Identifier: Apache-2.0

package main

import (
	"errors"
	"fmt"
	"io"
	"strings"

	"haechi/rules"
	"haechi/server/publish"
)

const rulesPushHelp = `
Puts rule and site files onto the rules of a server, signs the result and
publishes it: every open browser has it at once. A site is removed as site/ID.
What the server holds is verified first. On a refusal nothing changes, and the
reason is printed.

Where the keys of several maintainers are needed and lie in several places, one
writes a signed draft with --out, the others add their signatures with "haechi
rules sign", and anyone sends it with "haechi rules publish".

Before its first release a server holds the rules of its own binary, which
nobody has signed. If this binary carries others, --baseline must name the
server's, so that you never sign rules that you did not see.

With --root a new set of maintainers takes over from the next release on; enough
of the old and of the new must sign.

Examples:
  haechi rules push rules/data/kimchi-origin-china.json --remove old-rule
  haechi rules push rules/data/dokdo-japanese-name-only.json --key a.key --out dokdo.push
  haechi rules push rules/data/jikji-not-first.json --channel preview`

func runRulesPush(args []string, _ io.Reader, stdout, stderr io.Writer) int {
	var d drafting
	o := newOptions("rules push", "[FILE…] [--remove ID] [--again] "+draftArgs, rulesPushHelp)
	remove := o.list("remove", "take the rule `ID` away, or a site as site/ID; may be repeated")
	again := o.Bool("again", false, "publish even if no rule changes, for a later expiry, another rollout or new examples")
	d.declare(o)
	files, code, ok := o.parse(args, 0, -1, stdout, stderr)
	if !ok {
		return code
	}
	if len(files)+len(*remove) == 0 && !*again && d.newRoot == "" && d.online == "" {
		return o.wrong(stderr, "give rule or site files, --remove, --root, --online or --again")
	}
	if err := d.complete(); err != nil {
		return o.wrong(stderr, "%v", err)
	}
	read, problems := readRules(files)
	if len(problems) > 0 {
		return o.failed(stderr, fmt.Errorf("rules are not valid; nothing was sent\n%s", strings.Join(problems, "\n")))
	}
	a, err := d.standing()
	if err != nil {
		return o.failed(stderr, err)
	}
	next, push, err := change(a.have.state.Pack, read, *remove)
	if err == nil {
		err = a.finish(next, push, *again, stdout)
	}
	return o.ended(stdout, stderr, err)
}

// ended reports how a command that makes a release ended.
func (o *options) ended(stdout, stderr io.Writer, err error) int {
	if errors.Is(err, errNothing) {
		fmt.Fprintln(stdout, err)
		return exitDone
	}
	if err != nil {
		return o.failed(stderr, err)
	}
	return exitDone
}

// change returns the pack after the files are put and the ids removed, and the
// push that says so, still without its release.
func change(pack rules.Pack, files []ruleFile, remove []string) (rules.Pack, publish.Push, error) {
	var push publish.Push
	var put []rules.Rule
	var sites []rules.Site
	for _, f := range files {
		if f.site != nil {
			sites = append(sites, *f.site)
			push.Sites = append(push.Sites, f.text)
			continue
		}
		put = append(put, f.rule)
		push.Files = append(push.Files, f.text)
	}
	for _, key := range remove {
		if id, ok := strings.CutPrefix(key, rules.SiteKey("")); ok {
			push.RemoveSites = append(push.RemoveSites, id)
		} else {
			push.Remove = append(push.Remove, key)
		}
	}
	next, err := push.Onto(pack, put, sites)
	if err != nil {
		return rules.Pack{}, publish.Push{}, err
	}
	return next, push, nil
}
