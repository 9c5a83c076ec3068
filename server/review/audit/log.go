// SPDX-License-Identifier: Apache-2.0

package audit

import (
	"fmt"
	"iter"
	"sync"
	"time"
)

// Storage keeps stored entries. A Log is its only writer.
type Storage interface {
	// Add keeps an entry for good, on disk before it returns, and refuses a
	// sequence that it has already. After an error the entry may be kept or not.
	Add(sequence uint64, entry []byte) error
	// Entries yields what is kept with at least that sequence, in order. The
	// bytes are the caller's until the next turn. An error ends it.
	Entries(from uint64) iter.Seq2[[]byte, error]
}

// Head is the newest entry: what to publish, so that others can tell later that
// nothing up to it was changed. The zero Head is that of an empty log.
type Head struct {
	Sequence uint64 `json:"sequence"`
	Hash     string `json:"hash"`
}

// Log appends to a storage. It is safe for concurrent use.
type Log struct {
	storage Storage
	mu      sync.Mutex // held while one entry is written
	head    Head
	unsure  bool // the last write failed: what is stored past head is unknown
}

// Open verifies what is stored and continues it. It reads the whole log.
func Open(storage Storage) (*Log, error) {
	head, err := Verify(storage, Head{})
	if err != nil {
		return nil, fmt.Errorf("audit: open: %w", err)
	}
	return &Log{storage: storage, head: head}, nil
}

// Head returns the newest entry that Append returned.
func (l *Log) Head() Head {
	l.mu.Lock()
	defer l.mu.Unlock()
	return l.head
}

// Append writes one entry; content must be nil or marshal to a JSON object.
// After an error the entry may have been kept all the same: a caller who tries
// again may find both in the log, never a broken chain.
func (l *Log) Append(at time.Time, actor, action, subject string, content any) (Entry, error) {
	object, err := details(content)
	if err != nil {
		return Entry{}, err
	}
	l.mu.Lock()
	defer l.mu.Unlock()
	if l.unsure {
		head, err := walk(l.storage.Entries(l.head.Sequence+1), l.head, nil)
		if err != nil {
			return Entry{}, fmt.Errorf("audit: read after a failed write: %w", err)
		}
		l.head, l.unsure = head, false
	}
	e := Entry{
		Sequence: l.head.Sequence + 1, Time: at.UTC().Round(0), Actor: actor, Action: action,
		Subject: subject, Details: object, Previous: l.head.Hash,
	}
	b, err := e.seal()
	if err != nil {
		return Entry{}, err
	}
	if err := l.storage.Add(e.Sequence, b); err != nil {
		l.unsure = true
		return Entry{}, fmt.Errorf("audit: append entry %d: %w", e.Sequence, err)
	}
	l.head = Head{Sequence: e.Sequence, Hash: e.Hash}
	return e, nil
}
