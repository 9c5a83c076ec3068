// SPDX-License-Identifier: Apache-2.0

package trust_test

import (
	"testing"

	"golang.org/x/mod/sumdb/tlog"

	"haechi/rules/trust"
	"haechi/rules/trust/trusttest"
)

// Two clones of a log take different releases, and neither sees the other's.
func TestClonesOfALogGrowApart(t *testing.T) {
	var log trust.Log
	var last *trust.Release
	grow := func(l *trust.Log, id string) trust.Release {
		t.Helper()
		r := trusttest.Release(l.Size()+1, last, trusttest.Pack(t, id))
		if err := l.Append(r); err != nil {
			t.Fatal(err)
		}
		return r
	}
	hash := func(l *trust.Log) tlog.Hash {
		t.Helper()
		h, err := l.Hash(l.Size())
		if err != nil {
			t.Fatal(err)
		}
		return h
	}
	for range 20 { // whatever room its memory has at the moment
		one, other := log.Clone(), log.Clone()
		grow(&one, "a")
		before := hash(&one)
		grow(&other, "b")
		if hash(&one) != before || hash(&other) == before {
			t.Fatalf("at %d releases one clone changed the other", one.Size())
		}
		r := grow(&log, "c")
		last = &r
		if hash(&one) != before || hash(&log) == before {
			t.Fatalf("at %d releases the log and its clone changed one another", log.Size())
		}
	}
}
