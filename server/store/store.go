// SPDX-License-Identifier: Apache-2.0

// Package store keeps every release that was ever published: call [Open], then
// [Store.Append] to add one and [Store.Changes] to read what lies between two.
//
// It is Badger on disk with synced writes. Keys of releases are only ever added:
//
//	format                      "2", the layout of the keys below
//	writer                      version of the program that wrote format
//	release/<20 digits>         note, pack hash and size, ids that were new
//	release/<20 digits>/changes what it put and removed
//	release/<20 digits>/files   the rule files it put, with their examples, and site files
//	head                        the newest sequence and its hashes; rewritten
//	online                      the newest online key's note; rewritten
//	standing                    the newest statement about the log; rewritten
//	review/…                    the review desk's, see [Store.Review]
//
// Nothing of a release is deleted, so none depends on tombstones. A release and the head
// that names it are one transaction: after a crash either both are there or
// neither. The store checks that sequences have no hole; who may publish what
// is the business of package publish.
package store

import (
	"encoding/json"
	"errors"
	"fmt"
	"io/fs"
	"log/slog"
	"os"
	"path/filepath"
	"strings"
	"sync/atomic"

	"github.com/dgraph-io/badger/v4"

	"haechi/rules"
)

var (
	keyHead   = []byte("head")
	keyOnline = []byte("online")
)

var (
	// ErrLocked: another process has the directory open. Stop that one, or
	// give another directory.
	ErrLocked = errors.New("another haechi server uses this directory")
	// ErrFormat: a later haechi wrote this. Use that one.
	ErrFormat = errors.New("written by a version of haechi that this one does not know")
	// ErrDamaged: what was read is not what was written. Restore a backup.
	ErrDamaged = errors.New("the store is damaged")
	// ErrStale: the head has moved. Read it and build on it.
	ErrStale = errors.New("the head has moved")
	// ErrNotFound: there is no release with this sequence.
	ErrNotFound = errors.New("no such release")
)

// Head is the newest release. Release is its text hash, empty for sequence 0.
type Head struct {
	Sequence uint64 `json:"sequence"`
	Release  string `json:"release"`
	Pack     string `json:"pack"`
}

// Store is an open store. Its methods may be called from any goroutine.
type Store struct {
	db       *badger.DB
	dir      string
	gc       *collector // owned by Open and Close
	baseline rules.Pack // sequence 0; set by Open, then only read
	commit   func(*badger.Txn) error
	broken   atomic.Bool   // a commit failed; set by write
	failed   chan struct{} // closed with it
}

// Open opens the store in dir and makes it if there is none; then baseline and
// sites become sequence 0. log hears what Badger has to say; it may be nil. The
// caller must Close the store.
func Open(dir string, baseline []rules.Rule, log *slog.Logger, sites ...rules.Site) (*Store, error) {
	if err := os.MkdirAll(dir, 0o700); err != nil {
		return nil, fmt.Errorf("store: %w", err)
	}
	if err := roomFor(dir, Reserve); err != nil {
		return nil, fmt.Errorf("store: %w", err)
	}
	db, err := badger.Open(badgerOptions(dir, log))
	if err != nil {
		if strings.Contains(err.Error(), "Another process is using this Badger database") {
			return nil, fmt.Errorf("store: %s: %w", dir, ErrLocked)
		}
		return nil, fmt.Errorf("store: %s: %w", dir, err)
	}
	s := &Store{db: db, dir: dir, commit: (*badger.Txn).Commit, failed: make(chan struct{})}
	if err := s.begin(baseline, sites); err != nil {
		return nil, fmt.Errorf("store: %s: %w", dir, errors.Join(err, db.Close()))
	}
	s.gc = collect(db, dir, log)
	return s, nil
}

// Exists says whether dir holds a store.
func Exists(dir string) bool {
	_, err := os.Stat(filepath.Join(dir, badger.ManifestFilename))
	return err == nil
}

// OpenExisting opens the store in dir, which must be there already.
func OpenExisting(dir string, log *slog.Logger) (*Store, error) {
	if !Exists(dir) {
		return nil, fmt.Errorf("store: %s holds no store: %w", dir, fs.ErrNotExist)
	}
	return Open(dir, nil, log)
}

// Close writes everything out and frees the directory. The store must not be
// used after it.
//
// On a full disk it returns ErrFull, and on one that takes no writes ErrBroken,
// and leaves the directory as a crash would: everything is in the log that the
// next Open reads, and the end of the process frees the directory.
func (s *Store) Close() error {
	s.gc.stop()
	within := patience
	if s.broken.Load() {
		within = lastPatience
	}
	if err := roomFor(s.dir, 2*memTable); err != nil {
		return fmt.Errorf("store: close: %w", err)
	}
	if err := inTime(within, s.db.Close); err != nil {
		return fmt.Errorf("store: close: %w", err)
	}
	return nil
}

