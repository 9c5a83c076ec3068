// SPDX-License-Identifier: Apache-2.0

package main

import (
	"context"
	"errors"
	"fmt"
	"os"
	"sync"
	"time"
)

// fleet is one node or several, each with a crowd of its own.
type fleet struct {
	sites  []*site // rules are pushed to the first
	crowds []*crowd
}

// publish times publications at the clients of every node.
func (f *fleet) publish(ctx context.Context, n int, into *scaleSide) error {
	say("publishing %d times", n)
	used, err := f.cpu()
	if err != nil {
		return err
	}
	var all, last []time.Duration
	for range n {
		waits, err := f.once(ctx)
		if err != nil {
			return err
		}
		all = append(all, waits...)
		longest := waits[0]
		for _, w := range waits {
			longest = max(longest, w)
		}
		last = append(last, longest)
		select {
		case <-time.After(rest):
		case <-ctx.Done():
			return ctx.Err()
		}
	}
	now, err := f.cpu()
	into.Pushed, into.Last, into.CPUMS = summarise(all), summarise(last), milliseconds((now-used)/time.Duration(n))
	return err
}

// charge is the processor time in milliseconds of a publication that no client
// hears of.
func (f *fleet) charge(ctx context.Context) (float64, error) {
	const n = 3
	used, err := f.cpu()
	if err != nil {
		return 0, err
	}
	for range n {
		if err := f.sites[0].push(ctx, nil); err != nil {
			return 0, err
		}
	}
	now, err := f.cpu()
	return milliseconds((now - used) / n), err
}

// once publishes and returns how long each client waited from the moment at
// which the signed release reached the first node.
func (f *fleet) once(ctx context.Context) ([]time.Duration, error) {
	sequence := f.sites[0].sequence + 1
	rounds := make([]*round, len(f.crowds))
	errs := make([]error, len(f.crowds))
	var waiting, listening sync.WaitGroup
	listening.Add(len(f.crowds))
	pushed := make(chan error)
	for i, c := range f.crowds {
		waiting.Go(func() {
			rounds[i], errs[i] = c.expect(ctx, sequence, func(r *round) error {
				listening.Done()
				if i > 0 {
					return nil
				}
				listening.Wait() // all crowds
				return f.sites[0].push(ctx, r)
			})
		})
	}
	go func() { waiting.Wait(); pushed <- errors.Join(errs...) }()
	if err := <-pushed; err != nil {
		return nil, err
	}
	var waits []time.Duration
	for _, r := range rounds {
		waits = append(waits, r.since(time.Unix(0, rounds[0].begun.Load()))...)
	}
	return waits, nil
}

// cpu is the processor time that all nodes have used.
func (f *fleet) cpu() (sum time.Duration, err error) {
	for _, s := range f.sites {
		one, err := s.cpu()
		if err != nil {
			return 0, err
		}
		sum += one
	}
	return sum, nil
}

func (f *fleet) close() (err error) {
	for _, c := range f.crowds {
		c.scatter()
	}
	for i, s := range f.sites {
		if i == 0 && s.proxy != nil {
			s.proxy.Close()
		}
		if s.process != nil {
			err = errors.Join(err, s.stop())
		}
	}
	return err
}

// measureCluster puts a part of the clients on each node of a cluster, and then
// cuts the last node off and heals it.
func (r *scaleReport) measureCluster(ctx context.Context, p plan, dir string) (err error) {
	if err := os.Mkdir(dir, 0o700); err != nil {
		return err
	}
	servers, err := startNATS(ctx, p.nats, dir)
	defer func() {
		for _, s := range servers {
			err = errors.Join(err, s.stop())
		}
	}()
	if err != nil {
		return err
	}
	line, err := newLine(servers[0].addr)
	if err != nil {
		return err
	}
	defer line.cut()
	first, err := newSite(ctx, p.haechi, dir)
	if err != nil {
		return err
	}
	var f fleet
	defer func() { err = errors.Join(err, f.close()) }()
	for i := range nodes {
		s := first.beside(fmt.Sprintf("data-%d", i+1))
		urls := "nats://" + servers[i].addr
		if i == nodes-1 {
			urls = "nats://" + line.addr()
		}
		s.flags = []string{"--no-gate", "--max-clients", fmt.Sprint(p.clients + 100), "--nats", urls, "--node", s.data}
		if err := s.serve(ctx); err != nil {
			return err
		}
		f.sites = append(f.sites, s)
	}
	if err := f.sites[0].listen(); err != nil {
		return err
	}
	head, err := f.sites[0].head(ctx)
	if err != nil {
		return err
	}
	part := p
	part.clients, part.settle = p.clients/nodes, 0
	begun := time.Now()
	for _, s := range f.sites {
		c, err := gather(ctx, "ws://"+s.addr+"/v1/sync", &citizen{head: head}, part.clients, true)
		if err != nil {
			return err
		}
		f.crowds = append(f.crowds, c)
	}
	r.Cluster.ConnectMS = milliseconds(time.Since(begun))
	if err := f.publish(ctx, p.publishes, &r.Cluster); err != nil {
		return err
	}
	return r.heal(ctx, &f, line)
}

// heal times how the last node comes back after it was cut off.
func (r *scaleReport) heal(ctx context.Context, f *fleet, l *line) error {
	away, crowd := f.sites[nodes-1], f.crowds[nodes-1]
	say("cutting a node off for %d releases", missed)
	l.cut()
	for range missed {
		if err := f.sites[0].push(ctx, nil); err != nil {
			return err
		}
	}
	newest := f.sites[0].sequence
	if have := crowd.have(newest); have > 0 {
		return fmt.Errorf("%d clients of the node that was cut off have release %d", have, newest)
	}
	healed := time.Now()
	if err := l.heal(); err != nil {
		return err
	}
	r.CatchUp.Missed = missed
	for {
		head, err := away.head(ctx)
		if err != nil {
			return err
		}
		if head.Sequence == newest {
			break
		}
		if time.Since(healed) > joinWithin {
			return fmt.Errorf("the node that was cut off is at %d of %d after %v", head.Sequence, newest, joinWithin)
		}
		time.Sleep(5 * time.Millisecond)
	}
	r.CatchUp.HeadMS = milliseconds(time.Since(healed))
	err := crowd.until(ctx, joinWithin, func() bool { return crowd.have(newest) == len(crowd.clients) })
	r.CatchUp.ClientMS = milliseconds(time.Since(healed))
	return err
}
