// SPDX-License-Identifier: Apache-2.0

package main

import (
	"net/netip"
	"sync"
	"time"

	"golang.org/x/time/rate"
)

const (
	// burstSeconds of requests may come at once: a school behind one address
	// reconnects together after a restart.
	burstSeconds = 10
	// maxAddresses bounds the memory for addresses to two times as many
	// limiters, about 100 bytes each.
	maxAddresses = 20_000
)

// rates bounds the requests of each client address. Addresses are remembered in
// two generations: when the newer one is full, the older one is forgotten.
type rates struct {
	perSecond rate.Limit
	burst     int
	most      int // addresses in a generation

	mu            sync.Mutex // held for map accesses only
	newer, before map[netip.Addr]*rate.Limiter
}

// newRates returns nil, which allows everything, for zero.
func newRates(perSecond float64) *rates {
	if perSecond <= 0 {
		return nil
	}
	return newBurst(perSecond, max(1, int(perSecond*burstSeconds)))
}

// newBurst allows so many at once, and from then on so many a second.
func newBurst(perSecond float64, burst int) *rates {
	return &rates{perSecond: rate.Limit(perSecond), burst: burst, most: maxAddresses, newer: map[netip.Addr]*rate.Limiter{}}
}

// allow says whether a client may ask at an instant. This machine itself
// always may, and so may what is not from a network.
func (r *rates) allow(client netip.Addr, now time.Time) bool {
	if r == nil || !client.IsValid() || client.IsLoopback() {
		return true
	}
	if client.Is6() { // a household has a /64, and all addresses in it
		p, err := client.WithZone("").Prefix(64)
		if err != nil {
			return true
		}
		client = p.Addr()
	}
	return r.limiter(client).AllowN(now, 1)
}

func (r *rates) limiter(client netip.Addr) *rate.Limiter {
	r.mu.Lock()
	defer r.mu.Unlock()
	if l, ok := r.newer[client]; ok {
		return l
	}
	l, ok := r.before[client]
	if !ok {
		l = rate.NewLimiter(r.perSecond, r.burst)
	}
	if len(r.newer) >= r.most {
		r.before, r.newer = r.newer, map[netip.Addr]*rate.Limiter{}
	}
	r.newer[client] = l
	return l
}

// retryAfter is in whole seconds.
func (r *rates) retryAfter() int { return max(1, int(1/float64(r.perSecond)+0.999)) }
