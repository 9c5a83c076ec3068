// SPDX-License-Identifier: Apache-2.0

package main

import (
	"context"
	"errors"
	"fmt"
	"math/rand/v2"
	"net"
	"strings"
	"sync"
	"syscall"
	"testing"
	"time"

	"haechi/rules/trust"
	"haechi/server/publish"
)

// schedules is how many schedules of faults are drawn; HAECHI_CLUSTER_SCHEDULES
// says another number.
const schedules = 2

// TestClusterSurvivesFaults publishes through every node, two at a time, while
// nodes are killed or cut off, NATS servers stopped or killed, and everything is
// started anew. After each schedule all is healed, and then logs, heads and
// stores agree, everything that was acknowledged is there as it was signed, and
// a client that moved among the nodes all the while has everything and was shown
// nothing that it would refuse. Schedule k is drawn from HAECHI_CLUSTER_SEED + k,
// which draws it again.
func TestClusterSurvivesFaults(t *testing.T) {
	n := fromEnv(t, "HAECHI_CLUSTER_SCHEDULES", schedules)
	seed := fromEnv(t, "HAECHI_CLUSTER_SEED", uint64(time.Now().UnixNano()))
	f := newFleet(t, 3, 3)
	f.agree(0)
	for k := range n {
		s := &schedule{fleet: f, random: rand.New(rand.NewPCG(seed+k, 0))}
		s.live()
		t.Logf("HAECHI_CLUSTER_SEED=%d: %s; %d releases, %d of them acknowledged, %d pushes refused, %d unsure; the client made %d visits, %d to nodes that were behind",
			seed+k, strings.Join(s.faults, ", "), f.releases, len(f.acknowledged), s.refused, s.unsure, s.visits, s.behind)
		if t.Failed() {
			return
		}
	}
	if len(f.acknowledged) == 0 {
		t.Error("nothing was published: this shows nothing")
	}
	f.finish()
}

// schedule is one random course of faults.
type schedule struct {
	*fleet
	random *rand.Rand
	faults []string
	heal   []func() // what ends the faults that last

	mu              sync.Mutex
	refused, unsure int
	visits, behind  int
}

// live runs two or three rounds of a fault with publications, and heals.
func (s *schedule) live() {
	s.t.Helper()
	for range 2 + s.random.IntN(2) {
		s.fault()
		s.round()
		if s.random.IntN(2) == 0 { // else two faults at once
			s.mend()
		}
	}
	s.mend()
	head := s.agree(0)
	for _, m := range s.nodes {
		s.mustVisit(m, head.Sequence)
		if err := s.inspect(m.url); err != nil {
			s.t.Errorf("%s: %v", m.name, err)
		}
	}
}

func (s *schedule) mend() {
	for _, heal := range s.heal {
		heal()
	}
	s.heal = nil
}

// fault makes one thing go wrong. Of the NATS servers a majority lives, unless
// everything is started anew.
func (s *schedule) fault() {
	t := s.t
	t.Helper()
	node, server := s.nodes[s.random.IntN(len(s.nodes))], s.nats[s.random.IntN(len(s.nats))]
	kind, dumb := s.random.IntN(6), s.random.IntN(2) == 0
	if len(s.heal) > 0 && (kind == 1 || kind == 2) {
		kind = 0 // one NATS server at a time
	}
	switch kind {
	case 0:
		s.faults = append(s.faults, "kill "+node.name)
		if node.process != nil {
			node.kill(t)
			s.heal = append(s.heal, func() { node.start(t) })
		}
	case 1:
		s.faults = append(s.faults, "stop "+server.name)
		server.signal(t, syscall.SIGSTOP)
		s.heal = append(s.heal, func() { server.signal(t, syscall.SIGCONT) })
	case 2:
		s.faults = append(s.faults, "kill "+server.name)
		server.kill()
		s.heal = append(s.heal, func() { server.start(t) })
	case 3, 4:
		s.faults = append(s.faults, fmt.Sprintf("cut %s off (silent: %v)", node.name, dumb))
		node.cut(true, dumb)
		s.heal = append(s.heal, func() { node.cut(false, false) })
	case 5:
		s.faults = append(s.faults, "restart all")
		s.mend()
		for _, m := range s.nodes {
			m.kill(t)
		}
		for _, n := range s.nats {
			n.kill()
		}
		for _, n := range s.nats {
			n.start(t)
		}
		for _, m := range s.nodes {
			m.start(t)
		}
	}
}

// round publishes through two nodes at once while the client moves about.
func (s *schedule) round() {
	s.t.Helper()
	var all sync.WaitGroup
	order := s.random.Perm(len(s.nodes))
	pushes := 1 + s.random.IntN(3)
	route := []int{s.random.IntN(3), s.random.IntN(3), s.random.IntN(3)}
	for i := range 2 {
		m := s.nodes[order[i]]
		if m.process == nil {
			continue
		}
		all.Go(func() {
			for range pushes {
				s.count(s.push(m, fmt.Sprintf("crash-%d", i)))
			}
		})
	}
	for _, i := range route {
		m := s.nodes[i]
		if m.process == nil {
			continue
		}
		behind, err := s.client.visit(s.fleet, m)
		s.visits++
		if behind {
			s.behind++
		}
		if err != nil {
			s.t.Errorf("the client: %v", err)
		}
	}
	all.Wait()
}

// count takes the outcomes that faults may have; no other is allowed.
func (s *schedule) count(err error) {
	s.mu.Lock()
	defer s.mu.Unlock()
	var timeout net.Error
	switch code(err) {
	case publish.CodeStale, "cut-off":
		s.refused++
		return
	case "unsure":
		s.unsure++
		return
	}
	switch {
	case err == nil:
	case gone(err), errors.Is(err, context.DeadlineExceeded), errors.As(err, &timeout) && timeout.Timeout():
		s.unsure++
	case trust.Code(err) == "fork":
		s.t.Errorf("a fork: %v", err)
	default:
		s.t.Errorf("push: %v", err)
	}
}
