// SPDX-License-Identifier: Apache-2.0

package main

import (
	"context"
	"errors"
	"fmt"
	"io"
	"io/fs"
	"log/slog"
	"net"
	"os"
	"os/signal"
	"syscall"
	"time"

	"haechi/rules/data"
	"haechi/rules/trust"
	"haechi/server/hub"
)

// shutdownWithin is how long a server that was told to stop waits for its
// clients to hang up.
const shutdownWithin = 5 * time.Second

const serveHelp = `
Keeps every release in a directory and brings new ones to every open browser
over a socket at /v1/sync; /v1/stable/head.json and its neighbours serve the
same over HTTP. The first start takes the rules in this binary as the baseline.
The online key signs the state of the log, and only that: it cannot sign rules.
Make it with "haechi keys new" and have it lent with "haechi keys lend". It
stops on SIGINT and SIGTERM. Logs go to standard error.

Example:
  haechi serve --data ./data --trust dist/trust.json --online-key online.key --online-note online.note`

func runServe(args []string, _ io.Reader, stdout, stderr io.Writer) int {
	o := newOptions("serve", "[--addr HOST:PORT] [--data DIR] [--trust FILE] [--online-key FILE] [--online-note FILE] [--extension ID] [--replica DIR]", serveHelp)
	addr := o.String("addr", "127.0.0.1:8787", "listen on `HOST:PORT`; port 0 takes any free one")
	dir := o.String("data", "./data", "keep releases in `DIR`")
	trustFile := o.String("trust", "dist/trust.json", "releases count under the root in `FILE`")
	onlineKey := o.String("online-key", "dist/keys/online.key", "sign the state of the log with the private key in `FILE`")
	onlineNote := o.String("online-note", "dist/keys/online.note", "the maintainers lent it with the note in `FILE`; a newer one that was pushed counts more")
	replica := o.String("replica", "", "serve the files in `DIR` at /replica/, for a demonstration")
	extensions := o.list("extension", "of Chrome extensions, let only the one with this `ID` open sockets; may be repeated")
	if _, code, ok := o.parse(args, 0, 0, stdout, stderr); !ok {
		return code
	}
	if err := hub.Origins(*extensions).Check(); err != nil {
		return o.wrong(stderr, "--extension: %v", err)
	}
	root, err := readRoot(*trustFile)
	if err != nil {
		return o.failed(stderr, err)
	}
	online, err := readSigner(*onlineKey)
	if err != nil {
		return o.failed(stderr, fmt.Errorf("online key: %w", err))
	}
	lent, err := os.ReadFile(*onlineNote)
	if err != nil && !errors.Is(err, fs.ErrNotExist) {
		return o.failed(stderr, err)
	}
	baseline, err := data.Rules()
	if err != nil {
		return o.failed(stderr, err)
	}
	log := slog.New(slog.NewTextHandler(stderr, nil))
	n, err := openNode(nodeConfig{
		addr: *addr, dir: *dir, root: root, online: online, lent: string(lent), baseline: baseline, replica: *replica, origins: *extensions, log: log,
	})
	if err != nil {
		return o.failed(stderr, err)
	}
	if tcp, ok := n.addr().(*net.TCPAddr); ok && !tcp.IP.IsLoopback() {
		log.Warn("listening beyond this machine: put a proxy with TLS in front", "addr", n.addr().String())
	}
	ctx, stop := signal.NotifyContext(context.Background(), os.Interrupt, syscall.SIGTERM)
	defer stop()
	log.Info("listening", "addr", n.addr().String(), "sequence", n.publisher.Head(trust.Preview).Sequence, "data", *dir)
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
