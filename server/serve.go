// SPDX-License-Identifier: Apache-2.0

package main

import (
	"context"
	"errors"
	"fmt"
	"io"
	"io/fs"
	"log/slog"
	"net/netip"
	"os"
	"os/signal"
	"runtime/debug"
	"syscall"
	"time"

	"haechi/rules/data"
	"haechi/rules/sites"
	"haechi/rules/trust"
	"haechi/server/cluster"
	"haechi/server/hub"
	"haechi/server/review"
)

// gcPercent is how much garbage may gather, in parts of what lives. Most of what
// lives is idle connections, which make none: half the default saves memory for
// each of them and costs a collection now and then.
const gcPercent = 50

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

A push is published only if the rules, run in the built engine, break no
example, flag no hard negative and cost no more precision, recall and time than
the gate allows ("haechi rules test" shows the same beforehand). A server
without engine and model refuses pushes, unless --no-gate says to take them
unjudged.

Beyond this machine it wants TLS: certificate files, which are read again when
they change and on SIGHUP, or a proxy in front. /healthz says that it lives,
/readyz that it should get requests, /metrics, on an address of its own, how it
is. DIR/admin.sock is for "haechi backup" and "haechi review invite". More in
server/OPERATING.md.

With --nats it is one node of a cluster that shares its log of releases over
NATS JetStream; more in server/SCALING.md. Each node has a data directory of its
own and the same trust root and online key.

/review is the desk where people judge what citizens sent in. Invite its first
admin with "haechi review invite --role admin --data DIR". With --oidc-issuer
invited people may sign in there through your identity provider; register the
redirect address ADDRESS/review/oidc/callback with it.

