// SPDX-License-Identifier: Apache-2.0

package trusttest

import (
	"time"

	"golang.org/x/mod/sumdb/tlog"

	"haechi/rules/trust"
)

// stale are the attacks that go back or stand still: rollback and freeze.
var stale = []row{
	{"the release in use again", "rollback", nothing, "rollback", func(s *stage, a *Attack) {
		a.Update = s.snapshot(s.log(3), 2, s.notes[2], s.packs[2])
	}},
	{"an older release", "rollback", nothing, "rollback", func(s *stage, a *Attack) {
		a.Update = s.snapshot(s.log(3), 1, s.notes[1], s.packs[1])
	}},
	{"a shorter log", "rollback", online, "rollback", func(s *stage, a *Attack) {
		a.Log, a.Update = frame(s.t, s.signed(s.log(1), 1, Now.Add(hour))), nil
	}},
	{"an empty log", "rollback", online, "rollback", func(s *stage, a *Attack) {
		a.Log, a.Update = frame(s.t, s.signed(s.log(0), 0, Now.Add(hour))), nil
	}},
	{"a checkpoint from before the one that was seen", "indefinite freeze", nothing, "rollback", func(s *stage, a *Attack) {
		a.Log, a.Update = frame(s.t, s.signed(s.log(2), 2, Now.Add(-time.Second))), nil
	}},
	{"a log shorter than the rules in use, after all was forgotten", "rollback", nothing, "rollback", func(s *stage, a *Attack) {
		key := OnlineKey(s.t, 2, "online-2", true, "ann", "bob")
		a.Log, a.Update = frame(s.t, s.log(1).EvidenceAt(s.t, 0, Now.Add(hour), key, "online-2")), nil
	}},
	{"an online key from before the one that was seen", "stolen online key", oldKey, "rollback", func(s *stage, a *Attack) {
		key := OnlineKey(s.t, 2, "online-2", false, "ann", "bob")
		a.Have = s.client(a.Have, Now.Add(hour), s.log(2).EvidenceAt(s.t, 2, Now.Add(time.Minute), key, "online-2"), nil)
		a.Back = frame(s.t, s.log(3).EvidenceAt(s.t, 2, Now.Add(hour), key, "online-2"))
	}},
	{"a checkpoint that was kept for seven days", "indefinite freeze", nothing, "expired", func(s *stage, a *Attack) {
		a.Now = Now.Add(hour + trust.MaxCheckpoint)
	}},
	{"a checkpoint that never expires", "indefinite freeze", online, "invalid", func(s *stage, a *Attack) {
		e := s.signed(s.log(3), 2, Now.Add(hour))
		hash, err := s.log(3).Hash(3)
		if err != nil {
			s.t.Fatal(err)
		}
		e.Checkpoint = s.checkpoint(trust.Checkpoint{Size: 3, Hash: hash, Created: Now, Expires: Now.AddDate(10, 0, 0)}, Online)
		a.Log = frame(s.t, e)
	}},
	{"a kept checkpoint, and the clock set back", "indefinite freeze", nothing, "expired", func(s *stage, a *Attack) {
		s.later(a)
		a.Log = frame(s.t, s.signed(s.log(3), 2, Now.Add(hour)))
	}},
	{"an expired release, and the clock set back", "indefinite freeze", nothing, "expired", func(s *stage, a *Attack) {
		s.later(a)
		s.expiring(a, Now.Add(5*day), Now.Add(10*day+hour))
	}},
	{"an expired online key signs on", "stolen online key", expired, "expired", func(s *stage, a *Attack) {
		a.Log = frame(s.t, s.signed(s.log(3), 2, Now.Add(trust.MaxOnline-time.Second)))
		a.Now = Now.Add(trust.MaxOnline)
	}},
	{"an online key lent for ten years", "stolen online key", online, "invalid", func(s *stage, a *Attack) {
		_, _, public := Key(s.t, Online)
		k := trust.OnlineKey{Version: 2, Key: public, Created: Now, Expires: Now.AddDate(10, 0, 0)}
		e := s.signed(s.log(3), 2, Now.Add(hour))
		e.Key = s.sign(k.Text(), "ann", "bob")
		a.Log = frame(s.t, e)
	}},
	{"an expired release in a fresh log", "indefinite freeze", nothing, "expired", func(s *stage, a *Attack) {
		s.expiring(a, Now.Add(hour), Now.Add(hour))
	}},
	{"everything as it was two years ago", "expired everything", nothing, "expired", func(s *stage, a *Attack) {
		a.Now = Now.AddDate(2, 0, 0)
	}},
	{"everything as it was two years ago, to a newcomer", "expired everything", nothing, "expired", func(s *stage, a *Attack) {
		a.Now, a.Have = Now.AddDate(2, 0, 0), trust.State{Pack: s.packs[0]}
		a.Log = frame(s.t, s.signed(s.log(3), 0, Now.Add(hour)))
		a.Update = s.snapshot(s.log(3), 3, s.notes[3], s.packs[3])
		s.back(a, s.log(3), Now.Add(hour))
	}},
}

