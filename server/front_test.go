// SPDX-License-Identifier: Apache-2.0

package main

import (
	"bytes"
	"log/slog"
	"net/http"
	"net/http/httptest"
	"net/netip"
	"strings"
	"testing"
	"time"

	"haechi/server/publish"
)

func TestClientIsWhomTheTrustedProxyNames(t *testing.T) {
	proxies, err := parseProxies([]string{"127.0.0.1", "10.0.0.0/8", "fd00::/8"})
	if err != nil {
		t.Fatal(err)
	}
	for _, c := range []struct {
		remote  string
		headers []string
		want    string
	}{
		{"203.0.113.7:1", nil, "203.0.113.7"},
		{"203.0.113.7:1", []string{"198.51.100.1"}, "203.0.113.7"}, // no proxy: not believed
		{"127.0.0.1:1", nil, "127.0.0.1"},
		{"127.0.0.1:1", []string{"198.51.100.1"}, "198.51.100.1"},
		{"127.0.0.1:1", []string{"192.0.2.66, 198.51.100.1"}, "198.51.100.1"}, // the left is the client's own word
		{"127.0.0.1:1", []string{"192.0.2.66", "198.51.100.1, 10.1.2.3"}, "198.51.100.1"},
		{"127.0.0.1:1", []string{"10.9.9.9"}, "10.9.9.9"},
		{"127.0.0.1:1", []string{"198.51.100.1, nonsense"}, "127.0.0.1"},
		{"[fd00::1]:1", []string{"2001:db8::5"}, "2001:db8::5"},
		{"[::ffff:127.0.0.1]:1", []string{"::ffff:198.51.100.1"}, "198.51.100.1"},
		{"@", []string{"198.51.100.1"}, "invalid IP"}, // a Unix socket
	} {
		r := httptest.NewRequest("GET", "/", nil)
		r.RemoteAddr = c.remote
		for _, h := range c.headers {
			r.Header.Add("X-Forwarded-For", h)
		}
		if got := clientOf(r, proxies).String(); got != c.want {
			t.Errorf("%s with %q: %s, want %s", c.remote, c.headers, got, c.want)
		}
	}
	r := httptest.NewRequest("GET", "/", nil)
	r.Header.Set("X-Forwarded-Proto", "https")
	for remote, want := range map[string]string{"127.0.0.1:1": "https", "203.0.113.7:1": "http"} {
		if r.RemoteAddr = remote; schemeOf(r, proxies) != want {
			t.Errorf("%s speaks %s", remote, schemeOf(r, proxies))
		}
	}
}

func TestPrivateAddresses(t *testing.T) {
	for addr, ok := range map[string]bool{
		"127.0.0.1:80": true, "localhost:80": true, "[::1]:80": true, "127.9.9.9:0": true,
		":80": false, "0.0.0.0:80": false, "[::]:80": false, "192.0.2.1:80": false,
	} {
		if err := private(addr); (err == nil) != ok {
			t.Errorf("%s: %v", addr, err)
		}
	}
}

func TestRatesBoundEachAddress(t *testing.T) {
	now := time.Date(2026, 11, 24, 0, 0, 0, 0, time.UTC)
	r := newRates(2)
	allowed := func(a string) (n int) {
		for range 100 {
			if r.allow(netip.MustParseAddr(a), now) {
				n++
			}
		}
		return n
	}
	for _, step := range []struct {
		addr  string
		after time.Duration
		want  int
	}{
		{"203.0.113.7", 0, 20},
		{"203.0.113.7", 0, 0},
		{"203.0.113.8", 0, 20}, // another's place is its own
		{"203.0.113.7", 3 * time.Second, 6},
		{"203.0.113.7", time.Hour, 20},
		{"2001:db8::1", 0, 20},
		{"2001:db8::2", 0, 0}, // the same household
		{"2001:db8:0:1::1", 0, 20},
		{"127.0.0.1", 0, 100},
		{"::1", 0, 100},
	} {
		now = now.Add(step.after)
		if got := allowed(step.addr); got != step.want {
			t.Errorf("%s: %d of 100, want %d", step.addr, got, step.want)
		}
	}
	if r := newRates(0); !r.allow(netip.MustParseAddr("203.0.113.7"), now) {
		t.Error("no limit, and refused")
	}
	// Memory is bounded, and who asks again and again is not forgotten.
	r = newRates(0.001)
	r.most = 10
	busy := netip.MustParseAddr("203.0.113.7")
	if !r.allow(busy, now) || r.allow(busy, now) {
		t.Error("a burst of one")
	}
	for i := range 1000 {
		r.allow(netip.AddrFrom4([4]byte{198, 51, byte(i >> 8), byte(i)}), now)
		if n := len(r.newer) + len(r.before); n > 20 {
			t.Fatalf("%d addresses", n)
		}
		if r.allow(busy, now) {
			t.Fatalf("forgotten after %d others", i)
		}
	}
}

