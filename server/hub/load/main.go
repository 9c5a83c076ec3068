// SPDX-License-Identifier: Apache-2.0

// Command load measures the sync server at scale: a real "haechi serve" in a
// process of its own, with its store on disk, and as many clients as are asked
// for in this one. Then it does the same to a server on the centrifuge library.
// ./build.sh bench sync builds and runs it; BENCHMARKS.md explains the figures.
// With --scale it measures three nodes of a cluster against one instead, for
// ./build.sh bench scale.
//
// It stays on loopback, and everything it does is bounded in count and in time.
package main

import (
	"context"
	"encoding/json"
	"flag"
	"fmt"
	"io"
	"os"
	"os/signal"
	"time"
)

const (
	maxClients   = 50_000
	maxPublishes = 100
	// runWithin bounds the whole of a run.
	runWithin = 9 * time.Minute
)

// plan is what a run does.
type plan struct {
	clients   int
	publishes int           // heads that are timed
	updates   int           // releases of which every client fetches the delta at once
	settle    time.Duration // between the last connection and the look at the memory
	haechi    string        // the command
	peer      string        // the server on centrifuge
	nats      string        // the nats-server command
}

func main() {
	var p plan
	flag.IntVar(&p.clients, "clients", 10_000, "connect `N` clients")
	flag.IntVar(&p.publishes, "publishes", 12, "time `N` publications")
	flag.IntVar(&p.updates, "updates", 3, "time `N` releases of which every client fetches the delta")
	flag.DurationVar(&p.settle, "settle", 30*time.Second, "wait for `DURATION` before memory is read")
	flag.StringVar(&p.haechi, "haechi", "dist/haechi", "measure the haechi command in `FILE`")
	flag.StringVar(&p.peer, "centrifuge", "dist/load/centrifuge", "compare with the server in `FILE`")
	flag.StringVar(&p.nats, "nats-server", "dist/nats-server", "run NATS servers with the command in `FILE`")
	scale := flag.Bool("scale", false, "measure three nodes of a cluster, each with a third of the clients, against one node with all")
	asJSON := flag.Bool("json", false, "print one JSON object as the last line")
	flag.Parse()
	switch {
	case flag.NArg() > 0:
		usage("unexpected argument %q", flag.Arg(0))
	case p.clients < 1 || p.clients > maxClients:
		usage("--clients %d: give 1 to %d", p.clients, maxClients)
	case p.publishes < 1 || p.publishes > maxPublishes:
		usage("--publishes %d: give 1 to %d", p.publishes, maxPublishes)
	case p.updates < 0 || p.updates > 20: // a client may ask 30 times a minute
		usage("--updates %d: give 0 to 20", p.updates)
	case p.settle < 0 || p.settle > 2*time.Minute:
		usage("--settle %v: give at most 2m", p.settle)
	}
	ctx, stop := signal.NotifyContext(context.Background(), os.Interrupt)
	defer stop()
	ctx, cancel := context.WithTimeout(ctx, runWithin)
	defer cancel()
	if *scale {
		r, err := measureScale(ctx, p)
		finish(&r, err, *asJSON)
		return
	}
	r, err := measure(ctx, p)
	finish(&r, err, *asJSON)
}

// finding is what a run found.
type finding interface {
	print(io.Writer)
	lost() string // what must not have happened, or nothing
}

// finish prints a finding and ends the program if something is wrong.
func finish(r finding, err error, asJSON bool) {
	if err != nil {
		fmt.Fprintln(os.Stderr, "load:", err)
		os.Exit(1)
	}
	r.print(os.Stdout)
	if asJSON {
		line, err := json.Marshal(r)
		if err != nil {
			panic(err) // numbers and strings: cannot fail
		}
		fmt.Printf("%s\n", line)
	}
	if lost := r.lost(); lost != "" {
		fmt.Fprintln(os.Stderr, "load:", lost)
		os.Exit(1)
	}
}

func usage(format string, v ...any) {
	fmt.Fprintf(os.Stderr, "load: "+format+"\n", v...)
	os.Exit(2)
}

func say(format string, v ...any) {
	fmt.Fprintf(os.Stderr, time.Now().Format("15:04:05")+" "+format+"\n", v...)
}

func measure(ctx context.Context, p plan) (report, error) {
	r := report{Clients: p.clients}
	if err := allowFiles(p.clients + 500); err != nil {
		return r, err
	}
	dir, err := os.MkdirTemp("", "haechi-load-")
	if err != nil {
		return r, err
	}
	defer os.RemoveAll(dir)
	if r.Haechi, err = measureHaechi(ctx, p, dir); err != nil {
		return r, fmt.Errorf("haechi: %w", err)
	}
	if r.Centrifuge, err = measureCentrifuge(ctx, p); err != nil {
		return r, fmt.Errorf("centrifuge: %w", err)
	}
	r.compare()
	return r, nil
}
