// SPDX-License-Identifier: Apache-2.0

package hub

import (
	"errors"
	"fmt"
	"io"
	"net/netip"
	"time"

	"github.com/gorilla/websocket"

	"haechi/server/wire"
)

// client is one connection. While nobody says anything it costs this struct, a
// small read buffer and one goroutine parked in wait.
type client struct {
	hub  *Hub
	conn *websocket.Conn
	from netip.Addr // what its connections are counted by
	out  outbox

	// Owned by run.
	joined  bool  // it greeted
	preview bool  // it is on that channel
	slot    uint8 // the part of the heartbeat that it gets

	// Owned by wait and take, of which one runs at a time.
	greeted bool
	allowed allowance
	kind    int // of the message that wait has found
	message io.Reader
	failure error // what wait has found in place of a message
}

// write sends what waits in the outbox. Only a writer calls it.
func (c *client) write() {
	for {
		m, bye := c.out.take()
		switch {
		case bye != nil:
			c.farewell(*bye)
			return
		case m == nil:
			return
		}
		deadline := time.Now().Add(c.hub.limits.Write)
		c.conn.SetWriteDeadline(deadline)
		err := c.conn.WritePreparedMessage(m)
		if err == nil && m == c.hub.beat {
			// A client has nothing to say for hours. The pong that answers
			// shows that it is still there.
			err = c.conn.WriteControl(websocket.PingMessage, nil, deadline)
		}
		if err != nil {
			c.conn.Close() // wait ends and run hears of it; the outbox stays taken
			return
		}
	}
}

// farewell says bye and gives the client time to read it: closing at once, with
// unread bytes from the client, would reset the connection and lose the bye.
func (c *client) farewell(bye wire.Bye) {
	deadline := time.Now().Add(c.hub.limits.Write)
	c.conn.SetWriteDeadline(deadline)
	m, ok := c.hub.byes[bye]
	if !ok {
		m = prepared(wire.Encode(bye))
	}
	if c.conn.WritePreparedMessage(m) != nil ||
		c.conn.WriteControl(websocket.CloseMessage, websocket.FormatCloseMessage(bye.CloseCode(), bye.Code), deadline) != nil {
		c.conn.Close()
		return
	}
	time.AfterFunc(lingerWithin, func() { c.conn.Close() })
}

// start begins to read. pumps counts the connection until take has closed it.
func (c *client) start() {
	c.conn.SetReadDeadline(time.Now().Add(c.hub.limits.Hello))
	c.conn.SetPongHandler(func(string) error {
		if c.greeted {
			c.conn.SetReadDeadline(time.Now().Add(c.hub.limits.Idle))
		}
		return nil
	})
	go c.wait()
}

// wait parks until a message begins. A goroutine keeps the deepest stack that
// it ever had, so nothing else is done on this one: take gets a goroutine of its
// own, and wait a new one when the message is done with. Messages are rare.
//
// Its results are fields because the runtime gives every new goroutine the
// average stack of all: with locals here that is 4 KiB instead of 2.
// TestHubParksClientsOnSmallStacks watches it.
func (c *client) wait() {
	c.kind, c.message, c.failure = c.conn.NextReader()
	go c.take()
}

// take deals with one message, or with the end of the connection.
func (c *client) take() {
	var bye *wire.Bye
	err := c.failure
	if err == nil {
		bye, err = c.serve(c.kind, c.message)
		c.message = nil
		if err == nil {
			go c.wait()
			return
		}
	}
	c.hub.log.Debug("client", "remote", c.conn.RemoteAddr().String(), "err", err)
	if bye != nil {
		c.hub.tell(message{from: c, bye: bye})
		// It is read until it hangs up, or the farewell closes the connection.
		io.Copy(io.Discard, io.LimitReader(c.conn.NetConn(), maxDrain))
	}
	c.conn.Close()
	select {
	case c.hub.leave <- c:
	case <-c.hub.done:
	}
	c.hub.pumps.Done()
}

// maxDrain bounds what is read from a client after it was told bye.
const maxDrain = 1 << 20

// serve does what a message asks for. With an error the client has to go: with
// the bye that it has earned, or without where the connection has failed.
func (c *client) serve(kind int, r io.Reader) (*wire.Bye, error) {
	frame, err := receive(kind, r)
	if errors.Is(err, errNoFrame) {
		return &wire.ByeProtocol, err
	}
	if err != nil {
		return nil, err
	}
	c.conn.SetReadDeadline(time.Now().Add(c.hub.limits.Idle))
	if f, ok := frame.(wire.Hello); ok {
		if c.greeted {
			return &wire.ByeProtocol, errors.New("a second hello")
		}
		if f.Protocol != wire.Protocol {
			return &wire.ByeProtocol, fmt.Errorf("protocol %d", f.Protocol)
		}
		c.greeted = true
		c.allowed = allowance{tokens: float64(c.hub.limits.RequestsPerMinute), at: time.Now()}
		c.hub.tell(message{from: c, hello: &f})
		return nil, nil
	}
	var answer func() ([][]byte, error)
	switch f := frame.(type) {
	case wire.Since:
		answer = func() ([][]byte, error) { return c.hub.source.Since(f) }
	case wire.Full:
		answer = func() ([][]byte, error) { return c.hub.source.Full(f) }
	default:
		return &wire.ByeProtocol, fmt.Errorf("%T from a client", f)
	}
	if !c.greeted {
		return &wire.ByeProtocol, fmt.Errorf("%T before hello", frame)
	}
	if !c.allowed.take(c.hub.limits.RequestsPerMinute, time.Now()) {
		return &wire.ByeLimit, errors.New("too many requests")
	}
	data, err := answer()
	if err != nil {
		c.hub.log.Error("answer", "request", frame, "err", err)
		return &wire.ByeRestart, err
	}
	c.hub.tell(message{from: c, content: c.hub.frames.prepareAll(data)})
	return nil, nil
}

// errNoFrame is a message that breaks the protocol.
var errNoFrame = errors.New("no frame of this protocol")

// receive reads one frame. Its size is counted after decompression, so a small
// message cannot become a large one.
func receive(kind int, r io.Reader) (wire.Frame, error) {
	data, err := io.ReadAll(io.LimitReader(r, wire.MaxRequest+1))
	switch {
	case err != nil:
		return nil, err
	case kind != websocket.TextMessage:
		return nil, fmt.Errorf("%w: not text", errNoFrame)
	case len(data) > wire.MaxRequest:
		return nil, fmt.Errorf("%w: more than %d bytes", errNoFrame, wire.MaxRequest)
	}
	frame, err := wire.Decode(data)
	if err != nil {
		return nil, fmt.Errorf("%w: %w", errNoFrame, err)
	}
	return frame, nil
}
