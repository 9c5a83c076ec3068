// SPDX-License-Identifier: Apache-2.0

package cluster

import (
	"context"
	"errors"
	"fmt"
	"strconv"
	"strings"
	"time"

	"github.com/nats-io/nats.go/jetstream"

	"haechi/server/publish"
	"haechi/server/store"
)

// logStream is the stream of releases and statements.
const logStream = "haechi-log"

// fullPause is how long a full disk is waited for before the next try.
const fullPause = 5 * time.Second

var (
	errAnew  = errors.New("NATS has lost the log; restart the nodes, the one with the newest release first: it puts the log back")
	errShort = errors.New("the log is shorter than what was read of it")
)

// stream returns the log's stream and makes it if there is none.
func (k *Cluster) stream(ctx context.Context) (jetstream.Stream, error) {
	if limit := k.conn.MaxPayload(); k.conn.IsConnected() && limit < minPayload {
		return nil, fmt.Errorf("the NATS servers take messages of %d bytes at most; set max_payload: 8MB in their configuration", limit)
	}
	s, err := k.js.Stream(ctx, logStream)
	if errors.Is(err, jetstream.ErrStreamNotFound) {
		s, err = k.js.CreateStream(ctx, jetstream.StreamConfig{
			Name: logStream, Description: "Releases of rules and statements about their log.",
			Subjects: []string{releaseSubject + "*", statementSubject}, MaxMsgsPerSubject: 1,
			Storage: jetstream.FileStorage, Replicas: k.replicas, Duplicates: 2 * time.Minute,
			DenyDelete: true, DenyPurge: true, AllowDirect: true,
		})
		if errors.Is(err, jetstream.ErrStreamNameAlreadyInUse) { // another server was first
			s, err = k.js.Stream(ctx, logStream)
		}
	}
	if err != nil {
		return nil, err
	}
	if have := s.CachedInfo().Config.Replicas; have < k.replicas {
		k.log.Warn("cluster: the log has fewer replicas than --replicas says; \"nats stream edit\" changes that", "stream", logStream, "replicas", have)
	}
	return s, nil
}

// nameOfStream tells a stream from one that was made anew under the same name.
func nameOfStream(s jetstream.Stream) string {
	return s.CachedInfo().Created.UTC().Format(time.RFC3339Nano)
}

// Baseline returns sequence 0 of the cluster, or nil if the cluster has no log
// yet. It waits for the cluster.
func (k *Cluster) Baseline() (*store.Release, error) {
	ctx, cancel := context.WithTimeout(k.ctx, seedWithin)
	defer cancel()
	for {
		r, err := k.baseline(ctx)
		if err == nil {
			return r, nil
		}
		k.log.Info("waiting for the cluster", "err", err)
		select {
		case <-ctx.Done():
			return nil, fmt.Errorf("%w, and a new server needs it for its first start: %w", publish.ErrCutOff, err)
		case <-time.After(redialEvery):
		}
	}
}

func (k *Cluster) baseline(ctx context.Context) (*store.Release, error) {
	ctx, cancel := context.WithTimeout(ctx, 2*askWithin) // it may have some megabytes
	defer cancel()
	s, err := k.stream(ctx)
	if err != nil {
		return nil, err
	}
	if s.CachedInfo().State.LastSeq == 0 {
		return nil, nil
	}
	m, err := s.GetLastMsgForSubject(ctx, releaseSubject+"0")
	if err != nil {
		return nil, err
	}
	e, err := unpack(m.Data)
	return e.Release, err
}

// Follow is that of publish.Log.
func (k *Cluster) Follow(after publish.Place, deliver func(publish.Entry, publish.Place) error) (uint64, error) {
	k.note(func() { k.at = place{after.Log, after.Position} })
	k.running.Go(k.probe)
	k.running.Go(func() {
		for k.ctx.Err() == nil {
			err := k.read(deliver)
			k.mu.Lock()
			stopped := k.stopped
			k.mu.Unlock()
			if stopped != nil {
				k.log.Error("cluster: the log is not followed any more", "err", stopped)
				return
			}
			k.log.Debug("cluster: reading the log begins anew", "err", err)
			select {
			case <-k.ctx.Done():
			case <-time.After(retryAfter):
			}
		}
	})
	ctx, cancel := context.WithTimeout(k.ctx, startWithin)
	defer cancel()
	err := k.until(ctx, func() bool { return k.caught || k.stopped != nil })
	k.mu.Lock()
	defer k.mu.Unlock()
	switch {
	case k.stopped != nil:
		return 0, k.stopped
	case err != nil:
		return 0, publish.ErrCutOff
	}
	return k.lacks, nil
}

