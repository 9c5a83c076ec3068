// SPDX-License-Identifier: Apache-2.0

package trusttest

import (
	"bytes"
	"fmt"
	"strings"

	"golang.org/x/mod/sumdb/tlog"

	"haechi/rules"
	"haechi/rules/trust"
)

// roots are attacks on the rotation of the maintainers' keys. Root 2 is two of
// bob, dan and fay; root 3 two of dan, fay and gil.
var roots = []row{
	{"rotation over two roots", Control, nothing, "", func(s *stage, a *Attack) {
		first := s.rotation(2, s.rootOf(2), "ann", "bob", "dan")
		second := Release(4, s.parsed(first), s.packs[2])
		root := s.rootOf(3)
		second.Root = &root
		msg := Sign(s.t, second, "bob", "dan", "fay")
		l := s.log(2, first, msg)
		key := OnlineKey(s.t, 2, "online-2", false, "dan", "fay")
		a.Log, a.Update = frame(s.t, l.EvidenceAt(s.t, 2, Now.Add(hour), key, "online-2")), s.delta(l, 4, msg, s.packs[2])
	}},
	{"rotation to keys of the attacker's", "one stolen maintainer key", oneAnd, "unsigned", func(s *stage, a *Attack) {
		s.rotated(a, s.rotation(2, s.own(2), "ann", "mal", "mel"), "ann", "mal", "mel")
	}},
	{"rotation that the new maintainers did not sign", "arbitrary keys", twoAnd, "unsigned", func(s *stage, a *Attack) {
		s.rotated(a, s.rotation(2, s.own(2), "ann", "bob"), "ann", "bob")
	}},
	{"rotation that passes over a version", "arbitrary keys", twoAnd, "invalid", func(s *stage, a *Attack) {
		s.rotated(a, s.rotation(2, s.own(3), "ann", "bob", "mal", "mel"), "ann", "bob", "mal", "mel")
	}},
	{"rotation on the preview channel", "arbitrary keys", twoAnd, "invalid", func(s *stage, a *Attack) {
		root := s.rootOf(2)
		r := s.next(2, s.packs[2], func(r *trust.Release) { r.Root, r.Channel = &root, trust.Preview })
		e := s.forged(2, Now.Add(hour), s.sign(r.Text(), "ann", "bob", "dan"), s.leaves(2, r.Text())...)
		e.Rotations = []trust.Rotation{{Release: e.Head, Proof: e.HeadProof}}
		a.Log, a.Update = frame(s.t, e), nil
	}},
	{"rotation that was never published", "wrong log", withdraw, "log", func(s *stage, a *Attack) {
		e := s.log(3).EvidenceAt(s.t, 2, Now.Add(hour), OnlineKey(s.t, 1, Online, false, "ann", "bob", "dan"), Online)
		e.Rotations = []trust.Rotation{{Release: s.rotation(2, s.rootOf(2), "ann", "bob", "dan"), Proof: s.proof(s.log(3), 3)}}
		a.Log = frame(s.t, e)
	}},
	{"rotation that was never published, in an empty log", "wrong log", withdraw, "log", func(s *stage, a *Attack) {
		a.Have, a.Update = trust.State{Pack: s.packs[0]}, nil
		e := s.log(0).EvidenceAt(s.t, 0, Now.Add(hour), OnlineKey(s.t, 1, Online, false, "ann", "bob", "dan"), Online)
		e.Rotations = []trust.Rotation{{Release: s.rotation(0, s.rootOf(2), "ann", "bob", "dan"), Proof: tlog.RecordProof{}}}
		a.Log = frame(s.t, e)
		s.back(a, s.log(3), Now.Add(hour))
	}},
	{"rotation hidden below its own release at the head", "rollback of keys", online, "invalid", func(s *stage, a *Attack) {
		s.rotated(a, s.rotation(2, s.rootOf(2), "ann", "bob", "dan"), "ann", "bob", "dan")
		s.hideRotations(a)
	}},
	{"rotation hidden while its own release is taken", "rollback of keys", online, "invalid", func(s *stage, a *Attack) {
		msg := s.rotation(2, s.rootOf(2), "ann", "bob", "dan")
		l := s.log(2, msg, Sign(s.t, Release(4, s.parsed(msg), s.packs[3]), "ann", "bob", "dan"))
		key := OnlineKey(s.t, 1, Online, false, "ann", "bob", "dan")
		a.Log, a.Update = frame(s.t, l.EvidenceAt(s.t, 2, Now.Add(hour), key, Online)), s.snapshot(l, 3, msg, s.packs[2])
		a.Back = a.Log
		s.hideRotations(a)
	}},
	{"rotation hidden below a later release that the old keys suffice for", "rollback of keys", online, "invalid", func(s *stage, a *Attack) {
		msg := s.rotation(2, s.rootOf(2), "ann", "bob", "dan")
		later := Sign(s.t, Release(4, s.parsed(msg), s.packs[3]), "ann", "bob", "dan")
		l := s.log(2, msg, later)
		key := OnlineKey(s.t, 1, Online, false, "ann", "bob", "dan")
		a.Log, a.Update = frame(s.t, l.EvidenceAt(s.t, 2, Now.Add(hour), key, Online)), s.snapshot(l, 4, later, s.packs[3])
		a.Back = a.Log
		s.hideRotations(a)
	}},
	{"the old keys after they were rotated out", "rollback of keys", retired, "unsigned", func(s *stage, a *Attack) {
		msg, key := s.newRoot(a)
		evil := Sign(s.t, Release(4, s.parsed(msg), s.evil), "ann", "bob")
		l := s.log(2, msg, evil)
		a.Log, a.Update = frame(s.t, l.EvidenceAt(s.t, 3, Now.Add(hour), key, Online)), s.snapshot(l, 4, evil, s.evil)
	}},
	{"an online key that the old keys lend", "rollback of keys", retired, "unsigned", func(s *stage, a *Attack) {
		msg, _ := s.newRoot(a)
		a.Log, a.Update = frame(s.t, s.log(2, msg).EvidenceAt(s.t, 3, Now.Add(hour), OnlineKey(s.t, 2, Online, false, "ann", "eve"), Online)), nil
	}},
	{"another root of the version in use", "rollback of keys", retired, "log", func(s *stage, a *Attack) {
		msg, key := s.newRoot(a)
		e := s.log(2, msg).EvidenceAt(s.t, 3, Now.Add(hour), key, Online)
		e.Rotations[0].Release = s.rotation(2, s.own(2), "ann", "bob", "mal", "mel")
		a.Log, a.Update = frame(s.t, e), nil
	}},
}

