// SPDX-License-Identifier: Apache-2.0

package store

// Stats are figures of an open store, for its operator.
type Stats struct {
	LSM         int64  // bytes of tables on disk; Badger renews it once a minute
	ValueLog    int64  // bytes of value logs on disk; likewise
	Free        uint64 // bytes free on the disk; below Reserve nothing is written
	Collections uint64 // value log collections since the store was opened
	Rewritten   uint64 // those of them that freed something
}

// Stats returns the figures of now.
func (s *Store) Stats() Stats {
	st := Stats{Collections: s.gc.runs.Load(), Rewritten: s.gc.rewrites.Load()}
	st.LSM, st.ValueLog = s.db.Size()
	st.Free, _ = freeBytes(s.dir) // noLimit where it cannot be told
	return st
}