func TestTooManyRequestsAreTurnedAway(t *testing.T) {
	s := newSite(t)
	s.stop(t)
	s.config.perSecond, s.config.proxies = 0.1, loopback // a burst of one; refilled in ten seconds
	s.start(t)
	ask := func(from string) (int, string, http.Header) {
		return s.exchange(t, "GET", "/v1/stable/head.json", nil, "X-Forwarded-For", from)
	}
	if status, _, _ := ask("203.0.113.7"); status != http.StatusOK {
		t.Errorf("the first: %d", status)
	}
	refused := false
	for range 20 {
		if status, body, header := ask("203.0.113.7"); status == http.StatusTooManyRequests {
			refused = true
			if header.Get("Retry-After") != "10" || !strings.Contains(body, `"code":"limit"`) {
				t.Errorf("%v %s", header, body)
			}
		}
	}
	if !refused {
		t.Error("twenty at once, and none refused")
	}
	if status, _, _ := ask("203.0.113.8"); status != http.StatusOK {
		t.Errorf("another: %d", status)
	}
}

// At level info nobody's address is in the log, whatever is asked.
func TestLogHoldsAddressesAtDebugOnly(t *testing.T) {
	for _, level := range []string{"info", "debug"} {
		var text bytes.Buffer
		log, err := newLog(&text, "json", level)
		if err != nil {
			t.Fatal(err)
		}
		s := newSite(t)
		s.stop(t)
		s.config.log, s.config.proxies = log, loopback
		s.start(t)
		const client = "203.0.113.7"
		for _, path := range []string{"/v1/stable/head.json", "/nowhere", "/v1/sync"} {
			s.do(t, "GET", path, nil, "X-Forwarded-For", client)
		}
		c := newCitizen(t, s, "a", "b")
		s.publish(t, "a", "b", "c")
		s.post(t, publish.Push{})
		c.conn.SendText([]byte("nonsense"))
		c.follow(2)
		s.stop(t)
		s.config.log = slog.New(slog.DiscardHandler)
		got := text.String()
		if !strings.Contains(got, `"msg":"published"`) || !strings.Contains(got, `"msg":"push refused"`) {
			t.Errorf("%s: the pushes are not there:\n%s", level, got)
		}
		for _, address := range []string{client, "127.0.0.1"} {
			if strings.Contains(got, address) != (level == "debug") {
				t.Errorf("%s: address %s:\n%s", level, address, got)
			}
		}
		if level == "debug" && !strings.Contains(got, `"client":"`+client+`","scheme":"http"`) {
			t.Errorf("no line for the request in\n%s", got)
		}
	}
}

func TestTheLogHoldsNoInvitationAndNoReceipt(t *testing.T) {
	for path, want := range map[string]string{"/review/join/secret": "/review/join/…", "/v1/reports/AAAA-BBBB": "/v1/reports/…", "/review/case/abc": "/review/case/abc"} {
		if got := loggable(httptest.NewRequest("GET", path, nil)); got != want {
			t.Errorf("%s is logged as %s", path, got)
		}
	}
}
