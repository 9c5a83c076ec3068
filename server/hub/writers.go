// SPDX-License-Identifier: Apache-2.0

package hub

import (
	"sync"
	"time"
)

const (
	// minWriters write to all clients as long as none blocks.
	minWriters = 8
	// stuckAfter is how long a writer may be at one client before another
	// takes its place at the others.
	stuckAfter = 20 * time.Millisecond
)

// writers write to the clients for which something waits, in the order in which
// it came, each client by one writer at a time. A client that blocks holds up
// its writer only: after stuckAfter a new one replaces it, so there are at most
// minWriters and one for each client that blocks.
type writers struct {
	mu      sync.Mutex // held for a step of the queue, never while writing
	work    sync.Cond  // signalled when the queue grows, or at the end
	queue   []*client  // from next on
	next    int
	stopped bool
}

func startWriters() *writers {
	w := &writers{}
	w.work.L = &w.mu
	for range minWriters {
		go w.run()
	}
	return w
}

// add hands over a client whose outbox asks for a writer.
func (w *writers) add(c *client) {
	w.mu.Lock()
	w.queue = append(w.queue, c)
	w.mu.Unlock()
	w.work.Signal()
}

// stop ends the writers once the queue is empty.
func (w *writers) stop() {
	w.mu.Lock()
	w.stopped = true
	w.mu.Unlock()
	w.work.Broadcast()
}

// take waits for a client; nil means the end.
func (w *writers) take() *client {
	w.mu.Lock()
	defer w.mu.Unlock()
	for w.next == len(w.queue) {
		if w.stopped {
			return nil
		}
		w.work.Wait()
	}
	c := w.queue[w.next]
	w.queue[w.next] = nil
	if w.next++; w.next == len(w.queue) {
		w.queue, w.next = w.queue[:0], 0
	}
	return c
}

func (w *writers) run() {
	stuck := time.AfterFunc(time.Hour, w.run)
	stuck.Stop()
	for c := w.take(); c != nil; c = w.take() {
		stuck.Reset(stuckAfter)
		c.write()
		if !stuck.Stop() {
			return // it was replaced
		}
	}
}
