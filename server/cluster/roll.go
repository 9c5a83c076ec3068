// SPDX-License-Identifier: Apache-2.0

package cluster

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"slices"
	"strings"
	"time"

	"github.com/nats-io/nats.go/jetstream"

	"haechi/server/store"
)

// The key-value bucket by which people and tools see how the cluster stands. No
// server decides anything by it.
const (
	rollBucket = "haechi"
	rollHead   = "head"  // a Head
	rollNode   = "node." // and the node's name: a State
	rollEvery  = 10 * time.Second
	rollFor    = 24 * time.Hour // then a node that is gone is forgotten
)

// Head is the newest release that was published through the cluster.
type Head struct {
	Sequence uint64 `json:"sequence"`
	Release  string `json:"release"` // hash of its text
	Pack     string `json:"pack"`
}

// State is what a node says of itself.
type State struct {
	Node    string    `json:"node"`
	Release uint64    `json:"release"` // the newest that it serves
	Pack    string    `json:"pack"`
	Clients int       `json:"clients"`
	Desk    bool      `json:"desk"`
	At      time.Time `json:"at"`
}

// Roll is how a cluster stands.
type Roll struct {
	Head     Head    `json:"head"`
	Nodes    []State `json:"nodes"`    // by name
	Replicas int     `json:"replicas"` // of the log that are up to date
	Reports  uint64  `json:"reports"`  // that wait for the desk
}

// Report says from time to time how this node stands, until Close.
func (k *Cluster) Report(state func() State) {
	k.running.Go(func() {
		for tick := time.NewTicker(rollEvery); ; {
			if err := k.tell(state()); err != nil {
				k.log.Debug("cluster: roll", "err", err)
			}
			select {
			case <-k.ctx.Done():
				tick.Stop()
				return
			case <-tick.C:
			}
		}
	})
}

func (k *Cluster) tell(s State) error {
	ctx, cancel := context.WithTimeout(k.ctx, askWithin)
	defer cancel()
	s.Node, s.At = k.node, time.Now().UTC()
	bucket, err := k.roll(ctx)
	if err != nil {
		return err
	}
	text, err := json.Marshal(s)
	if err != nil {
		return err
	}
	_, err = bucket.Put(ctx, rollNode+keyOf(k.node), text)
	return err
}

// keyOf is a name as a bucket takes it.
func keyOf(name string) string {
	return strings.Map(func(r rune) rune {
		if r >= 'a' && r <= 'z' || r >= 'A' && r <= 'Z' || r >= '0' && r <= '9' || r == '-' || r == '_' {
			return r
		}
		return '_'
	}, name)
}

func (k *Cluster) roll(ctx context.Context) (jetstream.KeyValue, error) {
	bucket, err := k.js.KeyValue(ctx, rollBucket)
	if errors.Is(err, jetstream.ErrBucketNotFound) {
		bucket, err = k.js.CreateKeyValue(ctx, jetstream.KeyValueConfig{
			Bucket: rollBucket, Description: "How the cluster stands.", History: 1, TTL: rollFor, Replicas: k.replicas,
		})
	}
	return bucket, err
}

// lead notes a release as the newest, unless a newer one is noted.
func (k *Cluster) lead(r store.Release) {
	ctx, cancel := context.WithTimeout(k.ctx, askWithin)
	defer cancel()
	text, err := json.Marshal(Head{Sequence: r.Sequence, Release: r.Text, Pack: r.Pack})
	if err != nil {
		return
	}
	bucket, err := k.roll(ctx)
	if err != nil {
		k.log.Debug("cluster: roll", "err", err)
		return
	}
	for range 3 {
		var have Head
		entry, err := bucket.Get(ctx, rollHead)
		switch {
		case errors.Is(err, jetstream.ErrKeyNotFound):
			_, err = bucket.Create(ctx, rollHead, text)
		case err == nil && json.Unmarshal(entry.Value(), &have) == nil && have.Sequence >= r.Sequence:
			return
		case err == nil:
			_, err = bucket.Update(ctx, rollHead, text, entry.Revision())
		}
		if err == nil {
			return
		}
	}
}

// Roll asks how the cluster stands.
func (k *Cluster) Roll() (Roll, error) {
	ctx, cancel := context.WithTimeout(k.ctx, 2*askWithin)
	defer cancel()
	var out Roll
	bucket, err := k.js.KeyValue(ctx, rollBucket)
	if err != nil {
		return out, fmt.Errorf("cluster: %w", err)
	}
	keys, err := bucket.ListKeys(ctx)
	if err != nil {
		return out, fmt.Errorf("cluster: %w", err)
	}
	for key := range keys.Keys() {
		entry, err := bucket.Get(ctx, key)
		if errors.Is(err, jetstream.ErrKeyNotFound) {
			continue
		}
		if err != nil {
			return out, fmt.Errorf("cluster: %w", err)
		}
		var s State
		switch {
		case key == rollHead:
			err = json.Unmarshal(entry.Value(), &out.Head)
		case strings.HasPrefix(key, rollNode):
			err = json.Unmarshal(entry.Value(), &s)
			out.Nodes = append(out.Nodes, s)
		}
		if err != nil {
			return out, fmt.Errorf("cluster: %s: %w", key, err)
		}
	}
	slices.SortFunc(out.Nodes, func(a, b State) int { return strings.Compare(a.Node, b.Node) })
	s, err := k.js.Stream(ctx, logStream)
	if err != nil {
		return out, fmt.Errorf("cluster: the log: %w", err)
	}
	out.Replicas = 1
	if c := s.CachedInfo().Cluster; c != nil {
		for _, peer := range c.Replicas {
			if peer.Current && !peer.Offline {
				out.Replicas++
			}
		}
	}
	if q, err := k.js.Stream(ctx, reportStream); err == nil {
		out.Reports = q.CachedInfo().State.Msgs
	}
	return out, nil
}
