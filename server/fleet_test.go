// SPDX-License-Identifier: Apache-2.0

package main

import (
	"errors"
	"fmt"
	"net/http"
	"os"
	"path/filepath"
	"strings"
	"syscall"
	"testing"
	"time"

	"haechi/rules/trust"
	"haechi/server/publish"
	"haechi/server/wire"
)

// settled is how long a cluster may take after a fault until all of it agrees:
// NATS notices a dead leader after some seconds, and the machine may be busy.
const settled = 3 * time.Minute

// fleet is a cluster: real NATS servers, real nodes, and lines between them.
type fleet struct {
	*crashes
	t     *testing.T
	home  string // the nodes' directories are in it
	nats  []*natsServer
	nodes []*member
}

// member is one node with its data directory and its lines to NATS.
type member struct {
	file, dir, name string
	lines           []*natsLine
	flags           []string
	*process        // nil while it is down
}

// newFleet starts NATS servers and nodes. The first node has the small baseline
// of newCrashes; the others take theirs from the cluster.
func newFleet(t *testing.T, servers, nodes int) *fleet {
	t.Helper()
	if testing.Short() {
		t.Skip("builds the binary and NATS servers")
	}
	f := &fleet{t: t, nats: startNATS(t, servers)}
	file, dir := binary(t), t.TempDir()
	f.home, f.crashes = dir, newCrashes(t, filepath.Join(dir, "node-1"))
	for i := range nodes {
		m := f.add(file, filepath.Join(dir, fmt.Sprintf("node-%d", i+1)))
		m.start(t)
	}
	return f
}

// add makes a node that is not started yet.
func (f *fleet) add(file, dir string) *member {
	f.t.Helper()
	m := &member{file: file, dir: dir, name: filepath.Base(dir)}
	if m.name != "node-1" {
		if err := os.CopyFS(filepath.Join(dir, "dist"), os.DirFS(filepath.Join(f.home, "node-1", "dist"))); err != nil {
			f.t.Fatal(err)
		}
	}
	var urls []string
	for _, s := range f.nats {
		line := newLine(f.t, s.addr)
		m.lines = append(m.lines, line)
		urls = append(urls, "nats://"+line.listener.Addr().String())
	}
	m.flags = []string{"--nats", strings.Join(urls, ","), "--node", m.name, "--replicas", fmt.Sprint(len(f.nats)), "--rate", "0", "--log-level", "debug"}
	f.nodes = append(f.nodes, m)
	return m
}

func (m *member) start(t *testing.T) {
	t.Helper()
	m.process = serveBinary(t, m.file, m.dir, m.flags...)
}

func (m *member) kill(t *testing.T) {
	t.Helper()
	m.end(t, syscall.SIGKILL)
	m.process = nil
}

func (m *member) cut(cut, dumb bool) {
	for _, l := range m.lines {
		l.set(cut, dumb)
	}
}

// readiness is what /readyz says.
func (m *member) readiness() (int, string) {
	response, err := (&http.Client{Timeout: patience}).Get(m.url + "/readyz")
	if err != nil {
		return 0, err.Error()
	}
	data, err := body(response, response.StatusCode, wire.MaxRequest)
	if err != nil {
		return 0, err.Error()
	}
	return response.StatusCode, string(data)
}

// until polls a condition that a cluster reaches by itself.
func (f *fleet) until(what string, ok func() error) {
	f.t.Helper()
	var last error
	for end := time.Now().Add(settled); time.Now().Before(end); time.Sleep(100 * time.Millisecond) {
		if last = ok(); last == nil {
			return
		}
	}
	for _, m := range f.nodes {
		if m.process != nil {
			f.t.Logf("%s:\n%s", m.name, m.lastWords())
		}
	}
	f.t.Fatalf("waited in vain: %s: %v", what, last)
}

// agree waits until every node is ready and serves the same head, of at least
// a sequence.
func (f *fleet) agree(least uint64) wire.Head {
	f.t.Helper()
	var head wire.Head
	f.until("the nodes agree", func() error {
		for i, m := range f.nodes {
			if status, text := m.readiness(); status != http.StatusOK {
				return fmt.Errorf("%s: %d %s", m.name, status, text)
			}
			at, err := newRemote(m.url)
			if err != nil {
				return err
			}
			h, err := at.head(trust.Preview)
			if err != nil {
				return err
			}
			if i == 0 {
				head = h
			}
			if h != head || h.Sequence < least {
				return fmt.Errorf("%s serves %d, %s %d", f.nodes[0].name, head.Sequence, m.name, h.Sequence)
			}
		}
		return nil
	})
	return head
}

