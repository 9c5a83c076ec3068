// SPDX-License-Identifier: Apache-2.0

package web

import (
	"encoding/json"
	"net/http"
	"strings"
	"testing"

	"haechi/server/review"
)

// api sends a request to the reports' API.
func (g *guest) api(method, path, body string, headers ...string) (code int, answer string) {
	g.t.Helper()
	r, err := http.NewRequest(method, g.house.URL+path, strings.NewReader(body))
	if err != nil {
		g.t.Fatal(err)
	}
	r.Header.Set("Content-Type", "application/json")
	for i := 0; i < len(headers); i += 2 {
		r.Header.Set(headers[i], headers[i+1])
	}
	code, _, answer = g.do(r)
	return code, answer
}

func TestAReportCanBeSentSeenAndDeleted(t *testing.T) {
	h := newHouse(t)
	g := h.guest(t)
	body, _ := json.Marshal(report(1))
	code, answer := g.api("POST", "/v1/reports", string(body), "Origin", "chrome-extension://abc")
	var receipt review.Receipt
	if err := json.Unmarshal([]byte(answer), &receipt); code != http.StatusCreated || err != nil || len(receipt.Code) != 24 {
		t.Fatalf("%d %s %v", code, answer, err)
	}
	code, answer = g.api("GET", "/v1/reports/"+receipt.Code, "")
	var status review.Status
	if err := json.Unmarshal([]byte(answer), &status); code != http.StatusOK || err != nil || status.State != review.New || status.Sentence == "" {
		t.Errorf("%d %s", code, answer)
	}
	if code, _ := g.api("DELETE", "/v1/reports/"+receipt.Code, ""); code != http.StatusNoContent {
		t.Errorf("delete: %d", code)
	}
	for _, method := range []string{"GET", "DELETE"} {
		if code, answer := g.api(method, "/v1/reports/"+receipt.Code, ""); code != http.StatusNotFound || !strings.Contains(answer, "not-found") {
			t.Errorf("%s afterwards: %d %s", method, code, answer)
		}
	}
}

func TestReportsThatAreRefused(t *testing.T) {
	h := newHouse(t)
	g := h.guest(t)
	good, _ := json.Marshal(report(1))
	for name, c := range map[string]struct {
		body    string
		headers []string
		code    int
		says    string
	}{
		"from a page":    {string(good), []string{"Origin", "https://chatgpt.com"}, 403, "origin"},
		"as a form":      {string(good), []string{"Content-Type", "text/plain"}, 415, "application/json"},
		"no JSON":        {"{", nil, 400, "bad-request"},
		"two":            {string(good) + string(good), nil, 400, "text after the end"},
		"unknown fields": {`{"excerpt":"가나다","site":"x","admin":true}`, nil, 400, "admin"},
		"too large":      {`{"excerpt":"` + strings.Repeat("a", maxReport) + `"}`, nil, 413, "too-large"},
		"invalid":        {`{"excerpt":"가나다","site":"../x"}`, nil, 422, "site"},
	} {
		if code, answer := g.api("POST", "/v1/reports", c.body, c.headers...); code != c.code || !strings.Contains(answer, c.says) {
			t.Errorf("%s: %d %s", name, code, answer)
		}
	}
	l := Reports
	h.closed.Store(&l)
	if code, _ := g.api("POST", "/v1/reports", string(good)); code != http.StatusTooManyRequests {
		t.Errorf("over the limit: %d", code)
	}
	if code, _ := g.api("GET", "/v1/reports/AAAA", ""); code != http.StatusTooManyRequests {
		t.Errorf("guessing receipts over the limit: %d", code)
	}
}

func TestPreflightLetsExtensionsInOnly(t *testing.T) {
	h := newHouse(t)
	g := h.guest(t)
	if code, _ := g.api("OPTIONS", "/v1/reports", "", "Origin", "chrome-extension://abc"); code != http.StatusNoContent {
		t.Errorf("an extension: %d", code)
	}
	if code, _ := g.api("OPTIONS", "/v1/reports", "", "Origin", "https://evil.example"); code != http.StatusForbidden {
		t.Errorf("a page: %d", code)
	}
}
