// SPDX-License-Identifier: Apache-2.0

package main

import (
	"cmp"
	"encoding/json"
	"errors"
	"math"
	"slices"
)

// measured is what the load tool found; its names are explained there.
type measured struct {
	KBPerClient   float64 `json:"kb_per_client"`
	BaseKB        float64 `json:"base_kb"`
	ConnectCPUMS  float64 `json:"connect_cpu_ms"`
	TLSCPUMS      float64 `json:"tls_cpu_ms"`
	IdleCPUMS     float64 `json:"idle_cpu_ms_minute"`
	HeadCPUMS     float64 `json:"head_cpu_ms"`
	HeadBytes     float64 `json:"head_bytes"`
	BeatBytes     float64 `json:"beat_bytes"`
	DeltaBytes    float64 `json:"delta_bytes"`
	SnapshotBytes float64 `json:"snapshot_bytes"`
}

func (m measured) check() error {
	for _, v := range []float64{m.KBPerClient, m.BaseKB, m.ConnectCPUMS, m.TLSCPUMS, m.HeadBytes, m.BeatBytes, m.DeltaBytes, m.SnapshotBytes} {
		if !(v > 0) {
			return errors.New("a measured value is missing or zero; measure again on an idle machine")
		}
	}
	return nil
}

// assumptions are what nobody can measure on one machine.
type assumptions struct {
	Seed      uint64  `json:"seed"`
	Browsers  float64 `json:"browsers"`  // with the extension
	Peak      float64 `json:"peak"`      // of them connected at the busiest hour
	Mean      float64 `json:"mean"`      // of them connected over the day
	Daily     float64 `json:"daily"`     // of them open at least once a day
	Sessions  float64 `json:"sessions"`  // connections that one of these makes a day
	New       float64 `json:"new"`       // of all, that need the whole pack a day: new installations, long absences
	Releases  float64 `json:"releases"`  // a day
	Overhead  float64 `json:"overhead"`  // bytes of TCP, IP and TLS around one small message, with its acknowledgement
	Handshake float64 `json:"handshake"` // bytes that a node sends for one TLS handshake and upgrade
	TLSKB     float64 `json:"tls_kb"`    // of memory for TLS and the kernel, a connection
	Cores     float64 `json:"cores"`     // of a node
	MemoryGB  float64 `json:"memory_gb"`
	NetGbps   float64 `json:"net_gbps"`
	Fill      float64 `json:"fill"`    // how full a resource may be at the peak
	Spread    float64 `json:"spread"`  // seconds in which all of a node's clients get a head
	Nodes     int     `json:"spare"`   // nodes that may be lost at once
	Hour      float64 `json:"hour"`    // price of a node, an hour
	GB        float64 `json:"gb"`      // price of a GB sent by a node
	EdgeGB    float64 `json:"edge_gb"` // of a GB sent by a CDN
	Million   float64 `json:"million"` // of a million requests to a CDN
	Poll      float64 `json:"poll"`    // minutes between two fetches from the static edge
}

func assumed() assumptions {
	return assumptions{
		Seed: 1, Browsers: 50e6, Peak: 0.4, Mean: 0.25, Daily: 0.7, Sessions: 3, New: 0.005, Releases: 4,
		Overhead: 130, Handshake: 3500, TLSKB: 30, Cores: 16, MemoryGB: 64, NetGbps: 10, Fill: 0.6, Spread: 5, Nodes: 2,
		Hour: 0.7, GB: 0.05, EdgeGB: 0.02, Million: 0.6, Poll: 15,
	}
}

// limit is how many connections one resource of a node allows.
type limit struct {
	Name    string  `json:"name"`
	Clients float64 `json:"clients"`
}

// traffic is what the nodes send in a day, in GB.
type traffic struct {
	Beats      float64 `json:"beats"`
	Heads      float64 `json:"heads"`
	Deltas     float64 `json:"deltas"`
	Snapshots  float64 `json:"snapshots"`
	Handshakes float64 `json:"handshakes"`
}

func (t traffic) sum() float64 { return t.Beats + t.Heads + t.Deltas + t.Snapshots + t.Handshakes }

