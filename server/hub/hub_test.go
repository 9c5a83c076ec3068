// SPDX-License-Identifier: Apache-2.0

package hub_test

import (
	"bytes"
	"context"
	"crypto/rand"
	"encoding/hex"
	"errors"
	"fmt"
	"log/slog"
	"net/http"
	"net/http/httptest"
	"os"
	"path/filepath"
	"strings"
	"sync"
	"testing"
	"time"

	"haechi/rules/trust"
	"haechi/rules/trust/trusttest"
	"haechi/server/hub"
	"haechi/server/wire"
)

func TestHubGreetsWithTheHead(t *testing.T) {
	p := newHub(t, &shelf{head: head(7)}, hub.Limits{})
	p.greet(t, head(7))
	if n := p.Clients(); n != 1 {
		t.Errorf("%d clients", n)
	}
	p.Announce(both(head(8)))
	p.greet(t, head(8))
}

func TestHubAnnouncesToAllInOrder(t *testing.T) {
	const clients, releases = 200, 10
	p := newHub(t, &shelf{}, hub.Limits{})
	var wg sync.WaitGroup
	errs := make(chan error, clients)
	for range clients {
		c := p.greet(t, head(0))
		wg.Go(func() {
			for i := 1; i <= releases; i++ {
				if f, err := next(c); err != nil || f != head(i) {
					errs <- fmt.Errorf("got %#v, %v, want head %d", f, err, i)
					return
				}
			}
		})
	}
	if n := p.Clients(); n != clients {
		t.Errorf("%d clients of %d", n, clients)
	}
	for i := 1; i <= releases; i++ {
		p.Announce(both(head(i)))
	}
	wg.Wait()
	close(errs)
	for err := range errs {
		t.Error(err)
	}
}

func TestHubKeepsHeadsFromClientsThatDidNotGreet(t *testing.T) {
	p := newHub(t, &shelf{}, hub.Limits{})
	c := p.dial(t)
	p.Announce(both(head(1)))
	send(t, c, hello)
	expect(t, c, head(1)) // once, as the answer to hello
	p.Announce(both(head(2)))
	expect(t, c, head(2))
}

func TestHubTellsEachChannelItsHead(t *testing.T) {
	p := newHub(t, &shelf{head: head(1)}, hub.Limits{})
	stable := p.greet(t, head(1))
	preview := p.dial(t)
	onPreview := hello
	onPreview.Channel = trust.Preview
	send(t, preview, onPreview)
	expect(t, preview, head(1))
	p.Announce(hub.Heads{Stable: head(2), Preview: head(3)})
	expect(t, stable, head(2))
	expect(t, preview, head(3))
}

func TestHubAnswersRequests(t *testing.T) {
	pack := trusttest.Pack(t, "a")
	s := &shelf{
		delta:    wire.Encode(wire.Delta{From: 0, To: 1, Release: "note"}),
		snapshot: wire.Encode(wire.Snapshot{Sequence: 1, Release: "note", Pack: pack.Encode()}),
	}
	p := newHub(t, s, hub.Limits{})
	c := p.greet(t, head(0))
	for range 2 { // the second answer comes from the remembered message
		for _, step := range []struct {
			ask  wire.Frame
			want []byte
		}{
			{wire.Since{Sequence: 0, Pack: someHash}, s.delta},
			{wire.Full{}, s.snapshot},
		} {
			send(t, c, step.ask)
			got, err := c.Receive(time.Now().Add(patience))
			if err != nil || !bytes.Equal(got, step.want) {
				t.Errorf("%T: got %s, %v", step.ask, got, err)
			}
		}
	}
}

func TestHubSaysRestartWhenItsSourceFails(t *testing.T) {
	p := newHub(t, &shelf{err: errors.New("disk")}, hub.Limits{})
	c := p.greet(t, head(0))
	send(t, c, wire.Since{Pack: someHash})
	expectBye(t, c, wire.ByeRestart)
}

