// SPDX-License-Identifier: Apache-2.0

package main

import (
	"context"
	"errors"
	"fmt"
	"log/slog"
	"net"
	"net/http"
	"path/filepath"
	"syscall"
	"time"

	"haechi/rules"
	"haechi/rules/trust"
	"haechi/server/hub"
	"haechi/server/publish"
	"haechi/server/store"
	"haechi/server/wire"
)

// node is one running server: a store, its publisher, the sockets and HTTP.
type node struct {
	store     *store.Store
	publisher *publish.Publisher
	hub       *hub.Hub
	http      *http.Server
	listener  net.Listener
	failed    chan error // gets one error if serving ends without close
}

type nodeConfig struct {
	addr     string
	dir      string       // the store is made below it
	root     trust.Root   // from trust.ParseRoot
	baseline []rules.Rule // sequence 0 of a new store
	replica  string       // a folder, or empty
	log      *slog.Logger
	limits   hub.Limits
	now      func() time.Time // nil: time.Now
}

// openNode starts to serve. The caller must close the node.
func openNode(c nodeConfig) (*node, error) {
	if c.now == nil {
		c.now = time.Now
	}
	replica, err := openReplica(c.replica)
	if err != nil {
		return nil, err
	}
	// The port first: a second server on it must not touch the data.
	listener, err := net.Listen("tcp", c.addr)
	if errors.Is(err, syscall.EADDRINUSE) {
		return nil, fmt.Errorf("%s is in use; stop the other program or give another --addr", c.addr)
	}
	if err != nil {
		return nil, err
	}
	st, err := store.Open(filepath.Join(c.dir, "store"), c.baseline, c.log)
	if err != nil {
		listener.Close()
		return nil, err
	}
	n := &node{store: st, listener: listener, failed: make(chan error, 1)}
	n.publisher, err = publish.New(st, c.root, c.now, func(head wire.Head) { n.hub.Announce(head) })
	if err == nil {
		err = n.check(c)
	}
	if err != nil {
		listener.Close()
		return nil, errors.Join(err, st.Close())
	}
	n.hub = hub.New(n.publisher, c.limits, c.log)
	n.http = &http.Server{
		Handler:           newAPI(n.publisher, n.hub, replica, c.log),
		ReadHeaderTimeout: 10 * time.Second,
		ReadTimeout:       60 * time.Second,
		WriteTimeout:      60 * time.Second,
		IdleTimeout:       2 * time.Minute,
		MaxHeaderBytes:    16 << 10,
		ErrorLog:          slog.NewLogLogger(c.log.Handler(), slog.LevelDebug),
	}
	go func() {
		if err := n.http.Serve(listener); !errors.Is(err, http.ErrServerClosed) {
			n.failed <- err
		}
	}()
	return n, nil
}

// check holds what is stored against what the program came with.
func (n *node) check(c nodeConfig) error {
	head, err := n.store.Head()
	if err != nil {
		return err
	}
	if head.Sequence > 0 {
		r, err := n.store.Release(head.Sequence)
		if err != nil {
			return err
		}
		// Served all the same, it would be refused by every client.
		if _, err := trust.Open([]byte(r.Note), c.root); err != nil {
			return fmt.Errorf("release %d in %s does not count under this trust root: %w; serve it with the root it was published under, or give another --data", head.Sequence, c.dir, err)
		}
	}
	pack, err := rules.NewPack(c.baseline)
	if err != nil {
		return err
	}
	stored, err := n.store.PackHash(0)
	if err != nil {
		return err
	}
	if stored != pack.Hash() {
		c.log.Warn("this binary carries other rules than the stored baseline; keeping what is stored, push the new ones",
			"stored", stored, "binary", pack.Hash(), "sequence", head.Sequence)
	}
	return nil
}

func (n *node) addr() net.Addr { return n.listener.Addr() }

// close stops taking requests, tells clients to come back later and frees the
// data. When ctx ends first it goes on without waiting for clients.
func (n *node) close(ctx context.Context) error {
	byes := make(chan error, 1)
	go func() { byes <- n.hub.Close(ctx) }()
	if err := n.http.Shutdown(ctx); err != nil { // sockets are no longer its own
		n.http.Close()
	}
	return errors.Join(<-byes, n.store.Close())
}
