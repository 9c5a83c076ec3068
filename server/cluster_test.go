// SPDX-License-Identifier: Apache-2.0

package main

import (
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"log/slog"
	"net/http"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"syscall"
	"testing"
	"time"

	"haechi/rules/trust"
	"haechi/server/cluster"
	"haechi/server/publish"
	"haechi/server/review"
	"haechi/server/store"
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

func TestClusterSharesOneLog(t *testing.T) {
	f := newFleet(t, 3, 3)
	f.agree(0)
	for i := range 3 {
		f.mustPush(f.nodes[i], fmt.Sprintf("crash-%d", i))
		f.agree(uint64(i + 1))
		for _, m := range f.nodes {
			f.mustVisit(m, uint64(i+1))
		}
	}
	for _, m := range f.nodes {
		if err := f.inspect(m.url); err != nil {
			t.Errorf("%s: %v", m.name, err)
		}
	}
	// A node that is added has everything, and one that was killed comes back.
	fourth := f.add(f.nodes[0].file, filepath.Join(f.home, "node-4"))
	fourth.start(t)
	f.nodes[1].kill(t)
	f.nodes[1].start(t)
	f.mustPush(fourth, "crash-4")
	f.agree(4)
	f.mustVisit(f.nodes[1], 4)
	f.until("the cluster's own view", func() error {
		out, err := exec.Command(fourth.file, "cluster", "--json", "--nats", "nats://"+f.nats[1].addr).CombinedOutput()
		if err != nil {
			return fmt.Errorf("%w: %s", err, out)
		}
		var roll cluster.Roll
		if err := json.Unmarshal(out, &roll); err != nil {
			return err
		}
		if roll.Head.Sequence != 4 || roll.Replicas != 3 || len(roll.Nodes) != 4 {
			return fmt.Errorf("%s", out)
		}
		for _, n := range roll.Nodes {
			if n.Release != 4 || n.Pack != roll.Head.Pack {
				return fmt.Errorf("%s", out)
			}
		}
		return nil
	})
	f.finish()
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

// One server's releases become the cluster's; and when NATS has lost everything
// the nodes give it back what they have.
func TestOneServerBecomesAClusterAndNATSMayLoseEverything(t *testing.T) {
	f := newFleet(t, 3, 0)
	file := binary(t)
	first := f.add(file, filepath.Join(f.home, "node-1"))
	first.process = serveBinary(t, file, first.dir)
	f.mustPush(first, "crash-0")
	f.mustPush(first, "crash-1")
	f.mustVisit(first, 2)
	first.end(t, syscall.SIGTERM)
	first.start(t)
	second := f.add(file, filepath.Join(f.home, "node-2"))
	second.start(t)
	f.agree(2)
	f.mustVisit(second, 2)
	f.mustPush(second, "crash-2")
	f.agree(3)

	first.kill(t)
	f.nodes = f.nodes[1:]
	f.mustPush(second, "crash-3") // which the first one lacks
	f.mustVisit(second, 4)
	second.kill(t)
	for _, n := range f.nats {
		n.kill()
		if err := os.RemoveAll(strings.TrimSuffix(n.config, ".conf")); err != nil {
			t.Fatal(err)
		}
		n.start(t)
	}
	second.start(t)
	first.start(t)
	f.nodes = []*member{first, second}
	f.agree(4)
	f.mustPush(first, "crash-4")
	f.agree(5)
	f.mustVisit(first, 5)
	f.finish()
}

func TestANodeThatIsCutOffServesOnAndCatchesUp(t *testing.T) {
	for _, dumb := range []bool{false, true} {
		t.Run(map[bool]string{false: "refused", true: "silent"}[dumb], func(t *testing.T) {
			f := newFleet(t, 3, 2)
			here, away := f.nodes[0], f.nodes[1]
			f.mustPush(here, "crash-0")
			f.agree(1)
			f.mustVisit(away, 1)

			away.cut(true, dumb)
			f.until("the node says that it is cut off", func() error {
				status, text := away.readiness()
				if status == http.StatusServiceUnavailable && strings.Contains(text, "cut off from the cluster since") {
					return nil
				}
				return fmt.Errorf("%d %s", status, text)
			})
			if err := f.push(away, "crash-1"); code(err) != "cut-off" && code(err) != "unsure" {
				t.Errorf("a push to the node that is cut off: %v", err)
			}
			f.mustPush(here, "crash-2")
			if err := f.inspect(away.url); err == nil || !strings.Contains(err.Error(), "is lost") {
				t.Errorf("the node that is cut off serves what it cannot know: %v", err)
			}
			f.mustVisit(here, 2)
			if behind, err := f.client.visit(f, away); err != nil || !behind {
				t.Errorf("a client that comes to the node that is behind: %v, %v", behind, err)
			}
			// It starts again without the cluster, from what it had.
			away.kill(t)
			away.start(t)
			if at, err := newRemote(away.url); err != nil {
				t.Fatal(err)
			} else if head, err := at.head(trust.Stable); err != nil || head.Sequence != 1 {
				t.Errorf("after a start while cut off: %+v, %v", head, err)
			}
			stays := &citizen{root: f.root, now: time.Now, state: trust.State{Pack: f.baseline}}
			if err := stays.connect(t.Context(), away.url); err != nil {
				t.Fatal(err)
			}
			defer stays.conn.Close()
			if err := stays.follow(1); err != nil {
				t.Fatal(err)
			}

			away.cut(false, false)
			f.agree(2)
			if err := stays.follow(2); err != nil {
				t.Errorf("a client that stayed: %v", err)
			}
			f.mustPush(away, "crash-3")
			f.finish()
		})
	}
}

// Reports are taken in by every node and judged at one. None is lost or doubled
// once its sender has the receipt, whatever dies meanwhile.
func TestReportsReachTheDeskOnce(t *testing.T) {
	f := newFleet(t, 3, 0)
	file := binary(t)
	desk := f.add(file, filepath.Join(f.home, "node-1"))
	desk.flags = append(desk.flags, "--desk")
	desk.start(t)
	door := f.add(file, filepath.Join(f.home, "node-2"))
	door.start(t)
	f.agree(0)

	codes, failures := map[string]bool{}, 0 // a report without a receipt may have arrived or not
	send := func(m *member, n int) {
		t.Helper()
		f.until("a receipt", func() error {
			code, err := sendReport(m.url, n)
			if err != nil {
				failures++
				return err
			}
			codes[code] = true
			return nil
		})
	}
	arrived := func() {
		t.Helper()
		for code := range codes {
			f.until("the desk knows a receipt", func() error {
				status, text, err := fetch(http.MethodGet, desk.url+"/v1/reports/"+code, "")
				if err != nil || status != http.StatusOK {
					return fmt.Errorf("%d %s %w", status, text, err)
				}
				return nil
			})
		}
	}
	send(door, 0)
	send(desk, 1)
	arrived()
	if status, text, err := fetch(http.MethodGet, door.url+"/review", ""); err != nil || status != http.StatusMisdirectedRequest || !strings.Contains(text, "another server of this cluster") {
		t.Errorf("the desk's pages elsewhere: %d %s %v", status, text, err)
	}

	// While the desk is down reports wait; a NATS server may die as well.
	desk.kill(t)
	send(door, 2)
	f.nats[0].kill()
	send(door, 3)
	f.nats[0].start(t)
	desk.start(t)
	arrived()
	// Killed in the middle of taking them.
	for i := range 20 {
		send(door, 4+i)
	}
	desk.kill(t)
	desk.start(t)
	arrived()

	// A node that is cut off gives no receipt.
	door.cut(true, false)
	if code, err := sendReport(door.url, 99); err == nil {
		t.Errorf("a receipt %s from a node that is cut off", code)
	}
	door.cut(false, false)

	second := f.add(file, filepath.Join(f.home, "node-3"))
	second.flags = append(second.flags, "--desk")
	cmd := exec.Command(second.file, append([]string{"serve", "--addr", "127.0.0.1:0", "--no-gate"}, second.flags...)...)
	cmd.Dir = second.dir
	if out, err := cmd.CombinedOutput(); err == nil || !strings.Contains(string(out), `the review desk of this cluster is at node "node-1"`) {
		t.Errorf("a second desk: %v, %s", err, out)
	}
	f.nodes = f.nodes[:2]
	f.agree(0)

	desk.end(t, syscall.SIGTERM)
	st, err := store.Open(filepath.Join(desk.dir, "data", "store"), nil, slog.New(slog.DiscardHandler))
	if err != nil {
		t.Fatal(err)
	}
	defer st.Close()
	reports := 0
	err = st.Review().View(func(r review.Reader) error {
		return r.Scan("case/", func(_ string, value []byte) error {
			var c review.Case
			err := json.Unmarshal(value, &c)
			reports += c.Reports
			return err
		})
	})
	if err != nil || reports < len(codes) || reports > len(codes)+failures {
		t.Errorf("the desk has %d reports; %d have a receipt, and %d attempts failed: %v", reports, len(codes), failures, err)
	}
}

// sendReport sends one report and returns its receipt.
func sendReport(url string, n int) (string, error) {
	text, err := json.Marshal(review.Report{
		Excerpt: fmt.Sprintf("Kimchi was invented in China, as report %d says.", n), Site: "chatgpt", Language: "en", Rule: "kimchi-origin-china",
	})
	if err != nil {
		return "", err
	}
	status, answer, err := fetch(http.MethodPost, url+"/v1/reports", string(text))
	if err != nil {
		return "", err
	}
	var receipt review.Receipt
	if err := json.Unmarshal([]byte(answer), &receipt); err != nil || status != http.StatusCreated || receipt.Code == "" {
		return "", fmt.Errorf("%d %s", status, answer)
	}
	return receipt.Code, nil
}

// fetch makes one request of a program that is no browser.
func fetch(method, url, body string) (int, string, error) {
	r, err := http.NewRequest(method, url, strings.NewReader(body))
	if err != nil {
		return 0, "", err
	}
	r.Header.Set("Content-Type", "application/json")
	response, err := (&http.Client{Timeout: patience}).Do(r)
	if err != nil {
		return 0, "", err
	}
	defer response.Body.Close()
	text, err := io.ReadAll(response.Body)
	return response.StatusCode, string(text), err
}
