// SPDX-License-Identifier: Apache-2.0

package review_test

import (
	"fmt"
	"math/rand/v2"
	"runtime"
	"slices"
	"testing"
	"time"

	"haechi/server/review"
)

// BenchmarkQueue reads pages of a queue of 100,000 cases, each page under
// another filter, and reports the median page and what the desk keeps in
// memory.
func BenchmarkQueue(b *testing.B) {
	const cases = 100_000
	d := newDesk(b)
	random := rand.New(rand.NewPCG(1, 2))
	word := func() string {
		r := make([]rune, 4)
		for i := range r {
			r[i] = rune(0xAC00 + random.IntN(11172))
		}
		return string(r)
	}
	sites := []string{"chatgpt", "deepseek", "qwen", "gemini"}
	start := time.Now()
	reports := make([]review.Report, 0, cases)
	for i := range cases {
		s := fmt.Sprintf("%s %s %s %s %s 입니다.", word(), word(), word(), word(), word())
		reports = append(reports, review.Report{
			Excerpt: "앞 문장입니다. " + s, Sentence: s, Question: "무엇입니까?", Site: sites[i%len(sites)], Language: []string{"ko", "en", "zh"}[i%3],
			Rule: fmt.Sprintf("rule-%d", i%90), Score: random.Float64(),
		})
	}
	taken, err := d.Take(review.OriginCitizen, reports)
	if err != nil {
		b.Fatal(err)
	}
	for _, one := range taken {
		if one.Err != nil || one.Kind != review.ActReceived {
			b.Fatalf("%+v", one)
		}
	}
	intake := time.Since(start)
	reports, taken = nil, nil
	d.reopen(b) // as a server that was started on it
	runtime.GC()
	var m runtime.MemStats
	runtime.ReadMemStats(&m)
	token, err := d.InviteByOperator(review.Reviewer)
	if err != nil {
		b.Fatal(err)
	}
	who, err := d.Join(token, "ann", password)
	if err != nil {
		b.Fatal(err)
	}
	filters := []review.Filter{
		{}, {State: review.New}, {Rules: []string{"rule-7", "rule-8"}}, {Site: "qwen", Language: "ko"}, {Least: 0.9, Order: review.Score},
		{Order: review.Score}, {Order: review.Frequent}, {Order: review.Oldest}, {Mine: true}, {Open: true},
	}
	var took []time.Duration
	i := 0
	for b.Loop() {
		at := time.Now()
		if _, err := d.Queue(who, filters[i%len(filters)], random.IntN(cases)); err != nil {
			b.Fatal(err)
		}
		if i%len(filters) == 0 {
			if _, err := d.Next(who, review.Filter{}); err != nil {
				b.Fatal(err)
			}
			d.Waiting(who)
		}
		took = append(took, time.Since(at))
		i++
	}
	slices.Sort(took)
	b.ReportMetric(float64(intake.Microseconds())/cases, "µs/intake")
	b.ReportMetric(float64(m.HeapAlloc)/(1<<20), "MiB")
	b.ReportMetric(float64(took[len(took)/2].Microseconds())/1000, "ms/median")
	b.ReportMetric(float64(took[len(took)*99/100].Microseconds())/1000, "ms/p99")
}
