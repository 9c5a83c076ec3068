// SPDX-License-Identifier: Apache-2.0

package main

import (
	"context"
	"fmt"
	"io"
	"log/slog"
	"net"
	"os"
	"os/signal"
	"syscall"
	"time"

	"haechi/rules/data"
	"haechi/rules/trust"
)

// shutdownWithin is how long a server that was told to stop waits for its
// clients to hang up.
const shutdownWithin = 5 * time.Second

const serveHelp = `
Keeps every release in a directory and brings new ones to every open browser
over a socket at /v1/sync; /v1/head, /v1/delta and /v1/snapshot serve the same
over HTTP. The first start takes the rules in this binary as the baseline. It
stops on SIGINT and SIGTERM. Logs go to standard error.

Example:
  haechi serve --data ./data --trust dist/trust.json`

func runServe(args []string, _ io.Reader, stdout, stderr io.Writer) int {
	o := newOptions("serve", "[--addr HOST:PORT] [--data DIR] [--trust FILE] [--replica DIR]", serveHelp)
	addr := o.String("addr", "127.0.0.1:8787", "listen on `HOST:PORT`; port 0 takes any free one")
	dir := o.String("data", "./data", "keep releases in `DIR`")
	trustFile := o.String("trust", "dist/trust.json", "releases count under the root in `FILE`")
	replica := o.String("replica", "", "serve the files in `DIR` at /replica/, for a demonstration")
	if _, code, ok := o.parse(args, 0, 0, stdout, stderr); !ok {
		return code
	}
	root, err := readRoot(*trustFile)
	if err != nil {
		return o.failed(stderr, err)
	}
	baseline, err := data.Rules()
	if err != nil {
		return o.failed(stderr, err)
	}
	log := slog.New(slog.NewTextHandler(stderr, nil))
	n, err := openNode(nodeConfig{
		addr: *addr, dir: *dir, root: root, baseline: baseline, replica: *replica, log: log,
	})
	if err != nil {
		return o.failed(stderr, err)
	}
	if tcp, ok := n.addr().(*net.TCPAddr); ok && !tcp.IP.IsLoopback() {
		log.Warn("listening beyond this machine: put a proxy with TLS in front", "addr", n.addr().String())
	}
	ctx, stop := signal.NotifyContext(context.Background(), os.Interrupt, syscall.SIGTERM)
	defer stop()
	log.Info("listening", "addr", n.addr().String(), "sequence", n.publisher.Head().Sequence, "data", *dir)
	select {
	case err = <-n.failed:
		log.Error("stopped", "err", err)
	case <-ctx.Done():
		log.Info("stopping")
	}
	stop() // a second signal ends the process at once
	within, cancel := context.WithTimeout(context.Background(), shutdownWithin)
	defer cancel()
	if closeErr := n.close(within); closeErr != nil {
		log.Error("close", "err", closeErr)
		err = closeErr
	}
	if err != nil {
		return exitFailed
	}
	log.Info("stopped")
	return exitDone
}

// readRoot reads a trust root file.
func readRoot(file string) (trust.Root, error) {
	b, err := os.ReadFile(file)
	if err != nil {
		return trust.Root{}, fmt.Errorf("trust root: %w; make one with \"haechi keys root\"", err)
	}
	root, err := trust.ParseRoot(b)
	if err != nil {
		return trust.Root{}, fmt.Errorf("%s: %w", file, err)
	}
	return root, nil
}
