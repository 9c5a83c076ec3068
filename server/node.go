// SPDX-License-Identifier: Apache-2.0

package main

import (
	"context"
	"errors"
	"fmt"
	"log"
	"log/slog"
	"net"
	"net/http"
	"net/netip"
	"path/filepath"
	"sync"
	"sync/atomic"
	"syscall"
	"time"

	"golang.org/x/mod/sumdb/note"

	"haechi/rules"
	"haechi/rules/trust"
	"haechi/server/cluster"
	"haechi/server/hub"
	"haechi/server/oidc"
	"haechi/server/publish"
	"haechi/server/review"
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

	api        *api
	admin      *http.Server // the operator's door; nil where there can be none
	desk       *review.Desk
	monitor    *http.Server // metrics; nil unless asked for
	watched    net.Listener // of monitor
	draining   atomic.Bool  // set when close begins
	closed     chan struct{}
	refreshing sync.WaitGroup

	cluster   *cluster.Cluster        // nil for a single server
	announces atomic.Pointer[hub.Hub] // nil while the node is being made
}

type nodeConfig struct {
	addr     string
	dir      string       // the store is made below it
	root     trust.Root   // from trust.ParseRoot
	online   note.Signer  // signs checkpoints
	lent     string       // the note that lends online to this server; empty: the store's
	baseline []rules.Rule // sequence 0 of a new store, with sites
	sites    []rules.Site
	replica  string // a folder, or empty
	log      *slog.Logger
	limits   hub.Limits
	origins  hub.Origins
	gate     publish.Gate     // nil: pushes are not judged
	now      func() time.Time // nil: time.Now

	certificate *certificate   // nil: without TLS
	proxies     []netip.Prefix // believed about where a request comes from
	perSecond   float64        // requests of one address; 0: no limit
	metricsAddr string         // serve metrics there; empty: on the admin socket only
	retention   time.Duration  // of what is sent for review; 0: review.Retention
	oidc        *oidc.Provider // signs people of the desk in; nil: passwords only

	cluster *cluster.Config // nil: a single server
	desk    bool            // of a cluster, this node has the review desk
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
	var watched net.Listener
	if c.metricsAddr != "" {
		if watched, err = net.Listen("tcp", c.metricsAddr); err != nil {
			listener.Close()
			return nil, fmt.Errorf("--metrics-addr: %w", err)
		}
	}
	n := &node{listener: listener, watched: watched, failed: make(chan error, 1), closed: make(chan struct{})}
	stop := func() {
		listener.Close()
		if watched != nil {
			watched.Close()
		}
		if n.cluster != nil {
			n.cluster.Close()
		}
	}
	var shared publish.Log
	if c.cluster != nil {
		if n.cluster, err = cluster.Open(*c.cluster); err != nil {
			stop()
			return nil, err
		}
		shared = n.cluster
	}
	st, err := n.openStore(c)
	if err != nil {
		stop()
		return nil, err
	}
	n.store = st
	n.publisher, err = publish.New(st, publish.Config{
		Root: c.root, Online: c.online, OnlineKey: c.lent, Log: shared, Gate: c.gate, Now: c.now, Announce: n.announce,
	})
	if err == nil {
		err = n.check(c)
	}
	if err != nil {
		stop()
		return nil, errors.Join(err, st.Close())
	}
	var pages http.Handler
	if n.desk, pages, err = openReview(n, c); err != nil {
		stop()
		return nil, errors.Join(err, st.Close())
	}
	holdTo(c.gate, n.desk)
	m := newMetrics()
	c.limits.Events = m.events()
	n.hub = hub.New(source{n}, c.limits, c.origins, c.log)
	n.announces.Store(n.hub)
	if n.cluster != nil {
		n.announce() // what came in between
		n.cluster.Report(func() cluster.State { return n.state(c.desk) })
	}
	n.api = &api{
		publisher: n.publisher, hub: n.hub, pushes: make(chan struct{}, maxPushes), snapshots: make(chan struct{}, maxPushes),
		metrics: m, ready: n.ready, log: c.log,
	}
	m.registry.MustRegister(&state{node: n, root: c.root})
	if n.admin, err = openAdmin(c.dir, st, n.desk, m, c.log); err != nil { // its path is too long, or the system has no such sockets
		c.log.Warn("no admin socket: backups only while the server is stopped", "err", err)
	}
	n.http = &http.Server{
		Handler:           &front{next: n.api.handler(replica, pages), proxies: c.proxies, rates: newRates(c.perSecond), metrics: m, log: c.log},
		ReadHeaderTimeout: 10 * time.Second,
		ReadTimeout:       60 * time.Second,
		WriteTimeout:      60 * time.Second,
		IdleTimeout:       2 * time.Minute,
		MaxHeaderBytes:    16 << 10,
		ErrorLog:          slog.NewLogLogger(c.log.Handler(), slog.LevelDebug),
	}
	serve := n.http.Serve
	if c.certificate != nil {
		n.http.TLSConfig = c.certificate.config()
		serve = func(l net.Listener) error { return n.http.ServeTLS(l, "", "") }
	}
	go func() { n.ended(serve(listener)) }()
	if watched != nil {
		n.monitor = monitor(m, n.http.ErrorLog)
		go func() { n.ended(n.monitor.Serve(watched)) }()
	}
	go n.watch(st.Failed())
	n.refreshing.Go(func() { n.refresh(c.log) })
	n.refreshing.Go(func() { n.expire(c.log) })
	return n, nil
}

