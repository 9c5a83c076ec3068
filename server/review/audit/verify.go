// SPDX-License-Identifier: Apache-2.0

package audit

import (
	"bufio"
	"bytes"
	"errors"
	"fmt"
	"io"
	"iter"
)

// Broken names the first entry that does not fit.
type Broken struct {
	Sequence uint64 // that the chain should have had here
	Reason   string
}

func (b *Broken) Error() string {
	return fmt.Sprintf("audit log broken at entry %d: %s; entries before it are intact, restore the rest from a backup or export", b.Sequence, b.Reason)
}

// Verify walks the stored forms of a log from its first entry and returns its
// head, or a [Broken]. known is a head seen earlier, which the log must contain;
// the zero Head asks for nothing. A line is read before the next is asked for.
func Verify(entries iter.Seq2[[]byte, error], known Head) (Head, error) {
	head, err := walk(entries, func(e Entry) error {
		if e.Sequence == known.Sequence && e.Hash != known.Hash {
			return &Broken{e.Sequence, fmt.Sprintf("its hash is %s, but %s was seen earlier: the log was written anew", e.Hash, known.Hash)}
		}
		return nil
	})
	if err == nil && head.Sequence < known.Sequence {
		err = &Broken{head.Sequence + 1, fmt.Sprintf("the log ends before entry %d, which was seen earlier: entries were cut off", known.Sequence)}
	}
	return head, err
}

// VerifyJSONL is Verify for an export: one stored entry a line, so that the
// number of an entry is that of its line.
func VerifyJSONL(r io.Reader, known Head) (Head, error) { return Verify(lines(r), known) }

// walk checks that entries build a chain, and returns its head. On an error it
// is the last good one.
func walk(entries iter.Seq2[[]byte, error], each func(Entry) error) (head Head, err error) {
	for line, err := range entries {
		next := head.Sequence + 1
		if err != nil {
			return head, fmt.Errorf("read entry %d: %w", next, err)
		}
		e, err := Parse(line)
		switch {
		case err != nil:
			return head, &Broken{next, err.Error()}
		case e.Sequence != next:
			return head, &Broken{next, fmt.Sprintf("entry %d stands in its place", e.Sequence)}
		case e.Previous != head.Hash:
			return head, &Broken{next, "it does not continue the entry before it"}
		}
		if err := each(e); err != nil {
			return head, err
		}
		head = e.Head()
	}
	return head, nil
}

// lines yields the lines of an export.
func lines(r io.Reader) iter.Seq2[[]byte, error] {
	return func(yield func([]byte, error) bool) {
		s := bufio.NewScanner(r)
		s.Buffer(make([]byte, 0, 64<<10), MaxEntry+1)
		s.Split(split)
		for s.Scan() {
			if !yield(s.Bytes(), nil) {
				return
			}
		}
		if err := s.Err(); err != nil {
			yield(nil, err)
		}
	}
}

// split cuts at "\n" alone and takes a last line without one for cut off.
func split(data []byte, end bool) (int, []byte, error) {
	if i := bytes.IndexByte(data, '\n'); i >= 0 {
		return i + 1, data[:i], nil
	}
	if end && len(data) > 0 {
		return 0, nil, errors.New("the last line is incomplete: export the log again")
	}
	return 0, nil, nil
}