// read delivers what the stream holds after the place that was read to, until
// the connection fails.
func (k *Cluster) read(deliver func(publish.Entry, publish.Place) error) error {
	ctx, cancel := context.WithCancel(k.ctx)
	defer cancel()
	asking, done := context.WithTimeout(ctx, askWithin)
	defer done()
	k.mu.Lock()
	caught := k.caught
	k.mu.Unlock()
	var s jetstream.Stream
	var err error
	if caught { // only a node that starts makes a log: it gives the log what it has
		s, err = k.js.Stream(asking, logStream)
	} else {
		s, err = k.stream(asking)
	}
	if err != nil {
		return err
	}
	name, end := nameOfStream(s), s.CachedInfo().State.LastSeq
	lacks, err := k.missing(asking, s)
	if err != nil {
		return err
	}
	var from place
	k.note(func() {
		// Another stream, or one that was put back to an old state: all of it is
		// read, held against what is here and given what it lacks, at the start
		// only. Later pushes would build on what nobody gave it.
		switch same := k.at.stream == name; {
		case k.caught && !same:
			k.stopped, err = errAnew, errAnew
		case k.caught && k.at.position > end:
			err = errShort
		case !same || k.at.position > end:
			k.at = place{stream: name}
		}
		from = k.at
		if err != nil {
			return
		}
		now := time.Now()
		k.heard, k.last, k.advanced, k.again = now, end, now, cancel
	})
	if err != nil {
		return err
	}
	reached := func(position uint64) {
		if position >= end {
			k.note(func() { k.caught, k.lacks = true, lacks })
		}
	}
	reached(from.position)
	consumer, err := s.OrderedConsumer(asking, jetstream.OrderedConsumerConfig{
		DeliverPolicy: jetstream.DeliverByStartSequencePolicy, OptStartSeq: from.position + 1,
		NamePrefix: "haechi-" + strconv.FormatInt(time.Now().UnixNano(), 36), InactiveThreshold: time.Minute,
	})
	if err != nil {
		return err
	}
	messages, err := consumer.Messages(jetstream.PullExpiry(10*time.Second), jetstream.PullHeartbeat(time.Second), jetstream.PullMaxMessages(16))
	if err != nil {
		return err
	}
	stop := context.AfterFunc(ctx, messages.Stop)
	defer stop()
	defer messages.Stop()
	for {
		m, err := messages.Next()
		if err != nil {
			return err
		}
		meta, err := m.Metadata()
		if err != nil {
			return err
		}
		at := meta.Sequence.Stream
		if at <= from.position {
			continue
		}
		if err := k.take(ctx, m.Data(), publish.Place{Log: name, Position: at}, deliver); err != nil {
			return err
		}
		from.position = at
		reached(at)
	}
}

// take delivers one entry. It waits while the disk is full; an entry that is
// not taken for another reason ends the reading for good, because what follows
// builds on it.
func (k *Cluster) take(ctx context.Context, data []byte, at publish.Place, deliver func(publish.Entry, publish.Place) error) error {
	e, err := unpack(data)
	if err == nil {
		err = deliver(e, at)
	}
	for errors.Is(err, store.ErrFull) {
		k.note(func() { k.stuck = err })
		select {
		case <-ctx.Done():
			return ctx.Err()
		case <-time.After(fullPause):
		}
		err = deliver(e, at)
	}
	k.note(func() {
		k.stuck = nil
		if err != nil {
			k.stopped = fmt.Errorf("entry %d: %w", at.Position, err)
			return
		}
		k.at, k.last, k.advanced = place{at.Log, at.Position}, max(k.last, at.Position), time.Now()
		k.heard = k.advanced
	})
	return err
}

// missing is the sequence of the first release that a stream does not have.
func (k *Cluster) missing(ctx context.Context, s jetstream.Stream) (uint64, error) {
	m, err := s.GetLastMsgForSubject(ctx, releaseSubject+"*")
	if errors.Is(err, jetstream.ErrMsgNotFound) {
		return 0, nil
	}
	if err != nil {
		return 0, err
	}
	sequence, err := strconv.ParseUint(strings.TrimPrefix(m.Subject, releaseSubject), 10, 64)
	return sequence + 1, err
}
