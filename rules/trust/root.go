// SPDX-License-Identifier: Apache-2.0

// Package trust is what a client checks before it applies rules: call
// [ParseUpdate] on a frame from the network and [Accept] on the result.
//
// A release is a signed note (golang.org/x/mod/sumdb/note) over the sequence,
// the previous release and the hash of the whole pack. The maintainers' public
// keys and how many of them must sign stand in a [Root] that came with the
// program, so a server, a mirror or the network can withhold rules but not
// write any. Sequence 0, the packaged baseline, is never signed: it is trusted
// because it came with the program too.
//
// The package reads no clock, file or network; it is compiled into the browser
// engine as well as the server.
package trust

import (
	"bytes"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"strings"

	"golang.org/x/mod/sumdb/note"
)

// MaxKeys bounds the maintainers of one root. A note may carry at most 100
// signatures, so more keys could never all sign.
const MaxKeys = 100

// Root says whose signatures make a release: at least Threshold of Keys, which
// are verifier keys of the note package ("name+hash+base64").
type Root struct {
	Threshold int      `json:"threshold"`
	Keys      []string `json:"keys"`
}

// ParseRoot reads the JSON of a root and refuses one under which no release
// could count or one key could count twice.
func ParseRoot(data []byte) (Root, error) {
	var root Root
	d := json.NewDecoder(bytes.NewReader(data))
	d.DisallowUnknownFields()
	if err := d.Decode(&root); err != nil {
		return Root{}, fmt.Errorf("trust: root: %w", err)
	}
	if _, err := d.Token(); !errors.Is(err, io.EOF) {
		return Root{}, errors.New("trust: root: text after the end")
	}
	if _, err := root.verifiers(); err != nil {
		return Root{}, err
	}
	return root, nil
}

// verifiers checks the root and returns its keys for note.Open. It runs on
// every Open, so that a Root built by hand is held to the same.
func (root Root) verifiers() (note.Verifiers, error) {
	if len(root.Keys) > MaxKeys {
		return nil, fmt.Errorf("trust: root: %d keys; at most %d", len(root.Keys), MaxKeys)
	}
	if root.Threshold < 1 || root.Threshold > len(root.Keys) {
		return nil, fmt.Errorf("trust: root: threshold %d with %d keys; it must be 1 to the number of keys", root.Threshold, len(root.Keys))
	}
	list := make([]note.Verifier, len(root.Keys))
	seen := make(map[string]bool, len(root.Keys))
	for i, key := range root.Keys {
		v, err := note.NewVerifier(key)
		if err != nil {
			return nil, fmt.Errorf("trust: root: key %d: %w", i, err)
		}
		// The same key under two names would be two verifiers to the note
		// package, and one maintainer could reach a threshold of two.
		material := key[strings.LastIndexByte(key, '+')+1:]
		if seen[material] {
			return nil, fmt.Errorf("trust: root: key %d stands twice", i)
		}
		seen[material] = true
		list[i] = v
	}
	return note.VerifierList(list...), nil
}
