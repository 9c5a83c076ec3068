// SPDX-License-Identifier: Apache-2.0

package main

import (
	"context"
	"crypto/ecdsa"
	"crypto/elliptic"
	"crypto/rand"
	"crypto/tls"
	"crypto/x509"
	"errors"
	"fmt"
	"io"
	"math/big"
	"net"
	"os"
	"syscall"
	"text/tabwriter"
	"time"

	"haechi/server/wire"
)

// nodes is how many servers the cluster has.
const nodes = 3

// missed is how many releases a node misses while it is cut off.
const missed = 5

// handshakes is how many TLS handshakes are timed.
const handshakes = 200

// scaleReport is what a run with --scale found. BENCHMARKS.md explains the keys.
type scaleReport struct {
	Clients  int        `json:"clients"` // of all nodes together
	One      scaleSide  `json:"one"`
	Cluster  scaleSide  `json:"cluster"`
	CatchUp  catchUp    `json:"catch_up"`
	Measured population `json:"measured"`
	Ratio    struct {
		LastP99 float64 `json:"last_p99"`
		CPU     float64 `json:"cpu"`
	} `json:"ratio"` // the cluster's figure over that of one node
}

// scaleSide is one node with all clients, or the cluster with a part at each node.
type scaleSide struct {
	ConnectMS float64 `json:"connect_ms"`
	Pushed    delays  `json:"pushed_ms"` // signed push at the server → head at a client
	Last      delays  `json:"last_ms"`   // the same, until the last client of each publication
	CPUMS     float64 `json:"cpu_ms"`    // processor time of a publication, all nodes
}

// catchUp is how a node that was cut off came back.
type catchUp struct {
	Missed   int     `json:"missed"`    // releases
	HeadMS   float64 `json:"head_ms"`   // healed → the node serves the newest
	ClientMS float64 `json:"client_ms"` // healed → its last client has the newest head
}

// population is what a simulation of many more clients starts from.
type population struct {
	KBPerClient   float64 `json:"kb_per_client"`      // resident memory of an idle connection, without TLS
	BaseKB        int     `json:"base_kb"`            // of a node without clients
	ConnectCPUMS  float64 `json:"connect_cpu_ms"`     // processor time of one connection with its greeting, without TLS
	TLSCPUMS      float64 `json:"tls_cpu_ms"`         // of one TLS handshake, the server's half
	IdleCPUMS     float64 `json:"idle_cpu_ms_minute"` // of one idle client in a minute: its heartbeats
	HeadCPUMS     float64 `json:"head_cpu_ms"`        // of bringing one head to one client, without what a release costs anyway
	HeadBytes     int     `json:"head_bytes"`
	BeatBytes     int     `json:"beat_bytes"`
	DeltaBytes    int     `json:"delta_bytes"`    // log and delta of one changed rule, compressed on the wire
	SnapshotBytes int     `json:"snapshot_bytes"` // log and snapshot, compressed on the wire
}

func measureScale(ctx context.Context, p plan) (r scaleReport, err error) {
	r.Clients = p.clients / nodes * nodes
	p.clients = r.Clients
	if err := allowFiles(r.Clients + 2000); err != nil {
		return r, err
	}
	dir, err := os.MkdirTemp("", "haechi-scale-")
	if err != nil {
		return r, err
	}
	defer os.RemoveAll(dir)
	if r.Measured.TLSCPUMS, err = timeTLS(); err != nil {
		return r, err
	}
	if err := r.measureOne(ctx, p, dir+"/one"); err != nil {
		return r, fmt.Errorf("one node: %w", err)
	}
	if err := r.measureCluster(ctx, p, dir+"/cluster"); err != nil {
		return r, fmt.Errorf("cluster: %w", err)
	}
	r.Ratio.LastP99 = round2(r.Cluster.Last.P99 / r.One.Last.P99)
	r.Ratio.CPU = round2(r.Cluster.CPUMS / r.One.CPUMS)
	return r, nil
}

// measureOne puts all clients on a single node that needs no NATS.
func (r *scaleReport) measureOne(ctx context.Context, p plan, dir string) (err error) {
	if err := os.Mkdir(dir, 0o700); err != nil {
		return err
	}
	s, err := newSite(ctx, p.haechi, dir)
	if err != nil {
		return err
	}
	s.flags = []string{"--no-gate", "--max-clients", fmt.Sprint(p.clients + 100)}
	if err := errors.Join(s.serve(ctx), s.listen()); err != nil {
		return err
	}
	defer func() { err = errors.Join(err, s.close()) }()
	base, err := s.resident() // publications leave garbage behind
	if err != nil {
		return err
	}
	alone := fleet{sites: []*site{s}}
	fixed, err := alone.charge(ctx)
	if err != nil {
		return err
	}
	head, err := s.head(ctx)
	if err != nil {
		return err
	}
	var f figures
	used, err := s.cpu()
	if err != nil {
		return err
	}
	settle := p.settle
	p.settle = 0
	gathered, err := f.gather(ctx, p, s.process, "ws://"+s.addr+"/v1/sync", &citizen{head: head}, true)
	if err != nil {
		return err
	}
	defer gathered.scatter()
	connected, err := s.cpu()
	if err != nil {
		return err
	}
	n := float64(p.clients)
	r.Measured.ConnectCPUMS = milli(connected-used) / n
	say("idle for %v", settle)
	select {
	case <-time.After(settle):
	case <-ctx.Done():
		return ctx.Err()
	}
	idle, err := s.cpu()
	if err != nil {
		return err
	}
	rss, err := s.resident()
	if err != nil {
		return err
	}
	r.Measured.BaseKB, r.Measured.KBPerClient = base, round2(float64(rss-base)/n)
	r.Measured.IdleCPUMS = milli(idle-connected) / n / settle.Minutes()
	r.One.ConnectMS = f.ConnectMS
	fleet := fleet{sites: []*site{s}, crowds: []*crowd{gathered}}
	if err := fleet.publish(ctx, p.publishes, &r.One); err != nil {
		return err
	}
	r.Measured.HeadCPUMS = max(r.One.CPUMS-fixed, 0) / n
	return r.weigh(ctx, s)
}

