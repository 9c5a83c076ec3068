// SPDX-License-Identifier: Apache-2.0

// Package cluster is what several servers share: call [Open] with the addresses
// of NATS servers that run JetStream, and give the [Cluster] to a publisher as
// its log.
//
// What is replicated, and how, is JetStream's business: it acknowledges an entry
// when a majority of the stream's replicas has it. Two rules of ours make that
// one history. An entry is appended only on top of the last one that its author
// has read (JetStream refuses it otherwise), so two servers can never both
// publish the next release. And every server reads the stream in order into its
// own store, together with how far it has read, so it takes each entry once and
// serves on from there when NATS is away.
package cluster

import (
	"context"
	"errors"
	"fmt"
	"log/slog"
	"os"
	"strings"
	"sync"
	"time"

	"github.com/nats-io/nats.go"
	"github.com/nats-io/nats.go/jetstream"
)

// Replicas is how many NATS servers keep each entry unless a Config says
// otherwise. With three, any one may be lost.
const Replicas = 3

// minPayload is the largest message that the NATS servers must take, in bytes:
// a push is smaller, and the baseline with its examples is as well.
const minPayload = 8 << 20

const (
	pingEvery    = 5 * time.Second  // a connection without an answer to two of them is given up
	redialEvery  = time.Second      // with as much again at random
	probeEvery   = 2 * time.Second  // asks the stream where it ends
	askWithin    = 3 * time.Second  // one question to JetStream
	cutOffAfter  = 10 * time.Second // without an answer: the server says that it is cut off
	behindAfter  = 10 * time.Second // without progress towards the stream's end: the reading begins anew
	startWithin  = 10 * time.Second // then a server that has something to serve starts without the cluster
	seedWithin   = 2 * time.Minute  // for one that has nothing; NATS servers that start together elect leaders first
	appendWithin = 20 * time.Second // then an append gives up
	retryAfter   = 250 * time.Millisecond
)

// Config says where the cluster is.
type Config struct {
	Servers  []string // nats:// or tls:// addresses of NATS servers
	Creds    string   // a file with credentials, see credentials; or empty
	CA       string   // a file with the certificates that vouch for the servers, or empty for the system's
	Node     string   // this server's name; it is shown to people
	Replicas int      // of a stream that is made; 0: Replicas
	Log      *slog.Logger
}

// Cluster is a connection to the cluster. Its methods may be called from any
// goroutine.
type Cluster struct {
	conn     *nats.Conn
	js       jetstream.JetStream
	node     string
	replicas int
	log      *slog.Logger
	ctx      context.Context // ends with Close
	cancel   context.CancelFunc
	running  sync.WaitGroup

	mu       sync.Mutex
	changed  chan struct{} // closed and made anew when anything below changes
	at       place         // how far the log is read
	last     uint64        // where the stream ends, as far as is known
	advanced time.Time     // when reading last made progress, or there was nothing to read
	heard    time.Time     // when JetStream last answered
	gone     bool          // it said that there is no such stream
	stopped  error         // an entry that is not taken; nothing is read after it
	stuck    error         // why the next entry cannot be stored at present
	caught   bool          // everything was read that the stream held when the reading began
	lacks    uint64        // the first release that the stream lacked then
	again    func()        // ends the reading under way, so that it begins anew; nil: none is
}

// place is where the reading of the log stands.
type place struct {
	stream   string // which stream: the time it was made
	position uint64
}

// Open connects. A cluster that cannot be reached is no error: it is tried on.
// The caller must Close what it gets.
func Open(c Config) (*Cluster, error) {
	if len(c.Servers) == 0 {
		return nil, errors.New("cluster: no address of a NATS server")
	}
	ctx, cancel := context.WithCancel(context.Background())
	k := &Cluster{node: c.Node, replicas: c.Replicas, log: c.Log, ctx: ctx, cancel: cancel, changed: make(chan struct{}), advanced: time.Now()}
	if k.replicas == 0 {
		k.replicas = Replicas
	}
	options := []nats.Option{
		nats.Name("haechi " + c.Node),
		nats.RetryOnFailedConnect(true), nats.MaxReconnects(-1),
		nats.ReconnectWait(redialEvery), nats.ReconnectJitter(redialEvery, redialEvery),
		nats.ReconnectBufSize(-1), // what cannot be sent now must fail now
		nats.PingInterval(pingEvery), nats.MaxPingsOutstanding(2), nats.Timeout(askWithin),
		// The operator says which addresses this machine may use.
		nats.IgnoreDiscoveredServers(),
		nats.DisconnectErrHandler(func(_ *nats.Conn, err error) { k.log.Warn("cluster: connection lost", "err", err) }),
		nats.ReconnectHandler(func(n *nats.Conn) { k.log.Info("cluster: connected again", "server", n.ConnectedAddr()) }),
		nats.ErrorHandler(func(_ *nats.Conn, _ *nats.Subscription, err error) { k.log.Debug("cluster", "err", err) }),
	}
	if c.Creds != "" {
		who, err := credentials(c.Creds)
		if err != nil {
			cancel()
			return nil, err
		}
		options = append(options, who)
	}
	if c.CA != "" {
		options = append(options, nats.RootCAs(c.CA))
	}
	conn, err := nats.Connect(strings.Join(c.Servers, ","), options...)
	if err != nil {
		cancel()
		return nil, fmt.Errorf("cluster: %w", err)
	}
	k.conn = conn
	if k.js, err = jetstream.New(conn, jetstream.WithDefaultTimeout(askWithin)); err != nil {
		cancel()
		conn.Close()
		return nil, fmt.Errorf("cluster: %w", err)
	}
	return k, nil
}

