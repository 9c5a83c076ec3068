// SPDX-License-Identifier: Apache-2.0

package main

import (
	"fmt"
	"log/slog"
	"net/http"
	"sync"
	"time"

	"haechi/rules"
	"haechi/rules/trust"
	"haechi/server/hub"
	"haechi/server/publish"
	"haechi/server/review"
	"haechi/server/store"
	"haechi/server/web"
)

// What one client address may do at the review desk: a class behind one
// address sends its reports together; nobody signs in often.
const (
	reportsAtOnce    = 40
	reportsPerSecond = 0.2
	signInsAtOnce    = 20
	signInsPerSecond = 0.1
)

// expireEvery is how often the desk looks for what has been kept long enough.
const expireEvery = time.Hour

// newestPack keeps the pack at the head put together.
type newestPack struct {
	store     *store.Store
	publisher *publish.Publisher
	log       *slog.Logger

	mu       sync.Mutex // held while a pack is put together
	known    bool
	sequence uint64
	pack     rules.Pack
}

// get returns the pack at the head. If it cannot be read, it is the one before.
func (p *newestPack) get() rules.Pack {
	p.mu.Lock()
	defer p.mu.Unlock()
	at := p.publisher.Head(trust.Preview).Sequence
	if p.known && at == p.sequence {
		return p.pack
	}
	pack, err := p.store.PackAt(at)
	if err != nil {
		p.log.Error("review: rules", "err", err)
		return p.pack
	}
	p.known, p.sequence, p.pack = true, at, pack
	return pack
}

// openReview opens the desk of a node and returns its pages.
func openReview(n *node, c nodeConfig) (*review.Desk, http.Handler, error) {
	desk, err := review.Open(n.store.Review(), review.Config{Now: c.now, Retention: c.retention})
	if err != nil {
		return nil, nil, err
	}
	pack := &newestPack{store: n.store, publisher: n.publisher, log: c.log}
	limits := map[web.Limit]*rates{
		web.Reports: newBurst(reportsPerSecond, reportsAtOnce),
		web.SignIns: newBurst(signInsPerSecond, signInsAtOnce),
	}
	if c.perSecond <= 0 { // no limits were asked for
		clear(limits)
	}
	config := web.Config{
		Desk: desk, Pack: pack.get, OIDC: c.oidc, Now: c.now, Log: c.log,
		Secure: func(r *http.Request) bool { return schemeOf(r, c.proxies) == "https" },
		Origin: hub.Origins(c.origins).Allow,
		Allow: func(r *http.Request, l web.Limit) bool {
			return limits[l].allow(clientOf(r, c.proxies), time.Now())
		},
	}
	if n.cluster != nil && !c.desk {
		config.Take = n.queueReport
		return desk, web.Elsewhere(config), nil
	}
	pages, err := web.New(config)
	if err == nil && n.cluster != nil {
		err = n.cluster.Desk(desk.TakeQueued)
	}
	return desk, pages, err
}

// queueReport sends a report to the node of the cluster that has the desk. The
// receipt is given only once the queue has the report for good.
func (n *node) queueReport(r review.Report) (review.Receipt, error) {
	q, receipt, err := n.desk.Enqueue(r)
	if err != nil {
		return review.Receipt{}, err
	}
	if err := n.cluster.Send(q); err != nil {
		return review.Receipt{}, fmt.Errorf("%w: %w", web.ErrAway, err)
	}
	return receipt, nil
}

// expire erases from time to time what the desk has kept long enough, until
// close.
func (n *node) expire(log *slog.Logger) {
	tick := time.NewTicker(expireEvery)
	defer tick.Stop()
	for {
		erased, err := n.desk.Expire()
		if err != nil {
			log.Error("review: retention", "err", err)
		}
		if erased > 0 {
			log.Info("review: erased what was kept long enough", "answers", erased)
		}
		select {
		case <-n.closed:
			return
		case <-tick.C:
		}
	}
}
