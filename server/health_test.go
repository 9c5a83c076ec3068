// SPDX-License-Identifier: Apache-2.0

package main

import (
	"bytes"
	"fmt"
	"io"
	"log/slog"
	"net/http"
	"net/http/httptest"
	"os"
	"os/exec"
	"path/filepath"
	"regexp"
	"strings"
	"testing"

	"haechi/rules/trust"
	"haechi/rules/trust/trusttest"
	"haechi/server/publish"
)

// From the moment that a server begins to close, balancers are told so, while
// its clients are still being told bye.
func TestReadyEndsWhenClosingBegins(t *testing.T) {
	s := newSite(t)
	if status, body := s.do(t, "GET", "/readyz", nil); status != http.StatusOK || body != "{\"status\":\"ready\"}\n" {
		t.Errorf("%d %s", status, body)
	}
	c := newCitizen(t, s, "a", "b")
	n, handler := s.node, s.node.http.Handler
	s.publish(t, "a", "b", "c")
	c.mustFollow(t, 1, "a", "b", "c")
	seen := make(chan string, 1)
	go func() {
		err := c.follow(2) // until bye; it hangs up only after it has asked
		status, body := s.do(t, "GET", "/readyz", nil)
		alive, _ := s.do(t, "GET", "/healthz", nil)
		seen <- fmt.Sprint(err, " ", status, " ", body, alive)
		c.conn.Close()
	}()
	s.stop(t)
	if got, want := <-seen, "bye restart 503 {\"reason\":\"shutting down\",\"status\":\"not ready\"}\n200"; got != want {
		t.Errorf("got %q, want %q", got, want)
	}
	w := httptest.NewRecorder()
	handler.ServeHTTP(w, httptest.NewRequest("GET", "/readyz", nil))
	if w.Code != http.StatusServiceUnavailable || n.ready() == nil {
		t.Errorf("closed, and ready: %d", w.Code)
	}
}

// sample returns the value of a metric, with its labels as they are written.
func sample(t *testing.T, text, name string) string {
	t.Helper()
	m := regexp.MustCompile(`(?m)^` + regexp.QuoteMeta(name) + ` (\S+)$`).FindStringSubmatch(text)
	if m == nil {
		return "absent"
	}
	return m[1]
}

func TestMetricsCountWhatHappens(t *testing.T) {
	s := newSite(t)
	s.stop(t)
	s.config.metricsAddr = "127.0.0.1:0"
	s.start(t)
	scrape := func() string {
		t.Helper()
		response, err := http.Get("http://" + s.watched.Addr().String() + "/metrics")
		if err != nil {
			t.Fatal(err)
		}
		defer response.Body.Close()
		text, err := io.ReadAll(response.Body)
		if err != nil || response.StatusCode != http.StatusOK {
			t.Fatalf("%d, %v: %s", response.StatusCode, err, text)
		}
		return string(text)
	}
	if got := sample(t, scrape(), "haechi_head_expires_timestamp_seconds"); got != "absent" {
		t.Errorf("the baseline expires at %s", got)
	}
	c := newCitizen(t, s, "a", "b")
	s.publish(t, "a", "b", "c")
	c.mustFollow(t, 1, "a", "b", "c")
	s.post(t, publish.Push{})
	s.do(t, "GET", "/v1/stable/head.json", nil)
	s.do(t, "GET", "/v1/delta/x", nil)
	s.do(t, "GET", "/made/up/by/a/client", nil)
	text := scrape()
	for name, want := range map[string]string{
		`haechi_clients`:                               "1",
		`haechi_hellos_total`:                          "1",
		`haechi_heads_announced_total`:                 "1",
		`haechi_head_sequence`:                         "1",
		`haechi_ready`:                                 "1",
		`haechi_pushes_refused_total{code="unsigned"}`: "1",
		`haechi_publish_seconds_count`:                 "2",
		`haechi_http_requests_total{route="GET /v1/stable/head.json",status="200"}`: "1",
		`haechi_http_requests_total{route="GET /v1/delta/{file}",status="404"}`:     "1",
		`haechi_http_requests_total{route="POST /v1/releases",status="201"}`:        "1",
		`haechi_http_requests_total{route="POST /v1/releases",status="403"}`:        "1",
		`haechi_http_requests_total{route="none",status="404"}`:                     "1",
		`haechi_http_requests_total{route="GET /v1/sync",status="101"}`:             "1",
		`haechi_store_collections_total{result="freed"}`:                            "0",
		`haechi_store_reserve_bytes`:                                                "6.7108864e+07",
		`haechi_head_created_timestamp_seconds`:                                     fmt.Sprintf("%.9e", float64(trusttest.Now.Unix())),
		`haechi_head_expires_timestamp_seconds`:                                     fmt.Sprintf("%.9e", float64(trusttest.Now.AddDate(1, 0, 0).Unix())),
	} {
		got := sample(t, text, name)
		if strings.Contains(want, "e+") { // as a number, in whatever way it is written
			var a, b float64
			fmt.Sscan(got, &a)
			fmt.Sscan(want, &b)
			if a == b && a > 0 {
				continue
			}
		}
		if got != want {
			t.Errorf("%s is %s, want %s", name, got, want)
		}
	}
	for _, name := range []string{"go_goroutines", `haechi_store_bytes{part="lsm"}`, `haechi_store_bytes{part="value-log"}`} {
		if sample(t, text, name) == "absent" {
			t.Errorf("no %s", name)
		}
	}
	if strings.Contains(text, "made/up") {
		t.Error("a client made a label")
	}
	// Not on the public address, but on the operator's socket.
	if status, _ := s.do(t, "GET", "/metrics", nil); status != http.StatusNotFound {
		t.Errorf("public: %d", status)
	}
	response, err := askAdmin(t.Context(), dialAdmin(t.Context(), s.config.dir), http.MethodGet, "/metrics")
	if err != nil {
		t.Fatal(err)
	}
	response.Body.Close()

	// A client that speaks nonsense is counted by its bye.
	c.conn.SendText([]byte("nonsense"))
	if err := c.follow(2); err == nil || err.Error() != "bye protocol" {
		t.Errorf("got %v", err)
	}
	if got := sample(t, scrape(), `haechi_byes_total{code="protocol"}`); got != "1" {
		t.Errorf("byes: %s", got)
	}
}

