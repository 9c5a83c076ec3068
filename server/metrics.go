// SPDX-License-Identifier: Apache-2.0

package main

import (
	"math"
	"net/http"
	"strconv"
	"sync"
	"time"

	"github.com/prometheus/client_golang/prometheus"
	"github.com/prometheus/client_golang/prometheus/collectors"
	"github.com/prometheus/client_golang/prometheus/promhttp"

	"haechi/rules/trust"
	"haechi/server/hub"
	"haechi/server/store"
)

// metrics counts what an operator watches. Labels come from fixed sets, so that
// no client can make new ones.
type metrics struct {
	registry *prometheus.Registry
	requests *prometheus.CounterVec
	refused  *prometheus.CounterVec
	publish  prometheus.Histogram
	hellos   prometheus.Counter
	heads    prometheus.Counter
	byes     *prometheus.CounterVec
}

func newMetrics() *metrics {
	counter := func(name, help string) prometheus.CounterOpts {
		return prometheus.CounterOpts{Namespace: "haechi", Name: name, Help: help}
	}
	m := &metrics{
		registry: prometheus.NewRegistry(),
		requests: prometheus.NewCounterVec(counter("http_requests_total", "Requests by route and status; a socket counts once, with 101."), []string{"route", "status"}),
		refused:  prometheus.NewCounterVec(counter("pushes_refused_total", "Pushes that did not become a release, by the code of the refusal."), []string{"code"}),
		publish: prometheus.NewHistogram(prometheus.HistogramOpts{
			Namespace: "haechi", Name: "publish_seconds", Help: "Time from a push that was read to its answer, refusals included.",
			Buckets: prometheus.ExponentialBuckets(0.001, 4, 8), // to 16 seconds
		}),
		hellos: prometheus.NewCounter(counter("hellos_total", "Clients that said hello.")),
		heads:  prometheus.NewCounter(counter("heads_announced_total", "New heads that were announced to all clients.")),
		byes:   prometheus.NewCounterVec(counter("byes_total", "Clients that were told bye, by its code."), []string{"code"}),
	}
	m.registry.MustRegister(m.requests, m.refused, m.publish, m.hellos, m.heads, m.byes,
		collectors.NewGoCollector(), collectors.NewProcessCollector(collectors.ProcessCollectorOpts{}))
	return m
}

func (m *metrics) handler() http.Handler {
	return promhttp.HandlerFor(m.registry, promhttp.HandlerOpts{Registry: m.registry, MaxRequestsInFlight: 4, Timeout: 10 * time.Second})
}

// request counts one answer. route is the pattern that it matched.
func (m *metrics) request(route string, status int) {
	if route == "" {
		route = "none"
	}
	m.requests.WithLabelValues(route, strconv.Itoa(status)).Inc()
}

// events are what a hub has to call.
func (m *metrics) events() hub.Events {
	return hub.Events{
		Hello: m.hellos.Inc,
		Head:  func(int) { m.heads.Inc() },
		Bye:   func(code string) { m.byes.WithLabelValues(code).Inc() },
	}
}

var (
	descClients  = prometheus.NewDesc("haechi_clients", "Clients that are connected and have said hello.", nil, nil)
	descSequence = prometheus.NewDesc("haechi_head_sequence", "Sequence of the newest release.", nil, nil)
	descCreated  = prometheus.NewDesc("haechi_head_created_timestamp_seconds", "When the newest release was signed. Absent for the baseline.", nil, nil)
	descExpires  = prometheus.NewDesc("haechi_head_expires_timestamp_seconds", "When browsers stop taking the newest release. Absent for the baseline.", nil, nil)
	descStore    = prometheus.NewDesc("haechi_store_bytes", "Bytes of the store on disk; renewed once a minute.", []string{"part"}, nil)
	descFree     = prometheus.NewDesc("haechi_store_free_bytes", "Bytes free on the store's disk.", nil, nil)
	descReserve  = prometheus.NewDesc("haechi_store_reserve_bytes", "Bytes that must be free, or pushes are refused.", nil, nil)
	descGC       = prometheus.NewDesc("haechi_store_collections_total", "Value log collections.", []string{"result"}, nil)
	descReady    = prometheus.NewDesc("haechi_ready", "1 if /readyz says so.", nil, nil)
)

// state is read from a node whenever somebody asks for its metrics.
type state struct {
	node *node
	root trust.Root

	mu      sync.Mutex    // held while a release is read
	release trust.Release // of the head at the last call; sequence 0 if there is none
}

func (s *state) Describe(out chan<- *prometheus.Desc) {
	for _, d := range []*prometheus.Desc{descClients, descSequence, descCreated, descExpires, descStore, descFree, descReserve, descGC, descReady} {
		out <- d
	}
}

func (s *state) Collect(out chan<- prometheus.Metric) {
	gauge := func(d *prometheus.Desc, v float64, labels ...string) {
		out <- prometheus.MustNewConstMetric(d, prometheus.GaugeValue, v, labels...)
	}
	ready := 1.0
	if s.node.ready() != nil {
		ready = 0
	}
	gauge(descReady, ready)
	gauge(descClients, float64(s.node.hub.Clients()))
	head := s.node.publisher.Head(trust.Preview)
	gauge(descSequence, float64(head.Sequence))
	if r, ok := s.signed(head.Sequence); ok {
		gauge(descCreated, float64(r.Created.Unix()))
		gauge(descExpires, float64(r.Expires.Unix()))
	}
	stats := s.node.store.Stats()
	gauge(descStore, float64(stats.LSM), "lsm")
	gauge(descStore, float64(stats.ValueLog), "value-log")
	if stats.Free != math.MaxUint64 {
		gauge(descFree, float64(stats.Free))
	}
	gauge(descReserve, store.Reserve)
	count := func(v uint64, result string) {
		out <- prometheus.MustNewConstMetric(descGC, prometheus.CounterValue, float64(v), result)
	}
	count(stats.Rewritten, "freed")
	count(stats.Collections-stats.Rewritten, "nothing")
}

// signed is the release with a sequence, which is the head's.
func (s *state) signed(sequence uint64) (trust.Release, bool) {
	s.mu.Lock()
	defer s.mu.Unlock()
	if sequence == 0 || s.release.Sequence == sequence {
		return s.release, sequence > 0
	}
	kept, err := s.node.store.Release(sequence)
	if err != nil {
		return trust.Release{}, false
	}
	r, err := trust.Open([]byte(kept.Note), s.root)
	if err != nil {
		return trust.Release{}, false
	}
	s.release = r
	return r, true
}
