// SPDX-License-Identifier: Apache-2.0

// Package trust is what a client checks before it applies rules: call
// [ParseEvidence] and [ParseUpdate] on what came from the network and [Accept]
// on the results.
//
// A [Release] is a signed note (golang.org/x/mod/sumdb/note) over the sequence,
// the previous release and the hash of the whole pack. The maintainers' public
// keys and how many of them must sign stand in a [Root] that came with the
// program, so a server, a mirror or the network can withhold rules but not
// write any. Sequence 0, the packaged baseline, is never signed: it is trusted
// because it came with the program too.
//
// Nobody can publish in silence either. Every release is a leaf of a Merkle log
// (golang.org/x/mod/sumdb/tlog): release N is leaf N-1. A server signs the
// state of the log, a [Checkpoint], with an online key that the maintainers
// lend it for at most 90 days ([OnlineKey]). A client believes a checkpoint
// only together with the signed release at its last leaf and with proof that
// the log it saw before is a prefix; so whoever steals the online key can
// neither invent rules nor make clients wait for releases that never come.
//
// The package reads no clock, file or network; it is compiled into the browser
// engine as well as the server.
package trust

import (
	"bytes"
	"encoding/base64"
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
// are verifier keys of the note package ("name+hash+base64"). Version grows by
// one with each rotation; the first is 1.
type Root struct {
	Version   uint64   `json:"version"`
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
	if root.Version < 1 || root.Version > MaxSequence {
		return nil, fmt.Errorf("trust: root: version %d; the first is 1", root.Version)
	}
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
		// package, and one maintainer could reach a threshold of two. Base64
		// may be written in several ways, so the bytes are what is compared.
		material, err := base64.StdEncoding.DecodeString(strings.SplitN(key, "+", 3)[2])
		if err != nil { // NewVerifier has read it already
			return nil, fmt.Errorf("trust: root: key %d: %w", i, err)
		}
		if seen[string(material)] {
			return nil, fmt.Errorf("trust: root: key %d stands twice", i)
		}
		seen[string(material)] = true
		list[i] = v
	}
	return note.VerifierList(list...), nil
}

// open returns the text of a note that at least Threshold distinct keys of
// root signed; signatures by other keys count nothing, a wrong signature by a
// known key spoils the note.
func (root Root) open(msg []byte) (string, error) {
	if len(msg) > MaxNote {
		return "", fmt.Errorf("trust: note of %d bytes: %w", len(msg), ErrTooLarge)
	}
	known, err := root.verifiers()
	if err != nil {
		return "", err
	}
	n, err := note.Open(msg, known)
	if err != nil {
		return "", fmt.Errorf("trust: %w: %w", ErrUnsigned, err)
	}
	// note.Open lists each key once, however often it signed.
	if len(n.Sigs) < root.Threshold {
		return "", fmt.Errorf("trust: %w: %d of %d signatures", ErrUnsigned, len(n.Sigs), root.Threshold)
	}
	return n.Text, nil
}

// lines writes the root at the end of a release's text.
func (root Root) lines() string {
	var b strings.Builder
	fmt.Fprintf(&b, "root %d %d\n", root.Version, root.Threshold)
	for _, key := range root.Keys {
		fmt.Fprintf(&b, "key %s\n", key)
	}
	return b.String()
}

// parseRootLines reads what lines writes.
func parseRootLines(lines []string) (*Root, error) {
	var root Root
	if _, err := fmt.Sscanf(lines[0], "root %d %d", &root.Version, &root.Threshold); err != nil {
		return nil, fmt.Errorf("trust: %w: release: root: %w", ErrInvalid, err)
	}
	for _, line := range lines[1:] {
		key, ok := strings.CutPrefix(line, "key ")
		if !ok {
			return nil, fmt.Errorf("trust: %w: release: %.40q where a key should be", ErrInvalid, line)
		}
		root.Keys = append(root.Keys, key)
	}
	if _, err := root.verifiers(); err != nil {
		return nil, fmt.Errorf("%w: %w", ErrInvalid, err)
	}
	return &root, nil
}