Example:
  haechi serve --data ./data --trust dist/trust.json --online-key online.key --online-note online.note
  haechi serve --addr :443 --cert fullchain.pem --key privkey.pem --log json`

func runServe(args []string, _ io.Reader, stdout, stderr io.Writer) int {
	o := newOptions("serve", "[--addr HOST:PORT] [--data DIR] [--trust FILE] [--online-key FILE] [--online-note FILE] [--engine FILE] [--model DIR] [--no-gate] [--cert FILE --key FILE | --behind-proxy] [--metrics-addr HOST:PORT] [--retention DAYS] [--oidc-issuer URL --oidc-client-id ID [--oidc-client-secret-file FILE] [--oidc-name NAME]] [--nats URL,URL,URL [--nats-creds FILE] [--node NAME] [--desk]]", serveHelp)
	addr := o.String("addr", "127.0.0.1:8787", "listen on `HOST:PORT`; port 0 takes any free one")
	dir := o.String("data", "./data", "keep releases in `DIR`")
	trustFile := o.String("trust", "dist/trust.json", "releases count under the root in `FILE`")
	onlineKey := o.String("online-key", "dist/keys/online.key", "sign the state of the log with the private key in `FILE`")
	onlineNote := o.String("online-note", "dist/keys/online.note", "the maintainers lent it with the note in `FILE`; a newer one that was pushed counts more")
	replica := o.String("replica", "", "serve the files in `DIR` at /replica/, for a demonstration")
	engine := o.String("engine", beside("haechi.wasm"), "judge pushed rules with the built engine in `FILE`")
	model := o.String("model", beside("model"), "judge them with the classifier in `DIR`")
	noGate := o.Bool("no-gate", false, "publish rules without judging what they change")
	extensions := o.list("extension", "of Chrome extensions, let only the one with this `ID` open sockets; may be repeated")
	certFile := o.String("cert", "", "serve TLS with the certificate chain in `FILE`")
	keyFile := o.String("key", "", "and the private key in `FILE`")
	behind := o.Bool("behind-proxy", false, "a proxy with TLS stands in front: believe its X-Forwarded-For, for limits and the log")
	proxies := o.list("proxy", "the proxy has the address or is in the range `CIDR`; may be repeated (default this machine)")
	insecure := o.Bool("insecure", false, "let other machines in without TLS")
	metricsAddr := o.String("metrics-addr", "", "serve /metrics on `HOST:PORT`; keep it private")
	clients := o.Int("max-clients", hub.MaxClients, "at most `N` open sockets")
	days := o.Int("retention", int(review.Retention/(24*time.Hour)), "erase what was sent for review, and not published, after `DAYS`")
	provider := oidcOptions{}
	provider.declare(o)
	perSecond := o.Float64("rate", 20, "at most `N` requests a second from one address, for a while ten times as many; 0 for no limit")
	var shared natsOptions
	shared.declare(o)
	name := o.String("node", hostname(), "call this node `NAME`")
	desk := o.Bool("desk", false, "of a cluster, this node has the review desk; one node only")
	replicas := o.Int("replicas", cluster.Replicas, "when the first node makes the log, keep it on `N` NATS servers; 1 for trials")
	logKind := o.String("log", "text", "log as `KIND`: text or json")
	logLevel := o.String("log-level", "info", "log from `LEVEL` on: debug, info, warn or error; client addresses only at debug")
	_, code, ok := o.parse(args, 0, 0, stdout, stderr)
	switch {
	case !ok:
		return code
	case (*certFile == "") != (*keyFile == ""):
		return o.wrong(stderr, "--cert and --key belong together")
	case *behind && *certFile != "":
		return o.wrong(stderr, "--behind-proxy and --cert: one of them")
	case len(*proxies) > 0 && !*behind:
		return o.wrong(stderr, "--proxy is for --behind-proxy")
	case *clients < 1:
		return o.wrong(stderr, "--max-clients %d: give at least 1", *clients)
	case *days < 1 || *days > 3650:
		return o.wrong(stderr, "--retention %d: give 1 to 3650 days", *days)
	case *shared.servers == "" && (*shared.creds != "" || *shared.ca != "" || *desk):
		return o.wrong(stderr, "--nats-creds, --nats-ca and --desk are for --nats")
	case *replicas < 1 || *replicas > 5:
		return o.wrong(stderr, "--replicas %d: give 1 to 5, best 3", *replicas)
	case !(*perSecond >= 0):
		return o.wrong(stderr, "--rate %v: give 0 or more", *perSecond)
	}
	signIn, err := provider.open()
	if err != nil {
		return o.wrong(stderr, "%v", err)
	}
	log, err := newLog(stderr, *logKind, *logLevel)
	if err != nil {
		return o.wrong(stderr, "%v", err)
	}
	var trusted []netip.Prefix
	if *behind {
		if trusted, err = parseProxies(*proxies); err != nil {
			return o.wrong(stderr, "%v", err)
		}
	}
	if *certFile == "" && !*behind && !*insecure {
		if err := private(*addr); err != nil {
			return o.wrong(stderr, "%v", err)
		}
	}
	var cert *certificate
	if *certFile != "" {
		if cert, err = openCertificate(*certFile, *keyFile, log); err != nil {
			return o.failed(stderr, err)
		}
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
	shipped, err := sites.All()
	if err != nil {
		return o.failed(stderr, err)
	}
	c := nodeConfig{
		addr: *addr, dir: *dir, root: root, online: online, lent: string(lent), baseline: baseline, sites: shipped, replica: *replica, origins: *extensions, log: log,
		limits: hub.Limits{Clients: *clients}, certificate: cert, proxies: trusted,
		perSecond: *perSecond, metricsAddr: *metricsAddr, retention: time.Duration(*days) * 24 * time.Hour, oidc: signIn,
	}
	if *shared.servers != "" {
		nats := shared.config(*name, *replicas, log)
		c.cluster, c.desk = &nats, *desk
	}
	if !*noGate {
		// A signal while the engine is compiled ends the process, as it does anywhere before it serves.
		c.gate = openGate(context.Background(), *engine, *model, log)
	}
	n, err := openNode(c)
	if err != nil {
		return o.failed(stderr, err)
	}
	return run(n, cert, *dir, log)
}

// run waits for the end of a node and returns the exit code.
func run(n *node, cert *certificate, dir string, log *slog.Logger) int {
	var err error
	hangups := make(chan os.Signal, 1)
	signal.Notify(hangups, syscall.SIGHUP) // which would end the process
	defer signal.Stop(hangups)
	if n.watched != nil {
		log.Info("metrics", "addr", n.watched.Addr().String())
	}
	ctx, stop := signal.NotifyContext(context.Background(), os.Interrupt, syscall.SIGTERM)
	defer stop()
	if os.Getenv("GOGC") == "" {
		debug.SetGCPercent(gcPercent)
	}
	debug.FreeOSMemory() // reading the rules took more than serving them does
	log.Info("listening", "addr", n.addr().String(), "sequence", n.publisher.Head(trust.Preview).Sequence, "data", dir)
	for waiting := true; waiting; {
		select {
		case <-hangups:
			if cert != nil {
				cert.refresh()
			}
			continue
		case err = <-n.failed:
			log.Error("stopping", "err", err)
		case <-ctx.Done():
			log.Info("stopping")
		}
		waiting = false
	}
	stop() // a second signal ends the process at once
	within, cancel := context.WithTimeout(context.Background(), shutdownWithin)
	defer cancel()
	if closeErr := n.close(within); closeErr != nil {
		log.Error("close", "err", closeErr)
		err = errors.Join(err, closeErr)
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

// hostname is this machine's, or a word that stands for it.
func hostname() string {
	if name, err := os.Hostname(); err == nil {
		return name
	}
	return "node"
}