// A client that does not read loses its place; nobody else notices.
func TestHubDropsSlowClient(t *testing.T) {
	noise := make([]byte, 512<<10)
	rand.Read(noise)
	s := &shelf{snapshot: wire.Encode(wire.Snapshot{Sequence: 1, Release: "x", Pack: []byte(`{"x":"` + hex.EncodeToString(noise) + `"}`)})}
	const requests = 200 // 200 MiB: more than queue and kernel buffers hold
	p := newHub(t, s, hub.Limits{RequestsPerMinute: 2 * requests, Queue: 4})
	slow, quick := p.greet(t, head(0)), p.greet(t, head(0))
	go func() {
		for range requests {
			if slow.Send(wire.Full{}) != nil {
				return
			}
		}
	}()
	eventually(t, "the slow client is dropped", func() bool { return p.Clients() == 1 })
	p.Announce(both(head(1)))
	expect(t, quick, head(1))
	// When it reads again, it learns why it was dropped.
	for read := 0; ; read++ {
		f, err := next(slow)
		if err != nil {
			t.Fatalf("after %d snapshots: %v", read, err)
		}
		if f == wire.ByeSlow {
			break
		}
		if _, ok := f.(wire.Snapshot); !ok || read > requests {
			t.Fatalf("got %#v", f)
		}
	}
	p.greet(t, head(1)) // and may come back
}

// A client that never reads again is cut off by the write deadline.
func TestHubCutsOffStuckClient(t *testing.T) {
	noise := make([]byte, 512<<10)
	rand.Read(noise)
	s := &shelf{snapshot: []byte(`{"type":"snapshot","noise":"` + hex.EncodeToString(noise) + `"}`)}
	const requests = 200
	h := hub.New(s, hub.Limits{RequestsPerMinute: 2 * requests, Queue: 4, Write: 50 * time.Millisecond}, nil, slog.New(slog.DiscardHandler))
	s.head = head(0)
	server := httptest.NewServer(h)
	defer server.Close()
	p := place{h, "ws" + strings.TrimPrefix(server.URL, "http")}
	c := p.dial(t)
	send(t, c, hello)
	eventually(t, "hello", func() bool { return p.Clients() == 1 })
	go func() {
		for range requests {
			if c.Send(wire.Full{}) != nil {
				return
			}
		}
	}()
	eventually(t, "the stuck client is dropped", func() bool { return p.Clients() == 0 })
	ctx, cancel := context.WithTimeout(t.Context(), patience)
	defer cancel()
	if err := h.Close(ctx); err != nil { // waits for its goroutines
		t.Error(err)
	}
}

func TestHubSaysByeProtocolToNonsense(t *testing.T) {
	p := newHub(t, &shelf{}, hub.Limits{})
	nonsense := []string{
		`{"type":"hello","protocol":3,"sequence":0,"pack":"` + someHash + `"}`,
		string(wire.Encode(wire.Full{})), // before hello
		string(wire.Encode(wire.Since{Pack: someHash})),
		string(wire.Encode(head(1))), // a server's frame
		string(wire.Encode(wire.Heartbeat{})),
		strings.Repeat("x", wire.MaxRequest+1),
		strings.Repeat(" ", 1<<20), // small once compressed
	}
	files, err := filepath.Glob("../wire/testdata/bad/*.txt")
	if err != nil || len(files) == 0 {
		t.Fatalf("no bad frames: %v", err)
	}
	for _, file := range files {
		data, err := os.ReadFile(file)
		if err != nil {
			t.Fatal(err)
		}
		nonsense = append(nonsense, strings.Split(strings.TrimRight(string(data), "\n"), "\n")...)
	}
	for _, text := range nonsense {
		c := p.dial(t)
		if err := c.SendText([]byte(text)); err != nil {
			t.Fatal(err)
		}
		expectBye(t, c, wire.ByeProtocol)
		c.Close()
	}
	// Also after a good start, and with more nonsense behind it.
	c := p.greet(t, head(0))
	for range 50 {
		c.SendText([]byte("{"))
	}
	expectBye(t, c, wire.ByeProtocol)
	c = p.greet(t, head(0))
	send(t, c, hello)
	expectBye(t, c, wire.ByeProtocol)
	eventually(t, "all have left", func() bool { return p.Clients() == 0 })
}

func TestHubLimitsClients(t *testing.T) {
	p := newHub(t, &shelf{}, hub.Limits{Clients: 2})
	first := p.greet(t, head(0))
	p.greet(t, head(0))
	expectBye(t, p.dial(t), wire.ByeLimit)
	first.Close()
	eventually(t, "a place is free", func() bool { return p.Clients() == 1 })
	p.greet(t, head(0))
}

func TestHubLimitsRequests(t *testing.T) {
	s := &shelf{snapshot: []byte(`{"type":"heartbeat"}`)}
	p := newHub(t, s, hub.Limits{RequestsPerMinute: 3})
	c := p.greet(t, head(0))
	for range 4 {
		send(t, c, wire.Full{})
	}
	expectBye(t, c, wire.ByeLimit)
}

