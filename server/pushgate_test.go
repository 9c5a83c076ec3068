// SPDX-License-Identifier: Apache-2.0

package main

import (
	"log/slog"
	"net/http"
	"strings"
	"testing"

	"haechi/rules/trust"
)

// TestServerThatCannotJudgeRefusesPushes: it says what its operator must do,
// and serves what it has.
func TestServerThatCannotJudgeRefusesPushes(t *testing.T) {
	var logged strings.Builder
	s := newSite(t)
	s.stop(t)
	s.config.gate = openGate(t.Context(), "nowhere.wasm", "nowhere", slog.New(slog.NewTextHandler(&logged, nil)))
	s.start(t)
	push, _ := s.push(t, "a", "b", "c")
	status, body := s.post(t, push)
	if status != http.StatusUnprocessableEntity || !strings.Contains(body, `"code":"gate"`) || !strings.Contains(body, "--no-gate") {
		t.Errorf("%d %s", status, body)
	}
	if !strings.Contains(logged.String(), "pushes will be refused") {
		t.Errorf("logged %q", logged.String())
	}
	if status, _ := s.do(t, "GET", "/v1/snapshot/0.json", nil); status != http.StatusOK || s.publisher.Head(trust.Stable).Sequence != 0 {
		t.Errorf("snapshot: %d, head %d", status, s.publisher.Head(trust.Stable).Sequence)
	}
}
