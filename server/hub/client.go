// SPDX-License-Identifier: Apache-2.0

package hub

import (
	"errors"
	"fmt"
	"io"
	"time"

	"github.com/gorilla/websocket"

	"haechi/server/wire"
)

// client is one connection. Only run sends to queue and bye; read and write
// each run in one goroutine of their own.
type client struct {
	hub   *Hub
	conn  *websocket.Conn
	queue chan *websocket.PreparedMessage
	bye   chan wire.Bye // holds one: the last thing write says
	gone  chan struct{} // closed by read when the other side has hung up
}

func newClient(h *Hub, conn *websocket.Conn) *client {
	return &client{
		hub: h, conn: conn,
		queue: make(chan *websocket.PreparedMessage, h.limits.Queue),
		bye:   make(chan wire.Bye, 1),
		gone:  make(chan struct{}),
	}
}

// write sends what run put into the queue, until bye or a failure.
func (c *client) write() {
	defer c.conn.Close() // after this read ends too
	for {
		select { // a bye overtakes what waits
		case bye := <-c.bye:
			c.farewell(bye)
			return
		default:
		}
		select {
		case bye := <-c.bye:
			c.farewell(bye)
			return
		case m := <-c.queue:
			deadline := time.Now().Add(c.hub.limits.Write)
			c.conn.SetWriteDeadline(deadline)
			if c.conn.WritePreparedMessage(m) != nil {
				return
			}
			// A client has nothing to say for hours. The pong that answers
			// shows that it is still there.
			if m == c.hub.beat && c.conn.WriteControl(websocket.PingMessage, nil, deadline) != nil {
				return
			}
		case <-c.gone:
			return
		}
	}
}

// farewell says bye and gives the client time to read it: closing at once, with
// unread bytes from the client, would reset the connection and lose the bye.
func (c *client) farewell(bye wire.Bye) {
	c.conn.SetWriteDeadline(time.Now().Add(c.hub.limits.Write))
	if c.conn.WriteMessage(websocket.TextMessage, wire.Encode(bye)) != nil {
		return
	}
	linger := time.NewTimer(lingerWithin)
	defer linger.Stop()
	c.conn.WriteControl(websocket.CloseMessage, websocket.FormatCloseMessage(bye.CloseCode(), bye.Code), time.Now().Add(lingerWithin))
	select {
	case <-c.gone:
	case <-linger.C:
	}
}

// read takes the client's requests until it hangs up, breaks the protocol or
// is told bye, and then waits for the connection to end.
func (c *client) read() {
	defer close(c.gone)
	bye, err := c.serve()
	if err != nil {
		c.hub.log.Debug("client", "remote", c.conn.RemoteAddr().String(), "err", err)
	}
	if bye == nil {
		c.tell(nil)
		return
	}
	c.tell(&message{from: c, bye: bye})
	// write closes the connection once it has said bye.
	io.Copy(io.Discard, io.LimitReader(c.conn.NetConn(), maxDrain))
}

// maxDrain bounds what is read from a client after it was told bye.
const maxDrain = 1 << 20

// serve returns the bye that the client has earned, or nil when the connection
// has ended. The error says why, for the log.
func (c *client) serve() (*wire.Bye, error) {
	idle := c.hub.limits.Idle
	c.conn.SetReadDeadline(time.Now().Add(c.hub.limits.Hello))
	greeted := false
	c.conn.SetPongHandler(func(string) error {
		if greeted {
			c.conn.SetReadDeadline(time.Now().Add(idle))
		}
		return nil
	})
	allowance := newAllowance(c.hub.limits.RequestsPerMinute)
	for {
		frame, err := c.receive()
		if err != nil {
			if errors.Is(err, errNoFrame) {
				return &wire.ByeProtocol, err
			}
			return nil, err
		}
		c.conn.SetReadDeadline(time.Now().Add(idle))
		switch f := frame.(type) {
		case wire.Hello:
			if greeted {
				return &wire.ByeProtocol, errors.New("a second hello")
			}
			if f.Protocol != wire.Protocol {
				return &wire.ByeProtocol, fmt.Errorf("protocol %d", f.Protocol)
			}
			greeted = true
			c.tell(&message{from: c, hello: true})
			continue
		case wire.Since, wire.Full:
			if !greeted {
				return &wire.ByeProtocol, fmt.Errorf("%T before hello", f)
			}
		default:
			return &wire.ByeProtocol, fmt.Errorf("%T from a client", f)
		}
		if !allowance.take(time.Now()) {
			return &wire.ByeLimit, errors.New("too many requests")
		}
		answer := c.hub.source.Snapshot
		if f, ok := frame.(wire.Since); ok {
			data, err := c.hub.source.Since(f.Sequence, f.Pack)
			if err != nil {
				c.hub.log.Error("since", "sequence", f.Sequence, "err", err)
				return &wire.ByeRestart, err
			}
			answer = func() []byte { return data }
		}
		c.tell(&message{from: c, content: c.hub.frames.prepare(answer())})
	}
}

// errNoFrame is a message that breaks the protocol.
var errNoFrame = errors.New("no frame of this protocol")

// receive reads one frame. Its size is counted after decompression, so a small
// message cannot become a large one.
func (c *client) receive() (wire.Frame, error) {
	kind, r, err := c.conn.NextReader()
	if err != nil {
		return nil, err
	}
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

// tell hands a message to run, or the news that the client has left (nil).
func (c *client) tell(m *message) {
	if m == nil {
		select {
		case c.hub.leave <- c:
		case <-c.hub.done:
		}
		return
	}
	select {
	case c.hub.say <- *m:
	case <-c.hub.done:
	}
}

// allowance is a token bucket: perMinute tokens at most, filled evenly.
type allowance struct {
	perMinute float64
	tokens    float64
	at        time.Time
}

func newAllowance(perMinute int) *allowance {
	return &allowance{perMinute: float64(perMinute), tokens: float64(perMinute), at: time.Now()}
}

func (a *allowance) take(now time.Time) bool {
	a.tokens = min(a.perMinute, a.tokens+now.Sub(a.at).Minutes()*a.perMinute)
	a.at = now
	if a.tokens < 1 {
		return false
	}
	a.tokens--
	return true
}
