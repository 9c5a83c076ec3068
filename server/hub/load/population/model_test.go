// SPDX-License-Identifier: Apache-2.0

package main

import (
	"reflect"
	"strings"
	"testing"
)

// sample is about what one run measured.
var sample = measured{
	KBPerClient: 9, BaseKB: 80000, ConnectCPUMS: 0.11, TLSCPUMS: 0.47, IdleCPUMS: 0.24, HeadCPUMS: 0.01,
	HeadBytes: 218, BeatBytes: 20, DeltaBytes: 1562, SnapshotBytes: 1_393_271,
}

func TestTheSameSeedGivesTheSameStorm(t *testing.T) {
	a := assumed()
	one, again := reconnect(a, sample, 50_000, 10), reconnect(a, sample, 50_000, 10)
	if one != again {
		t.Errorf("%+v, then %+v", one, again)
	}
	a.Seed++
	if other := reconnect(a, sample, 50_000, 10); other == one {
		t.Error("another seed draws the same")
	}
}

// A longer outage spreads the clients out more; no client is left behind; and
// what comes back is never faster than the node can take it.
func TestEveryClientComesBack(t *testing.T) {
	a := assumed()
	for _, clients := range []float64{1, 1000, 400_000, 2_000_000} {
		short, long := reconnect(a, sample, clients, 10), reconnect(a, sample, clients, 600)
		for _, s := range []storm{short, long} {
			if s.Endless || !(s.Half <= s.Most && s.Most <= s.All) || s.All < clients/s.Capacity*0.99 {
				t.Errorf("%.0f clients: %+v", clients, s)
			}
		}
		if clients > 1000 && long.Peak >= short.Peak {
			t.Errorf("%.0f clients: the busiest second brings %.0f after a long outage, %.0f after a short one", clients, long.Peak, short.Peak)
		}
	}
}

func TestTheTightestResourceSetsTheNodes(t *testing.T) {
	a := assumed()
	r := count(a, sample)
	if got := float64(r.Nodes-a.Nodes) * r.Limits[0].Clients; got < r.Connected || got >= r.Connected+r.Limits[0].Clients {
		t.Errorf("%d nodes of %.0f for %.0f", r.Nodes, r.Limits[0].Clients, r.Connected)
	}
	heavy := sample
	heavy.KBPerClient *= 100
	h := count(a, heavy)
	if h.Limits[0].Name != "memory" || h.Nodes <= r.Nodes {
		t.Errorf("with heavy connections %s breaks first, on %d nodes after %d", h.Limits[0].Name, h.Nodes, r.Nodes)
	}
	if !reflect.DeepEqual(r, count(a, sample)) {
		t.Error("counted twice, with two results")
	}
	double := a
	double.Releases *= 2
	if d := count(double, sample); d.Traffic.Deltas != 2*r.Traffic.Deltas || d.Traffic.Beats != r.Traffic.Beats {
		t.Errorf("twice the releases: %+v after %+v", d.Traffic, r.Traffic)
	}
}

func TestWhatWasNotMeasuredIsRefused(t *testing.T) {
	for _, text := range []string{"", "{}", `{"measured":{"kb_per_client":9}}`, "a table\nof figures"} {
		if _, _, err := readMeasured(strings.NewReader(text)); err == nil {
			t.Errorf("%q was taken", text)
		}
	}
}
