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
	"os"
	"path/filepath"
	"strings"
	"sync"
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
		log:      slog.New(slog.DiscardHandler),
		now:      func() time.Time { return trusttest.Now },
	}}
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
	release := trusttest.Release(s.publisher.Head().Sequence+1, s.last, next)
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
	conn  *hub.Conn
}

func (c *citizen) connect(ctx context.Context, url string) error {
	conn, err := hub.Dial(ctx, "ws"+strings.TrimPrefix(url, "http")+"/v1/sync", nil)
	if err != nil {
		return err
	}
	c.conn = conn
	return conn.Send(wire.Hello{Protocol: wire.Protocol, Sequence: c.state.Sequence, Pack: c.state.Pack.Hash()})
}

// follow reads frames until it has the rules at a sequence.
func (c *citizen) follow(sequence uint64) error {
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
			if f.Sequence > c.state.Sequence {
				err = c.conn.Send(wire.Since{Sequence: c.state.Sequence, Pack: c.state.Pack.Hash()})
			}
		case wire.Delta, wire.Snapshot:
			var u trust.Update
			if u, err = trust.ParseUpdate(data); err != nil {
				return err
			}
			var next trust.State
			next, err = trust.Accept(c.root, trusttest.Now, c.state, u)
			switch {
			case err == nil:
				c.state = next
			case errors.Is(err, trust.ErrMismatch), errors.Is(err, trust.ErrGap):
				err = c.conn.Send(wire.Full{})
			case errors.Is(err, trust.ErrRollback): // two heads, one answer
				err = nil
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

func newCitizen(t *testing.T, s *site, ids ...string) *citizen {
	t.Helper()
	c := &citizen{root: s.config.root, state: trust.State{Pack: trusttest.Pack(t, ids...)}}
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

func TestAPushReachesOpenClients(t *testing.T) {
	s := newSite(t)
	c := newCitizen(t, s, "a", "b")
	s.publish(t, "a", "b", "c")
	c.mustFollow(t, 1, "a", "b", "c")
	s.publish(t, "b", "c")
	s.publish(t, "c", "d")
	c.mustFollow(t, 3, "c", "d")

	// A client that was away gets one delta over all of it; one with another
	// baseline (an extension that is newer or older) gets the snapshot.
	newCitizen(t, s, "a", "b").mustFollow(t, 3, "c", "d")
	newCitizen(t, s, "a", "x", "y").mustFollow(t, 3, "c", "d")
}

func TestRestartKeepsReleasesAndClients(t *testing.T) {
	s := newSite(t)
	s.publish(t, "a", "b", "c")
	c := newCitizen(t, s, "a", "b")
	c.mustFollow(t, 1, "a", "b", "c")

	s.stop(t)
	if err := c.follow(2); err == nil || err.Error() != "bye restart" {
		t.Errorf("got %v, want bye restart", err)
	}
	s.start(t)
	if head := s.publisher.Head(); head.Sequence != 1 || head.Pack != c.state.Pack.Hash() {
		t.Errorf("after the restart: %+v", head)
	}
	if err := c.connect(t.Context(), s.url); err != nil {
		t.Fatal(err)
	}
	s.publish(t, "c")
	c.mustFollow(t, 2, "c")
	newCitizen(t, s, "a", "b").mustFollow(t, 2, "c")
}

func Test200ClientsGetEachRelease(t *testing.T) {
	const clients = 200
	s := newSite(t)
	citizens := make([]*citizen, clients)
	for i := range citizens {
		citizens[i] = newCitizen(t, s, "a", "b")
	}
	s.publish(t, "a", "b", "c")
	s.publish(t, "b", "c")
	want := trusttest.Pack(t, "b", "c").Hash()
	var wg sync.WaitGroup
	for i, c := range citizens {
		wg.Go(func() {
			if err := c.follow(2); err != nil {
				t.Errorf("client %d: %v", i, err)
			} else if c.state.Pack.Hash() != want {
				t.Errorf("client %d has other rules", i)
			}
		})
	}
	wg.Wait()
	if status, body := s.do(t, "GET", "/healthz", nil); status != 200 || !strings.Contains(body, fmt.Sprintf(`"clients":%d`, clients)) {
		t.Errorf("healthz: %d %s", status, body)
	}
}

func TestRefusedPushesChangeNothing(t *testing.T) {
	s := newSite(t)
	c := newCitizen(t, s, "a", "b")
	good, release := s.push(t, "a", "b", "c")
	invalid := trusttest.Rule("c")
	invalid.Correction["ja"] = ""
	big := json.RawMessage(`"` + strings.Repeat("x", publish.MaxPush) + `"`)
	for _, p := range []struct {
		name   string
		push   any
		status int
		says   string
	}{
		{"wrong key", publish.Push{Release: trusttest.Sign(t, release, "mal"), Files: good.Files}, 403, `"code":"unsigned"`},
		{"invalid rule", publish.Push{Release: good.Release, Files: []json.RawMessage{rules.Format(invalid)}}, 422, `c.json: rule \"c\": correction.ja: missing`},
		{"not what was signed", publish.Push{Release: good.Release, Remove: []string{"a"}}, 409, `"code":"mismatch"`},
		{"unknown field", map[string]any{"release": good.Release, "force": true}, 400, `force`},
		{"no object", []string{"x"}, 400, `"code":"bad-request"`},
		{"too large", publish.Push{Release: good.Release, Files: []json.RawMessage{big}}, 413, `"code":"too-large"`},
		{"empty", publish.Push{}, 403, `"code":"unsigned"`},
	} {
		status, body := s.post(t, p.push)
		if status != p.status || !strings.Contains(body, p.says) || !strings.HasPrefix(body, `{"error":{"code":`) {
			t.Errorf("%s: %d %s, want %d and %s", p.name, status, body, p.status, p.says)
		}
	}
	body, _ := json.Marshal(good)
	for _, headers := range [][]string{
		{"Content-Type", "text/plain"}, // what a page may send without asking
		{"Content-Type", "application/json", "Origin", "https://example.com"},
		{},
	} {
		if status, _ := s.do(t, "POST", "/v1/releases", bytes.NewReader(body), headers...); status != http.StatusUnsupportedMediaType {
			t.Errorf("%v: %d", headers, status)
		}
	}
	if status, _ := s.do(t, "POST", "/v1/releases", strings.NewReader(string(body)+"{}"), "Content-Type", "application/json"); status != 400 {
		t.Errorf("text after the end: %d", status)
	}
	if head := s.publisher.Head(); head.Sequence != 0 {
		t.Errorf("the head moved: %+v", head)
	}
	// The client hears of the good push first.
	if status, body := s.post(t, good); status != http.StatusCreated || !strings.Contains(body, `"added":["c"]`) {
		t.Fatalf("%d %s", status, body)
	}
	c.mustFollow(t, 1, "a", "b", "c")
	if status, body := s.post(t, good); status != http.StatusConflict || !strings.Contains(body, `"code":"stale"`) {
		t.Errorf("the same push again: %d %s", status, body)
	}
}

func TestHTTPServesTheSameFrames(t *testing.T) {
	s := newSite(t)
	base := trusttest.Pack(t, "a", "b")
	decode := func(text string) wire.Frame {
		t.Helper()
		f, err := wire.Decode([]byte(text))
		if err != nil {
			t.Fatalf("%v in %s", err, text)
		}
		return f
	}
	since := func(from int, pack string) string { return fmt.Sprintf("/v1/delta?from=%d&pack=%s", from, pack) }
	if status, _ := s.do(t, "GET", since(0, base.Hash()), nil); status != http.StatusNoContent {
		t.Errorf("delta for a client that is up to date: %d", status)
	}
	_, text := s.do(t, "GET", "/v1/snapshot", nil)
	if f := decode(text).(wire.Snapshot); f.Release != "" || !bytes.Equal(f.Pack, base.Encode()) {
		t.Errorf("the baseline: %s", text)
	}
	s.publish(t, "a", "b", "c")

	for path, want := range map[string]string{
		"/v1/head":                        "wire.Head",
		since(0, base.Hash()):             "wire.Delta",
		since(0, strings.Repeat("0", 64)): "wire.Snapshot",
		"/v1/snapshot":                    "wire.Snapshot",
	} {
		status, text, header := s.exchange(t, "GET", path, nil)
		if got := fmt.Sprintf("%T", decode(text)); status != 200 || got != want {
			t.Errorf("%s: %d %s, want %s", path, status, got, want)
		}
		if header.Get("Content-Type") != "application/json" || header.Get("Cache-Control") != "no-cache" {
			t.Errorf("%s: headers %v", path, header)
		}
		tag := header.Get("ETag")
		if status, text := s.do(t, "GET", path, nil, "If-None-Match", tag); status != http.StatusNotModified || text != "" {
			t.Errorf("%s with its tag %s: %d %q", path, tag, status, text)
		}
		if path != "/v1/head" {
			u, err := trust.ParseUpdate([]byte(text))
			if err != nil {
				t.Fatal(err)
			}
			if got, err := trust.Accept(s.config.root, trusttest.Now, trust.State{Pack: base}, u); err != nil || got.Sequence != 1 {
				t.Errorf("%s does not verify: %v", path, err)
			}
		}
	}
	_, _, header := s.exchange(t, "GET", "/v1/head", nil)
	s.publish(t, "c")
	if status, _ := s.do(t, "GET", "/v1/head", nil, "If-None-Match", header.Get("ETag")); status != 200 {
		t.Errorf("an old tag after a release: %d", status)
	}
	for _, path := range []string{"/v1/delta", "/v1/delta?from=x&pack=" + base.Hash(), since(-1, base.Hash()), since(0, "x"), "/v1/delta?from=9007199254740992&pack=" + base.Hash()} {
		if status, body := s.do(t, "GET", path, nil); status != 400 || !strings.Contains(body, "bad-request") {
			t.Errorf("%s: %d %s", path, status, body)
		}
	}
	for path, want := range map[string]int{"/": 404, "/v1": 404, "/replica/": 404, "/v1/sync": 400} {
		if status, _ := s.do(t, "GET", path, nil); status != want {
			t.Errorf("%s: %d, want %d", path, status, want)
		}
	}
	if status, _ := s.do(t, "POST", "/v1/head", nil); status != http.StatusMethodNotAllowed {
		t.Errorf("POST /v1/head: %d", status)
	}
}

func TestReplicaStaysInItsFolder(t *testing.T) {
	dir := t.TempDir()
	site := filepath.Join(dir, "site")
	for name, text := range map[string]string{"site/index.html": "<h1>replica</h1>", "secret.txt": "secret"} {
		file := filepath.Join(dir, name)
		if err := os.MkdirAll(filepath.Dir(file), 0o755); err != nil {
			t.Fatal(err)
		}
		if err := os.WriteFile(file, []byte(text), 0o644); err != nil {
			t.Fatal(err)
		}
	}
	if err := os.Symlink("../secret.txt", filepath.Join(site, "link.txt")); err != nil {
		t.Fatal(err)
	}
	s := newSite(t)
	s.stop(t)
	s.config.replica = site
	s.start(t)
	if status, body := s.do(t, "GET", "/replica/", nil); status != 200 || !strings.Contains(body, "replica") {
		t.Errorf("index: %d %s", status, body)
	}
	for _, path := range []string{"/replica/link.txt", "/replica/../secret.txt", "/replica/%2e%2e/secret.txt"} {
		if status, body := s.do(t, "GET", path, nil); status == 200 || strings.Contains(body, "secret\n") || body == "secret" {
			t.Errorf("%s: %d %s", path, status, body)
		}
	}
}

func TestASecondServerIsToldWhy(t *testing.T) {
	s := newSite(t)
	other := s.config
	if _, err := openNode(other); err == nil || !strings.Contains(err.Error(), "another haechi server uses this directory") {
		t.Errorf("same data: %v", err)
	}
	other.addr, other.dir = s.addr().String(), t.TempDir()
	if _, err := openNode(other); err == nil || !strings.Contains(err.Error(), "is in use") {
		t.Errorf("same port: %v", err)
	}
}

// A new binary with other rules does not touch what a server has published.
func TestANewBinaryKeepsTheStoredBaseline(t *testing.T) {
	s := newSite(t)
	before := s.publisher.Head()
	s.stop(t)
	var log bytes.Buffer
	s.config.baseline = append(s.config.baseline, trusttest.Rule("z"))
	s.config.log = slog.New(slog.NewTextHandler(&log, nil))
	s.start(t)
	if s.publisher.Head() != before {
		t.Errorf("head %+v became %+v", before, s.publisher.Head())
	}
	s.stop(t)
	if !strings.Contains(log.String(), "keeping what is stored") {
		t.Errorf("not logged: %s", log.String())
	}
}
