// SPDX-License-Identifier: Apache-2.0

package store

import (
	"cmp"
	"errors"
	"fmt"
	"slices"

	"github.com/dgraph-io/badger/v4"

	"haechi/rules"
)

// Release is one release as it is kept.
type Release struct {
	Sequence uint64
	Note     string            // the signed note; empty for sequence 0
	Text     string            // hash of the note's text; empty for sequence 0
	Pack     string            // hash of the canonical pack after it
	Size     int               // bytes of that pack
	Added    []string          // keys in Changes that the pack before it lacked
	Changes  []rules.Change    // what leads from the pack before it; no patches, so that a later release can stand for it
	Files    map[string]string // the rule and site files it put, by key, in canonical form
	Online   string            // the online key's note that takes effect with it; empty: no change
}

// Baseline reads sequence 0 of a store as the rule and site files that another
// store can be opened with.
func (r Release) Baseline() ([]rules.Rule, []rules.Site, error) {
	var out []rules.Rule
	var sites []rules.Site
	for _, c := range r.Changes {
		switch {
		case c.Put != nil:
			rule, err := rules.Parse(c.Put.ID+".json", []byte(r.Files[c.Put.ID]))
			if err != nil {
				return nil, nil, err
			}
			out = append(out, rule)
		case c.PutSite != nil:
			sites = append(sites, *c.PutSite)
		}
	}
	return out, sites, nil
}

// note is the value under a release's own key: small, so that a walk over all
// releases stays cheap.
type note struct {
	Note  string   `json:"note"`
	Text  string   `json:"text"`
	Pack  string   `json:"pack"`
	Size  int      `json:"size"`
	Added []string `json:"added"`
}

func releaseKey(sequence uint64, part string) []byte {
	return fmt.Appendf(nil, "release/%020d%s", sequence, part)
}

const (
	partChanges = "/changes"
	partFiles   = "/files"
)

// Append adds a release and makes it the head, or changes nothing. It returns
// ErrStale unless r follows the head, ErrFull or ErrBroken if the disk does not
// take it.
func (s *Store) Append(r Release) error {
	err := s.write(r.follow)
	if errors.Is(err, badger.ErrConflict) { // another Append was first
		err = ErrStale
	}
	if err != nil {
		return fmt.Errorf("store: release %d: %w", r.Sequence, err)
	}
	return nil
}

// follow puts a release on top of the head.
func (r Release) follow(txn *badger.Txn) error {
	var head Head
	if err := getJSON(txn, keyHead, &head); err != nil {
		return err
	}
	if r.Sequence != head.Sequence+1 {
		return fmt.Errorf("%w: it is %d", ErrStale, head.Sequence)
	}
	return r.put(txn)
}

func (r Release) put(txn *badger.Txn) error {
	var online error
	if r.Online != "" {
		online = txn.Set(keyOnline, []byte(r.Online))
	}
	return errors.Join(
		online,
		putJSON(txn, releaseKey(r.Sequence, ""), note{r.Note, r.Text, r.Pack, r.Size, r.Added}),
		putJSON(txn, releaseKey(r.Sequence, partChanges), r.Changes),
		putJSON(txn, releaseKey(r.Sequence, partFiles), r.Files),
		putJSON(txn, keyHead, Head{Sequence: r.Sequence, Release: r.Text, Pack: r.Pack}),
	)
}

// Release returns one release with everything that is kept of it.
func (s *Store) Release(sequence uint64) (Release, error) {
	r := Release{Sequence: sequence}
	err := s.db.View(func(txn *badger.Txn) error {
		var n note
		if err := getJSON(txn, releaseKey(sequence, ""), &n); err != nil {
			return err
		}
		r.Note, r.Text, r.Pack, r.Size, r.Added = n.Note, n.Text, n.Pack, n.Size, n.Added
		return errors.Join(
			getJSON(txn, releaseKey(sequence, partChanges), &r.Changes),
			getJSON(txn, releaseKey(sequence, partFiles), &r.Files),
		)
	})
	if err != nil {
		return Release{}, readError(sequence, err)
	}
	return r, nil
}

// Notes calls visit with the signed note of every release after a sequence, in
// order, until the head or an error.
func (s *Store) Notes(after uint64, visit func(sequence uint64, msg string) error) error {
	head, err := s.Head()
	if err != nil {
		return err
	}
	for sequence := after + 1; sequence <= head.Sequence; sequence++ {
		var n note
		err := s.db.View(func(txn *badger.Txn) error { return getJSON(txn, releaseKey(sequence, ""), &n) })
		if err != nil {
			return readError(sequence, err)
		}
		if err := visit(sequence, n.Note); err != nil {
			return err
		}
	}
	return nil
}

// File returns the newest file of a rule at a sequence, with its examples.
func (s *Store) File(id string, sequence uint64) (string, error) {
	for at := sequence; ; at-- {
		var files map[string]string
		err := s.db.View(func(txn *badger.Txn) error { return getJSON(txn, releaseKey(at, partFiles), &files) })
		if err != nil {
			return "", readError(at, err)
		}
		if file, ok := files[id]; ok {
			return file, nil
		}
		if at == 0 {
			return "", fmt.Errorf("store: no file of rule %q up to release %d: %w", id, sequence, ErrNotFound)
		}
	}
}

// PackHash returns the hash of the pack at a sequence.
func (s *Store) PackHash(sequence uint64) (string, error) {
	var n note
	err := s.db.View(func(txn *badger.Txn) error { return getJSON(txn, releaseKey(sequence, ""), &n) })
	if err != nil {
		return "", readError(sequence, err)
	}
	return n.Pack, nil
}

// Changes returns what leads from the pack at one sequence to the pack at a
// later one: each rule and site at most once, sorted by key. It is the same as applying
// every release between, without what a later one undid.
func (s *Store) Changes(from, to uint64) ([]rules.Change, error) {
	last := map[string]rules.Change{}
	unborn := map[string]bool{} // keys that the pack at from lacked
	for sequence := from + 1; sequence <= to; sequence++ {
		var n note
		var changes []rules.Change
		err := s.db.View(func(txn *badger.Txn) error {
			return errors.Join(
				getJSON(txn, releaseKey(sequence, ""), &n),
				getJSON(txn, releaseKey(sequence, partChanges), &changes),
			)
		})
		if err != nil {
			return nil, readError(sequence, err)
		}
		for _, c := range changes {
			key := c.Key()
			if _, seen := last[key]; !seen {
				unborn[key] = slices.Contains(n.Added, key)
			}
			last[key] = c
		}
	}
	out := []rules.Change{}
	for key, c := range last {
		if c.Removes() && unborn[key] {
			continue // came and went in between
		}
		out = append(out, c)
	}
	slices.SortFunc(out, func(a, b rules.Change) int { return cmp.Compare(a.Key(), b.Key()) })
	return out, nil
}

func readError(sequence uint64, err error) error {
	if errors.Is(err, badger.ErrKeyNotFound) {
		err = ErrNotFound
	}
	return fmt.Errorf("store: release %d: %w", sequence, err)
}
