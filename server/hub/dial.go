// SPDX-License-Identifier: Apache-2.0

package hub

import (
	"context"
	"errors"
	"fmt"
	"net/http"
	"time"

	"github.com/gorilla/websocket"

	"haechi/server/wire"
)

// Conn is a client's end of a socket. One goroutine may send while another
// receives.
type Conn struct{ conn *websocket.Conn }

// Dial connects to a server's socket, such as ws://127.0.0.1:8787/v1/sync.
// header may be nil.
func Dial(ctx context.Context, url string, header http.Header) (*Conn, error) {
	d := websocket.Dialer{EnableCompression: true, HandshakeTimeout: WriteWithin}
	conn, response, err := d.DialContext(ctx, url, header)
	if err != nil {
		if response != nil {
			return nil, fmt.Errorf("hub: %s: %w: %s", url, err, response.Status)
		}
		return nil, fmt.Errorf("hub: %s: %w", url, err)
	}
	conn.SetReadLimit(wire.MaxFrame)
	return &Conn{conn}, nil
}

// Send sends one frame.
func (c *Conn) Send(f wire.Frame) error { return c.SendText(wire.Encode(f)) }

// SendText sends a text message that need not be a frame.
func (c *Conn) SendText(data []byte) error {
	c.conn.SetWriteDeadline(time.Now().Add(WriteWithin))
	return c.conn.WriteMessage(websocket.TextMessage, data)
}

// Receive returns the next message, waiting for it until the deadline.
func (c *Conn) Receive(deadline time.Time) ([]byte, error) {
	c.conn.SetReadDeadline(deadline)
	_, data, err := c.conn.ReadMessage()
	return data, err
}

// Close hangs up.
func (c *Conn) Close() error { return c.conn.Close() }

// CloseCode is the close code that ended a Receive, or 0.
func CloseCode(err error) int {
	var closed *websocket.CloseError
	if errors.As(err, &closed) {
		return closed.Code
	}
	return 0
}
