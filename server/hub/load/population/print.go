// SPDX-License-Identifier: Apache-2.0

package main

import (
	"fmt"
	"io"
	"text/tabwriter"
)

func seconds(s float64) string { return fmt.Sprintf("%g s", s) }

func (r result) print(w io.Writer) {
	a, m := r.Assumed, r.Measured
	t := tabwriter.NewWriter(w, 0, 0, 2, ' ', 0)
	row := func(what, format string, v ...any) { fmt.Fprintf(t, "  %s\t%s\n", what, fmt.Sprintf(format, v...)) }
	head := func(format string, v ...any) { fmt.Fprintf(t, format+"\n", v...) }

	head("Assumed (seed %d)", a.Seed)
	row("browsers", "%.0f million; connected at the peak %.0f %%, over the day %.0f %%; open at least once a day %.0f %%", a.Browsers/1e6, 100*a.Peak, 100*a.Mean, 100*a.Daily)
	row("a day", "%g releases; %g connections of each browser that is open; %.1f %% need the whole pack", a.Releases, a.Sessions, 100*a.New)
	row("a node", "%g cores, %g GiB, %g Gbit/s, each at most %.0f %% full; %d nodes to spare; TLS and kernel %g KiB a connection", a.Cores, a.MemoryGB, a.NetGbps, 100*a.Fill, a.Nodes, a.TLSKB)
	row("bytes", "%g around each message, %g for a handshake", a.Overhead, a.Handshake)
	row("prices", "%g an hour of a node, %g a GB; CDN %g a GB and %g a million requests", a.Hour, a.GB, a.EdgeGB, a.Million)
	head("Measured")
	row("a connection", "%.1f KiB; %.3f ms of processor to connect and %.3f ms for TLS; %.4f ms a minute idle; %.4f ms a head", m.KBPerClient, m.ConnectCPUMS, m.TLSCPUMS, m.IdleCPUMS, m.HeadCPUMS)
	row("on the wire", "head %.0f B, heartbeat %.0f B, delta of one rule with its proofs %.0f B, snapshot %.0f B", m.HeadBytes, m.BeatBytes, m.DeltaBytes, m.SnapshotBytes)
	head("Sockets")
	row("connected at the peak", "%.1f million", r.Connected/1e6)
	for i, l := range r.Limits {
		what := "a node could hold"
		if i == 0 {
			what = "what breaks first"
		}
		row(what, "%.0f connections, by %s", l.Clients, l.Name)
	}
	row("nodes", "%d, with %.0f connections each", r.Nodes, r.PerNode)
	row("bandwidth a day", "%.0f GB: heartbeats %.0f, deltas %.0f, handshakes %.0f, snapshots %.0f, heads %.0f", r.Traffic.sum(), r.Traffic.Beats, r.Traffic.Deltas, r.Traffic.Handshakes, r.Traffic.Snapshots, r.Traffic.Heads)
	row("mean of the day", "%.2f Gbit/s over all nodes", r.Traffic.sum()*8*gb/day/1e9)
	row("one release to all", "%.1f s at full line speed, when all ask at once", r.Burst)
	row("cost a day", "%.0f for nodes and %.0f for traffic", r.NodeCost, r.SendCost)
	head("Static edge alone, fetched every %g minutes", a.Poll)
	row("requests a day", "%.0f million", r.EdgeAsks/1e6)
	row("bandwidth a day", "%.0f GB", r.EdgeGB)
	row("cost a day", "%.0f", r.EdgeCost)
	head("All clients lose their node at once and come back")
	for _, s := range r.Storms {
		if s.Endless {
			row(fmt.Sprintf("after %s", seconds(s.Outage)), "not over within %.0f hours: a node takes %.0f connections a second; the busiest second brings %.0f tries", stormEnds/3600, s.Capacity, s.Peak)
			continue
		}
		row(fmt.Sprintf("after %s", seconds(s.Outage)), "half within %.0f s, 99 %% within %.0f s, the last within %.0f s; a node takes %.0f a second, the busiest second brings %.0f tries; %.2f tries of each wait in vain", s.Half, s.Most, s.All, s.Capacity, s.Peak, s.Failed)
	}
	t.Flush()
}
