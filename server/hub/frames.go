// SPDX-License-Identifier: Apache-2.0

package hub

import (
	"sync"

	"github.com/gorilla/websocket"
)

// frames remembers the prepared form of each answer, so that it is framed and
// compressed once however many clients get it.
type frames struct {
	mu       sync.Mutex // held for a map access and framing, never while compressing
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
	m := prepared(data)
	if f.prepared == nil {
		f.prepared = map[*byte]*websocket.PreparedMessage{}
	}
	if len(f.prepared) < maxFrames {
		f.prepared[key] = m
	}
	return m
}

func (f *frames) prepareAll(data [][]byte) []*websocket.PreparedMessage {
	all := make([]*websocket.PreparedMessage, len(data))
	for i, d := range data {
		all[i] = f.prepare(d)
	}
	return all
}

func (f *frames) clear() {
	f.mu.Lock()
	defer f.mu.Unlock()
	clear(f.prepared)
}

func prepared(data []byte) *websocket.PreparedMessage {
	m, err := websocket.NewPreparedMessage(websocket.TextMessage, data)
	if err != nil {
		panic(err) // frames a text message into memory: cannot fail
	}
	return m
}
