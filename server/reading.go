// SPDX-License-Identifier: Apache-2.0

package main

import (
	"io"

	"haechi/rules/trust"
)

// reading holds the options of every command that reads a server or mirror and
// verifies what it says.
type reading struct{ server, trust string }

// declare adds the options to a command; what says what the server is for.
func (r *reading) declare(o *options, what string) {
	o.StringVar(&r.server, "server", "http://127.0.0.1:8787", what+" at `URL`")
	o.StringVar(&r.trust, "trust", "dist/trust.json", "verify under the root in `FILE`")
}

// open returns the server and the root. With ok false the command ends with
// code.
func (r reading) open(o *options, stderr io.Writer) (at *remote, root trust.Root, code int, ok bool) {
	at, err := newRemote(r.server)
	if err != nil {
		return nil, trust.Root{}, o.wrong(stderr, "%v", err), false
	}
	if root, err = readRoot(r.trust); err != nil {
		return nil, trust.Root{}, o.failed(stderr, err), false
	}
	return at, root, exitDone, true
}
