// SPDX-License-Identifier: Apache-2.0

package store

import (
	"errors"
	"fmt"

	"github.com/dgraph-io/badger/v4"

	"haechi/server/review"
)

// prefixReview is what the review desk's keys begin with. Package review says
// what they hold. Unlike releases they are rewritten and deleted; Badger frees
// what was deleted when it compacts.
const prefixReview = "review/"

// Review returns the part of the store that belongs to the review desk. It is
// open as long as the store is.
func (s *Store) Review() review.Storage { return records{s} }

// records is a review.Storage.
type records struct{ store *Store }

func (r records) View(read func(review.Reader) error) error {
	return r.store.db.View(func(txn *badger.Txn) error { return read(transaction{txn}) })
}

func (r records) Update(change func(review.Writer) error) error {
	var own error // the caller's, which it gets back as it is
	err := r.store.write(func(txn *badger.Txn) error {
		own = change(transaction{txn})
		return own
	})
	if own != nil || err == nil {
		return own
	}
	return fmt.Errorf("store: %w", err)
}

// transaction is a review.Writer; one of View takes no writes.
type transaction struct{ txn *badger.Txn }

func (t transaction) Get(key string) ([]byte, error) {
	item, err := t.txn.Get([]byte(prefixReview + key))
	if errors.Is(err, badger.ErrKeyNotFound) {
		return nil, nil
	}
	if err != nil {
		return nil, fmt.Errorf("store: %w", err)
	}
	return item.ValueCopy(nil)
}

func (t transaction) Scan(prefix string, visit func(key string, value []byte) error) error {
	it := t.txn.NewIterator(badger.IteratorOptions{PrefetchValues: true, PrefetchSize: 32, Prefix: []byte(prefixReview + prefix)})
	defer it.Close()
	for it.Rewind(); it.Valid(); it.Next() {
		value, err := it.Item().ValueCopy(nil)
		if err != nil {
			return fmt.Errorf("store: %w", err)
		}
		if err := visit(string(it.Item().Key()[len(prefixReview):]), value); err != nil {
			return err
		}
	}
	return nil
}

func (t transaction) Put(key string, value []byte) error {
	return t.txn.Set([]byte(prefixReview+key), value)
}

func (t transaction) Delete(key string) error {
	return t.txn.Delete([]byte(prefixReview + key))
}
