// SPDX-License-Identifier: Apache-2.0

package cluster

import (
	"bytes"
	"compress/gzip"
	"crypto/sha256"
	"encoding/hex"
	"encoding/json"
	"fmt"
	"io"

	"haechi/server/publish"
)

// maxEntry bounds an entry once it is unpacked, in bytes: the baseline with its
// files is the largest.
const maxEntry = 128 << 20

// pack is an entry as it travels: JSON, compressed.
func pack(e publish.Entry) ([]byte, error) {
	var out bytes.Buffer
	w := gzip.NewWriter(&out)
	if err := json.NewEncoder(w).Encode(e); err != nil {
		return nil, err
	}
	if err := w.Close(); err != nil {
		return nil, err
	}
	return out.Bytes(), nil
}

func unpack(data []byte) (publish.Entry, error) {
	r, err := gzip.NewReader(bytes.NewReader(data))
	if err != nil {
		return publish.Entry{}, err
	}
	text, err := io.ReadAll(io.LimitReader(r, maxEntry+1))
	if err != nil {
		return publish.Entry{}, err
	}
	if len(text) > maxEntry {
		return publish.Entry{}, fmt.Errorf("more than %d bytes", maxEntry)
	}
	var e publish.Entry
	return e, json.Unmarshal(text, &e)
}

// The subjects of the log's stream. Each release has its own; of statements the
// stream keeps the last.
const (
	releaseSubject   = "haechi.log.release."
	statementSubject = "haechi.log.statement"
)

func subjectOf(e publish.Entry) string {
	if e.Release == nil {
		return statementSubject
	}
	return fmt.Sprint(releaseSubject, e.Release.Sequence)
}

// nameOf is what JetStream knows a message by, so that one that is sent again
// after an answer was lost counts once.
func nameOf(data []byte) string {
	sum := sha256.Sum256(data)
	return hex.EncodeToString(sum[:])
}
