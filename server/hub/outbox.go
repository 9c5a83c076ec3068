// SPDX-License-Identifier: Apache-2.0

package hub

import (
	"sync"

	"github.com/gorilla/websocket"

	"haechi/server/wire"
)

// outbox is what waits for one client. Idle, it holds no memory of its own.
// Only run puts; the writer that has the client takes.
type outbox struct {
	mu     sync.Mutex // held for a step of the queue, never while writing
	frames []*websocket.PreparedMessage
	bye    *wire.Bye // overtakes the frames, and is the last thing taken
	taken  bool      // a writer has the client or is about to
}

// put adds frames. full says that they do not fit; otherwise idle says that the
// client has no writer yet and now needs one.
func (o *outbox) put(limit int, frames ...*websocket.PreparedMessage) (idle, full bool) {
	o.mu.Lock()
	defer o.mu.Unlock()
	if len(o.frames)+len(frames) > limit {
		return false, true
	}
	o.frames = append(o.frames, frames...)
	idle, o.taken = !o.taken, true
	return idle, false
}

// end puts the bye and forgets what waits behind it.
func (o *outbox) end(bye wire.Bye) (idle bool) {
	o.mu.Lock()
	defer o.mu.Unlock()
	o.frames, o.bye = nil, &bye
	idle, o.taken = !o.taken, true
	return idle
}

// take returns the next frame or the bye. With neither, the writer no longer
// has the client.
func (o *outbox) take() (*websocket.PreparedMessage, *wire.Bye) {
	o.mu.Lock()
	defer o.mu.Unlock()
	if o.bye != nil {
		return nil, o.bye
	}
	if len(o.frames) == 0 {
		o.frames, o.taken = nil, false
		return nil, nil
	}
	next := o.frames[0]
	o.frames = o.frames[1:]
	return next, nil
}