// weigh notes the sizes of what clients read.
func (r *scaleReport) weigh(ctx context.Context, s *site) error {
	before, err := s.head(ctx)
	if err != nil {
		return err
	}
	if err := s.push(ctx, nil); err != nil {
		return err
	}
	if _, r.Measured.DeltaBytes, err = s.weigh(ctx, before, "delta"); err != nil {
		return err
	}
	stranger := before
	stranger.Pack = "0000000000000000000000000000000000000000000000000000000000000000"
	if _, r.Measured.SnapshotBytes, err = s.weigh(ctx, stranger, "snapshot"); err != nil {
		return err
	}
	r.Measured.HeadBytes, r.Measured.BeatBytes = len(wire.Encode(before)), len(wire.Encode(wire.Heartbeat{}))
	return nil
}

// milli is a duration in milliseconds, unrounded.
func milli(d time.Duration) float64 { return float64(d) / float64(time.Millisecond) }

// timeTLS is the processor time of the server's half of a TLS 1.3 handshake
// with an ECDSA certificate, taken as half of both.
func timeTLS() (float64, error) {
	key, err := ecdsa.GenerateKey(elliptic.P256(), rand.Reader)
	if err != nil {
		return 0, err
	}
	cert := &x509.Certificate{SerialNumber: big.NewInt(1), DNSNames: []string{"haechi.example"}, NotAfter: time.Now().Add(time.Hour)}
	der, err := x509.CreateCertificate(rand.Reader, cert, cert, &key.PublicKey, key)
	if err != nil {
		return 0, err
	}
	parsed, err := x509.ParseCertificate(der)
	if err != nil {
		return 0, err
	}
	pool := x509.NewCertPool()
	pool.AddCert(parsed)
	server := &tls.Config{Certificates: []tls.Certificate{{Certificate: [][]byte{der}, PrivateKey: key}}}
	client := &tls.Config{RootCAs: pool, ServerName: "haechi.example"}
	before := processorTime()
	for range handshakes {
		a, b := net.Pipe()
		done := make(chan error, 1)
		go func() { done <- tls.Server(a, server).Handshake() }()
		c := tls.Client(b, client)
		err := c.Handshake()
		go io.Copy(io.Discard, c) // the tickets that the server sends
		if err = errors.Join(err, <-done); err != nil {
			return 0, fmt.Errorf("tls: %w", err)
		}
		a.Close()
		b.Close()
	}
	return milli(processorTime()-before) / handshakes / 2, nil
}

// processorTime is what this process has used.
func processorTime() time.Duration {
	var u syscall.Rusage
	syscall.Getrusage(syscall.RUSAGE_SELF, &u) // cannot fail for oneself
	return time.Duration(u.Utime.Nano() + u.Stime.Nano())
}

func (r *scaleReport) lost() string { return "" } // a client that gets no head ends the run before

func (r *scaleReport) print(w io.Writer) {
	t := tabwriter.NewWriter(w, 0, 0, 2, ' ', tabwriter.AlignRight)
	fmt.Fprintf(t, "%d clients\tone node\t%d nodes\tratio\t\n", r.Clients, nodes)
	row := func(what string, a, b float64) {
		fmt.Fprintf(t, "%s\t%.1f ms\t%.1f ms\t%.2f\t\n", what, a, b, b/a)
	}
	row("connect all", r.One.ConnectMS, r.Cluster.ConnectMS)
	row("pushed → a client, p50", r.One.Pushed.P50, r.Cluster.Pushed.P50)
	row("pushed → a client, p99", r.One.Pushed.P99, r.Cluster.Pushed.P99)
	row("pushed → the last client, p50", r.One.Last.P50, r.Cluster.Last.P50)
	row("pushed → the last client, p99", r.One.Last.P99, r.Cluster.Last.P99)
	row("processor time a publication", r.One.CPUMS, r.Cluster.CPUMS)
	fmt.Fprintf(t, "cut off for %d releases: healed → served\t\t%.0f ms\t\t\n", r.CatchUp.Missed, r.CatchUp.HeadMS)
	fmt.Fprintf(t, "cut off: healed → its last client\t\t%.0f ms\t\t\n", r.CatchUp.ClientMS)
	t.Flush()
}
