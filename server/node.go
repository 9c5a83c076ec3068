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
	"sync"
	"syscall"
	"time"

	"golang.org/x/mod/sumdb/note"

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

	closing    chan struct{} // closed by close
	refreshing sync.WaitGroup
}

type nodeConfig struct {
	addr     string
	dir      string       // the store is made below it
	root     trust.Root   // from trust.ParseRoot
	online   note.Signer  // signs checkpoints
	lent     string       // the note that lends online to this server; empty: the store's
	baseline []rules.Rule // sequence 0 of a new store
	replica  string       // a folder, or empty
	log      *slog.Logger
	limits   hub.Limits
	origins  hub.Origins
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
	n := &node{store: st, listener: listener, failed: make(chan error, 1), closing: make(chan struct{})}
	n.publisher, err = publish.New(st, publish.Config{
		Root: c.root, Online: c.online, OnlineKey: c.lent, Now: c.now,
		Announce: func() { n.hub.Announce(n.heads()) },
	})
	if err == nil {
		err = n.check(c)
	}
	if err != nil {
		listener.Close()
		return nil, errors.Join(err, st.Close())
	}
	n.hub = hub.New(source{n}, c.limits, c.origins, c.log)
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
	n.refreshing.Go(func() { n.refresh(c.log) })
	return n, nil
}

// source is what a node gives its hub.
type source struct{ *node }

func (s source) Heads() hub.Heads                     { return s.heads() }
func (s source) Since(f wire.Since) ([][]byte, error) { return s.publisher.Since(f) }
func (s source) Full(f wire.Full) ([][]byte, error)   { return s.publisher.Full(f) }

func (n *node) heads() hub.Heads {
	return hub.Heads{Stable: n.publisher.Head(trust.Stable), Preview: n.publisher.Head(trust.Preview)}
}

// refresh signs a new checkpoint from time to time, until close.
func (n *node) refresh(log *slog.Logger) {
	tick := time.NewTicker(publish.RefreshEvery)
	defer tick.Stop()
	for {
		select {
		case <-n.closing:
			return
		case <-tick.C:
		}
		if err := n.publisher.Refresh(); err != nil {
			log.Error("checkpoint", "err", err)
		}
		if left := time.Until(n.publisher.OnlineExpires()); left < 14*24*time.Hour {
			log.Warn("the online key runs out; have the maintainers lend a new one (haechi keys lend)", "days", int(left.Hours()/24))
		}
	}
}

// check holds what is stored against what the program came with.
func (n *node) check(c nodeConfig) error {
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
			"stored", stored, "binary", pack.Hash())
	}
	return nil
}

func (n *node) addr() net.Addr { return n.listener.Addr() }

// close stops taking requests, tells clients to come back later and frees the
// data. When ctx ends first it goes on without waiting for clients.
func (n *node) close(ctx context.Context) error {
	close(n.closing)
	n.refreshing.Wait()
	byes := make(chan error, 1)
	go func() { byes <- n.hub.Close(ctx) }()
	if err := n.http.Shutdown(ctx); err != nil { // sockets are no longer its own
		n.http.Close()
	}
	return errors.Join(<-byes, n.store.Close())
}
