// SPDX-License-Identifier: Apache-2.0

package publish

import (
	"errors"

	"haechi/server/store"
)

// Entry is one entry of the log: a release with the statement about the log
// that it makes, or a newer statement about the log as it is.
type Entry struct {
	Release    *store.Release `json:"release,omitempty"`
	Size       uint64         `json:"size"`       // releases in the log that it states
	Key        string         `json:"key"`        // note of the online key that signed the statement
	Checkpoint string         `json:"checkpoint"` // its note; empty for the baseline, about which there is nothing to say
}

// Place is where an entry stands in a log. The zero value is before the first.
type Place struct {
	Log      string // the name of a log that is shared; one that was made anew has another
	Position uint64
}

// Log is the one order in which releases and statements count. A single server
// is its own; servers of a cluster share one, so that they show every client
// the same history and never a statement older than one that it has seen.
type Log interface {
	// Follow delivers what stands after a place, in order and each entry once.
	// It returns when that is done, with the sequence of the first release that
	// the log lacks; what is appended later is delivered by other goroutines,
	// one at a time. An error of deliver ends the delivery for good. After
	// ErrCutOff the rest is delivered once the log is reached.
	Follow(after Place, deliver func(Entry, Place) error) (lacks uint64, err error)
	// Append adds an entry if the last one that was delivered stands at after,
	// and returns once it is as durable as the log makes things, and delivered.
	Append(after Place, e Entry) error
}

var (
	// ErrMoved: another entry was first, and is delivered. Build on it.
	ErrMoved = errors.New("the log has moved")
	// ErrCutOff: the log cannot be reached and nothing was appended. Try again
	// later, or at another server of the cluster.
	ErrCutOff = errors.New("this server is cut off from its cluster")
	// ErrUnsure: the log did not answer in time, so the entry may become part
	// of it or not. Look at the log, and do the same again.
	ErrUnsure = errors.New("the cluster did not confirm in time")
)

// own is the log of a single server: the order in which it writes to its store.
type own struct {
	head    uint64 // of the store
	deliver func(Entry, Place) error
}

func (o *own) Follow(_ Place, deliver func(Entry, Place) error) (uint64, error) {
	o.deliver = deliver
	return o.head + 1, nil
}

// Append writes in the caller's goroutine. The publisher calls it for one entry
// at a time.
func (o *own) Append(_ Place, e Entry) error { return o.deliver(e, Place{}) }