func (s *stage) rootOf(version uint64) trust.Root {
	names := map[uint64]string{2: "bob dan fay", 3: "dan fay gil"}
	root := Root(s.t, 2, strings.Fields(names[version])...)
	root.Version = version
	return root
}

// own is a root of the attacker's.
func (s *stage) own(version uint64) trust.Root {
	root := Root(s.t, 2, "mal", "mel")
	root.Version = version
	return root
}

// rotation is release n+1 with a new root, signed by the named.
func (s *stage) rotation(n int, root trust.Root, names ...string) string {
	return Sign(s.t, s.next(n, s.packs[2], func(r *trust.Release) { r.Root, r.Under = &root, root.Version-1 }), names...)
}

func (s *stage) parsed(msg string) *trust.Release {
	r, err := trust.ParseRelease([]byte(msg))
	if err != nil {
		s.t.Fatal(err)
	}
	return &r
}

// rotated shows the victim a log that ends with a rotation, under an online key
// that the named lend, and the rotation as the update.
func (s *stage) rotated(a *Attack, msg string, names ...string) {
	l := s.log(2, msg)
	key := OnlineKey(s.t, 1, Online, false, names...)
	a.Log, a.Update = frame(s.t, l.EvidenceAt(s.t, 2, Now.Add(hour), key, Online)), s.delta(l, 3, msg, s.packs[2])
}

// hideRotations takes the rotations out of the log frame.
func (s *stage) hideRotations(a *Attack) {
	e, err := trust.ParseEvidence(a.Log)
	if err != nil {
		s.t.Fatal(err)
	}
	if len(e.Rotations) == 0 {
		s.t.Fatal("there is no rotation to hide")
	}
	e.Rotations = nil
	a.Log = frame(s.t, e)
}