// credentials reads a file that NATS's tools wrote, or one line USER:PASSWORD.
func credentials(file string) (nats.Option, error) {
	text, err := os.ReadFile(file)
	if err != nil {
		return nil, fmt.Errorf("cluster: credentials: %w", err)
	}
	if strings.Contains(string(text), "-----BEGIN NATS USER JWT-----") {
		return nats.UserCredentials(file), nil
	}
	user, password, ok := strings.Cut(strings.TrimSpace(string(text)), ":")
	if !ok || user == "" || password == "" || strings.ContainsAny(password, "\r\n") {
		return nil, fmt.Errorf("cluster: credentials: %s is neither what NATS's tools write nor one line USER:PASSWORD", file)
	}
	return nats.UserInfo(user, password), nil
}

// Close ends the reading and hangs up. An Append under way fails.
func (k *Cluster) Close() {
	k.cancel()
	k.running.Wait()
	k.conn.Close()
}

// Ready says why this server may lack what others of the cluster serve, or nil.
func (k *Cluster) Ready() error {
	k.mu.Lock()
	defer k.mu.Unlock()
	now := time.Now()
	switch {
	case k.stopped != nil:
		return fmt.Errorf("the cluster's log is not followed any more: %w", k.stopped)
	case k.stuck != nil:
		return fmt.Errorf("the cluster's log is ahead, and its next entry cannot be stored: %w", k.stuck)
	case now.Sub(k.heard) > cutOffAfter && k.gone:
		return errAnew
	case now.Sub(k.heard) > cutOffAfter:
		since := "its start"
		if !k.heard.IsZero() {
			since = k.heard.UTC().Format(time.RFC3339)
		}
		return fmt.Errorf("cut off from the cluster since %s: it serves what it had then, and takes no push", since)
	case k.last != k.at.position && now.Sub(k.advanced) > cutOffAfter:
		return fmt.Errorf("has read %d entries of the cluster's log, which has %d", k.at.position, k.last)
	}
	return nil
}

// note changes what the mutex guards, and wakes who waits for that.
func (k *Cluster) note(change func()) {
	k.mu.Lock()
	defer k.mu.Unlock()
	change()
	close(k.changed)
	k.changed = make(chan struct{})
}

// until waits for a condition on what the mutex guards.
func (k *Cluster) until(ctx context.Context, ok func() bool) error {
	for {
		k.mu.Lock()
		done, changed := ok(), k.changed
		k.mu.Unlock()
		if done {
			return nil
		}
		select {
		case <-changed:
		case <-ctx.Done():
			return ctx.Err()
		}
	}
}

// probe asks again and again where the stream ends, until Close: that tells
// whether JetStream answers, and whether reading has got stuck.
func (k *Cluster) probe() {
	for tick := time.NewTicker(probeEvery); ; {
		ctx, cancel := context.WithTimeout(k.ctx, askWithin)
		stream, err := k.js.Stream(ctx, logStream)
		cancel()
		if err == nil {
			state := stream.CachedInfo().State
			k.note(func() {
				now := time.Now()
				k.heard, k.last, k.gone = now, state.LastSeq, false
				if k.at.position == k.last || k.stuck != nil {
					k.advanced = now
				} else if now.Sub(k.advanced) > behindAfter && k.again != nil {
					k.again()
				}
			})
		}
		if errors.Is(err, jetstream.ErrStreamNotFound) {
			k.note(func() {
				if k.gone = true; k.again != nil {
					k.again() // a consumer would wait for it for ever
				}
			})
		}
		select {
		case <-k.ctx.Done():
			tick.Stop()
			return
		case <-tick.C:
		}
	}
}
