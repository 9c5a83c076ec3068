// SPDX-License-Identifier: Apache-2.0

package main

import (
	"bufio"
	"log/slog"
	"net"
	"net/http"
	"net/netip"
	"strconv"
	"strings"
	"time"

	"haechi/server/publish"
	"haechi/server/web"
)

// front is what every request passes before the API: the limit for its address,
// the count and the log. Addresses of clients are logged at level debug only.
type front struct {
	next    http.Handler
	proxies []netip.Prefix // believed about where a request comes from
	rates   *rates         // nil: no limit
	metrics *metrics
	log     *slog.Logger
}

func (f *front) ServeHTTP(w http.ResponseWriter, r *http.Request) {
	start := time.Now()
	client := clientOf(r, f.proxies)
	answer := &answer{ResponseWriter: w}
	defer func() { // also when a handler gives up with a panic
		f.metrics.request(r.Pattern, answer.code())
		if f.log.Enabled(r.Context(), slog.LevelDebug) {
			f.log.Debug("request", "method", r.Method, "path", loggable(r), "status", answer.code(),
				"bytes", answer.bytes, "client", client.String(), "scheme", schemeOf(r, f.proxies), "took", time.Since(start))
		}
	}()
	if !f.rates.allow(client, start) {
		answer.Header().Set("Retry-After", strconv.Itoa(f.rates.retryAfter()))
		web.AnswerJSON(answer, http.StatusTooManyRequests, errorBody{&publish.Refusal{Code: "limit", Message: "too many requests from your address; wait and try again"}})
		return
	}
	f.next.ServeHTTP(answer, r)
}

// loggable is the path of a request, without invitations and receipts.
func loggable(r *http.Request) string {
	for _, secret := range []string{"/review/join/", "/v1/reports/"} {
		if strings.HasPrefix(r.URL.Path, secret) {
			return secret + "…"
		}
	}
	return r.URL.Path
}

// answer notes what a handler answers.
type answer struct {
	http.ResponseWriter
	status int // zero before it is known
	bytes  int64
}

func (a *answer) code() int {
	if a.status == 0 {
		return http.StatusOK // what the server sends for a handler that says nothing
	}
	return a.status
}

func (a *answer) WriteHeader(status int) {
	if a.status == 0 {
		a.status = status
	}
	a.ResponseWriter.WriteHeader(status)
}

func (a *answer) Write(p []byte) (int, error) {
	if a.status == 0 {
		a.status = http.StatusOK
	}
	n, err := a.ResponseWriter.Write(p)
	a.bytes += int64(n)
	return n, err
}

// Hijack hands the connection over to a socket, whose time is its own.
func (a *answer) Hijack() (net.Conn, *bufio.ReadWriter, error) {
	conn, rw, err := http.NewResponseController(a.ResponseWriter).Hijack()
	if err == nil {
		a.status = http.StatusSwitchingProtocols
	}
	return conn, rw, err
}
