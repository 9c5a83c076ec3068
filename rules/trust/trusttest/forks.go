// SPDX-License-Identifier: Apache-2.0

package trusttest

import (
	"haechi/rules"
	"haechi/rules/trust"
)

// mixed are the attacks that put together what does not belong together.
var mixed = []row{
	{"the rules of the release before", "mix and match", nothing, "mismatch", func(s *stage, a *Attack) {
		a.Update = s.snapshot(s.log(3), 3, s.notes[3], s.packs[2])
	}},
	{"the changes of the release before", "mix and match", nothing, "mismatch", func(s *stage, a *Attack) {
		a.Update = s.delta(s.log(3), 3, s.notes[3], s.packs[1])
	}},
	{"a snapshot that says another sequence", "mix and match", nothing, "mismatch", func(s *stage, a *Attack) {
		a.Update = s.snapshot(s.log(3), 4, s.notes[3], s.packs[3])
	}},
	{"a delta for another client", "mix and match", nothing, "gap", func(s *stage, a *Attack) {
		l := s.log(3)
		a.Update = frame(s.t, trust.Update{Type: "delta", From: 1, To: 3, Release: s.notes[3], Proof: s.proof(l, 3), Changes: frame(s.t, rules.Diff(s.packs[1], s.packs[3])), Pack: []byte("null")})
	}},
	{"a log for another client", "mix and match", nothing, "gap", func(s *stage, a *Attack) {
		a.Log = frame(s.t, s.signed(s.log(3), 1, Now.Add(hour)))
	}},
	{"a log for a newcomer", "mix and match", nothing, "gap", func(s *stage, a *Attack) {
		a.Log = frame(s.t, s.signed(s.log(3), 0, Now.Add(hour)))
	}},
	{"the proof of another release", "mix and match", nothing, "log", func(s *stage, a *Attack) {
		l := s.log(3, Sign(s.t, s.next(3, s.packs[2], nil), "ann", "bob"))
		a.Log = frame(s.t, s.signed(l, 2, Now.Add(hour)))
		a.Update = frame(s.t, trust.Update{Type: "snapshot", Sequence: 3, Release: s.notes[3], Proof: s.proof(l, 4), Changes: []byte("null"), Pack: s.packs[3].Encode()})
		s.back(a, l, Now.Add(hour))
	}},
	{"the head's proof of an older log", "mix and match", nothing, "log", func(s *stage, a *Attack) {
		e := s.signed(s.log(3), 2, Now.Add(hour))
		e.HeadProof = s.signed(s.log(2), 0, Now).HeadProof
		a.Log = frame(s.t, e)
	}},
	{"the head of an older log", "mix and match", nothing, "fork", func(s *stage, a *Attack) {
		e := s.signed(s.log(3), 2, Now.Add(hour))
		e.Head, e.HeadProof = s.notes[2], s.proof(s.log(3), 2)
		a.Log = frame(s.t, e)
	}},
	{"the checkpoint of an older log under a newer proof", "mix and match", nothing, "fork", func(s *stage, a *Attack) {
		e := s.signed(s.log(3), 2, Now.Add(hour))
		e.Checkpoint = s.signed(s.log(2), 2, Now).Checkpoint
		a.Log = frame(s.t, e)
	}},
	{"the log of another project", "wrong log", "the keys of another project", "unsigned", func(s *stage, a *Attack) {
		r := Release(1, nil, s.evil)
		l := NewLog(s.t, "mal mel", Sign(s.t, r, "mal", "mel"))
		a.Log, a.Update = frame(s.t, l.Evidence(s.t, 0)), s.snapshot(l, 1, Sign(s.t, r, "mal", "mel"), s.evil)
	}},
	{"a checkpoint in place of the online key's note", "mix and match", online, "unsigned", func(s *stage, a *Attack) {
		e := s.signed(s.log(3), 2, Now.Add(hour))
		e.Key = e.Checkpoint
		a.Log = frame(s.t, e)
	}},
	{"a release in place of the online key's note", "mix and match", nothing, "invalid", func(s *stage, a *Attack) {
		e := s.signed(s.log(3), 2, Now.Add(hour))
		e.Key = e.Head
		a.Log = frame(s.t, e)
	}},
}

