// SPDX-License-Identifier: Apache-2.0

package main

import (
	"bytes"
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"log/slog"
	"net/http"
	"strings"
	"testing"
	"time"

	"haechi/rules"
	"haechi/rules/trust"
	"haechi/rules/trust/trusttest"
	"haechi/server/hub"
	"haechi/server/publish"
	"haechi/server/wire"
)

// site is a node with the baseline a, b, under the key ann.
type site struct {
	*node
	config nodeConfig
	url    string
	last   *trust.Release
}

func newSite(t *testing.T) *site {
	t.Helper()
	s := &site{config: nodeConfig{
		addr: "127.0.0.1:0", dir: t.TempDir(), root: trusttest.Root(t, 1, "ann"),
		baseline: []rules.Rule{trusttest.Rule("a"), trusttest.Rule("b")},
		lent:     trusttest.OnlineKey(t, 1, trusttest.Online, false, "ann"),
		log:      slog.New(slog.DiscardHandler),
		now:      func() time.Time { return trusttest.Now },
	}}
	s.config.online, _, _ = trusttest.Key(t, trusttest.Online)
	s.start(t)
	t.Cleanup(func() { s.stop(t) })
	return s
}

func (s *site) start(t *testing.T) {
	t.Helper()
	n, err := openNode(s.config)
	if err != nil {
		t.Fatal(err)
	}
	s.node, s.url = n, "http://"+n.addr().String()
}

func (s *site) stop(t *testing.T) {
	t.Helper()
	if s.node == nil {
		return
	}
	ctx, cancel := context.WithTimeout(context.Background(), patience)
	defer cancel()
	if err := s.node.close(ctx); err != nil {
		t.Error(err)
	}
	s.node = nil
}

// push is a good push to the rules with these ids.
func (s *site) push(t *testing.T, ids ...string) (publish.Push, trust.Release) {
	t.Helper()
	have, err := s.store.Pack()
	if err != nil {
		t.Fatal(err)
	}
	next := trusttest.Pack(t, ids...)
	release := trusttest.Release(s.publisher.Head(trust.Preview).Sequence+1, s.last, next)
	push := publish.Push{Release: trusttest.Sign(t, release, "ann")}
	for _, c := range rules.Diff(have, next) {
		if c.Put == nil {
			push.Remove = append(push.Remove, c.Remove)
		} else {
			push.Files = append(push.Files, rules.Format(trusttest.Rule(c.Put.ID)))
		}
	}
	return push, release
}

func (s *site) publish(t *testing.T, ids ...string) {
	t.Helper()
	push, release := s.push(t, ids...)
	if status, body := s.post(t, push); status != http.StatusCreated {
		t.Fatalf("push: %d %s", status, body)
	}
	s.last = &release
}

func (s *site) post(t *testing.T, push any) (int, string) {
	t.Helper()
	body, err := json.Marshal(push)
	if err != nil {
		t.Fatal(err)
	}
	return s.do(t, "POST", "/v1/releases", bytes.NewReader(body), "Content-Type", "application/json")
}

// do sends a request with headers given as pairs.
func (s *site) do(t *testing.T, method, path string, body io.Reader, headers ...string) (int, string) {
	t.Helper()
	status, text, _ := s.exchange(t, method, path, body, headers...)
	return status, text
}

func (s *site) exchange(t *testing.T, method, path string, body io.Reader, headers ...string) (int, string, http.Header) {
	t.Helper()
	ctx, cancel := context.WithTimeout(t.Context(), patience)
	defer cancel()
	r, err := http.NewRequestWithContext(ctx, method, s.url+path, body)
	if err != nil {
		t.Fatal(err)
	}
	for i := 0; i < len(headers); i += 2 {
		r.Header.Set(headers[i], headers[i+1])
	}
	response, err := http.DefaultClient.Do(r)
	if err != nil {
		t.Fatal(err)
	}
	defer response.Body.Close()
	data, err := io.ReadAll(response.Body)
	if err != nil {
		t.Fatal(err)
	}
	return response.StatusCode, string(data), response.Header
}

