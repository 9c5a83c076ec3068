// SPDX-License-Identifier: Apache-2.0

package publish

import (
	"testing"

	"golang.org/x/mod/sumdb/tlog"

	"haechi/rules/trust/trusttest"
)

// The length of a snapshot is known without encoding it: deltas are held
// against it at each release.
func TestSnapshotSizeIsItsLength(t *testing.T) {
	pack := trusttest.Pack(t, "a", "b")
	hash, size := pack.Sum()
	for _, e := range []*edition{
		newEdition(nil, 0, pack, hash, size, "", nil),
		newEdition(nil, 7, pack, hash, size, "a note\n\n— ann x\n", tlog.RecordProof{{1}, {2}}),
	} {
		if got, want := e.snapshotSize(), len(e.snapshot()); got != want {
			t.Errorf("sequence %d: %d, and has %d", e.sequence, got, want)
		}
	}
}
