// SPDX-License-Identifier: Apache-2.0

package web

import (
	"errors"
	"net/http"
	"time"
)

// ErrAway: the desk cannot be reached. Nothing was kept, as far as is known.
var ErrAway = errors.New("the review desk cannot be reached")

// Elsewhere returns the handler of a server whose desk is at another one. It
// takes reports in, by Take, and says of everything else that it is elsewhere:
// a balancer sends that to the server with the desk.
func Elsewhere(c Config) http.Handler {
	if c.Now == nil {
		c.Now = time.Now
	}
	if c.Allow == nil {
		c.Allow = func(*http.Request, Limit) bool { return true }
	}
	s := &site{Config: c}
	mux := http.NewServeMux()
	mux.HandleFunc("POST /v1/reports", s.takeReport)
	mux.HandleFunc("OPTIONS /v1/reports", s.preflight)
	mux.HandleFunc("OPTIONS /v1/reports/{code}", s.preflight)
	mux.HandleFunc("/", func(w http.ResponseWriter, r *http.Request) {
		if origin := r.Header.Get("Origin"); origin != "" && s.Origin(r) {
			w.Header().Set("Access-Control-Allow-Origin", origin)
			w.Header().Set("Vary", "Origin")
		}
		refuse(w, http.StatusMisdirectedRequest, "elsewhere", "", "the review desk is at another server of this cluster; its balancer should send this there")
	})
	return mux
}
