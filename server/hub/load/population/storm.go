// SPDX-License-Identifier: Apache-2.0

package main

import (
	"container/heap"
	"math"
	"math/rand/v2"
)

// The waiting of clients between tries, as in ext/src/sync/backoff.ts: doubling,
// drawn from the upper half.
const (
	firstWait   = 1.0   // seconds
	longestWait = 600.0 // seconds
	giveUp      = 20.0  // seconds that a client waits for a greeting
	maxSample   = 200_000
	stormEnds   = 3 * 3600.0 // seconds after which a storm that is not over is called endless
)

// storm is how the clients of one node come back after all of them lost it
// without a bye, for instance because the balancer was away for a time.
type storm struct {
	Outage   float64 `json:"outage_s"`
	Capacity float64 `json:"capacity"` // connections that the node takes a second
	Peak     float64 `json:"peak"`     // tries in the busiest second after the outage
	Failed   float64 `json:"failed"`   // tries that waited too long for a greeting, for each client
	Half     float64 `json:"half_s"`   // after the outage
	Most     float64 `json:"most_s"`   // 99 %
	All      float64 `json:"all_s"`
	Endless  bool    `json:"endless,omitempty"`
}

// try is one client's next try.
type try struct {
	at       float64
	failures int
}

type tries []try

func (t tries) Len() int           { return len(t) }
func (t tries) Less(i, j int) bool { return t[i].at < t[j].at }
func (t tries) Swap(i, j int)      { t[i], t[j] = t[j], t[i] }
func (t *tries) Push(x any)        { *t = append(*t, x.(try)) }
func (t *tries) Pop() any {
	old := *t
	x := old[len(old)-1]
	*t = old[:len(old)-1]
	return x
}

// reconnect draws a storm. Where a node has more clients than are drawn, both
// they and the capacity are scaled. A try is served in the order of arrival; one
// whose turn would come too late costs the node the handshake all the same.
func reconnect(a assumptions, m measured, clients, outage float64) storm {
	random := rand.New(rand.NewPCG(a.Seed, uint64(outage)))
	capacity := a.Cores * 1000 / (m.TLSCPUMS + m.ConnectCPUMS)
	n := int(math.Min(clients, maxSample))
	scale := clients / float64(n)
	s := storm{Outage: outage, Capacity: capacity}
	each := scale / capacity // seconds of the node for one client of the sample

	wait := func(failures int) float64 {
		full := math.Min(firstWait*math.Pow(2, float64(failures-1)), longestWait)
		return full/2 + full/2*random.Float64()
	}
	queue := make(tries, n)
	for i := range queue {
		queue[i] = try{at: wait(1), failures: 1}
	}
	heap.Init(&queue)
	free := outage // when the node is next free
	back, failed := 0, 0
	inSecond, second := 0, -1
	for back < n {
		t := heap.Pop(&queue).(try)
		if t.at > outage+stormEnds {
			s.Endless = true
			break
		}
		if t.at < outage { // refused at once
			heap.Push(&queue, try{at: t.at + wait(t.failures+1), failures: t.failures + 1})
			continue
		}
		if now := int(t.at); now != second {
			second, inSecond = now, 0
		}
		inSecond++
		s.Peak = math.Max(s.Peak, float64(inSecond)*scale)
		start := math.Max(free, t.at)
		if start-t.at > giveUp {
			failed++
			free += each * m.TLSCPUMS / (m.TLSCPUMS + m.ConnectCPUMS)
			heap.Push(&queue, try{at: t.at + giveUp + wait(t.failures+1), failures: t.failures + 1})
			continue
		}
		free = start + each
		back++
		if back == (n+1)/2 {
			s.Half = free - outage
		}
		if back == (n*99+99)/100 {
			s.Most = free - outage
		}
		if back == n {
			s.All = free - outage
		}
	}
	s.Failed = float64(failed) / float64(n)
	return s
}
