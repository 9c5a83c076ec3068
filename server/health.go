// SPDX-License-Identifier: Apache-2.0

package main

import (
	"errors"
	"fmt"
	"net/http"

	"haechi/rules/trust"
	"haechi/server/web"
)

var errDraining = errors.New("shutting down")

// health says that the process lives; it stays so to the end.
func (a *api) health(w http.ResponseWriter, _ *http.Request) {
	head := a.publisher.Head(trust.Preview)
	web.AnswerJSON(w, http.StatusOK, map[string]any{
		"status": "ok", "sequence": head.Sequence, "pack": head.Pack, "clients": a.hub.Clients(),
	})
}

// readiness says whether a balancer should send requests here.
func (a *api) readiness(w http.ResponseWriter, _ *http.Request) {
	if err := a.ready(); err != nil {
		web.AnswerJSON(w, http.StatusServiceUnavailable, map[string]string{"status": "not ready", "reason": err.Error()})
		return
	}
	web.AnswerJSON(w, http.StatusOK, map[string]string{"status": "ready"})
}

// ready returns why the node should get no more requests, or nil: it is
// closing, it may lack what its cluster has, or what it serves is not what its
// store holds.
func (n *node) ready() error {
	if n.draining.Load() {
		return errDraining
	}
	if n.cluster != nil {
		if err := n.cluster.Ready(); err != nil {
			return err
		}
	}
	stored, err := n.store.Head()
	if err != nil {
		return err
	}
	// A push that is under way may have moved the stored head already.
	if served := n.publisher.Head(trust.Preview); served.Sequence+1 < stored.Sequence {
		return fmt.Errorf("serves release %d, and the store holds %d", served.Sequence, stored.Sequence)
	}
	return nil
}
