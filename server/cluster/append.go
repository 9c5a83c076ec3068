// SPDX-License-Identifier: Apache-2.0

package cluster

import (
	"context"
	"errors"
	"fmt"
	"time"

	"github.com/nats-io/nats.go"
	"github.com/nats-io/nats.go/jetstream"

	"haechi/server/publish"
)

// Append is that of publish.Log: nil means that a majority of the replicas has
// the entry and this server as well.
func (k *Cluster) Append(after publish.Place, e publish.Entry) error {
	data, err := pack(e)
	if err != nil {
		return fmt.Errorf("cluster: %w", err)
	}
	ctx, cancel := context.WithTimeout(k.ctx, appendWithin)
	defer cancel()
	k.mu.Lock()
	at, stopped, silent := k.at, k.stopped, time.Since(k.heard) > cutOffAfter
	k.mu.Unlock()
	switch {
	case stopped != nil:
		return fmt.Errorf("%w: %w", publish.ErrCutOff, stopped)
	case silent, at.stream == "":
		return publish.ErrCutOff
	case at.stream != after.Log && at.position > 0:
		return publish.ErrMoved
	case at.stream != after.Log: // nothing was read from it yet
		after.Position = 0
	}
	sent := false // an attempt may have reached the stream
	for {
		ack, err := k.send(ctx, after.Position, subjectOf(e), data)
		switch {
		case err == nil:
			if e.Release != nil {
				k.running.Go(func() { k.lead(*e.Release) })
			}
			return k.arrived(ctx, ack.Sequence)
		case isConflict(err):
			return k.overtaken(ctx, after.Position)
		case errors.Is(err, nats.ErrMaxPayload):
			return fmt.Errorf("cluster: an entry of %d bytes: %w; raise max_payload in the configuration of the NATS servers", len(data), err)
		case notSent(err):
		default:
			sent = true
		}
		k.log.Warn("cluster: append", "err", err)
		select {
		case <-time.After(retryAfter):
			continue
		case <-ctx.Done():
		}
		if sent {
			return publish.ErrUnsure
		}
		return publish.ErrCutOff
	}
}

// send makes one attempt.
func (k *Cluster) send(ctx context.Context, after uint64, subject string, data []byte) (*jetstream.PubAck, error) {
	ctx, cancel := context.WithTimeout(ctx, askWithin+askWithin)
	defer cancel()
	return k.js.PublishMsg(ctx, &nats.Msg{Subject: subject, Data: data},
		jetstream.WithMsgID(nameOf(data)), jetstream.WithExpectLastSequence(after), jetstream.WithExpectStream(logStream))
}

// isConflict says that the stream does not end where the author believes.
func isConflict(err error) bool {
	var api *jetstream.APIError
	return errors.As(err, &api) && (api.ErrorCode == jetstream.JSErrCodeStreamWrongLastSequence || api.ErrorCode == jetstream.JSErrCodeStreamWrongLastSequenceConstant)
}

// notSent says that an attempt cannot have reached the stream.
func notSent(err error) bool {
	return errors.Is(err, nats.ErrReconnectBufExceeded) || errors.Is(err, nats.ErrConnectionReconnecting) ||
		errors.Is(err, nats.ErrConnectionClosed) || errors.Is(err, nats.ErrNoServers) ||
		errors.Is(err, nats.ErrNoResponders) || errors.Is(err, jetstream.ErrNoStreamResponse)
}

// arrived waits until an entry that the stream has is here as well.
func (k *Cluster) arrived(ctx context.Context, position uint64) error {
	err := k.until(ctx, func() bool { return k.at.position >= position || k.stopped != nil })
	k.mu.Lock()
	defer k.mu.Unlock()
	switch {
	case k.at.position >= position:
		return nil
	case k.stopped != nil:
		err = k.stopped
	}
	return fmt.Errorf("%w: the cluster has the entry, and this server does not: %w", publish.ErrUnsure, err)
}

// overtaken waits until this server has read what was appended first.
func (k *Cluster) overtaken(ctx context.Context, after uint64) error {
	end := after + 1
	asking, cancel := context.WithTimeout(ctx, askWithin)
	defer cancel()
	if s, err := k.js.Stream(asking, logStream); err == nil {
		end = max(end, s.CachedInfo().State.LastSeq)
	}
	if k.until(ctx, func() bool { return k.at.position >= end || k.stopped != nil }) != nil {
		return publish.ErrUnsure
	}
	return publish.ErrMoved
}