// push publishes one release through a node. It returns what came of it.
func (f *fleet) push(m *member, id string) error {
	at, err := newRemote(m.url)
	if err != nil {
		return err
	}
	defer at.http.CloseIdleConnections()
	push, sequence, err := f.next(at, id)
	if err != nil {
		return err
	}
	result, err := at.publish(push)
	if err != nil {
		return err
	}
	if result.Sequence != sequence {
		return fmt.Errorf("published as %d, signed as %d", result.Sequence, sequence)
	}
	return f.acknowledge(sequence, push.Release)
}

// acknowledge notes that a maintainer was told that his release is published.
func (c *crashes) acknowledge(sequence uint64, signed string) error {
	c.mu.Lock()
	defer c.mu.Unlock()
	before, taken := c.acknowledged[sequence]
	c.acknowledged[sequence] = signed
	if taken && before != signed {
		return fmt.Errorf("two releases %d were acknowledged", sequence)
	}
	return nil
}

// mustPush publishes through a node that has no reason to refuse.
func (f *fleet) mustPush(m *member, id string) {
	f.t.Helper()
	f.until("push through "+m.name, func() error { return f.push(m, id) })
}

func code(err error) string {
	var refusal *publish.Refusal
	if errors.As(err, &refusal) {
		return refusal.Code
	}
	return ""
}

// visit is what a client does that comes to a node: it says hello and asks for
// what is newer, or how the log stands. It reports whether the node was behind.
func (c *citizen) visit(f *fleet, m *member) (behind bool, err error) {
	if err := c.connect(f.t.Context(), m.url); err != nil {
		return false, err
	}
	defer c.conn.Close()
	data, err := c.conn.Receive(time.Now().Add(patience))
	if err != nil {
		return false, err
	}
	frame, err := wire.Decode(data)
	if err != nil {
		return false, err
	}
	head, ok := frame.(wire.Head)
	if !ok {
		return false, fmt.Errorf("greeted with %T", frame)
	}
	if head.Log < c.state.Seen.Size || head.Sequence < c.state.Sequence {
		return true, nil
	}
	ask := wire.Since{Sequence: c.state.Sequence, Pack: c.state.Pack.Hash(), To: head.Sequence, Log: c.state.Seen.Size}
	if err := c.conn.Send(ask); err != nil {
		return false, err
	}
	var evidence trust.Evidence
	for {
		if data, err = c.conn.Receive(time.Now().Add(patience)); err != nil {
			return false, err
		}
		if frame, err = wire.Decode(data); err != nil {
			return false, err
		}
		var update *trust.Update
		switch frame.(type) {
		case wire.Log:
			if evidence, err = trust.ParseEvidence(data); err != nil {
				return false, err
			}
			if ask.To > c.state.Sequence {
				continue
			}
		case wire.Delta, wire.Snapshot:
			u, err := trust.ParseUpdate(data)
			if err != nil {
				return false, err
			}
			update = &u
		default:
			continue
		}
		next, err := trust.Accept(c.root, c.now(), c.state, c.who, evidence, update)
		if err != nil {
			return false, fmt.Errorf("at %s, which has %d releases, with %d: %w", m.name, head.Log, c.state.Seen.Size, err)
		}
		if next.Sequence < c.state.Sequence {
			return false, fmt.Errorf("went back from %d to %d", c.state.Sequence, next.Sequence)
		}
		c.state = next
		return false, nil
	}
}

// mustVisit moves the client to a node that agrees with the others.
func (f *fleet) mustVisit(m *member, sequence uint64) {
	f.t.Helper()
	if behind, err := f.client.visit(f, m); err != nil || behind || f.client.state.Sequence < sequence {
		f.t.Fatalf("the client at %s: behind %v, has %d, want %d: %v", m.name, behind, f.client.state.Sequence, sequence, err)
	}
}

// finish stops every node and holds the stores against one another.
func (f *fleet) finish() {
	f.t.Helper()
	f.releases = f.agree(0).Sequence
	for _, m := range f.nodes {
		if err := f.inspect(m.url); err != nil {
			f.t.Errorf("%s: %v", m.name, err)
		}
	}
	for _, m := range f.nodes {
		if code := m.end(f.t, syscall.SIGTERM); code != 0 {
			f.t.Errorf("%s: exit code %d\n%s", m.name, code, m.lastWords())
		}
		m.process = nil
		if err := f.inspectStore(filepath.Join(m.dir, "data", "store")); err != nil {
			f.t.Errorf("%s: %v", m.name, err)
		}
	}
}