// newRoot makes the victim one who has followed to root 2. It returns the
// rotation's note and the online key's.
func (s *stage) newRoot(a *Attack) (msg, key string) {
	msg = s.rotation(2, s.rootOf(2), "ann", "bob", "dan")
	key = OnlineKey(s.t, 1, Online, false, "bob", "dan")
	l := s.log(2, msg)
	a.Have = s.client(a.Have, Now.Add(hour), l.EvidenceAt(s.t, 2, Now, key, Online), s.delta(l, 3, msg, s.packs[2]))
	a.Back = frame(s.t, l.EvidenceAt(s.t, 3, Now.Add(hour), key, Online))
	return msg, key
}

// endless are the attacks on the client's memory and time.
var endless = []row{
	{"a giant log", "endless data", nothing, "too-large", func(s *stage, a *Attack) { a.Log = padded(a.Log, trust.MaxFrame) }},
	{"a giant update", "endless data", nothing, "too-large", func(s *stage, a *Attack) { a.Update = padded(a.Update, trust.MaxFrame) }},
	{"a giant pack", "endless data", nothing, "too-large", func(s *stage, a *Attack) {
		a.Update = fmt.Appendf(nil, `{"type":"snapshot","sequence":3,"release":%s,"proof":[],"pack":%s}`, frame(s.t, s.notes[3]), padded([]byte(`{"format":1}`), rules.MaxPack))
	}},
	{"a giant release", "endless data", nothing, "too-large", func(s *stage, a *Attack) {
		a.Update = s.snapshot(s.log(3), 3, s.notes[3]+strings.Repeat("— x AAAA\n", trust.MaxNote/10), s.packs[3])
	}},
	{"a proof of a hundred thousand hashes", "endless data", nothing, "too-large", func(s *stage, a *Attack) {
		a.Log = s.changed(a.Log, func(e *trust.Evidence) { e.Consistency = make(tlog.TreeProof, 100_000) })
	}},
	{"an update's proof of a hundred thousand hashes", "endless data", nothing, "too-large", func(s *stage, a *Attack) {
		l := s.log(3, Sign(s.t, s.next(3, s.packs[2], nil), "ann", "bob")) // at the head no proof is read
		a.Log = frame(s.t, s.signed(l, 2, Now.Add(hour)))
		a.Update = frame(s.t, trust.Update{Type: "snapshot", Sequence: 3, Release: s.notes[3], Proof: make(tlog.RecordProof, 100_000), Changes: []byte("null"), Pack: s.packs[3].Encode()})
	}},
	{"a hundred thousand rotations", "endless data", nothing, "too-large", func(s *stage, a *Attack) {
		a.Log = s.changed(a.Log, func(e *trust.Evidence) { e.Rotations = make([]trust.Rotation, 100_000) })
	}},
	{"more changes than a pack has rules", "endless data", nothing, "too-large", func(s *stage, a *Attack) {
		changes := "[" + strings.Repeat(`{"remove":"kite"},`, rules.MaxPackRules) + `{"remove":"kite"}]`
		a.Update = fmt.Appendf(nil, `{"type":"delta","from":2,"to":3,"release":%s,"proof":[],"changes":%s}`, frame(s.t, s.notes[3]), changes)
	}},
	{"a million brackets", "endless data", nothing, "invalid", func(s *stage, a *Attack) {
		a.Log = append(append([]byte(`{"type":"log","head_proof":`), bytes.Repeat([]byte("["), 1_000_000)...), bytes.Repeat([]byte("]"), 1_000_000)...)
		a.Log = append(a.Log, '}')
	}},
	{"nested as deep as JSON is read", "endless data", nothing, "invalid", func(s *stage, a *Attack) {
		a.Log = fmt.Appendf(nil, `{"type":"log","head_proof":%s%s}`, strings.Repeat("[", 9000), strings.Repeat("]", 9000))
	}},
	{"a number of a hundred thousand digits", "endless data", nothing, "invalid", func(s *stage, a *Attack) {
		a.Log = fmt.Appendf(nil, `{"type":"log","from":%s}`, strings.Repeat("9", 100_000))
	}},
	{"no JSON at all", "endless data", nothing, "invalid", func(s *stage, a *Attack) { a.Update = bytes.Repeat([]byte{0xff}, 1000) }},
}

// changed is a log frame with a change.
func (s *stage) changed(log []byte, change func(*trust.Evidence)) []byte {
	e, err := trust.ParseEvidence(log)
	if err != nil {
		s.t.Fatal(err)
	}
	change(&e)
	return frame(s.t, e)
}
