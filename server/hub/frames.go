// SPDX-License-Identifier: Apache-2.0

package hub

import (
	"net/http"
	"strings"
	"sync"

	"github.com/gorilla/websocket"
)

// frames remembers the prepared form of each answer, so that it is framed and
// compressed once however many clients get it.
type frames struct {
	mu       sync.Mutex // held for a map access, never while compressing
	prepared map[*byte]*websocket.PreparedMessage
}

// maxFrames bounds the answers remembered between two releases.
const maxFrames = 256

// prepare returns data as a message. Data that is the same slice as before
// gives the same message.
func (f *frames) prepare(data []byte) *websocket.PreparedMessage {
	f.mu.Lock()
	defer f.mu.Unlock()
	key := &data[0] // kept alive by the map, so no other slice can have it
	if m, ok := f.prepared[key]; ok {
		return m
	}
	m, err := websocket.NewPreparedMessage(websocket.TextMessage, data)
	if err != nil {
		panic(err) // frames a text message into memory: cannot fail
	}
	if f.prepared == nil {
		f.prepared = map[*byte]*websocket.PreparedMessage{}
	}
	if len(f.prepared) < maxFrames {
		f.prepared[key] = m
	}
	return m
}

func (f *frames) clear() {
	f.mu.Lock()
	defer f.mu.Unlock()
	clear(f.prepared)
}

// allowed says who may open a socket: browser extensions, and programs that are
// no browsers (a browser always names the page's origin). Pages may not, those
// on this machine included: any page a user visits could otherwise hold sockets
// open here.
func allowed(r *http.Request) bool {
	origins := r.Header.Values("Origin")
	if len(origins) == 0 {
		return true
	}
	for _, origin := range origins {
		id, chrome := strings.CutPrefix(origin, "chrome-extension://")
		if !chrome {
			var firefox bool
			if id, firefox = strings.CutPrefix(origin, "moz-extension://"); !firefox {
				return false
			}
		}
		if id == "" || strings.Contains(id, "/") {
			return false
		}
	}
	return true
}
