// SPDX-License-Identifier: Apache-2.0

package web

import (
	"encoding/json"
	"fmt"
	"log/slog"
	"math/rand/v2"
	"net/http"
	"net/http/httptest"
	"runtime"
	"slices"
	"syscall"
	"testing"
	"time"

	"haechi/rules"
	"haechi/rules/data"
	"haechi/rules/sites"
	"haechi/server/review"
	"haechi/server/store"
)

const benchCases = 100_000

// BenchmarkPages asks for pages over 100,000 cases, as a browser does: the whole
// handler, from the session to the HTML, on a Badger on disk. Half of the cases
// are published, the others in all other states. Each page's median is reported,
// and what the process keeps in memory.
func BenchmarkPages(b *testing.B) {
	st, err := store.Open(b.TempDir(), nil, nil)
	if err != nil {
		b.Fatal(err)
	}
	defer st.Close()
	desk, err := review.Open(st.Review(), review.Config{})
	if err != nil {
		b.Fatal(err)
	}
	var people []review.Person
	join := func(name string, role review.Role) review.Person {
		token, err := desk.InviteByOperator(role)
		if err != nil {
			b.Fatal(err)
		}
		p, err := desk.Join(token, name, password)
		if err != nil {
			b.Fatal(err)
		}
		return p
	}
	for i := range 20 {
		people = append(people, join(fmt.Sprintf("reviewer-%d", i), review.Reviewer))
	}
	admin := join("admin", review.Admin)
	pack, err := data.Pack("")
	if err != nil {
		b.Fatal(err)
	}
	if pack.Sites, err = sites.All(); err != nil {
		b.Fatal(err)
	}
	fill(b, st.Review(), pack, people)
	if desk, err = review.Open(st.Review(), review.Config{}); err != nil { // as a server that starts on it
		b.Fatal(err)
	}
	handler, err := New(Config{
		Desk: desk, Pack: func() rules.Pack { return pack }, Log: slog.Default(),
		Secure: func(*http.Request) bool { return false }, Origin: func(*http.Request) bool { return true },
	})
	if err != nil {
		b.Fatal(err)
	}
	session, err := desk.SignIn(admin.Name, password)
	if err != nil {
		b.Fatal(err)
	}
	handler.ServeHTTP(httptest.NewRecorder(), httptest.NewRequest("GET", "/findings", nil)) // puts together what is kept of it
	runtime.GC()
	var m runtime.MemStats
	runtime.ReadMemStats(&m)
	b.Logf("%d cases: %d MiB in memory, Badger's included", benchCases, m.HeapAlloc>>20)
	for _, path := range []string{
		"/review", "/review?state=published", "/review?topic=culture&language=ko&order=score", "/review?site=qwen&order=reports&from=5000", "/review?mine=1",
		"/review/agreement", "/review/agreement?topic=culture", "/review/agreement?rule=kimchi-origin-china&language=ko", "/review/agreement?reviewer=R001&days=90",
		"/review/export", "/review/export?verdict=one-sided&topic=history&from=1000", "/review/export/handout",
		"/findings", "/findings?by=topic&site=qwen", "/findings?topic=culture&language=ko&from=2000", "/findings/data.json",
	} {
		b.Run(path, func(b *testing.B) { measure(b, handler, path, session, func() {}) })
	}
	// With a change before each, so that nothing that was kept still counts.
	for _, path := range []string{"/findings", "/review/agreement", "/review/agreement?topic=culture"} {
		random := rand.New(rand.NewPCG(3, 4))
		b.Run("after a change:"+path, func(b *testing.B) {
			measure(b, handler, path, session, func() {
				for {
					id := fmt.Sprintf("case-%06d", random.IntN(benchCases/2)*2)
					c, err := desk.Case(admin, id)
					if err != nil {
						b.Fatal(err)
					}
					if c.State != review.Published {
						continue
					}
					if _, err := desk.Withdraw(admin, id, c.Revision, "bench"); err != nil {
						b.Fatal(err)
					}
					return
				}
			})
		})
	}
}

