// SPDX-License-Identifier: Apache-2.0

// Package wire is the sync protocol between the server and its clients: call
// [Encode] and [Decode] on the frames. Its twin is ext/src/sync/wire.ts; the
// golden frames in testdata hold the two together.
//
// # Frames
//
// The protocol runs over a WebSocket at GET /v1/sync. Every message is one
// text message that holds one JSON object with a "type". A server pushes only
// the new head; clients fetch what they lack.
//
//	client                                server
//	hello {protocol, sequence, pack}  →
//	                                  ←   head {sequence, pack}
//	since {sequence, pack}            →
//	                                  ←   delta {from, to, release, changes}
//	                                      or snapshot {sequence, release, pack}
//	full {}                           →
//	                                  ←   snapshot
//	                                  ←   head, at each release
//	                                  ←   heartbeat, every 20 seconds
//	                                  ←   bye {code, retry_ms}, before it closes
//
// HTTP serves the same frames, for networks that block sockets and for static
// mirrors: GET /v1/head, GET /v1/delta?from=N&pack=HASH, GET /v1/snapshot.
//
// # Client specification
//
// The words MUST, SHOULD and MAY are those of RFC 2119.
//
// Trust. A client MUST apply nothing that trust.Accept (in the engine) has
// refused, whoever sent it and by whatever way. It MUST keep the rules it has
// when an update is refused, and start from the packaged baseline (sequence 0)
// when it has none. It MUST NOT treat head as proof of anything: a head only
// says that it is worth asking.
//
// Start. A client MUST say hello within 10 seconds of connecting, with the
// sequence it has and the hash of its pack. It MUST ignore a head whose
// sequence is not greater than its own, even if the hash differs.
//
// Fetch. When a head is greater, a client MUST send since with its own sequence
// and pack hash, and MUST have at most one request under way. It need not wait:
// the server answers all who ask for the same delta from one encoded copy. The
// answer to since is a delta, or a snapshot where a delta would be no smaller
// or the client's pack is not the server's pack at that sequence. A request
// that is not answered within 60 seconds SHOULD end the connection.
//
// Refusals. After "mismatch" or "gap" a client MUST ask full once. After any
// other refusal, and after a second one, it MUST NOT ask for the same head again
// on that connection.
//
// Limits. A client MUST refuse messages above 8 MiB and MUST NOT send messages
// above 4 KiB. It SHOULD NOT send more than 30 requests a minute.
//
// Liveness. Heartbeats are data frames, because Chrome ends an extension's
// service worker after 30 seconds with control frames alone. A client SHOULD
// take a connection without any message for 60 seconds as dead.
//
// Growth. A client MUST pass over frame types and fields that it does not know,
// because servers are renewed before extensions are. A server answers a frame
// type that it does not know with bye "protocol".
//
// Reconnecting. After a close without bye a client MUST wait about a second,
// drawn at random, doubling it with each failure in a row up to ten minutes.
// After bye it MUST wait at least retry_ms and SHOULD add a random time, so that
// clients that left together do not come back together. What bye
// asks of the client, its close code repeats:
//
//	restart   4000   reconnect: the server is going down and comes back
//	slow      4001   reconnect: the client read too slowly; it lost nothing
//	limit     4100   wait: too many clients or requests
//	protocol  4200   stop: the client said what the server does not
//	                 understand; connect again only when the program was
//	                 updated or started anew
//
// A client MUST read unknown codes, in bye or in the close, as "limit".
//
// Offline. Everything above fails without harm: a client that never reaches a
// server works with the rules it has.
package wire

import (
	"encoding/json"

	"haechi/rules"
	"haechi/rules/trust"
)

const (
	// Protocol is the version that hello names.
	Protocol = 1
	// MaxFrame is the largest frame from a server, in bytes.
	MaxFrame = trust.MaxFrame
	// MaxRequest is the largest frame from a client, in bytes.
	MaxRequest = 4 << 10
)

// Frame is one message: Hello, Since and Full come from clients, the rest from
// servers.
type Frame interface {
	// kind is the frame's "type".
	kind() string
	// check refuses content that the other side could not use.
	check() error
}

// Hello is a client's first message.
type Hello struct {
	Protocol int    `json:"protocol"`
	Sequence uint64 `json:"sequence"`
	Pack     string `json:"pack"` // hash of the pack the client has
}

// Head tells the newest sequence and the hash of its pack.
type Head struct {
	Sequence uint64 `json:"sequence"`
	Pack     string `json:"pack"`
}

// Since asks for what leads from the client's pack to the head.
type Since struct {
	Sequence uint64 `json:"sequence"`
	Pack     string `json:"pack"`
}

// Full asks for a snapshot.
type Full struct{}

// Delta leads from one sequence to a later one. Release is the signed note of
// the later.
type Delta struct {
	From    uint64         `json:"from"`
	To      uint64         `json:"to"`
	Release string         `json:"release"`
	Changes []rules.Change `json:"changes"`
}

// Snapshot is a whole pack in its canonical bytes. Release is empty for
// sequence 0, which no client accepts from a network.
type Snapshot struct {
	Sequence uint64          `json:"sequence"`
	Release  string          `json:"release"`
	Pack     json.RawMessage `json:"pack"`
}

// Heartbeat keeps the connection and, in Chrome, the client alive.
type Heartbeat struct{}

// Bye is a server's last message.
type Bye struct {
	Code    string `json:"code"`
	RetryMS int    `json:"retry_ms"` // least wait before the client connects again
}

// The byes of this server.
var (
	ByeRestart  = Bye{Code: "restart", RetryMS: 1000}
	ByeSlow     = Bye{Code: "slow", RetryMS: 5000}
	ByeLimit    = Bye{Code: "limit", RetryMS: 60_000}
	ByeProtocol = Bye{Code: "protocol", RetryMS: 3_600_000}
)

// CloseCode is the WebSocket close code that follows the bye: 4000 to 4099
// reconnect, 4100 to 4199 wait, 4200 to 4299 stop.
func (b Bye) CloseCode() int {
	switch b.Code {
	case ByeRestart.Code:
		return 4000
	case ByeSlow.Code:
		return 4001
	case ByeProtocol.Code:
		return 4200
	}
	return 4100
}
