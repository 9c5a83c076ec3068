// SPDX-License-Identifier: Apache-2.0

package hub_test

import (
	"context"
	"fmt"
	"log/slog"
	"net/http/httptest"
	"strings"
	"sync"
	"testing"
	"time"

	"haechi/server/hub"
)

// BenchmarkAnnounce is the time from a release to the last of n clients on this
// machine having read its head, clients and server in one process.
func BenchmarkAnnounce(b *testing.B) {
	for _, n := range []int{100, 1000} {
		b.Run(fmt.Sprintf("clients=%d", n), func(b *testing.B) {
			h := hub.New(&shelf{head: head(0)}, hub.Limits{}, nil, slog.New(slog.DiscardHandler))
			server := httptest.NewServer(h)
			defer server.Close()
			defer h.Close(context.Background())
			url := "ws" + strings.TrimPrefix(server.URL, "http")
			var got sync.WaitGroup // counts the clients that have not read the head yet
			for range n {
				c, err := hub.Dial(b.Context(), url, nil)
				if err != nil {
					b.Fatal(err)
				}
				defer c.Close()
				if err := c.Send(hello); err != nil {
					b.Fatal(err)
				}
				if _, err := next(c); err != nil {
					b.Fatal(err)
				}
				go func() {
					for {
						if _, err := next(c); err != nil {
							return
						}
						got.Done()
					}
				}()
			}
			sequence := 0
			var worst time.Duration
			for b.Loop() {
				got.Add(n)
				sequence++
				start := time.Now()
				h.Announce(both(head(sequence)))
				got.Wait()
				worst = max(worst, time.Since(start))
			}
			b.ReportMetric(float64(worst.Microseconds())/1000, "worst-ms")
		})
	}
}