// begin seeds an empty directory and checks one that is not.
func (s *Store) begin(baseline []rules.Rule, sites []rules.Site) error {
	switch err := s.upgrade(layouts); {
	case errors.Is(err, badger.ErrKeyNotFound):
		return s.seed(baseline, sites)
	case err != nil:
		return err
	}
	first, err := s.Release(0)
	if err != nil {
		return err
	}
	if s.baseline, err = rules.Apply(rules.Pack{}, first.Changes); err != nil {
		return fmt.Errorf("%w: %w", ErrDamaged, err)
	}
	head, err := s.Head()
	if err != nil {
		return err
	}
	pack, err := s.Pack()
	if err != nil {
		return err
	}
	if pack.Hash() != head.Pack {
		return fmt.Errorf("the rules at sequence %d are not those that were signed: %w", head.Sequence, ErrDamaged)
	}
	return nil
}

func (s *Store) seed(baseline []rules.Rule, sites []rules.Site) error {
	pack, err := rules.NewPack(baseline, sites...)
	if err != nil {
		return err
	}
	hash, size := pack.Sum()
	r := Release{Pack: hash, Size: size, Changes: rules.Diff(rules.Pack{}, pack), Files: map[string]string{}}
	for _, rule := range baseline {
		r.Files[rule.ID] = string(rules.Format(rule))
		r.Added = append(r.Added, rule.ID)
	}
	for _, site := range sites {
		key := rules.SiteKey(site.ID)
		r.Files[key] = string(rules.FormatSite(site))
		r.Added = append(r.Added, key)
	}
	s.baseline = pack
	return s.write(func(txn *badger.Txn) error {
		// A directory that holds something else must not become a store.
		it := txn.NewIterator(badger.IteratorOptions{})
		it.Rewind()
		foreign := it.Valid()
		it.Close()
		if foreign {
			return fmt.Errorf("a Badger database without a format: %w", ErrFormat)
		}
		if err := stamp(txn, layouts); err != nil {
			return err
		}
		return r.put(txn)
	})
}

// Head returns the newest release. After ErrBroken it is not known.
func (s *Store) Head() (Head, error) {
	if s.broken.Load() {
		return Head{}, fmt.Errorf("store: head: %w", ErrBroken)
	}
	var h Head
	err := s.db.View(func(txn *badger.Txn) error { return getJSON(txn, keyHead, &h) })
	if err != nil {
		return Head{}, fmt.Errorf("store: head: %w", err)
	}
	return h, nil
}

// Pack returns the pack at the head, put together from every change so far.
func (s *Store) Pack() (rules.Pack, error) {
	head, err := s.Head()
	if err != nil {
		return rules.Pack{}, err
	}
	return s.PackAt(head.Sequence)
}

// PackAt returns the pack at a sequence, put together from every change to it.
func (s *Store) PackAt(sequence uint64) (rules.Pack, error) {
	changes, err := s.Changes(0, sequence)
	if err != nil {
		return rules.Pack{}, err
	}
	pack, err := rules.Apply(s.baseline, changes)
	if err != nil {
		return rules.Pack{}, fmt.Errorf("store: %w: %w", ErrDamaged, err)
	}
	return pack, nil
}

// OnlineKey returns the online key's note, empty if there is none yet.
func (s *Store) OnlineKey() (string, error) {
	var msg string
	err := s.db.View(func(txn *badger.Txn) error {
		return get(txn, keyOnline, func(data []byte) error { msg = string(data); return nil })
	})
	if err != nil && !errors.Is(err, badger.ErrKeyNotFound) {
		return "", fmt.Errorf("store: online key: %w", err)
	}
	return msg, nil
}

// SetOnlineKey replaces the online key's note.
func (s *Store) SetOnlineKey(msg string) error {
	if err := s.write(func(txn *badger.Txn) error { return txn.Set(keyOnline, []byte(msg)) }); err != nil {
		return fmt.Errorf("store: online key: %w", err)
	}
	return nil
}

// get calls read with the value of key, which is valid within the call only.
func get(txn *badger.Txn, key []byte, read func([]byte) error) error {
	item, err := txn.Get(key)
	if err != nil {
		return err
	}
	return item.Value(read)
}

func getJSON(txn *badger.Txn, key []byte, into any) error {
	return get(txn, key, func(data []byte) error {
		if err := json.Unmarshal(data, into); err != nil {
			return fmt.Errorf("%s: %w: %w", key, ErrDamaged, err)
		}
		return nil
	})
}

func putJSON(txn *badger.Txn, key []byte, value any) error {
	data, err := json.Marshal(value)
	if err != nil {
		return err
	}
	return txn.Set(key, data)
}