// measure asks for a page again and again. Beside the median it reports the
// processor time of a page, which depends less on what else the machine does.
func measure(b *testing.B, handler http.Handler, path, session string, before func()) {
	var took []time.Duration
	var spent time.Duration
	for b.Loop() {
		before()
		r := httptest.NewRequest("GET", path, nil)
		r.AddCookie(&http.Cookie{Name: cookiePlain, Value: session})
		w := httptest.NewRecorder()
		at, cpu := time.Now(), processor()
		handler.ServeHTTP(w, r)
		took, spent = append(took, time.Since(at)), spent+processor()-cpu
		if w.Code != http.StatusOK {
			b.Fatalf("%s: %d", path, w.Code)
		}
	}
	slices.Sort(took)
	milliseconds := func(d time.Duration) float64 { return float64(d.Microseconds()) / 1000 }
	b.ReportMetric(milliseconds(took[len(took)/2]), "ms/median")
	b.ReportMetric(milliseconds(took[len(took)*99/100]), "ms/p99")
	b.ReportMetric(milliseconds(spent/time.Duration(len(took))), "cpu-ms/page")
	b.ReportMetric(0, "ns/op")
}

// processor is the processor time of this process, its collector's included.
func processor() time.Duration {
	var u syscall.Rusage
	if err := syscall.Getrusage(syscall.RUSAGE_SELF, &u); err != nil {
		return 0
	}
	return time.Duration(u.Utime.Nano() + u.Stime.Nano())
}

// fill writes cases as the desk keeps them; by way of the desk each verdict would
// wait for the disk.
func fill(b *testing.B, storage review.Storage, pack rules.Pack, people []review.Person) {
	random := rand.New(rand.NewPCG(1, 2))
	word := func() string {
		r := make([]rune, 4)
		for i := range r {
			r[i] = rune(0xAC00 + random.IntN(11172))
		}
		return string(r)
	}
	now := time.Now().UTC()
	states := []review.State{review.Published, review.New, review.Published, review.InReview, review.Published, review.DoubleReviewed, review.Published, review.Adjudicated, review.Published, review.Withdrawn}
	languages := []string{"ko", "en", "zh", "ja"}
	for start := 0; start < benchCases; start += 500 {
		err := storage.Update(func(w review.Writer) error {
			for i := start; i < start+500; i++ {
				rule := &pack.Rules[random.IntN(len(pack.Rules))]
				sentence := fmt.Sprintf("%s %s %s %s 입니다.", word(), word(), word(), word())
				c := review.Case{
					ID: fmt.Sprintf("case-%06d", i), Rule: rule.ID, Language: languages[random.IntN(4)], Sentence: sentence, Score: random.Float64(),
					Answers: 1 + random.IntN(2), Reports: 2, Received: now.Add(-time.Duration(benchCases-i) * time.Minute), State: states[i%len(states)], Revision: 5,
				}
				for k := range c.Answers {
					site := pack.Sites[(i+k*3)%len(pack.Sites)].ID
					c.Sites = append(c.Sites, site)
					a := review.Answer{ID: fmt.Sprint("answer-", k), Case: c.ID, Report: review.Report{
						Excerpt: "앞 문장입니다. " + sentence + " 뒤 문장입니다.", Sentence: sentence, Question: "무엇입니까?", Site: site, Language: c.Language, Rule: rule.ID,
					}, Reports: 1, Received: c.Received}
					if err := put(w, "answer/"+c.ID+"/"+a.ID, a); err != nil {
						return err
					}
				}
				judges := map[review.State]int{review.New: 0, review.InReview: 1}
				n, some := judges[c.State]
				if !some {
					n = 2
				}
				first := random.IntN(len(people))
				for k := range n {
					v := review.Verdicts[random.IntN(4)]
					if k == 1 && random.IntN(4) > 0 {
						v = c.Judgements[0].Verdict
					}
					c.Judgements = append(c.Judgements, review.Judgement{Person: people[(first+k*7)%len(people)].ID, Verdict: v, Sources: []string{rule.Sources[0].URL}, Note: "까닭", At: c.Received})
				}
				if n == 2 && (c.State != review.DoubleReviewed || c.Judgements[0].Verdict == c.Judgements[1].Verdict) {
					c.Outcome = &review.Outcome{Verdict: c.Judgements[0].Verdict, Sources: c.Judgements[0].Sources, At: c.Received}
				}
				if c.State == review.Published {
					c.Published = c.Received.Add(time.Hour)
				}
				if err := put(w, "case/"+c.ID, c); err != nil {
					return err
				}
			}
			return nil
		})
		if err != nil {
			b.Fatal(err)
		}
	}
}

func put(w review.Writer, key string, value any) error {
	text, err := json.Marshal(value)
	if err != nil {
		return err
	}
	return w.Put(key, text)
}
