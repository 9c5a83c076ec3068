// SPDX-License-Identifier: Apache-2.0

package cluster

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"time"

	"github.com/nats-io/nats.go"
	"github.com/nats-io/nats.go/jetstream"

	"haechi/server/publish"
	"haechi/server/review"
)

// The queue of reports on their way to the review desk.
const (
	reportStream  = "haechi-reports"
	reportSubject = "haechi.report"
	deskConsumer  = "desk"
)

const (
	reportAttempts = 3
	deskWait       = 30 * time.Second // the queue brings a report again that the desk did not confirm
	deskPause      = 5 * time.Second  // before the desk looks again after a failure
	metaNode       = "haechi-node"    // on the consumer: which node has the desk
)

// reports returns the queue's stream and makes it if there is none.
func (k *Cluster) reports(ctx context.Context) (jetstream.Stream, error) {
	s, err := k.js.Stream(ctx, reportStream)
	if !errors.Is(err, jetstream.ErrStreamNotFound) {
		return s, err
	}
	s, err = k.js.CreateStream(ctx, jetstream.StreamConfig{
		Name: reportStream, Description: "Reports on their way to the review desk.",
		Subjects: []string{reportSubject}, Retention: jetstream.WorkQueuePolicy,
		Storage: jetstream.FileStorage, Replicas: k.replicas, Duplicates: 2 * time.Minute,
	})
	if errors.Is(err, jetstream.ErrStreamNameAlreadyInUse) {
		s, err = k.js.Stream(ctx, reportStream)
	}
	return s, err
}

// Send puts a report into the queue: nil means that a majority of the replicas
// has it. A second attempt under the same receipt counts once.
func (k *Cluster) Send(q review.Queued) error {
	data, err := json.Marshal(q)
	if err != nil {
		return err
	}
	for range reportAttempts {
		if err = k.sendReport(q.Receipt, data); err == nil {
			return nil
		}
		k.log.Warn("cluster: report", "err", err)
		select {
		case <-k.ctx.Done():
			return publish.ErrCutOff
		case <-time.After(retryAfter):
		}
	}
	return fmt.Errorf("%w: %w", publish.ErrCutOff, err)
}

func (k *Cluster) sendReport(name string, data []byte) error {
	ctx, cancel := context.WithTimeout(k.ctx, askWithin)
	defer cancel()
	_, err := k.js.PublishMsg(ctx, &nats.Msg{Subject: reportSubject, Data: data}, jetstream.WithMsgID(name), jetstream.WithExpectStream(reportStream))
	if errors.Is(err, nats.ErrNoResponders) || errors.Is(err, jetstream.ErrNoStreamResponse) { // perhaps there is no such stream yet
		if _, makeErr := k.reports(ctx); makeErr != nil {
			return errors.Join(err, makeErr)
		}
	}
	return err
}

// Desk gives the reports in the queue to this node's desk, until Close. take
// must keep each once; it is told which the queue will not bring again. Another
// node's desk is an error: a report has one desk to go to.
func (k *Cluster) Desk(take func(q review.Queued, forget []string) error) error {
	ctx, cancel := context.WithTimeout(k.ctx, startWithin)
	defer cancel()
	c, err := k.consumer(ctx)
	var other *otherDesk
	if errors.As(err, &other) {
		return err
	}
	k.running.Go(func() {
		var forget []string
		for k.ctx.Err() == nil {
			if err == nil {
				err = k.drain(c, take, &forget)
			}
			if err != nil {
				k.log.Warn("cluster: reports wait in the queue", "err", err)
				select {
				case <-k.ctx.Done():
				case <-time.After(deskPause):
				}
				asking, done := context.WithTimeout(k.ctx, askWithin)
				c, err = k.consumer(asking)
				done()
			}
		}
	})
	return nil
}

// otherDesk says that another node has the desk.
type otherDesk struct{ node string }

func (o *otherDesk) Error() string {
	return fmt.Sprintf("the review desk of this cluster is at node %q; start one node only with --desk. To move the desk, stop that node, restore its backup here and start this node with --node %s", o.node, o.node)
}

func (k *Cluster) consumer(ctx context.Context) (jetstream.Consumer, error) {
	s, err := k.reports(ctx)
	if err != nil {
		return nil, err
	}
	c, err := s.Consumer(ctx, deskConsumer)
	if errors.Is(err, jetstream.ErrConsumerNotFound) {
		return s.CreateConsumer(ctx, jetstream.ConsumerConfig{
			Durable: deskConsumer, AckPolicy: jetstream.AckExplicitPolicy, AckWait: deskWait, MaxDeliver: -1,
			MaxAckPending: 1, Metadata: map[string]string{metaNode: k.node},
		})
	}
	if err != nil {
		return nil, err
	}
	if node := c.CachedInfo().Config.Metadata[metaNode]; node != k.node {
		return nil, &otherDesk{node}
	}
	return c, nil
}

// drain takes what the queue has, and waits a while for more.
func (k *Cluster) drain(c jetstream.Consumer, take func(review.Queued, []string) error, forget *[]string) error {
	ctx, cancel := context.WithTimeout(k.ctx, 10*time.Second)
	defer cancel()
	m, err := c.Next(jetstream.FetchContext(ctx))
	if err != nil {
		if errors.Is(err, nats.ErrTimeout) || errors.Is(err, jetstream.ErrNoMessages) || errors.Is(err, context.DeadlineExceeded) {
			return nil
		}
		return err
	}
	var q review.Queued
	if err := json.Unmarshal(m.Data(), &q); err != nil {
		k.log.Error("cluster: a report that cannot be read is put away", "err", err)
		return m.Term()
	}
	if err := take(q, *forget); err != nil {
		return errors.Join(err, m.NakWithDelay(deskPause))
	}
	*forget = nil
	confirm, done := context.WithTimeout(k.ctx, askWithin)
	defer done()
	if err := m.DoubleAck(confirm); err != nil {
		return err // it comes again, and is known
	}
	*forget = []string{q.Receipt}
	return nil
}
