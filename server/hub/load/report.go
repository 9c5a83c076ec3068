// SPDX-License-Identifier: Apache-2.0

package main

import (
	"fmt"
	"io"
	"math"
	"slices"
	"text/tabwriter"
	"time"
)

// report is what a run found. BENCHMARKS.md explains the keys.
type report struct {
	Clients    int     `json:"clients"`
	Haechi     figures `json:"haechi"`
	Centrifuge figures `json:"centrifuge"`
	Ratio      struct {
		KBPerClient float64 `json:"kb_per_client"`
		PublishP50  float64 `json:"publish_p50"`
		PublishP99  float64 `json:"publish_p99"`
		CPU         float64 `json:"cpu"`
	} `json:"ratio"` // haechi's figure over centrifuge's
}

type figures struct {
	ConnectMS   float64 `json:"connect_ms"`
	BaseKB      int     `json:"base_kb"`
	IdleKB      int     `json:"idle_kb"`
	KBPerClient float64 `json:"kb_per_client"`
	BusyKB      int     `json:"busy_kb"`
	Publish     delays  `json:"publish_ms"`
	CPUMS       float64 `json:"cpu_ms"`

	// Haechi only.
	Push           *delays   `json:"push_ms,omitempty"`
	Update         *delays   `json:"update_ms,omitempty"`
	DeltaBytes     int       `json:"delta_bytes,omitempty"`
	DeltaWireBytes int       `json:"delta_wire_bytes,omitempty"`
	Restart        *comeback `json:"restart,omitempty"`
}

// delays are in milliseconds, over all clients and publications.
type delays struct {
	P50 float64 `json:"p50"`
	P99 float64 `json:"p99"`
	Max float64 `json:"max"`
	N   int     `json:"n"`
}

// comeback is how the clients took a restart.
type comeback struct {
	Back   int     `json:"back"`
	Lost   int     `json:"lost"`
	StopMS float64 `json:"stop_ms"`
	BackMS float64 `json:"back_ms"`
}

func summarise(all []time.Duration) delays {
	slices.Sort(all)
	at := func(q float64) float64 {
		return milliseconds(all[min(len(all)-1, int(math.Ceil(q*float64(len(all))))-1)])
	}
	return delays{P50: at(0.5), P99: at(0.99), Max: at(1), N: len(all)}
}

func milliseconds(d time.Duration) float64 { return round2(float64(d) / float64(time.Millisecond)) }

func round2(x float64) float64 { return math.Round(x*100) / 100 }

func (r *report) compare() {
	h, c := r.Haechi, r.Centrifuge
	r.Ratio.KBPerClient = round2(h.KBPerClient / c.KBPerClient)
	r.Ratio.PublishP50 = round2(h.Publish.P50 / c.Publish.P50)
	r.Ratio.CPU = round2(h.CPUMS / c.CPUMS)
	r.Ratio.PublishP99 = round2(h.Publish.P99 / c.Publish.P99)
}

// lost says what must not have happened, or nothing.
func (r *report) lost() string {
	if back := r.Haechi.Restart; back != nil && back.Lost > 0 {
		return fmt.Sprintf("%d of %d clients missed the release after the restart", back.Lost, r.Clients)
	}
	return ""
}

func (r *report) print(w io.Writer) {
	h, c := r.Haechi, r.Centrifuge
	t := tabwriter.NewWriter(w, 0, 0, 2, ' ', tabwriter.AlignRight)
	fmt.Fprintf(t, "%d clients\thaechi\tcentrifuge\tratio\t\n", r.Clients)
	row := func(what string, a, b float64, unit string) {
		fmt.Fprintf(t, "%s\t%.1f %s\t%.1f %s\t%.2f\t\n", what, a, unit, b, unit, a/b)
	}
	row("connect all", h.ConnectMS, c.ConnectMS, "ms")
	row("resident, no client", float64(h.BaseKB)/1024, float64(c.BaseKB)/1024, "MiB")
	row("resident, all idle", float64(h.IdleKB)/1024, float64(c.IdleKB)/1024, "MiB")
	row("per idle client", h.KBPerClient, c.KBPerClient, "KiB")
	row("resident, after the load", float64(h.BusyKB)/1024, float64(c.BusyKB)/1024, "MiB")
	row("published → received, p50", h.Publish.P50, c.Publish.P50, "ms")
	row("published → received, p99", h.Publish.P99, c.Publish.P99, "ms")
	row("published → received, max", h.Publish.Max, c.Publish.Max, "ms")
	row("processor time a publication", h.CPUMS, c.CPUMS, "ms")
	if u := h.Push; u != nil {
		fmt.Fprintf(t, "pushed → received, p50\t%.1f ms\t\t\t\n", u.P50)
		fmt.Fprintf(t, "pushed → received, p99\t%.1f ms\t\t\t\n", u.P99)
	}
	if u := h.Update; u != nil {
		fmt.Fprintf(t, "published → delta fetched, p50\t%.1f ms\t\t\t\n", u.P50)
		fmt.Fprintf(t, "published → delta fetched, p99\t%.1f ms\t\t\t\n", u.P99)
	}
	fmt.Fprintf(t, "delta, JSON\t%d B\t\t\t\n", h.DeltaBytes)
	fmt.Fprintf(t, "delta, on the wire\t%d B\t\t\t\n", h.DeltaWireBytes)
	if b := h.Restart; b != nil {
		fmt.Fprintf(t, "restart: stop\t%.0f ms\t\t\t\n", b.StopMS)
		fmt.Fprintf(t, "restart: back with the newest head\t%d of %d\t\t\t\n", b.Back, r.Clients)
		fmt.Fprintf(t, "restart: until the last\t%.0f ms\t\t\t\n", b.BackMS)
	}
	t.Flush()
}
