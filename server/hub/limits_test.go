// SPDX-License-Identifier: Apache-2.0

package hub_test

import (
	"bytes"
	"fmt"
	"net"
	"net/http"
	"net/http/httptest"
	"runtime"
	"strings"
	"testing"
	"time"

	"haechi/rules/trust/trusttest"
	"haechi/server/hub"
	"haechi/server/wire"
)

// through is a server whose requests seem to come from other addresses.
type through struct {
	hub  http.Handler
	from chan string
}

func (s through) ServeHTTP(w http.ResponseWriter, r *http.Request) {
	r.RemoteAddr = <-s.from
	s.hub.ServeHTTP(w, r)
}

func TestHubLimitsClientsOfAnAddress(t *testing.T) {
	p := newHub(t, &shelf{}, hub.Limits{PerAddress: 2})
	from := make(chan string, 1)
	server := httptest.NewServer(through{p.Hub, from})
	defer server.Close()
	away := place{p.Hub, "ws" + strings.TrimPrefix(server.URL, "http")}
	greet := func(address string) *hub.Conn {
		from <- address
		return away.greet(t, head(0))
	}
	refused := func(address string) {
		t.Helper()
		from <- address
		expectBye(t, away.dial(t), wire.ByeLimit)
	}
	first := greet("192.0.2.1:1000")
	greet("192.0.2.1:1001")
	refused("192.0.2.1:1002")
	refused("[::ffff:192.0.2.1]:1003") // the same, written otherwise
	greet("192.0.2.2:1000")
	first.Close()
	eventually(t, "a place is free", func() bool { return p.Clients() == 2 })
	greet("192.0.2.1:1004")

	// One customer has a /64.
	greet("[2001:db8:0:1::1]:1000")
	greet("[2001:db8:0:1::2]:1000")
	refused("[2001:db8:0:1:ffff::3]:1000")
	greet("[2001:db8:0:2::1]:1000")

	// A proxy on this machine stands for many.
	for range 5 {
		greet("127.0.0.1:1000")
		greet("[::1]:1000")
	}
}

func TestHubLimitsLoopbackIfAsked(t *testing.T) {
	p := newHub(t, &shelf{}, hub.Limits{PerLoopback: 1})
	p.greet(t, head(0))
	expectBye(t, p.dial(t), wire.ByeLimit)
}

func TestHubPinsChromeExtensions(t *testing.T) {
	const ours, other = "abcdefghijklmnopabcdefghijklmnop", "ponmlkjihgfedcbaponmlkjihgfedcba"
	p := newHub(t, &shelf{}, hub.Limits{}, ours)
	for origin, ok := range map[string]bool{
		"":                                 true,
		"chrome-extension://" + ours:       true,
		"chrome-extension://" + other:      false,
		"chrome-extension://" + ours + "/": false,
		"moz-extension://7b3c-41":          true,
		"moz-extension://":                 false,
		"https://" + ours:                  false,
		ours:                               false,
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
		}
	}
	if err := (hub.Origins{ours, other}).Check(); err != nil {
		t.Error(err)
	}
	for _, id := range []string{"", ours[1:], ours + "a", strings.ToUpper(ours), "chrome-extension://" + ours, strings.Repeat("z", 32)} {
		if err := (hub.Origins{id}).Check(); err == nil {
			t.Errorf("id %q is taken", id)
		}
	}
}

