// SPDX-License-Identifier: Apache-2.0

package hub

import "time"

// Limits of one hub; a zero field of Limits stands for these.
const (
	MaxClients = 20_000
	// PerAddress bounds the connections of one IPv4 address or one IPv6 /64:
	// a school behind one router fits, a flood does not.
	PerAddress = 200
	// QueueLength is how many frames may wait for one client: a head, an
	// answer, a heartbeat and a few releases in a row.
	QueueLength = 16
	// HeartbeatEvery is below the 30 seconds after which Chrome ends a silent
	// service worker.
	HeartbeatEvery = 20 * time.Second
	// WriteWithin is how long one frame to one client may take.
	WriteWithin = 10 * time.Second
	// HelloWithin is how long a new client may be silent.
	HelloWithin = 10 * time.Second
	// IdleWithin is how long a client may go without a sign of life: three
	// heartbeats that its side did not answer with a pong.
	IdleWithin = 3 * HeartbeatEvery
	// RequestsPerMinute bounds since and full; as many may come at once.
	RequestsPerMinute = 30
)

// lingerWithin is how long a client that was told bye may take to hang up.
const lingerWithin = 2 * time.Second

// maxLeaving bounds the connections beyond Limits.Clients: those that are being
// told bye. What comes on top is closed without a word.
const maxLeaving = 1000

// Limits are what an operator or a test may change.
type Limits struct {
	Clients int
	// PerAddress counts the connections of one address. Loopback has a limit of
	// its own, because behind a proxy on this machine every client has that
	// address.
	PerAddress  int
	PerLoopback int // 0: no limit but Clients

	Queue             int
	Heartbeat         time.Duration
	Write             time.Duration
	Hello             time.Duration
	Idle              time.Duration
	RequestsPerMinute int
	Events            Events // no limit, but also set by whom the hub belongs to
}

func (l Limits) orDefault() Limits {
	def := func(v *int, d int) {
		if *v == 0 {
			*v = d
		}
	}
	wait := func(v *time.Duration, d time.Duration) {
		if *v == 0 {
			*v = d
		}
	}
	def(&l.Clients, MaxClients)
	def(&l.PerAddress, PerAddress)
	def(&l.Queue, QueueLength)
	def(&l.RequestsPerMinute, RequestsPerMinute)
	wait(&l.Heartbeat, HeartbeatEvery)
	wait(&l.Write, WriteWithin)
	wait(&l.Hello, HelloWithin)
	wait(&l.Idle, IdleWithin)
	return l
}

// allowance is a token bucket: perMinute tokens at most, filled evenly.
type allowance struct {
	tokens float64
	at     time.Time
}

func (a *allowance) take(perMinute int, now time.Time) bool {
	a.tokens = min(float64(perMinute), a.tokens+now.Sub(a.at).Minutes()*float64(perMinute))
	a.at = now
	if a.tokens < 1 {
		return false
	}
	a.tokens--
	return true
}
