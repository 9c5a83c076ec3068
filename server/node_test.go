// SPDX-License-Identifier: Apache-2.0

package main

import (
	"bytes"
	"fmt"
	"log/slog"
	"strings"
	"sync"
	"testing"

	"haechi/rules/trust"
	"haechi/rules/trust/trusttest"
)

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
	if head := s.publisher.Head(trust.Stable); head.Sequence != 1 || head.Pack != c.state.Pack.Hash() {
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
	before := s.publisher.Head(trust.Stable)
	s.stop(t)
	var log bytes.Buffer
	s.config.baseline = append(s.config.baseline, trusttest.Rule("z"))
	s.config.log = slog.New(slog.NewTextHandler(&log, nil))
	s.start(t)
	if s.publisher.Head(trust.Stable) != before {
		t.Errorf("head %+v became %+v", before, s.publisher.Head(trust.Stable))
	}
	s.stop(t)
	if !strings.Contains(log.String(), "keeping what is stored") {
		t.Errorf("not logged: %s", log.String())
	}
}