// openStore opens the node's store. A new one in a cluster begins with the
// cluster's baseline, whatever rules this binary carries.
func (n *node) openStore(c nodeConfig) (*store.Store, error) {
	dir := filepath.Join(c.dir, storeDir)
	baseline, sites := c.baseline, c.sites
	if n.cluster != nil && !store.Exists(dir) {
		first, err := n.cluster.Baseline()
		if err != nil {
			return nil, err
		}
		if first != nil {
			if baseline, sites, err = first.Baseline(); err != nil {
				return nil, fmt.Errorf("the cluster's baseline: %w", err)
			}
		}
	}
	return store.Open(dir, baseline, c.log, sites...)
}

// announce tells the clients of the newest release.
func (n *node) announce() {
	if h := n.announces.Load(); h != nil {
		h.Announce(n.heads())
	}
}

// source is what a node gives its hub.
type source struct{ *node }

func (s source) Heads() hub.Heads                     { return s.heads() }
func (s source) Since(f wire.Since) ([][]byte, error) { return s.publisher.Since(f) }
func (s source) Full(f wire.Full) ([][]byte, error)   { return s.publisher.Full(f) }

func (n *node) heads() hub.Heads {
	return hub.Heads{Stable: n.publisher.Head(trust.Stable), Preview: n.publisher.Head(trust.Preview)}
}

// refreshEvery is how often a node looks whether the checkpoint is too old.
const refreshEvery = publish.RefreshEvery / 12

// refresh signs a new checkpoint from time to time, until close.
func (n *node) refresh(log *slog.Logger) {
	tick := time.NewTicker(refreshEvery)
	defer tick.Stop()
	var warned time.Time
	for {
		select {
		case <-n.closed:
			return
		case <-tick.C:
		}
		if err := n.publisher.Refresh(); err != nil {
			log.Error("checkpoint", "err", err)
		}
		if left := time.Until(n.publisher.OnlineExpires()); left < 14*24*time.Hour && time.Since(warned) >= publish.RefreshEvery {
			warned = time.Now()
			log.Warn("the online key runs out; have the maintainers lend a new one (haechi keys lend)", "days", int(left.Hours()/24))
		}
	}
}

// watch ends the node, as far as it can, when its store takes no more writes:
// whoever runs the process starts it anew, and the store is checked then.
func (n *node) watch(broken <-chan struct{}) {
	select {
	case <-broken:
		n.ended(store.ErrBroken)
	case <-n.closed:
	}
}

// ended reports the first failure.
func (n *node) ended(err error) {
	if errors.Is(err, http.ErrServerClosed) {
		return
	}
	select {
	case n.failed <- err:
	default:
	}
}

// monitor serves metrics on an address of their own: behind a proxy every
// request comes from this machine, so the public address could not keep them
// from the public.
func monitor(m *metrics, errorLog *log.Logger) *http.Server {
	mux := http.NewServeMux()
	mux.Handle("GET /metrics", m.handler())
	return &http.Server{Handler: mux, ReadHeaderTimeout: 10 * time.Second, WriteTimeout: 30 * time.Second, IdleTimeout: 2 * time.Minute, MaxHeaderBytes: 16 << 10, ErrorLog: errorLog}
}

// check holds what is stored against what the program came with.
func (n *node) check(c nodeConfig) error {
	pack, err := rules.NewPack(c.baseline, c.sites...)
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

// close tells clients to come back later, lets requests end and frees the data.
// From its start /readyz says no, and so it is answered until the clients have
// gone. When ctx ends first it goes on without waiting for clients.
func (n *node) close(ctx context.Context) error {
	n.draining.Store(true)
	close(n.closed)
	n.refreshing.Wait()
	// A part of the time is kept for the requests.
	clients, cancel := ctx, context.CancelFunc(func() {})
	if deadline, ok := ctx.Deadline(); ok {
		clients, cancel = context.WithDeadline(ctx, time.Now().Add(time.Until(deadline)*3/4))
	}
	defer cancel()
	err := n.hub.Close(clients)
	for _, s := range []*http.Server{n.http, n.monitor, n.admin} {
		if s == nil {
			continue
		}
		if s.Shutdown(ctx) != nil { // sockets are no longer its own
			s.Close()
		}
	}
	for range cap(n.api.pushes) { // a push that was cut off is still being written
		select {
		case n.api.pushes <- struct{}{}:
		case <-ctx.Done():
		}
	}
	if n.cluster != nil {
		n.cluster.Close()
	}
	return errors.Join(err, n.store.Close())
}