// later makes the victim one who saw the log ten days later, and sets his clock
// back to before.
func (s *stage) later(a *Attack) {
	seen := Now.Add(10 * day)
	a.Have = s.client(a.Have, seen.Add(hour), s.signed(s.log(2), 2, seen), nil)
	s.back(a, s.log(3), seen.Add(hour))
}

// expiring makes release 3 one that expires, in a log signed at created.
func (s *stage) expiring(a *Attack, expires, created time.Time) {
	msg := Sign(s.t, s.next(2, s.packs[3], func(r *trust.Release) { r.Expires = expires }), "ann", "bob")
	l := s.log(2, msg)
	a.Log, a.Update = frame(s.t, s.signed(l, 2, created)), s.delta(l, 3, msg, s.packs[3])
	s.back(a, l, created)
}

// forward are the attacks that run ahead, so that what honest servers say
// later seems old.
var forward = []row{
	{"garbage appended to the log, below an honest head", "fast forward", online, "fork", func(s *stage, a *Attack) {
		leaves := append(s.leaves(2, garbage(997)...), s.releases[3].Text())
		a.Log = frame(s.t, s.forged(2, Now.Add(hour), s.notes[3], leaves...))
	}},
	{"garbage appended to the log, below a release of one maintainer", "fast forward", oneAnd, "unsigned", func(s *stage, a *Attack) {
		r := s.next(3, s.evil, func(r *trust.Release) { r.Sequence = 1000 })
		a.Log = frame(s.t, s.forged(2, Now.Add(hour), Sign(s.t, r, "ann"), append(s.leaves(3, garbage(996)...), r.Text())...))
	}},
	{"garbage at the end of the log", "fast forward", online, "unsigned", func(s *stage, a *Attack) {
		a.Log = frame(s.t, s.forged(2, Now.Add(hour), "garbage 0", s.leaves(3, garbage(1)...)...))
	}},
	{"the largest log that there can be", "fast forward", online, "fork", func(s *stage, a *Attack) {
		e := s.signed(s.log(3), 2, Now.Add(hour))
		e.Checkpoint = s.checkpoint(trust.Checkpoint{Size: trust.MaxSequence, Hash: tlog.RecordHash(nil), Created: Now.Add(hour), Expires: Now.Add(day)}, Online)
		a.Log = frame(s.t, e)
	}},
	{"a log beyond all numbers", "fast forward", online, "invalid", func(s *stage, a *Attack) {
		e := s.signed(s.log(3), 2, Now.Add(hour))
		e.Checkpoint = s.checkpoint(trust.Checkpoint{Size: 1 << 63, Hash: tlog.RecordHash(nil), Created: Now.Add(hour), Expires: Now.Add(day)}, Online)
		a.Log = frame(s.t, e)
	}},
	{"a delta that says it leads further", "fast forward", nothing, "mismatch", func(s *stage, a *Attack) {
		a.Update = s.delta(s.log(3), 9, s.notes[3], s.packs[3])
	}},
	{"a checkpoint of the far future", "fast forward", online, "invalid", func(s *stage, a *Attack) {
		a.Log, a.Update = frame(s.t, s.signed(s.log(3), 2, Now.AddDate(70, 0, 0))), nil
	}},
	{"honest, to one who saw the end of a stolen key's life", "fast forward", nothing, "expired", func(s *stage, a *Attack) {
		a.Have = s.ahead()
		s.forgiven(a, s.log(3), Now.Add(hour))
	}},
	{"honest with forget, to one who saw the end of a stolen key's life", Control, nothing, "", func(s *stage, a *Attack) {
		a.Have = s.ahead()
		s.forgiven(a, s.log(3), Now.Add(hour))
		a.Log = a.Back
	}},
}
