// SPDX-License-Identifier: Apache-2.0

package hub

import (
	"net/netip"

	"github.com/gorilla/websocket"

	"haechi/server/wire"
)

// crowd is the set of clients. Only run touches it.
type crowd struct {
	hub     *Hub
	clients map[*client]struct{} // those that were not told bye
	homes   map[netip.Addr]int   // how many of them an address has
	open    int                  // connections, those that were told bye included
	slot    uint8                // of the next client
}

// beats is into how many parts a heartbeat is split, so that it does not come
// to all clients at once and no release waits behind it.
const beats = 20

// join starts a client, or tells it bye at once where a limit is reached.
func (w *crowd) join(c *client) {
	limits := w.hub.limits
	if w.open >= limits.Clients+maxLeaving {
		c.conn.Close()
		return
	}
	home := limits.PerAddress
	if c.from.IsLoopback() {
		home = limits.PerLoopback
	}
	full := len(w.clients) >= limits.Clients || home > 0 && w.homes[c.from] >= home
	w.clients[c] = struct{}{}
	w.homes[c.from]++
	w.open++
	c.slot = w.slot
	w.slot = (w.slot + 1) % beats
	w.hub.pumps.Add(1)
	c.start()
	if full {
		w.drop(c, wire.ByeLimit)
	}
}

// has says whether a client is neither gone nor told bye.
func (w *crowd) has(c *client) bool {
	_, ok := w.clients[c]
	return ok
}

// leave forgets a client whose connection has ended.
func (w *crowd) leave(c *client) {
	w.open--
	w.forget(c)
}

// drop tells a client bye and takes it out of the crowd.
func (w *crowd) drop(c *client, bye wire.Bye) {
	if !w.forget(c) {
		return
	}
	if c.out.end(bye) {
		w.hub.writers.add(c)
	}
	w.hub.limits.Events.bye(bye.Code)
	w.hub.log.Debug("bye", "code", bye.Code, "clients", len(w.clients))
}

func (w *crowd) forget(c *client) bool {
	if !w.has(c) {
		return false
	}
	delete(w.clients, c)
	if w.homes[c.from]--; w.homes[c.from] == 0 {
		delete(w.homes, c.from)
	}
	if c.joined {
		w.hub.count.Add(-1)
	}
	return true
}

// send puts frames into a client's outbox. A client whose outbox is full reads
// too slowly and is dropped.
func (w *crowd) send(c *client, frames ...*websocket.PreparedMessage) {
	idle, full := c.out.put(w.hub.limits.Queue, frames...)
	switch {
	case full:
		w.drop(c, wire.ByeSlow)
	case idle:
		w.hub.writers.add(c)
	}
}