// citizen is a client as the client specification wants it: it believes
// trust.Accept and nobody else.
type citizen struct {
	root  trust.Root
	state trust.State
	who   trust.Client
	now   func() time.Time
	conn  *hub.Conn
	log   trust.Evidence // came last

	asked, answered bool // a request is under way; its log has come
}

func (c *citizen) connect(ctx context.Context, url string) error {
	conn, err := hub.Dial(ctx, "ws"+strings.TrimPrefix(url, "http")+"/v1/sync", nil)
	if err != nil {
		return err
	}
	c.conn, c.asked = conn, false
	channel := c.who.Channel
	if channel == "" {
		channel = trust.Stable
	}
	return conn.Send(wire.Hello{Protocol: wire.Protocol, Channel: channel, Sequence: c.state.Sequence, Pack: c.state.Pack.Hash(), Log: c.state.Seen.Size})
}

// target is the release of a head that the client wants.
func (c *citizen) target(f wire.Head) uint64 {
	if c.who.Bucket < f.Rollout {
		return f.Sequence
	}
	return f.Settled
}

// follow reads frames until it has the rules at a sequence.
func (c *citizen) follow(sequence uint64) error {
	var head wire.Head
	ask := func() error {
		to := c.target(head)
		if c.asked || to <= c.state.Sequence {
			return nil
		}
		c.asked, c.answered = true, false
		return c.conn.Send(wire.Since{Sequence: c.state.Sequence, Pack: c.state.Pack.Hash(), To: to, Log: c.state.Seen.Size})
	}
	for c.state.Sequence < sequence {
		data, err := c.conn.Receive(time.Now().Add(patience))
		if err != nil {
			return fmt.Errorf("at sequence %d: %w", c.state.Sequence, err)
		}
		frame, err := wire.Decode(data)
		if err != nil {
			return err
		}
		switch f := frame.(type) {
		case wire.Head:
			head = f
			err = ask()
		case wire.Log:
			c.log, err = trust.ParseEvidence(data)
			c.answered = true
		case wire.Heartbeat:
			if c.asked && c.answered { // nothing newer was to be had
				c.asked = false
				err = ask()
			}
		case wire.Delta, wire.Snapshot:
			c.asked = false
			if err = c.take(data); errors.Is(err, trust.ErrMismatch) || errors.Is(err, trust.ErrGap) || errors.Is(err, trust.ErrLog) {
				c.asked = true
				err = c.conn.Send(wire.Full{To: c.target(head), Log: c.state.Seen.Size})
			} else if err == nil {
				err = ask()
			}
		case wire.Bye:
			return fmt.Errorf("bye %s", f.Code)
		}
		if err != nil {
			return err
		}
	}
	return nil
}

func (c *citizen) take(data []byte) error {
	u, err := trust.ParseUpdate(data)
	if err != nil {
		return err
	}
	next, err := trust.Accept(c.root, c.now(), c.state, c.who, c.log, &u)
	if err == nil {
		c.state = next
	}
	return err
}

func newCitizen(t *testing.T, s *site, ids ...string) *citizen {
	t.Helper()
	c := &citizen{root: s.config.root, now: s.config.now, state: trust.State{Pack: trusttest.Pack(t, ids...)}}
	if err := c.connect(t.Context(), s.url); err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { c.conn.Close() })
	return c
}

func (c *citizen) mustFollow(t *testing.T, sequence uint64, ids ...string) {
	t.Helper()
	if err := c.follow(sequence); err != nil {
		t.Fatal(err)
	}
	if want := trusttest.Pack(t, ids...).Hash(); c.state.Pack.Hash() != want {
		t.Errorf("at sequence %d with other rules than %v", sequence, ids)
	}
}