// An answer of two frames arrives whole and in order, whatever is announced
// meanwhile.
func TestHubSendsTheFramesOfAnAnswerInARow(t *testing.T) {
	pack := trusttest.Pack(t, "a")
	s := &shelf{
		delta: wire.Encode(wire.Delta{From: 0, To: 1, Release: "note"}),
		log:   wire.Encode(wire.Snapshot{Sequence: 1, Release: "note", Pack: pack.Encode()}),
	}
	const asks, releases = 20, 100
	p := newHub(t, s, hub.Limits{Queue: 2*asks + releases + 1})
	c := p.greet(t, head(0))
	go func() {
		for i := range releases {
			p.Announce(both(head(i + 1)))
		}
	}()
	for range asks {
		send(t, c, wire.Since{Pack: someHash})
	}
	deltas, heads, last := 0, 0, []byte{}
	for deltas < asks || heads < releases {
		got, err := c.Receive(time.Now().Add(patience))
		if err != nil {
			t.Fatalf("after %d answers and %d heads: %v", deltas, heads, err)
		}
		switch {
		case bytes.Equal(got, s.delta):
		case bytes.Equal(got, s.log):
			deltas++
		default:
			heads++
			if f, err := wire.Decode(got); err != nil || f != head(heads) {
				t.Fatalf("got %s, want head %d", got, heads)
			}
		}
		if bytes.Equal(last, s.delta) != bytes.Equal(got, s.log) {
			t.Fatalf("%.40s follows %.40s", got, last)
		}
		last = got
	}
}

// A client that reads nothing holds up nobody, even when there are more of them
// than writers.
func TestHubServesOthersWhileClientsBlock(t *testing.T) {
	s := &shelf{snapshot: []byte(`{"type":"snapshot","noise":"` + strings.Repeat("x", 4<<20) + `"}`)}
	const stuck, requests = 40, 30
	p := newHub(t, s, hub.Limits{RequestsPerMinute: requests, Queue: requests + 2, Write: time.Hour})
	quick := p.greet(t, head(0))
	var held []net.Conn
	for range stuck {
		c := rawClient(t, p.url)
		held = append(held, c)
		for range requests { // 120 MiB each: more than kernel buffers hold
			frame(c, wire.Full{})
		}
	}
	eventually(t, "all are there", func() bool { return p.Clients() == stuck+1 })
	for i := range 5 {
		p.Announce(both(head(i + 1)))
		expect(t, quick, head(i+1))
	}
	for _, c := range held {
		c.Close()
	}
	eventually(t, "they have left", func() bool { return p.Clients() == 1 })
}

// What an idle client costs is mostly its stack: 2 KiB is the least there is.
func TestHubParksClientsOnSmallStacks(t *testing.T) {
	if trusttest.RaceDetector() {
		t.Skip("the race detector enlarges stacks; ./build.sh test runs this without it")
	}
	const clients, limit = 2000, 3 << 10
	p := newHub(t, &shelf{}, hub.Limits{})
	var before, after runtime.MemStats
	runtime.GC()
	runtime.ReadMemStats(&before)
	for i := range clients {
		rawClient(t, p.url)
		if i == clients/2 {
			runtime.GC() // from here on the runtime starts goroutines with the average stack
		}
	}
	eventually(t, "all are there", func() bool { return p.Clients() == clients })
	runtime.GC()
	runtime.GC()
	runtime.ReadMemStats(&after)
	if each := (after.StackInuse - before.StackInuse) / clients; each > limit {
		t.Errorf("an idle client holds %d bytes of stack, at most %d", each, limit)
	}
}

// rawClient says hello without compression and then neither reads nor has a
// goroutine of its own.
func rawClient(t *testing.T, url string) net.Conn {
	t.Helper()
	c, err := net.Dial("tcp", strings.TrimSuffix(strings.TrimPrefix(url, "ws://"), "/v1/sync"))
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { c.Close() })
	fmt.Fprint(c, "GET /v1/sync HTTP/1.1\r\nHost: hub\r\nConnection: Upgrade\r\nUpgrade: websocket\r\n"+
		"Sec-WebSocket-Version: 13\r\nSec-WebSocket-Key: dGhlIHNhbXBsZSBub25jZQ==\r\n\r\n")
	c.SetReadDeadline(time.Now().Add(patience))
	answer := make([]byte, 256)
	if n, err := c.Read(answer); err != nil || !strings.Contains(string(answer[:n]), " 101 ") {
		t.Fatalf("no socket: %v %s", err, answer[:n])
	}
	frame(c, hello)
	return c
}

// frame writes a text frame of up to 64 KiB, masked with zeros.
func frame(c net.Conn, f wire.Frame) {
	text := wire.Encode(f)
	c.Write(append([]byte{0x81, 0x80 | 126, byte(len(text) >> 8), byte(len(text)), 0, 0, 0, 0}, text...))
}