// forks are the attacks that show a log to one and another to others.
var forks = []row{
	{"another release in the place of one that was seen", "forked log", drafts, "fork", func(s *stage, a *Attack) {
		l := s.log(1, s.draft())
		a.Log, a.Update = frame(s.t, s.signed(l, 2, Now.Add(hour))), nil
	}},
	{"another history below a longer log", "forked log", online, "fork", func(s *stage, a *Attack) {
		a.Log = frame(s.t, s.forged(2, Now.Add(hour), s.notes[3], s.releases[1].Text(), "garbage", s.releases[3].Text()))
	}},
	{"a longer log without proof", "forked log", online, "fork", func(s *stage, a *Attack) {
		e := s.signed(s.log(3), 2, Now.Add(hour))
		e.Consistency = nil
		a.Log = frame(s.t, e)
	}},
	{"the same log with proof that it needs not", "forked log", online, "fork", func(s *stage, a *Attack) {
		e := s.signed(s.log(2), 2, Now.Add(hour))
		e.Consistency = s.signed(s.log(3), 2, Now).Consistency
		a.Log, a.Update = frame(s.t, e), nil
	}},
	{"a release hidden from a newcomer: the honest log, to him", "forked log", nothing, "fork", func(s *stage, a *Attack) {
		a.Have, a.Update = s.poisoned(), nil
		l := s.log(3, Sign(s.t, s.next(3, s.packs[2], nil), "ann", "bob"))
		a.Log = frame(s.t, s.signed(l, 3, Now.Add(hour)))
		s.forgiven(a, l, Now.Add(hour))
	}},
	{"the same, and the stolen key grows the log that hides it", "stolen online key", online, "fork", func(s *stage, a *Attack) {
		// He came back to the honest log; the thief tries again with a newer checkpoint.
		a.Have = s.client(s.poisoned(), Now.Add(2*hour), s.log(3).EvidenceAt(s.t, 0, Now.Add(hour), OnlineKey(s.t, 2, "online-2", true, "ann", "bob"), "online-2"), nil)
		a.Now, a.Update = Now.Add(4*hour), nil
		e := s.forged(3, Now.Add(3*hour), s.notes[3], s.releases[1].Text(), "garbage", s.releases[3].Text())
		e.Key = OnlineKey(s.t, 3, Online, false, "ann", "bob") // the thief's key, had it been lent again
		a.Log = frame(s.t, e)
		key := OnlineKey(s.t, 2, "online-2", true, "ann", "bob")
		a.Back, a.BackAt = frame(s.t, s.log(3).EvidenceAt(s.t, 3, Now.Add(5*hour), key, "online-2")), Now.Add(6*hour)
	}},
	{"the stolen key after all was forgotten", "stolen online key", oldKey, "rollback", func(s *stage, a *Attack) {
		key := OnlineKey(s.t, 2, "online-2", true, "ann", "bob")
		a.Have = s.client(s.poisoned(), Now.Add(2*hour), s.log(3).EvidenceAt(s.t, 0, Now.Add(hour), key, "online-2"), nil)
		a.Now, a.Update = Now.Add(4*hour), nil
		a.Log = frame(s.t, s.forged(3, Now.Add(3*hour), s.notes[3], s.releases[1].Text(), "garbage", s.releases[3].Text()))
		a.Back, a.BackAt = frame(s.t, s.log(3).EvidenceAt(s.t, 3, Now.Add(5*hour), key, "online-2")), Now.Add(6*hour)
	}},
	{"the honest log, to one who took rules that all keys were stolen for", "forked log", twoAnd, "fork", func(s *stage, a *Attack) {
		evil := Sign(s.t, s.next(2, s.evil, nil), "ann", "bob")
		l := s.log(2, evil)
		a.Have = s.client(a.Have, Now.Add(hour), s.signed(l, 2, Now.Add(hour)), s.delta(l, 3, evil, s.evil))
		a.Log, a.Update = frame(s.t, s.signed(s.log(3), 3, Now.Add(hour))), nil
		// The way back is a key that forgets and the next release.
		s.forgiven(a, s.log(3, Sign(s.t, s.next(3, s.packs[2], nil), "ann", "bob")), Now.Add(2*hour))
	}},
	{"the same log with forget, while it ends at the stolen release", "forked log", nothing, "fork", func(s *stage, a *Attack) {
		l := s.log(1, s.draft())
		a.Have = s.client(trust.State{Pack: s.packs[0]}, Now.Add(hour), s.signed(l, 0, Now), s.snapshot(l, 2, s.draft(), s.packs[3]))
		s.forgiven(a, s.log(2), Now.Add(hour))
		a.Log, a.Update = a.Back, nil
		s.forgiven(a, s.log(3), Now.Add(2*hour))
	}},
}

// draft is a release 2 that enough maintainers signed, but that lost the race.
func (s *stage) draft() string { return Sign(s.t, s.next(1, s.packs[3], nil), "ann", "bob") }

// honest is what must be accepted.
var honest = []row{
	{"a delta", Control, nothing, "", func(*stage, *Attack) {}},
	{"a snapshot", Control, nothing, "", func(s *stage, a *Attack) {
		a.Update = s.snapshot(s.log(3), 3, s.notes[3], s.packs[3])
	}},
	{"a log alone", Control, nothing, "", func(s *stage, a *Attack) { a.Update = nil }},
	{"a newcomer", Control, nothing, "", func(s *stage, a *Attack) {
		a.Have = trust.State{Pack: s.packs[0]}
		a.Log, a.Update = frame(s.t, s.signed(s.log(3), 0, Now.Add(hour))), s.snapshot(s.log(3), 3, s.notes[3], s.packs[3])
	}},
	{"a fresh checkpoint of the same log", Control, nothing, "", func(s *stage, a *Attack) {
		a.Log, a.Update = frame(s.t, s.signed(s.log(2), 2, Now.Add(hour))), nil
	}},
	{"two hundred releases at once", Control, nothing, "", func(s *stage, a *Attack) {
		l, previous := s.log(2), s.releases[2]
		var msg string
		for l.Size() < 202 {
			previous = Release(l.Size()+1, &previous, s.packs[3])
			msg = Sign(s.t, previous, "ann", "bob")
			l.Add(s.t, msg)
		}
		a.Log, a.Update = frame(s.t, s.signed(l, 2, Now.Add(hour))), s.delta(l, 202, msg, s.packs[3])
	}},
	{"a new online key", Control, nothing, "", func(s *stage, a *Attack) {
		key := OnlineKey(s.t, 2, "online-2", false, "bob", "eve")
		a.Log = frame(s.t, s.log(3).EvidenceAt(s.t, 2, Now.Add(hour), key, "online-2"))
	}},
	{"forget, to one from whom a release was hidden", Control, nothing, "", func(s *stage, a *Attack) {
		a.Have, a.Update = s.poisoned(), nil
		s.forgiven(a, s.log(3), Now.Add(hour))
		a.Log = a.Back
	}},
	{"forget, to one who saw nothing wrong", Control, nothing, "", func(s *stage, a *Attack) {
		s.forgiven(a, s.log(3), Now.Add(hour))
		a.Log = a.Back
	}},
}
