// SPDX-License-Identifier: Apache-2.0

// Package hub holds the sockets of every client: call [New], mount the [Hub] at
// GET /v1/sync and call [Hub.Announce] at each release. [Dial] is the other end.
//
// One goroutine (run) owns the set of clients and is the only one that puts
// frames into their queues, so a client sees heads in order and no lock is held
// while anything is sent. Each client has a reader and a writer goroutine. A
// client whose queue is full is dropped: it reconnects and asks since its
// sequence, so nothing is lost and nobody else waits.
package hub

import (
	"context"
	"fmt"
	"log/slog"
	"net/http"
	"sync"
	"sync/atomic"
	"time"

	"github.com/gorilla/websocket"

	"haechi/server/wire"
)

// Limits of one hub; a zero field of Limits stands for these.
const (
	MaxClients = 20_000
	// QueueLength is how many frames may wait for one client: a head, an
	// answer, a heartbeat and a few releases in a row.
	QueueLength = 16
	// HeartbeatEvery is below the 30 seconds after which Chrome ends a silent
	// service worker.
	HeartbeatEvery = 20 * time.Second
	// WriteWithin is how long one frame to one client may take.
	WriteWithin = 10 * time.Second
	// HelloWithin is how long a new client may be silent.
	HelloWithin = 10 * time.Second
	// IdleWithin is how long a client may go without a sign of life: three
	// heartbeats that its side did not answer with a pong.
	IdleWithin = 3 * HeartbeatEvery
	// RequestsPerMinute bounds since and full; as many may come at once.
	RequestsPerMinute = 30
)

// lingerWithin is how long a client that was told bye may take to hang up.
const lingerWithin = 2 * time.Second

// Limits are what an operator or a test may change.
type Limits struct {
	Clients           int
	Queue             int
	Heartbeat         time.Duration
	Write             time.Duration
	Hello             time.Duration
	Idle              time.Duration
	RequestsPerMinute int
}

func (l Limits) orDefault() Limits {
	def := func(v *int, d int) {
		if *v == 0 {
			*v = d
		}
	}
	wait := func(v *time.Duration, d time.Duration) {
		if *v == 0 {
			*v = d
		}
	}
	def(&l.Clients, MaxClients)
	def(&l.Queue, QueueLength)
	def(&l.RequestsPerMinute, RequestsPerMinute)
	wait(&l.Heartbeat, HeartbeatEvery)
	wait(&l.Write, WriteWithin)
	wait(&l.Hello, HelloWithin)
	wait(&l.Idle, IdleWithin)
	return l
}

// Source is what the hub serves. Its frames are shared and never change; the
// same answer should be the same slice, because the hub compresses each slice
// once. Calls come from many goroutines.
type Source interface {
	Head() wire.Head
	Since(sequence uint64, pack string) ([]byte, error)
	Snapshot() []byte
}

// Hub is an http.Handler. Make it with New.
type Hub struct {
	source   Source
	limits   Limits
	log      *slog.Logger
	upgrader websocket.Upgrader
	frames   frames
	beat     *websocket.PreparedMessage // the heartbeat

	join  chan *client
	leave chan *client
	say   chan message   // from readers
	heads chan wire.Head // from Announce
	quit  chan struct{}  // closed by Close
	done  chan struct{}  // closed when run has ended

	closing sync.Once
	pumps   sync.WaitGroup // readers and writers; added to by run only
	count   atomic.Int64   // clients that said hello; written by run only
}

// message is what a reader tells run about its client.
type message struct {
	from    *client
	hello   bool
	bye     *wire.Bye                  // drop the client, with this
	content *websocket.PreparedMessage // send this to the client
}