// result is everything that was counted.
type result struct {
	Load      json.RawMessage `json:"load,omitempty"` // what the load tool printed
	Assumed   assumptions     `json:"assumed"`
	Measured  measured        `json:"-"`         // stands in Load
	Connected float64         `json:"connected"` // at the peak
	Limits    []limit         `json:"limits"`    // the tightest first
	PerNode   float64         `json:"per_node"`  // connections at the peak
	Nodes     int             `json:"nodes"`
	Traffic   traffic         `json:"traffic_gb"`
	Burst     float64         `json:"burst_s"`      // to send one release's deltas at full line speed, all asking at once
	NodeCost  float64         `json:"node_cost"`    // a day
	SendCost  float64         `json:"traffic_cost"` // a day
	EdgeAsks  float64         `json:"edge_requests"`
	EdgeGB    float64         `json:"edge_gb"`
	EdgeCost  float64         `json:"edge_cost"`
	Storms    []storm         `json:"storms"`
}

const (
	beatEvery = 20.0 // seconds
	gib       = 1 << 30
	kib       = 1 << 10
	gb        = 1e9
	day       = 86400.0
)

func count(a assumptions, m measured) result {
	r := result{Assumed: a, Measured: m, Connected: a.Browsers * a.Peak}

	// What each resource of a node allows, of which Fill may be used.
	memory := (a.MemoryGB*gib*a.Fill - m.BaseKB*kib) / ((m.KBPerClient + a.TLSKB) * kib)
	idle := a.Cores * a.Fill * 60_000 / max(m.IdleCPUMS, 1e-6)
	fan := a.Cores * a.Fill * a.Spread * 1000 / max(m.HeadCPUMS, 1e-6)
	update := a.NetGbps * 1e9 / 8 * a.Fill * 60 / (m.DeltaBytes + a.Overhead)
	r.Limits = []limit{
		{"memory", memory},
		{"processor: heartbeats", idle},
		{"processor: a head to all in " + seconds(a.Spread), fan},
		{"network: a delta to all in a minute", update},
	}
	slices.SortFunc(r.Limits, func(x, y limit) int { return cmp.Compare(x.Clients, y.Clients) })
	r.Nodes = int(math.Ceil(r.Connected/r.Limits[0].Clients)) + a.Nodes
	r.Nodes = max(r.Nodes, 3)
	r.PerNode = r.Connected / float64(r.Nodes)

	mean := a.Browsers * a.Mean
	r.Traffic = traffic{
		Beats:      mean * day / beatEvery * (m.BeatBytes + a.Overhead) / gb,
		Heads:      mean * a.Releases * (m.HeadBytes + a.Overhead) / gb,
		Deltas:     a.Browsers * a.Daily * a.Releases * (m.DeltaBytes + a.Overhead) / gb,
		Snapshots:  a.Browsers * a.New * m.SnapshotBytes / gb,
		Handshakes: a.Browsers * a.Daily * a.Sessions * (a.Handshake + m.HeadBytes) / gb,
	}
	r.Burst = r.PerNode * (m.DeltaBytes + a.Overhead) / (a.NetGbps * 1e9 / 8)
	r.NodeCost = float64(r.Nodes) * 24 * a.Hour
	r.SendCost = r.Traffic.sum() * a.GB

	// The static edge alone: a head for each fetch, mostly answered 304, and
	// log and delta for each release.
	fetches := mean * day / (a.Poll * 60)
	updates := a.Browsers * a.Daily * a.Releases
	r.EdgeAsks = fetches + 2*updates
	r.EdgeGB = (fetches*(a.Overhead*2+200) + updates*(m.DeltaBytes+2*a.Overhead) + a.Browsers*a.New*m.SnapshotBytes) / gb
	r.EdgeCost = r.EdgeGB*a.EdgeGB + r.EdgeAsks/1e6*a.Million

	for _, outage := range []float64{10, 600} {
		r.Storms = append(r.Storms, reconnect(a, m, r.PerNode, outage))
	}
	return r
}
