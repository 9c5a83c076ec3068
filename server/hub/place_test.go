// SPDX-License-Identifier: Apache-2.0

package hub_test

import (
	"context"
	"log/slog"
	"net/http/httptest"
	"strings"
	"sync"
	"testing"
	"time"

	"haechi/rules/trust"
	"haechi/server/hub"
	"haechi/server/wire"
)

// patience bounds every wait of these tests. It is no measure of speed: the
// machine may be busy.
const patience = 60 * time.Second

// shelf is a Source with fixed answers.
type shelf struct {
	mu       sync.Mutex
	head     wire.Head
	delta    []byte
	log      []byte // follows the delta, unless nil
	snapshot []byte
	err      error
}

func (s *shelf) Heads() hub.Heads                 { s.mu.Lock(); defer s.mu.Unlock(); return both(s.head) }
func (s *shelf) Full(wire.Full) ([][]byte, error) { return [][]byte{s.snapshot}, nil }
func (s *shelf) Since(wire.Since) ([][]byte, error) {
	if s.log != nil {
		return [][]byte{s.delta, s.log}, s.err
	}
	return [][]byte{s.delta}, s.err
}

var (
	someHash = strings.Repeat("ab", 32)
	hello    = wire.Hello{Protocol: wire.Protocol, Channel: trust.Stable, Sequence: 0, Pack: someHash}
)

func head(n int) wire.Head {
	return wire.Head{Sequence: uint64(n), Pack: someHash, Rollout: 100, Settled: uint64(n), SettledPack: someHash, Log: uint64(n)}
}

// both is one head for both channels.
func both(h wire.Head) hub.Heads { return hub.Heads{Stable: h, Preview: h} }

type place struct {
	*hub.Hub
	url string
}

func newHub(t *testing.T, s *shelf, limits hub.Limits, origins ...string) place {
	t.Helper()
	if s.head.Pack == "" {
		s.head = head(0)
	}
	h := hub.New(s, limits, origins, slog.New(slog.DiscardHandler))
	server := httptest.NewServer(h)
	t.Cleanup(func() {
		ctx, cancel := context.WithTimeout(context.Background(), patience)
		defer cancel()
		if err := h.Close(ctx); err != nil {
			t.Error(err)
		}
		server.Close()
	})
	return place{h, "ws" + strings.TrimPrefix(server.URL, "http") + "/v1/sync"}
}

func (p place) dial(t *testing.T) *hub.Conn {
	t.Helper()
	c, err := hub.Dial(t.Context(), p.url, nil)
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { c.Close() })
	return c
}

// greet connects a client, says hello and expects the head.
func (p place) greet(t *testing.T, want wire.Head) *hub.Conn {
	t.Helper()
	c := p.dial(t)
	send(t, c, hello)
	expect(t, c, want)
	return c
}

func send(t *testing.T, c *hub.Conn, f wire.Frame) {
	t.Helper()
	if err := c.Send(f); err != nil {
		t.Fatal(err)
	}
}

// next returns the next frame that is no heartbeat.
func next(c *hub.Conn) (wire.Frame, error) {
	for {
		data, err := c.Receive(time.Now().Add(patience))
		if err != nil {
			return nil, err
		}
		f, err := wire.Decode(data)
		if err != nil {
			return nil, err
		}
		if f != (wire.Heartbeat{}) {
			return f, nil
		}
	}
}

func expect(t *testing.T, c *hub.Conn, want wire.Frame) {
	t.Helper()
	got, err := next(c)
	if err != nil {
		t.Fatalf("got %v, want %#v", err, want)
	}
	if got != want {
		t.Fatalf("got %#v, want %#v", got, want)
	}
}

// expectBye wants a bye and then its close code.
func expectBye(t *testing.T, c *hub.Conn, want wire.Bye) {
	t.Helper()
	expect(t, c, want)
	_, err := next(c)
	if hub.CloseCode(err) != want.CloseCode() {
		t.Errorf("after bye %s: %v, want close code %d", want.Code, err, want.CloseCode())
	}
}

// eventually polls until ok, within patience.
func eventually(t *testing.T, what string, ok func() bool) {
	t.Helper()
	for end := time.Now().Add(patience); !ok(); time.Sleep(5 * time.Millisecond) {
		if time.Now().After(end) {
			t.Fatalf("never: %s", what)
		}
	}
}
