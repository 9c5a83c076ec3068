// SPDX-License-Identifier: Apache-2.0

package main

import (
	"bytes"
	"context"
	"errors"
	"fmt"
	"net/http"
	"path/filepath"
	"regexp"
	"strings"
	"time"
)

// rest is the pause between two publications.
const rest = 700 * time.Millisecond

// measureHaechi starts a server in dir and puts it through everything.
func measureHaechi(ctx context.Context, p plan, dir string) (f figures, err error) {
	s, err := openSite(ctx, p.haechi, dir)
	if err != nil {
		return f, err
	}
	defer func() { err = errors.Join(err, s.close()) }()
	head, err := s.head(ctx)
	if err != nil {
		return f, err
	}
	d := &citizen{head: head}
	crowd, err := f.gather(ctx, p, s.process, "ws://"+s.addr+"/v1/sync", d, true)
	if err != nil {
		return f, err
	}
	defer crowd.scatter()

	push := func(r *round) error { return s.push(ctx, r) }
	begun := func(r *round) (time.Time, error) { return s.announcedAt(r.sequence) }
	f.Push = &delays{}
	used, err := s.cpu()
	if err != nil {
		return f, err
	}
	if f.Publish, *f.Push, err = crowd.time(ctx, p.publishes, s.sequence, push, begun); err != nil {
		return f, err
	}
	if err := f.charge(s.process, used, p.publishes); err != nil {
		return f, err
	}
	if before, err := s.head(ctx); err != nil {
		return f, err
	} else if err := s.push(ctx, nil); err != nil {
		return f, err
	} else if f.DeltaBytes, f.DeltaWireBytes, err = s.weigh(ctx, before, "delta"); err != nil {
		return f, err
	}
	if err := crowd.until(ctx, hearWithin, func() bool { return crowd.have(s.sequence) == p.clients }); err != nil {
		return f, err
	}
	if p.updates > 0 {
		d.fetch.Store(true)
		f.Update = &delays{}
		if *f.Update, _, err = crowd.time(ctx, p.updates, s.sequence, push, begun); err != nil {
			return f, err
		}
		d.fetch.Store(false)
	}
	if f.BusyKB, err = s.resident(); err != nil {
		return f, err
	}
	f.Restart, err = restart(ctx, s, crowd)
	return f, err
}

// restart stops the server under its clients, starts it again and publishes
// while they come back. None may miss that release.
func restart(ctx context.Context, s *site, crowd *crowd) (*comeback, error) {
	say("restart with %d clients", len(crowd.clients))
	begun := time.Now()
	if err := s.stop(); err != nil {
		return nil, err
	}
	c := &comeback{StopMS: milliseconds(time.Since(begun))}
	if err := s.serve(ctx); err != nil {
		return nil, err
	}
	up := time.Now()
	if err := s.push(ctx, nil); err != nil {
		return nil, err
	}
	err := crowd.until(ctx, joinWithin, func() bool { return crowd.have(s.sequence) == len(crowd.clients) })
	c.BackMS = milliseconds(time.Since(up))
	c.Back = crowd.have(s.sequence)
	c.Lost = len(crowd.clients) - c.Back
	if ctx.Err() != nil {
		return c, err
	}
	return c, nil // who is lost is a figure, and an error at the end
}

// follower is the dialect of the centrifuge library.
type follower struct{}

func (follower) greet() []byte { return []byte(`{"id":1,"connect":{}}`) }

func (follower) hear(_ *client, message []byte) (uint64, []byte) {
	var sequence uint64
	var answer []byte
	for line := range bytes.Lines(message) {
		if string(bytes.TrimSpace(line)) == "{}" {
			answer = []byte("{}") // its ping and its pong
		} else if _, rest, ok := bytes.Cut(line, []byte(`"sequence":`)); ok {
			fmt.Sscanf(string(rest[:min(len(rest), 20)]), "%d", &sequence)
		}
	}
	return sequence, answer
}

var centrifugeListens = regexp.MustCompile(`^(127\.0\.0\.1:\d+)$`)

// measureCentrifuge publishes heads of the same size on the other server.
func measureCentrifuge(ctx context.Context, p plan) (f figures, err error) {
	file, err := filepath.Abs(p.peer)
	if err != nil {
		return f, err
	}
	server, err := start(ctx, centrifugeListens, file)
	if err != nil {
		return f, err
	}
	defer func() { err = errors.Join(err, server.stop()) }()
	crowd, err := f.gather(ctx, p, server, "ws://"+server.addr+"/connection", follower{}, false)
	if err != nil {
		return f, err
	}
	defer crowd.scatter()
	publish := func(r *round) error {
		head := fmt.Sprintf(`{"type":"head","sequence":%d,"pack":"%064x"}`, r.sequence, r.sequence)
		r.begin()
		response, err := http.Post("http://"+server.addr+"/publish", "application/json", strings.NewReader(head))
		if err != nil {
			return err
		}
		response.Body.Close()
		if response.StatusCode != http.StatusOK {
			return errors.New("publish: " + response.Status)
		}
		return nil
	}
	begun := func(r *round) (time.Time, error) { return time.Unix(0, r.begun.Load()), nil }
	used, err := server.cpu()
	if err != nil {
		return f, err
	}
	if f.Publish, _, err = crowd.time(ctx, p.publishes, 0, publish, begun); err != nil {
		return f, err
	}
	if err := f.charge(server, used, p.publishes); err != nil {
		return f, err
	}
	f.BusyKB, err = server.resident()
	return f, err
}

// gather connects the clients of a server and weighs it before and after.
func (f *figures) gather(ctx context.Context, p plan, server *process, url string, d dialect, back bool) (*crowd, error) {
	time.Sleep(2 * time.Second) // it is done with starting
	var err error
	if f.BaseKB, err = server.resident(); err != nil {
		return nil, err
	}
	say("connecting %d clients to %s", p.clients, url)
	begun := time.Now()
	crowd, err := gather(ctx, url, d, p.clients, back)
	if err != nil {
		return nil, err
	}
	f.ConnectMS = milliseconds(time.Since(begun))
	say("connected; settling for %v", p.settle)
	select {
	case <-time.After(p.settle):
	case <-ctx.Done():
	}
	if f.IdleKB, err = server.resident(); err != nil {
		crowd.scatter()
		return nil, err
	}
	f.KBPerClient = round2(float64(f.IdleKB-f.BaseKB) / float64(p.clients))
	return crowd, nil
}

// charge notes the processor time of one publication, given what the server had
// used before n of them.
func (f *figures) charge(server *process, before time.Duration, n int) error {
	now, err := server.cpu()
	f.CPUMS = milliseconds((now - before) / time.Duration(n))
	return err
}

// time publishes n times on top of a sequence. It returns how long the clients
// waited from the moments that begun gives, and from those at which what was
// published reached the server.
func (w *crowd) time(ctx context.Context, n int, sequence uint64, publish func(*round) error, begun func(*round) (time.Time, error)) (delays, delays, error) {
	say("publishing %d times", n)
	var all, whole []time.Duration
	for i := range n {
		r, err := w.expect(ctx, sequence+uint64(i)+1, publish)
		if err != nil {
			return delays{}, delays{}, err
		}
		moment, err := begun(r)
		if err != nil {
			return delays{}, delays{}, err
		}
		all = append(all, r.since(moment)...)
		whole = append(whole, r.since(time.Unix(0, r.begun.Load()))...)
		select {
		case <-time.After(rest):
		case <-ctx.Done():
			return delays{}, delays{}, ctx.Err()
		}
	}
	return summarise(all), summarise(whole), nil
}
