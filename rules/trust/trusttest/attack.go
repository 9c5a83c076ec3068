// SPDX-License-Identifier: Apache-2.0

package trusttest

import (
	"encoding/json"
	"fmt"
	"slices"
	"strings"
	"testing"
	"time"

	"golang.org/x/mod/sumdb/note"
	"golang.org/x/mod/sumdb/tlog"

	"haechi/rules"
	"haechi/rules/trust"
)

// Attack is what a server, or who sits between, shows to one client. Every
// runner of the engine is held to the same table ([Attacks]).
type Attack struct {
	Name  string
	Of    string // the attack's name in the TUF list; Control for what must be accepted
	Holds string // the secrets that the attacker holds; the network is always his

	Root   trust.Root // came with the client
	Now    time.Time  // the client's clock
	Have   trust.State
	Client trust.Client
	Log    []byte // frame
	Update []byte // frame; nil: none
	Want   string // the trust.Code; empty: accepted

	// Back is a log frame of the honest server, which the client must believe
	// at BackAt after it refused an attack: nothing was left behind.
	Back   []byte
	BackAt time.Time
}

// Control marks what an honest server does: it must be accepted.
const Control = "control"

// Elsewhere is an answer in which every rule of [Rule] named by one of the ids
// kite, drum and loom finds its distortion, without a classifier.
const Elsewhere = "The kite comes from elsewhere. The drum comes from elsewhere. The loom comes from elsewhere."

// stage is a history that attacks start from: root 1 is two of ann, bob and
// eve; three releases; the online key's first note.
type stage struct {
	t        testing.TB
	root     trust.Root
	packs    []rules.Pack    // by sequence
	releases []trust.Release // by sequence; 0 is unused
	notes    []string        // likewise
	key      string
	evil     rules.Pack
}

func newStage(t testing.TB) *stage {
	s := &stage{t: t, root: Root(t, 2, "ann", "bob", "eve"), key: OnlineKey(t, 1, Online, false, "ann", "bob")}
	s.packs = []rules.Pack{Pack(t, "drum"), Pack(t, "drum", "kite"), Pack(t, "kite"), Pack(t, "kite", "loom")}
	s.evil = Pack(t, "evil", "kite", "loom")
	s.releases, s.notes = make([]trust.Release, 1), make([]string, 1)
	for sequence := 1; sequence < len(s.packs); sequence++ {
		var previous *trust.Release
		if sequence > 1 {
			previous = &s.releases[sequence-1]
		}
		r := Release(uint64(sequence), previous, s.packs[sequence])
		s.releases, s.notes = append(s.releases, r), append(s.notes, Sign(t, r, "ann", "bob"))
	}
	return s
}

// log is the honest log of the first n releases, then of those in more.
func (s *stage) log(n int, more ...string) *Log {
	return NewLog(s.t, "ann bob", append(slices.Clone(s.notes[1:n+1]), more...)...)
}

// next is the release after the n-th, with what change does to it.
func (s *stage) next(n int, pack rules.Pack, change func(*trust.Release)) trust.Release {
	var previous *trust.Release
	if n > 0 {
		previous = &s.releases[n]
	}
	r := Release(uint64(n+1), previous, pack)
	if change != nil {
		change(&r)
	}
	return r
}

// client is the state of a client after a log and, where frame is not nil, an
// update, both of which it must accept at an instant.
func (s *stage) client(have trust.State, now time.Time, e trust.Evidence, frame []byte) trust.State {
	s.t.Helper()
	var u *trust.Update
	if frame != nil {
		parsed, err := trust.ParseUpdate(frame)
		if err != nil {
			s.t.Fatal(err)
		}
		u = &parsed
	}
	state, err := trust.Accept(s.root, now, have, trust.Client{}, e, u)
	if err != nil {
		s.t.Fatal(err)
	}
	return state
}

// victim is a client at release 2, whose log it saw on Now.
func (s *stage) victim() trust.State {
	l := s.log(2)
	return s.client(trust.State{Pack: s.packs[0]}, Now.Add(time.Minute), s.signed(l, 0, Now), s.snapshot(l, 2, s.notes[2], s.packs[2]))
}

