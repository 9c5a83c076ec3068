// SPDX-License-Identifier: Apache-2.0

package main

import (
	"encoding/json"
	"fmt"
	"io"
	"math/rand/v2"
	"net/http"
	"net/http/cookiejar"
	"net/url"
	"path/filepath"
	"regexp"
	"strings"
	"syscall"
	"testing"
	"time"

	"haechi/server/review"
	"haechi/server/store"
)

// TestNoAcknowledgedVerdictIsLostToKills kills the built server with SIGKILL
// while a reviewer judges case after case over HTTP. What he was answered for
// must be there at the end, as he gave it.
func TestNoAcknowledgedVerdictIsLostToKills(t *testing.T) {
	if testing.Short() {
		t.Skip("builds the binary")
	}
	const reports, kills = 600, 5
	seed := fromEnv(t, "HAECHI_SEED", uint64(time.Now().UnixNano()))
	t.Logf("HAECHI_SEED=%d", seed)
	random := rand.New(rand.NewPCG(seed, 1))
	file, dir := binary(t), t.TempDir()
	newCrashes(t, dir)
	p := serveBinary(t, file, dir)
	for i := range reports {
		words := make([]string, 8)
		for j := range words {
			words[j] = string([]rune{rune(0xAC00 + random.IntN(11172)), rune(0xAC00 + random.IntN(11172))})
		}
		body, _ := json.Marshal(review.Report{Sentence: strings.Join(words, " "), Site: "chatgpt", Language: "ko", Rule: "a"})
		answer, err := http.Post(p.url+"/v1/reports", "application/json", strings.NewReader(string(body)))
		if err != nil || answer.StatusCode != http.StatusCreated {
			t.Fatal(i, err, answer)
		}
		answer.Body.Close()
	}
	token, err := inviteTo(t.Context(), filepath.Join(dir, "data"), review.Reviewer)
	if err != nil {
		t.Fatal(err)
	}
	jar, err := cookiejar.New(nil)
	if err != nil {
		t.Fatal(err)
	}
	browser := &http.Client{Jar: jar, Timeout: patience}
	if _, err := browser.PostForm(p.url+"/review/join/"+token, url.Values{"name": {"ann"}, "password": {"correct horse battery"}}); err != nil {
		t.Fatal(err)
	}
	port := strings.TrimPrefix(p.url, "http://127.0.0.1:")
	acknowledged := map[string]review.Verdict{}
	for kill := range kills {
		if kill > 0 {
			p = serveBinary(t, file, dir)
			// The session outlives the server; cookies are by host, whatever the port.
			port = strings.TrimPrefix(p.url, "http://127.0.0.1:")
		}
		stop := make(chan struct{})
		go func() {
			time.Sleep(time.Duration(50+random.Int64N(250)) * time.Millisecond) // some moment of it
			p.cmd.Process.Signal(syscall.SIGKILL)
			close(stop)
		}()
		if err := judgeUntilCut(browser, "http://127.0.0.1:"+port, acknowledged); err != nil {
			t.Fatalf("before kill %d: %v", kill+1, err)
		}
		<-stop
		<-p.done
	}
	st, err := store.OpenExisting(filepath.Join(dir, "data", storeDir), nil)
	if err != nil {
		t.Fatal(err)
	}
	defer st.Close()
	desk, err := review.Open(st.Review(), review.Config{})
	if err != nil {
		t.Fatal(err)
	}
	judged := 0
	err = st.Review().View(func(r review.Reader) error {
		return r.Scan("case/", func(_ string, value []byte) error {
			var c review.Case
			if err := json.Unmarshal(value, &c); err != nil {
				return err
			}
			judged += len(c.Judgements)
			want, ok := acknowledged[c.ID]
			if ok && (len(c.Judgements) != 1 || c.Judgements[0].Verdict != want || c.Judgements[0].Note != "note "+c.ID || c.State != review.InReview) {
				t.Errorf("case %s was judged %s and is %+v", c.ID, want, c)
			}
			return nil
		})
	})
	if err != nil {
		t.Fatal(err)
	}
	for id := range acknowledged {
		if events, err := desk.History(review.Person{Role: review.Admin}, id); err != nil || events[len(events)-1].Action != review.ActJudged {
			t.Errorf("history of %s: %+v %v", id, events, err)
		}
	}
	// The audit log has each of them, and no kill broke its chain.
	admin := review.Person{Role: review.Admin}
	if head, err := desk.VerifyTrail(admin); err != nil || head.Sequence < uint64(len(acknowledged)) {
		t.Errorf("audit log: %+v %v", head, err)
	}
	trail, _, err := desk.Trail(admin, 0, reports+100)
	if err != nil {
		t.Fatal(err)
	}
	logged := map[string]bool{}
	for _, e := range trail {
		if e.Action == review.ActJudged {
			logged[e.Subject] = true
		}
	}
	for id := range acknowledged {
		if !logged[id] {
			t.Errorf("the verdict on %s is not in the audit log", id)
		}
	}
	if len(logged) != judged {
		t.Errorf("%d verdicts in the audit log, %d on disk", len(logged), judged)
	}
	if len(acknowledged) < kills {
		t.Errorf("only %d verdicts: the kills came too early to show anything", len(acknowledged))
	}
	t.Logf("%d verdicts acknowledged, %d on disk after %d kills", len(acknowledged), judged, kills)
}

var (
	formField = regexp.MustCompile(`name="form" value="([^"]+)"`)
	casePath  = regexp.MustCompile(`/review/case/([a-z0-9]+)`)
)

// judgeUntilCut takes the next case and judges it, until the server is gone.
func judgeUntilCut(browser *http.Client, at string, acknowledged map[string]review.Verdict) error {
	for {
		answer, err := browser.Get(at + "/review/next")
		if err != nil {
			return nil
		}
		body, err := io.ReadAll(answer.Body)
		answer.Body.Close()
		if err != nil {
			return nil // cut off half-way
		}
		if strings.Contains(answer.Request.URL.RawQuery, "empty=") {
			return nil // everything is judged
		}
		token, id := formField.FindSubmatch(body), casePath.FindStringSubmatch(answer.Request.URL.Path)
		if token == nil || id == nil {
			return fmt.Errorf("no case to judge at %s: %d", answer.Request.URL, answer.StatusCode)
		}
		verdict := []review.Verdict{review.Accurate, review.Contested}[len(acknowledged)%2]
		r, err := http.NewRequest("POST", at+"/review/case/"+id[1]+"/judge", strings.NewReader(url.Values{
			"form": {string(token[1])}, "verdict": {string(verdict)}, "note": {"note " + id[1]},
		}.Encode()))
		if err != nil {
			return err
		}
		r.Header.Set("Content-Type", "application/x-www-form-urlencoded")
		once := *browser
		once.CheckRedirect = func(*http.Request, []*http.Request) error { return http.ErrUseLastResponse }
		if answer, err = once.Do(r); err != nil {
			return nil
		}
		answer.Body.Close()
		if answer.StatusCode != http.StatusSeeOther {
			return fmt.Errorf("verdict: %d", answer.StatusCode)
		}
		acknowledged[id[1]] = verdict
	}
}
