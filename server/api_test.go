// SPDX-License-Identifier: Apache-2.0

package main

import (
	"bytes"
	"encoding/json"
	"fmt"
	"net/http"
	"os"
	"path/filepath"
	"strings"
	"testing"

	"haechi/rules"
	"haechi/rules/trust"
	"haechi/rules/trust/trusttest"
	"haechi/server/publish"
	"haechi/server/wire"
)

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
	if head := s.publisher.Head(trust.Stable); head.Sequence != 0 {
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
	_, text := s.do(t, "GET", "/v1/snapshot/0.json", nil)
	if f := decode(text).(wire.Snapshot); f.Release != "" || !bytes.Equal(f.Pack, base.Encode()) {
		t.Errorf("the baseline: %s", text)
	}
	s.publish(t, "a", "b", "c")

	_, log := s.do(t, "GET", "/v1/log/0.json", nil)
	evidence, err := trust.ParseEvidence([]byte(log))
	if err != nil {
		t.Fatal(err)
	}
	for path, want := range map[string]string{
		"/v1/stable/head.json":  "wire.Head",
		"/v1/preview/head.json": "wire.Head",
		"/v1/log/1.json":        "wire.Log",
		"/v1/delta/0-1.json":    "wire.Delta",
		"/v1/snapshot/1.json":   "wire.Snapshot",
	} {
		status, text, header := s.exchange(t, "GET", path, nil)
		if status != 200 {
			t.Errorf("%s: %d %s", path, status, text)
			continue
		}
		got := fmt.Sprintf("%T", decode(text))
		if got != want {
			t.Errorf("%s: %s, want %s", path, got, want)
		}
		if header.Get("Content-Type") != "application/json" || header.Get("Cache-Control") != "no-cache" {
			t.Errorf("%s: headers %v", path, header)
		}
		tag := header.Get("ETag")
		if status, text := s.do(t, "GET", path, nil, "If-None-Match", tag); status != http.StatusNotModified || text != "" {
			t.Errorf("%s with its tag %s: %d %q", path, tag, status, text)
		}
		if want == "wire.Delta" || want == "wire.Snapshot" {
			u, err := trust.ParseUpdate([]byte(text))
			if err != nil {
				t.Fatal(err)
			}
			if got, err := trust.Accept(s.config.root, trusttest.Now, trust.State{Pack: base}, trust.Client{}, evidence, &u); err != nil || got.Sequence != 1 {
				t.Errorf("%s does not verify: %v", path, err)
			}
		}
	}
	_, _, header := s.exchange(t, "GET", "/v1/stable/head.json", nil)
	s.publish(t, "c")
	if status, _ := s.do(t, "GET", "/v1/stable/head.json", nil, "If-None-Match", header.Get("ETag")); status != 200 {
		t.Errorf("an old tag after a release: %d", status)
	}
	if status, text := s.do(t, "GET", "/v1/release/2.json", nil); status != 200 || !strings.Contains(text, `"removed":["a","b"]`) {
		t.Errorf("release 2: %d %s", status, text)
	}
	for _, path := range []string{
		"/v1/log/3.json", "/v1/log/-1.json", "/v1/log/01.json", "/v1/log/x", "/v1/delta/0-1.json", "/v1/delta/2-2.json", "/v1/delta/5-2.json",
		"/v1/delta/0-9007199254740992.json", "/v1/snapshot/3.json", "/v1/release/0.json", "/v1/release/3.json", "/v1/beta/head.json",
	} {
		if status, body := s.do(t, "GET", path, nil); status != 404 {
			t.Errorf("%s: %d %s", path, status, body)
		}
	}
	for path, want := range map[string]int{"/": 404, "/v1": 404, "/replica/": 404, "/v1/sync": 400} {
		if status, _ := s.do(t, "GET", path, nil); status != want {
			t.Errorf("%s: %d, want %d", path, status, want)
		}
	}
	if status, _ := s.do(t, "POST", "/v1/stable/head.json", nil); status != http.StatusMethodNotAllowed {
		t.Errorf("POST /v1/stable/head.json: %d", status)
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