// signed is a log's evidence under the first online key.
func (s *stage) signed(l *Log, from uint64, created time.Time) trust.Evidence {
	return l.EvidenceAt(s.t, from, created, s.key, Online)
}

func frame(t testing.TB, value any) []byte {
	t.Helper()
	data, err := json.Marshal(value)
	if err != nil {
		t.Fatal(err)
	}
	return data
}

// snapshot is the frame of a release; its proof is the log's at that place.
func (s *stage) snapshot(l *Log, sequence uint64, msg string, pack rules.Pack) []byte {
	s.t.Helper()
	return frame(s.t, trust.Update{Type: "snapshot", Sequence: sequence, Release: msg, Proof: s.proof(l, sequence), Changes: json.RawMessage("null"), Pack: pack.Encode()})
}

// delta is the frame that leads from release 2 to one.
func (s *stage) delta(l *Log, to uint64, msg string, pack rules.Pack) []byte {
	s.t.Helper()
	changes := frame(s.t, rules.Diff(s.packs[2], pack))
	return frame(s.t, trust.Update{Type: "delta", From: 2, To: to, Release: msg, Proof: s.proof(l, to), Changes: changes, Pack: json.RawMessage("null")})
}

func (s *stage) proof(l *Log, sequence uint64) tlog.RecordProof {
	proof, err := l.Record(min(sequence, l.Size()))
	if err != nil {
		s.t.Fatal(err)
	}
	return proof
}

// forged is the evidence of whoever holds the online key for a log of any
// leaves, whose last is said to be the release in head.
func (s *stage) forged(from uint64, created time.Time, head string, leaves ...string) trust.Evidence {
	s.t.Helper()
	var hashes []tlog.Hash
	reader := tlog.HashReaderFunc(func(indexes []int64) ([]tlog.Hash, error) {
		out := make([]tlog.Hash, len(indexes))
		for i, index := range indexes {
			out[i] = hashes[index]
		}
		return out, nil
	})
	must := func(err error) {
		s.t.Helper()
		if err != nil {
			s.t.Fatal(err)
		}
	}
	size := int64(len(leaves))
	for i, leaf := range leaves {
		added, err := tlog.StoredHashes(int64(i), []byte(leaf), reader)
		must(err)
		hashes = append(hashes, added...)
	}
	root, err := tlog.TreeHash(size, reader)
	must(err)
	e := trust.Evidence{Type: "log", From: from, Key: s.key, Head: head, HeadProof: tlog.RecordProof{}, Consistency: tlog.TreeProof{}, Rotations: []trust.Rotation{}}
	e.Checkpoint = s.checkpoint(trust.Checkpoint{Size: uint64(size), Hash: root, Created: created, Expires: created.Add(trust.MaxCheckpoint)}, Online)
	e.HeadProof, err = tlog.ProveRecord(size, size-1, reader)
	must(err)
	if from > 0 && int64(from) < size {
		e.Consistency, err = tlog.ProveTree(size, int64(from), reader)
		must(err)
	}
	return e
}

// checkpoint is one signed by the key of a name, whatever it says.
func (s *stage) checkpoint(c trust.Checkpoint, online string) string {
	s.t.Helper()
	return s.sign(c.Text(), online)
}

// sign is the note of any text, also of one that nobody should sign.
func (s *stage) sign(text string, names ...string) string {
	s.t.Helper()
	var signers []note.Signer
	for _, name := range names {
		signer, _, _ := Key(s.t, name)
		signers = append(signers, signer)
	}
	msg, err := note.Sign(&note.Note{Text: text}, signers...)
	if err != nil {
		s.t.Fatal(err)
	}
	return string(msg)
}

// leaves are the texts of the first n releases, then of those in more.
func (s *stage) leaves(n int, more ...string) []string {
	var out []string
	for _, r := range s.releases[1 : n+1] {
		out = append(out, r.Text())
	}
	return append(out, more...)
}

// garbage is n leaves that are no releases.
func garbage(n int) []string {
	out := make([]string, n)
	for i := range out {
		out[i] = fmt.Sprintf("garbage %d", i)
	}
	return out
}

// padded is a JSON object with one more field, of size bytes.
func padded(object []byte, size int) []byte {
	return fmt.Appendf(slices.Clone(object[:len(object)-1]), `,"witness":"%s"}`, strings.Repeat("x", size))
}