// New starts a hub that serves source. The caller must Close it.
func New(source Source, limits Limits, log *slog.Logger) *Hub {
	h := &Hub{
		source: source,
		limits: limits.orDefault(),
		log:    log,
		upgrader: websocket.Upgrader{
			// Clients send little, and writes borrow a buffer: an idle client
			// costs no more than its goroutines.
			ReadBufferSize:    512,
			WriteBufferSize:   4 << 10,
			WriteBufferPool:   &sync.Pool{},
			EnableCompression: true,
			CheckOrigin:       allowed,
			Error: func(w http.ResponseWriter, _ *http.Request, status int, reason error) {
				http.Error(w, reason.Error(), status)
			},
		},
		join:  make(chan *client),
		leave: make(chan *client),
		say:   make(chan message),
		heads: make(chan wire.Head),
		quit:  make(chan struct{}),
		done:  make(chan struct{}),
	}
	h.beat = h.frames.prepare(wire.Encode(wire.Heartbeat{}))
	go h.run(h.frames.prepare(wire.Encode(source.Head())))
	return h
}

// ServeHTTP makes a socket of the request and hands it to run.
func (h *Hub) ServeHTTP(w http.ResponseWriter, r *http.Request) {
	conn, err := h.upgrader.Upgrade(w, r, nil)
	if err != nil {
		h.log.Debug("no socket", "remote", r.RemoteAddr, "origin", r.Header.Get("Origin"), "err", err)
		return
	}
	select {
	case h.join <- newClient(h, conn):
	case <-h.quit:
		conn.Close()
	}
}

// Announce sends a new head to every client. Heads arrive in the order of the
// calls. It waits for run, never for a client.
func (h *Hub) Announce(head wire.Head) {
	select {
	case h.heads <- head:
	case <-h.quit:
	}
}

// Clients returns how many clients are connected and have said hello.
func (h *Hub) Clients() int { return int(h.count.Load()) }

// Close tells every client bye restart and returns when all have hung up, or
// when ctx ends; those that are left then end within WriteWithin.
func (h *Hub) Close(ctx context.Context) error {
	h.closing.Do(func() { close(h.quit) })
	<-h.done
	gone := make(chan struct{})
	go func() { h.pumps.Wait(); close(gone) }()
	select {
	case <-gone:
		return nil
	case <-ctx.Done():
		return fmt.Errorf("hub: %w", ctx.Err())
	}
}

func (h *Hub) run(head *websocket.PreparedMessage) {
	defer close(h.done)
	clients := map[*client]bool{} // whether it said hello
	beat := time.NewTicker(h.limits.Heartbeat)
	defer beat.Stop()

	drop := func(c *client, bye wire.Bye) {
		if greeted, ok := clients[c]; ok {
			if greeted {
				h.count.Add(-1)
			}
			delete(clients, c)
			c.bye <- bye // room for one; only this function sends, once a client
			h.log.Debug("bye", "code", bye.Code, "clients", len(clients))
		}
	}
	send := func(c *client, m *websocket.PreparedMessage) {
		select {
		case c.queue <- m:
		default:
			drop(c, wire.ByeSlow)
		}
	}
	for {
		select {
		case c := <-h.join:
			full := len(clients) >= h.limits.Clients
			clients[c] = false
			h.pumps.Go(c.read)
			h.pumps.Go(c.write)
			if full {
				drop(c, wire.ByeLimit)
			}
		case c := <-h.leave:
			if clients[c] {
				h.count.Add(-1)
			}
			delete(clients, c)
		case m := <-h.say:
			greeted, ok := clients[m.from]
			switch {
			case !ok: // dropped meanwhile
			case m.bye != nil:
				drop(m.from, *m.bye)
			case m.hello:
				if !greeted {
					clients[m.from] = true
					h.count.Add(1)
				}
				send(m.from, head)
			default:
				send(m.from, m.content)
			}
		case newest := <-h.heads:
			h.frames.clear() // answers that lead to the head before
			head = h.frames.prepare(wire.Encode(newest))
			for c, greeted := range clients {
				if greeted {
					send(c, head)
				}
			}
			h.log.Info("announced", "sequence", newest.Sequence, "clients", h.count.Load())
		case <-beat.C:
			for c := range clients {
				send(c, h.beat)
			}
		case <-h.quit:
			for c := range clients {
				drop(c, wire.ByeRestart)
			}
			return
		}
	}
}