// On a full disk a push is refused and the rest goes on; once there is room the
// same push is published, once.
func TestAFullDiskRefusesPushesAndServesOn(t *testing.T) {
	if os.Getuid() != 0 {
		t.Skip("needs root, to mount a small file system")
	}
	disk := t.TempDir()
	if out, err := exec.Command("mount", "-t", "tmpfs", "-o", "size=80m", "tmpfs", disk).CombinedOutput(); err != nil {
		t.Skipf("cannot mount a small file system: %v: %s", err, out)
	}
	t.Cleanup(func() {
		if out, err := exec.Command("umount", disk).CombinedOutput(); err != nil {
			t.Errorf("umount: %v: %s", err, out)
		}
	})
	s := newSite(t)
	s.stop(t)
	s.config.dir = filepath.Join(disk, "data")
	s.start(t)
	c := newCitizen(t, s, "a", "b")
	s.publish(t, "a", "b", "c")
	c.mustFollow(t, 1, "a", "b", "c")

	ballast := filepath.Join(disk, "ballast")
	f, err := os.Create(ballast)
	if err != nil {
		t.Fatal(err)
	}
	if _, err := io.Copy(f, io.LimitReader(zeros{}, 80<<20)); err == nil {
		t.Fatal("the disk is not full")
	}
	f.Close()
	push, release := s.push(t, "a", "d")
	for range 2 {
		if status, body := s.post(t, push); status != http.StatusInsufficientStorage || !strings.Contains(body, `"code":"full"`) {
			t.Errorf("push: %d %s", status, body)
		}
	}
	if status, _ := s.do(t, "GET", "/readyz", nil); status != http.StatusOK {
		t.Errorf("what is there can be served: %d", status)
	}
	newCitizen(t, s, "a", "b").mustFollow(t, 1, "a", "b", "c")

	if err := os.Remove(ballast); err != nil {
		t.Fatal(err)
	}
	if status, body := s.post(t, push); status != http.StatusCreated {
		t.Fatalf("push: %d %s", status, body)
	}
	s.last = &release
	c.mustFollow(t, 2, "a", "d")
	if status, _ := s.post(t, push); status != http.StatusConflict {
		t.Errorf("a second time: %d", status)
	}
	s.stop(t)
	s.start(t)
	if head := s.publisher.Head(trust.Stable); head.Sequence != 2 {
		t.Errorf("after a restart: %+v", head)
	}
	s.publish(t, "e")
	s.stop(t) // before the disk goes
}

// A process whose store takes no more writes tells its clients to come back and
// ends with an error, so that it is started anew.
func TestABrokenStoreEndsTheProcess(t *testing.T) {
	s := newSite(t)
	c := newCitizen(t, s, "a", "b")
	s.publish(t, "a", "b", "c")
	c.mustFollow(t, 1, "a", "b", "c")
	var text bytes.Buffer
	broken := make(chan struct{})
	go s.watch(broken)
	close(broken)
	if code := run(s.node, nil, s.config.dir, slog.New(slog.NewTextHandler(&text, nil))); code != exitFailed {
		t.Errorf("exit code %d", code)
	}
	s.node = nil
	if !strings.Contains(text.String(), "restart the server") {
		t.Errorf("the log does not say why:\n%s", text.String())
	}
	if err := c.follow(2); err == nil || err.Error() != "bye restart" {
		t.Errorf("the client got %v", err)
	}
	s.start(t) // as systemd does
	if head := s.publisher.Head(trust.Stable); head.Sequence != 1 {
		t.Errorf("head %+v", head)
	}
}

type zeros struct{}

func (zeros) Read(p []byte) (int, error) { return len(p), nil }
