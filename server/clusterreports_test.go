// SPDX-License-Identifier: Apache-2.0

package main

import (
	"encoding/json"
	"fmt"
	"io"
	"log/slog"
	"net/http"
	"os/exec"
	"path/filepath"
	"strings"
	"syscall"
	"testing"

	"haechi/server/review"
	"haechi/server/store"
)

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
