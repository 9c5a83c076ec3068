// SPDX-License-Identifier: Apache-2.0

// Package hub holds the sockets of every client: call [New], mount the [Hub] at
// GET /v1/sync and call [Hub.Announce] at each release. [Dial] is the other end.
//
// One goroutine (run) owns the set of clients and is the only one that puts
// frames into their outboxes, so a client sees heads in order and no lock is
// held while anything is sent. Each client has one goroutine, parked in a read;
// a few writers serve all clients for which something waits. A client whose
// outbox is full is dropped: it reconnects and asks since its sequence, so
// nothing is lost and nobody else waits.
package hub

import (
	"context"
	"fmt"
	"log/slog"
	"net/http"
	"net/netip"
	"sync"
	"sync/atomic"
	"time"

	"github.com/gorilla/websocket"

	"haechi/rules/trust"
	"haechi/server/wire"
)

// Source is what the hub serves. An answer is one or more frames, sent in this
// order and with nothing between them. Frames are shared and never change; the
// same frame should be the same slice, because the hub compresses each slice
// once. Calls come from many goroutines.
type Source interface {
	Heads() Heads
	Since(wire.Since) ([][]byte, error)
	Full(wire.Full) ([][]byte, error)
}

// Heads is what is newest, for the clients of each channel.
type Heads struct{ Stable, Preview wire.Head }

// Hub is an http.Handler. Make it with New.
type Hub struct {
	source   Source
	limits   Limits
	log      *slog.Logger
	upgrader websocket.Upgrader
	frames   frames
	writers  *writers
	beat     *websocket.PreparedMessage              // the heartbeat
	byes     map[wire.Bye]*websocket.PreparedMessage // those that are said often

	join  chan *client
	leave chan *client
	say   chan message  // from readers
	heads chan Heads    // from Announce
	quit  chan struct{} // closed by Close
	done  chan struct{} // closed when run has ended

	closing sync.Once
	pumps   sync.WaitGroup // connections; added to by run only
	count   atomic.Int64   // clients that said hello; written by run only
}

// message is what a reader tells run about its client.
type message struct {
	from    *client
	hello   *wire.Hello
	bye     *wire.Bye                    // drop the client, with this
	content []*websocket.PreparedMessage // send this to the client
}

// New starts a hub that serves source to clients of these origins. The caller
// must Close it.
func New(source Source, limits Limits, origins Origins, log *slog.Logger) *Hub {
	h := &Hub{
		source:  source,
		limits:  limits.orDefault(),
		log:     log,
		writers: startWriters(),
		upgrader: websocket.Upgrader{
			// Clients send little, writes borrow a buffer, and compression
			// keeps no state between messages.
			ReadBufferSize:    128,
			WriteBufferSize:   4 << 10,
			WriteBufferPool:   &sync.Pool{},
			EnableCompression: true,
			CheckOrigin:       origins.Allow,
			Error: func(w http.ResponseWriter, _ *http.Request, status int, reason error) {
				http.Error(w, reason.Error(), status)
			},
		},
		join:  make(chan *client),
		leave: make(chan *client),
		say:   make(chan message),
		heads: make(chan Heads),
		quit:  make(chan struct{}),
		done:  make(chan struct{}),
	}
	h.beat = prepared(wire.Encode(wire.Heartbeat{}))
	h.byes = map[wire.Bye]*websocket.PreparedMessage{}
	for _, bye := range []wire.Bye{wire.ByeRestart, wire.ByeSlow, wire.ByeLimit, wire.ByeProtocol} {
		h.byes[bye] = prepared(wire.Encode(bye))
	}
	go h.run(source.Heads())
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
	case h.join <- &client{hub: h, conn: conn, from: household(r.RemoteAddr)}:
	case <-h.quit:
		conn.Close()
	}
}

// Announce sends every client the new head of its channel. Heads arrive in the
// order of the calls. It waits for run, never for a client.
func (h *Hub) Announce(heads Heads) {
	select {
	case h.heads <- heads:
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
	go func() { h.pumps.Wait(); h.writers.stop(); close(gone) }()
	select {
	case <-gone:
		return nil
	case <-ctx.Done():
		return fmt.Errorf("hub: %w", ctx.Err())
	}
}

func (h *Hub) run(heads Heads) {
	defer close(h.done)
	head := h.prepareHeads(heads)
	crowd := crowd{hub: h, clients: map[*client]struct{}{}, homes: map[netip.Addr]int{}}
	beat := time.NewTicker(max(h.limits.Heartbeat/beats, 1))
	defer beat.Stop()
	part := uint8(0)
	for {
		select {
		case c := <-h.join:
			crowd.join(c)
		case c := <-h.leave:
			crowd.leave(c)
		case m := <-h.say:
			switch c := m.from; {
			case !crowd.has(c): // dropped meanwhile
			case m.bye != nil:
				crowd.drop(c, *m.bye)
			case m.hello != nil: // once: its reader sees to that
				c.joined, c.preview = true, m.hello.Channel == trust.Preview
				h.count.Add(1)
				h.limits.Events.hello()
				crowd.send(c, head[c.preview])
			default:
				crowd.send(c, m.content...)
			}
		case newest := <-h.heads:
			h.frames.clear() // answers that lead to the head before
			head = h.prepareHeads(newest)
			// Before the first client: from here on the fan-out is measured.
			h.log.Info("announcing", "sequence", newest.Preview.Sequence, "clients", h.count.Load())
			for c := range crowd.clients {
				if c.joined {
					crowd.send(c, head[c.preview])
				}
			}
			h.limits.Events.head(int(h.count.Load()))
		case <-beat.C:
			for c := range crowd.clients {
				if c.slot == part {
					crowd.send(c, h.beat)
				}
			}
			part = (part + 1) % beats
		case <-h.quit:
			for c := range crowd.clients {
				crowd.drop(c, wire.ByeRestart)
			}
			return
		}
	}
}

// prepareHeads frames both heads, keyed by whether a client is on preview.
func (h *Hub) prepareHeads(heads Heads) map[bool]*websocket.PreparedMessage {
	return map[bool]*websocket.PreparedMessage{
		false: prepared(wire.Encode(heads.Stable)),
		true:  prepared(wire.Encode(heads.Preview)),
	}
}

// tell hands a message to run.
func (h *Hub) tell(m message) {
	select {
	case h.say <- m:
	case <-h.done:
	}
}
