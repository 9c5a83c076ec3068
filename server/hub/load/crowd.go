// SPDX-License-Identifier: Apache-2.0

package main

import (
	"context"
	"errors"
	"fmt"
	"math/rand/v2"
	"net"
	"sync"
	"sync/atomic"
	"time"

	"github.com/gorilla/websocket"
)

const (
	dialers     = 64 // connect at once
	dialWithin  = 20 * time.Second
	joinWithin  = 2 * time.Minute
	hearWithin  = 30 * time.Second
	maxMessage  = 8 << 20
	sources     = 8 // loopback addresses, for want of ports
	retryAfter  = time.Second
	retrySpread = 2 * time.Second
)

// dialect is how a client talks to one kind of server.
type dialect interface {
	// greet is what a client says first.
	greet() []byte
	// hear reads a message. It returns the sequence that the message brings,
	// or 0, and what the client answers, or nil.
	hear(c *client, message []byte) (sequence uint64, answer []byte)
}

// crowd is many clients of one server. They speak without compression, which
// costs the server no more and leaves the machine to it.
type crowd struct {
	url     string
	dialect dialect
	back    bool // reconnect when the connection ends
	clients []*client
	round   atomic.Pointer[round]
	joined  atomic.Int64 // connections that heard something
	failed  atomic.Pointer[error]
	wg      sync.WaitGroup
	cancel  context.CancelFunc
}

// client is one connection of the crowd, in a goroutine of its own.
type client struct {
	crowd  *crowd
	number int
	dialer websocket.Dialer
	conn   *websocket.Conn
	heard  bool          // something, since it connected
	newest atomic.Uint64 // sequence
	pack   string        // of the newest head; its dialect's
}

// round is one publication on its way.
type round struct {
	sequence uint64
	begun    atomic.Int64 // Unix time in nanoseconds at which it reached the server
	arrived  []int64      // the same, by client; 0 before
	n        atomic.Int64
	all      chan struct{} // closed at the last
}

var writeBuffers = &sync.Pool{}

// gather connects n clients and waits until each was answered.
func gather(ctx context.Context, url string, d dialect, n int, back bool) (*crowd, error) {
	ctx, cancel := context.WithCancel(ctx)
	w := &crowd{url: url, dialect: d, back: back, cancel: cancel}
	for i := range n {
		from := &net.TCPAddr{IP: net.IPv4(127, 0, 0, byte(2+i%sources))}
		w.clients = append(w.clients, &client{crowd: w, number: i, dialer: websocket.Dialer{
			NetDialContext:   (&net.Dialer{LocalAddr: from}).DialContext,
			HandshakeTimeout: dialWithin, ReadBufferSize: 512, WriteBufferSize: 512, WriteBufferPool: writeBuffers,
		}})
	}
	next := make(chan *client)
	for range dialers {
		go func() {
			for c := range next {
				if err := c.dial(ctx); err != nil {
					w.fail(err)
					continue
				}
				w.wg.Go(func() { c.live(ctx) })
			}
		}()
	}
	for _, c := range w.clients {
		next <- c
	}
	close(next)
	err := w.until(ctx, joinWithin, func() bool { return int(w.joined.Load()) == n })
	if err != nil {
		w.scatter()
		return nil, fmt.Errorf("%d of %d clients connected: %w", w.joined.Load(), n, err)
	}
	return w, nil
}

// scatter hangs up.
func (w *crowd) scatter() {
	w.cancel()
	w.wg.Wait()
}

func (w *crowd) fail(err error) { w.failed.CompareAndSwap(nil, &err) }

// until polls a condition.
func (w *crowd) until(ctx context.Context, within time.Duration, ok func() bool) error {
	for end := time.Now().Add(within); !ok(); time.Sleep(10 * time.Millisecond) {
		if err := w.failed.Load(); err != nil {
			return *err
		}
		if ctx.Err() != nil {
			return ctx.Err()
		}
		if time.Now().After(end) {
			return fmt.Errorf("not within %v", within)
		}
	}
	return nil
}

// expect begins a round: every client will time the arrival of this sequence.
// publish must set when the round begins and start what leads to it.
func (w *crowd) expect(ctx context.Context, sequence uint64, publish func(*round) error) (*round, error) {
	r := &round{sequence: sequence, arrived: make([]int64, len(w.clients)), all: make(chan struct{})}
	w.round.Store(r)
	defer w.round.Store(nil)
	if err := publish(r); err != nil {
		return nil, err
	}
	select {
	case <-r.all:
		return r, nil
	case <-ctx.Done():
		return nil, ctx.Err()
	case <-time.After(hearWithin):
		err := fmt.Errorf("sequence %d reached %d of %d clients within %v", sequence, r.n.Load(), len(w.clients), hearWithin)
		if failed := w.failed.Load(); failed != nil {
			err = fmt.Errorf("%w: %w", err, *failed)
		}
		return nil, err
	}
}

func (r *round) begin() { r.begun.Store(time.Now().UnixNano()) }

// since returns how long each client waited, counted from a moment.
func (r *round) since(moment time.Time) []time.Duration {
	out := make([]time.Duration, len(r.arrived))
	for i, at := range r.arrived {
		out[i] = time.Duration(at - moment.UnixNano())
	}
	return out
}

// have counts the clients that have at least this sequence.
func (w *crowd) have(sequence uint64) int {
	n := 0
	for _, c := range w.clients {
		if c.newest.Load() >= sequence {
			n++
		}
	}
	return n
}

func (c *client) dial(ctx context.Context) error {
	conn, _, err := c.dialer.DialContext(ctx, c.crowd.url, nil)
	if err != nil {
		return err
	}
	conn.SetReadLimit(maxMessage)
	c.conn, c.heard = conn, false
	if err := c.send(c.crowd.dialect.greet()); err != nil {
		conn.Close()
		return err
	}
	return nil
}

func (c *client) send(message []byte) error {
	c.conn.SetWriteDeadline(time.Now().Add(dialWithin))
	return c.conn.WriteMessage(websocket.TextMessage, message)
}

// live listens, and comes back after the connection has ended if the crowd does.
func (c *client) live(ctx context.Context) {
	for {
		stop := context.AfterFunc(ctx, func() { c.conn.Close() })
		err := c.listen()
		stop()
		c.conn.Close()
		if c.heard {
			c.crowd.joined.Add(-1)
		}
		if ctx.Err() != nil {
			return
		}
		if !c.crowd.back {
			c.crowd.fail(fmt.Errorf("a client lost its connection: %w", err))
			return
		}
		for wait := retryAfter; ; wait = min(2*wait, 8*time.Second) {
			select {
			case <-time.After(wait + rand.N(retrySpread)):
			case <-ctx.Done():
				return
			}
			if c.dial(ctx) == nil {
				break
			}
		}
	}
}

func (c *client) listen() error {
	for {
		kind, message, err := c.conn.ReadMessage()
		if err != nil {
			return err
		}
		if kind != websocket.TextMessage {
			return errors.New("a message that is no text")
		}
		now := time.Now().UnixNano()
		sequence, answer := c.crowd.dialect.hear(c, message)
		if r := c.crowd.round.Load(); r != nil && sequence == r.sequence && r.arrived[c.number] == 0 {
			r.arrived[c.number] = now
			if r.n.Add(1) == int64(len(r.arrived)) {
				close(r.all)
			}
		}
		if sequence > c.newest.Load() {
			c.newest.Store(sequence)
		}
		if !c.heard {
			c.heard = true
			c.crowd.joined.Add(1)
		}
		if answer != nil {
			if err := c.send(answer); err != nil {
				return err
			}
		}
	}
}
