// SPDX-License-Identifier: Apache-2.0

// Package wire is the sync protocol between the server and its clients: call
// [Encode] and [Decode] on the frames. Its twin is ext/src/sync/wire.ts; the
// golden frames in testdata hold the two together.
//
// # Frames
//
// The protocol runs over a WebSocket at GET /v1/sync. Every message is one
// text message that holds one JSON object with a "type". A server pushes only
// the new head of the client's channel; clients fetch what they lack.
//
//	client                                     server
//	hello {protocol, channel, sequence,
//	       pack, log}                       →
//	                                        ←  head {sequence, pack, rollout,
//	                                                 settled, settled_pack, log}
//	since {sequence, pack, to, log}         →
//	                                        ←  log {from, key, checkpoint, head,
//	                                                head_proof, consistency, rotations}
//	                                        ←  delta {from, to, release, proof, changes}
//	                                           or snapshot {sequence, release, proof, pack}
//	full {to, log}                          →
//	                                        ←  log, snapshot
//	                                        ←  head, at each release
//	                                        ←  heartbeat, every 20 seconds
//	                                        ←  bye {code, retry_ms}, before it closes
//
// HTTP serves the same frames, for networks that block sockets, and a static
// mirror the same files:
//
//	/v1/stable/head.json, /v1/preview/head.json
//	/v1/log/FROM.json                 log, for a client that saw FROM releases
//	/v1/delta/FROM-TO.json            where there is one; else 404
//	/v1/snapshot/SEQUENCE.json
//	/v1/release/SEQUENCE.json         one release of the log, for audits
//
// # Client specification
//
// The words MUST, SHOULD and MAY are those of RFC 2119.
//
// Trust. A client MUST apply nothing that trust.Accept (in the engine) has
// refused, whoever sent it and by whatever way; it gives the engine the log
// frame and the delta or snapshot that belongs to it together. It MUST keep the
// rules it has when an update is refused, and start from the packaged baseline
// (sequence 0) when it has none. It MUST NOT treat head as proof of anything: a
// head only says that it is worth asking. It MUST keep what the engine
// remembers of roots and log beside the rules, and MUST write both or neither.
//
// Freshness. A client SHOULD ask for the log (since, with to its own sequence)
// when head says that the log has grown, and when the newest checkpoint it
// believed is older than six hours. When it is older than seven days, a client
// MUST tell its user how old the rules are.
//
// Rollout. A release for less than 100 percent is for clients whose bucket, 0
// to 99, is below rollout. A client draws its bucket once, at random, keeps it
// and MUST NOT send it. Its target is sequence if the release is for it, else
// settled, the newest for everyone.
//
// Start. A client MUST say hello within 10 seconds of connecting, with the
// sequence it has, the hash of its pack and how many releases of the log it has
// seen. It MUST ignore a target that is not greater than its own sequence, even
// if the hash differs.
//
// Fetch. When its target is greater, a client MUST send since with its own
// sequence, pack hash and log, and MUST have at most one request under way. It
// need not wait: the server answers all who ask for the same delta from one
// encoded copy. The answer to since is a log, then a delta, or a snapshot where
// a delta would be no smaller or the client's pack is not the server's pack at
// that sequence; only a log where to is the client's own sequence. Where to has
// been superseded meanwhile, the answer leads to the newest release that is for
// everyone, or is a log and a heartbeat if the client has that; a client then
// looks at the newest head again. Nothing comes between the frames of an answer.
// A request that is not answered within 60 seconds SHOULD end the connection.
//
// Refusals. After "mismatch", "gap" or "log" a client MUST ask full once. After
// any other refusal, and after a second one, it MUST NOT ask for the same head
// again on that connection. After "fork" it MUST tell its user.
//
// Several servers. Behind one address there may be several servers, one of which
// lags for some seconds. A client MUST NOT go back to what such a server has, and
// SHOULD reconnect when the server has not caught up by its next heartbeat. When
// every server that answered within the last 45 seconds, or two fetches that far
// apart, had fewer releases than the client has seen, it MUST tell its user:
// history was lost. A statement about the same log that is older than the newest
// one believed is passed over.
//
// HTTP. A client that cannot open or keep a socket SHOULD fetch the same frames
// over HTTP, at most once in 15 minutes, with If-None-Match. Where a delta is
// answered 404 it fetches the snapshot. Log and delta are fetched one after the
// other, so a release may come in between: see Refusals.
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

	"golang.org/x/mod/sumdb/tlog"

	"haechi/rules"
	"haechi/rules/trust"
)

const (
	// Protocol is the version that hello names.
	Protocol = 2
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
	Channel  string `json:"channel"` // trust.Stable or trust.Preview
	Sequence uint64 `json:"sequence"`
	Pack     string `json:"pack"` // hash of the pack the client has
	Log      uint64 `json:"log"`  // releases of the log it has seen
}

// Head tells the newest release of a channel, how far it is rolled out, the
// newest one that is for everyone, and the size of the log.
type Head struct {
	Sequence    uint64 `json:"sequence"`
	Pack        string `json:"pack"`
	Rollout     int    `json:"rollout"`
	Settled     uint64 `json:"settled"`
	SettledPack string `json:"settled_pack"`
	Log         uint64 `json:"log"`
}

// Since asks for what leads from the client's pack to the one at To.
type Since struct {
	Sequence uint64 `json:"sequence"`
	Pack     string `json:"pack"`
	To       uint64 `json:"to"`
	Log      uint64 `json:"log"`
}

// Full asks for a snapshot at To.
type Full struct {
	To  uint64 `json:"to"`
	Log uint64 `json:"log"`
}

// Log is the evidence for a client that saw From releases.
type Log trust.Evidence

// Delta leads from one sequence to a later one. Release is the signed note of
// the later, Proof its place in the log.
type Delta struct {
	From    uint64           `json:"from"`
	To      uint64           `json:"to"`
	Release string           `json:"release"`
	Proof   tlog.RecordProof `json:"proof"`
	Changes []rules.Change   `json:"changes"`
}

// Snapshot is a whole pack in its canonical bytes. Release is empty for
// sequence 0, which no client accepts from a network.
type Snapshot struct {
	Sequence uint64           `json:"sequence"`
	Release  string           `json:"release"`
	Proof    tlog.RecordProof `json:"proof"`
	Pack     json.RawMessage  `json:"pack"`
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