func TestHubBeatsWithDataFrames(t *testing.T) {
	t.Parallel() // it mostly waits
	idle := 3 * time.Second
	p := newHub(t, &shelf{}, hub.Limits{Heartbeat: idle / 60, Idle: idle})
	c := p.greet(t, head(0))
	// Two idle times pass: the pongs keep a client that says nothing.
	for end := time.Now().Add(2 * idle); time.Now().Before(end); {
		data, err := c.Receive(time.Now().Add(patience))
		if err != nil || string(data) != `{"type":"heartbeat"}` {
			t.Fatalf("got %s, %v", data, err)
		}
	}
}

func TestHubDropsClientsThatSayNothing(t *testing.T) {
	p := newHub(t, &shelf{}, hub.Limits{Hello: 20 * time.Millisecond})
	if f, err := next(p.dial(t)); err == nil {
		t.Errorf("got %#v, want the connection to end", f)
	}
}

// Without pongs (a client that reads nothing answers none) the line is dead.
func TestHubDropsDeadClient(t *testing.T) {
	p := newHub(t, &shelf{}, hub.Limits{Idle: 500 * time.Millisecond})
	p.greet(t, head(0)) // and never receives again
	eventually(t, "the dead client is dropped", func() bool { return p.Clients() == 0 })
}

func TestHubChecksOrigins(t *testing.T) {
	p := newHub(t, &shelf{}, hub.Limits{})
	for origin, ok := range map[string]bool{
		"":                                 true, // the command line
		"chrome-extension://abcdefghijkl":  true,
		"moz-extension://7b3c-41":          true,
		"http://127.0.0.1:8787":            false,
		"http://localhost":                 false,
		"https://localhost:8787":           false,
		"https://example.com":              false,
		"https://chrome-extension.example": false,
		"chrome-extension://":              false,
		"chrome-extension://a/b":           false,
		"file://":                          false,
		"null":                             false,
	} {
		header := http.Header{}
		if origin != "" {
			header.Set("Origin", origin)
		}
		c, err := hub.Dial(t.Context(), p.url, header)
		if ok != (err == nil) {
			t.Errorf("origin %q: %v", origin, err)
		}
		if err == nil {
			c.Close()
		} else if !strings.Contains(err.Error(), "403") {
			t.Errorf("origin %q: %v, want 403", origin, err)
		}
	}
}

func TestHubSaysRestartWhenItCloses(t *testing.T) {
	p := newHub(t, &shelf{}, hub.Limits{})
	greeted, silent := p.greet(t, head(0)), p.dial(t)
	// The silent client must have joined before the hub closes.
	send(t, silent, hello)
	expect(t, silent, head(0))
	closed := make(chan error, 1)
	go func() {
		ctx, cancel := context.WithTimeout(context.Background(), patience)
		defer cancel()
		closed <- p.Close(ctx)
	}()
	expectBye(t, greeted, wire.ByeRestart)
	expectBye(t, silent, wire.ByeRestart)
	if err := <-closed; err != nil {
		t.Error(err)
	}
	p.Announce(both(head(1))) // does not block
	if c, err := hub.Dial(t.Context(), p.url, nil); err == nil {
		if f, err := next(c); err == nil {
			t.Errorf("a closed hub said %#v", f)
		}
		c.Close()
	}
}

func TestHubSurvivesClientsThatComeAndGo(t *testing.T) {
	p := newHub(t, &shelf{snapshot: []byte(`{"type":"heartbeat"}`)}, hub.Limits{Heartbeat: time.Millisecond})
	stop := make(chan struct{})
	var announcing, visitors sync.WaitGroup
	announcing.Go(func() {
		for i := 1; ; i++ {
			select {
			case <-stop:
				return
			case <-time.After(time.Millisecond):
				p.Announce(both(head(i)))
			}
		}
	})
	for i := range 8 {
		visitors.Go(func() {
			for j := range 15 {
				c, err := hub.Dial(context.Background(), p.url, nil)
				if err != nil {
					t.Error(err)
					return
				}
				c.Send(hello)
				if (i+j)%2 == 0 {
					c.Receive(time.Now().Add(patience))
					c.Send(wire.Full{})
				}
				c.Close()
			}
		})
	}
	visitors.Wait()
	close(stop)
	announcing.Wait()
	eventually(t, "all have left", func() bool { return p.Clients() == 0 })
}
