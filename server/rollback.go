// SPDX-License-Identifier: Apache-2.0

package main

import (
	"errors"
	"fmt"
	"io"
	"strconv"
	"time"

	"haechi/rules"
	"haechi/rules/trust"
	"haechi/server/publish"
)

const rulesRollbackHelp = `
Publishes a new release with the rules of an old one. The history stays: clients
go forward, and everyone can see that it was taken back.

Example:
  haechi rules rollback 41`

func runRulesRollback(args []string, _ io.Reader, stdout, stderr io.Writer) int {
	var d drafting
	o := newOptions("rules rollback", "SEQUENCE "+draftArgs, rulesRollbackHelp)
	d.declare(o)
	rest, code, ok := o.parse(args, 1, 1, stdout, stderr)
	if !ok {
		return code
	}
	sequence, err := strconv.ParseUint(rest[0], 10, 64)
	if err != nil {
		return o.wrong(stderr, "SEQUENCE %q is no number; \"haechi log show\" lists them", rest[0])
	}
	if err := d.complete(); err != nil {
		return o.wrong(stderr, "%v", err)
	}
	a, err := d.standing()
	if err != nil {
		return o.failed(stderr, err)
	}
	if sequence >= a.have.state.Sequence {
		return o.failed(stderr, fmt.Errorf("release %d is not before the newest, %d", sequence, a.have.state.Sequence))
	}
	next, err := restored(a.at, a.root, sequence)
	if err == nil {
		err = a.finish(next, publish.Push{Restore: &sequence}, false, stdout)
	}
	return o.ended(stdout, stderr, err)
}

// restored is the pack at an earlier sequence, as it was signed then: the
// maintainers may have changed since, so the whole log is followed.
func restored(at *remote, root trust.Root, sequence uint64) (rules.Pack, error) {
	frame, err := at.snapshot(sequence)
	if errors.Is(err, errMissing) {
		return rules.Pack{}, fmt.Errorf("there is no release %d", sequence)
	}
	if err != nil {
		return rules.Pack{}, err
	}
	u, err := trust.ParseUpdate(frame)
	if err != nil {
		return rules.Pack{}, err
	}
	if sequence == 0 {
		// Nobody signed it: the next release is what vouches for it.
		return rules.ParsePack(u.Pack)
	}
	h, err := audit(at, root, time.Time{}, trust.Seen{})
	if err != nil {
		return rules.Pack{}, err
	}
	pack, err := rules.ParsePack(u.Pack)
	if err != nil {
		return rules.Pack{}, fmt.Errorf("release %d: %w", sequence, err)
	}
	if pack.Hash() != h.releases[sequence-1].Pack {
		return rules.Pack{}, fmt.Errorf("release %d: what the server holds is not what was signed", sequence)
	}
	return pack, nil
}

const rulesDisableHelp = `
Switches rules off everywhere, at once: a release in which they are marked as
disabled. To switch one on again, push its file.

Example:
  haechi rules disable kimchi-origin-china`

func runRulesDisable(args []string, _ io.Reader, stdout, stderr io.Writer) int {
	var d drafting
	o := newOptions("rules disable", "ID… "+draftArgs, rulesDisableHelp)
	d.declare(o)
	ids, code, ok := o.parse(args, 1, -1, stdout, stderr)
	if !ok {
		return code
	}
	if err := d.complete(); err != nil {
		return o.wrong(stderr, "%v", err)
	}
	a, err := d.standing()
	if err != nil {
		return o.failed(stderr, err)
	}
	push := publish.Push{Disable: ids}
	next, err := push.Onto(a.have.state.Pack, nil, nil)
	if err == nil {
		err = a.finish(next, push, false, stdout)
	}
	return o.ended(stdout, stderr, err)
}
