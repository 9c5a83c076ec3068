// SPDX-License-Identifier: Apache-2.0

package main

import (
	"fmt"
	"time"

	"haechi/rules"
	"haechi/rules/trust"
)

// standing is what a server holds, after it was verified like a client would.
type standing struct {
	state trust.State // its Root is the newest
}

// verified fetches what the server holds and verifies it under root. What has
// expired is taken: it must be possible to publish the next release.
// baseline names the unsigned rules of a server without releases, where they
// are not this binary's.
func verified(at *remote, root trust.Root, baseline string) (standing, error) {
	head, err := at.head(trust.Preview)
	if err != nil {
		return standing{}, err
	}
	log, err := at.evidence(0)
	if err != nil {
		return standing{}, err
	}
	evidence, err := trust.ParseEvidence(log)
	if err != nil {
		return standing{}, fmt.Errorf("the server's log: %w", err)
	}
	frame, err := at.snapshot(head.Sequence)
	if err != nil {
		return standing{}, err
	}
	u, err := trust.ParseUpdate(frame)
	if err != nil {
		return standing{}, err
	}
	// At the zero time nothing has expired.
	never, everything := time.Time{}, trust.Client{Channel: trust.Preview}
	if head.Sequence == 0 {
		pack, err := unsigned(u, baseline)
		if err != nil {
			return standing{}, err
		}
		state, err := trust.Accept(root, never, trust.State{Pack: pack}, everything, evidence, nil)
		if err != nil {
			return standing{}, fmt.Errorf("the server's log: %w", err)
		}
		return standing{state}, nil
	}
	state, err := trust.Accept(root, never, trust.State{}, everything, evidence, &u)
	if err != nil {
		return standing{}, fmt.Errorf("what the server holds: %w", err)
	}
	if state.Sequence != state.Seen.Size {
		return standing{}, fmt.Errorf("the server's log has %d releases, and it serves %d; try again", state.Seen.Size, state.Sequence)
	}
	return standing{state}, nil
}

// unsigned takes a baseline only if it is this binary's or was named.
func unsigned(u trust.Update, baseline string) (rules.Pack, error) {
	pack, err := rules.ParsePack(u.Pack)
	if err != nil {
		return rules.Pack{}, fmt.Errorf("the server's baseline: %w", err)
	}
	own, err := embeddedPack()
	if err != nil {
		return rules.Pack{}, err
	}
	if hash := pack.Hash(); hash != own.Hash() && hash != baseline {
		return rules.Pack{}, fmt.Errorf("the server's unsigned baseline is not the one in this binary; look at it, and build on it with --baseline %s", hash)
	}
	return pack, nil
}
