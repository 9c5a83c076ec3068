// SPDX-License-Identifier: Apache-2.0

package trusttest

import (
	"slices"
	"strings"
	"testing"
	"time"

	"haechi/rules/trust"
)

// What an attacker may hold.
const (
	nothing  = "nothing"
	one      = "one maintainer's key"
	two      = "two maintainers' keys"
	online   = "the online key"
	oneAnd   = "one maintainer's key and the online key"
	twoAnd   = "two maintainers' keys and the online key"
	retired  = "the keys of maintainers who were rotated out, and the online key"
	oldKey   = "an online key that was replaced"
	expired  = "an online key that has expired"
	drafts   = "the online key, and a release that was signed but lost the race"
	withdraw = "a signed rotation that was never published"
)

const (
	hour = time.Hour
	day  = 24 * time.Hour
)

// row is one attack: what it changes of an honest exchange, in which the victim
// at release 2 is led to release 3 by a log signed an hour after it was seen.
type row struct {
	name, of, holds, want string
	do                    func(s *stage, a *Attack)
}

// Attacks returns every attack of the TUF list that the engine can see, and
// what honest servers do as a control. Attacks on the connection itself (slow
// retrieval, messages beyond the limit) are for the tests of the client.
func Attacks(t testing.TB) []Attack {
	t.Helper()
	s := newStage(t)
	var out []Attack
	for _, r := range slices.Concat(honest, arbitrary, stale, forward, mixed, forks, roots, audiences, endless) {
		l := s.log(3)
		a := Attack{Name: r.name, Of: r.of, Holds: r.holds, Want: r.want, Root: s.root, Now: Now.Add(2 * hour), Have: s.victim()}
		a.Log, a.Update = frame(t, s.signed(l, 2, Now.Add(hour))), s.delta(l, 3, s.notes[3], s.packs[3])
		s.back(&a, l, Now.Add(hour))
		r.do(s, &a)
		out = append(out, a)
	}
	return out
}

// back makes the honest frame that is believed after an attack.
func (s *stage) back(a *Attack, l *Log, created time.Time) {
	a.Back, a.BackAt = frame(s.t, s.signed(l, a.Have.Seen.Size, created)), created.Add(hour)
}

// forgiven is back with an online key that lets clients forget what they saw.
func (s *stage) forgiven(a *Attack, l *Log, created time.Time) {
	key := OnlineKey(s.t, 2, "online-2", true, "ann", "bob")
	a.Back, a.BackAt = frame(s.t, l.EvidenceAt(s.t, 0, created, key, "online-2")), created.Add(hour)
}

// poisoned is a newcomer who was shown a log with garbage in release 2's place.
func (s *stage) poisoned() trust.State {
	e := s.forged(0, Now, s.notes[3], s.releases[1].Text(), "garbage", s.releases[3].Text())
	l := s.log(3)
	return s.client(trust.State{Pack: s.packs[0]}, Now.Add(hour), e, s.snapshot(l, 3, s.notes[3], s.packs[3]))
}

// ahead is the victim after the online key's thief signed a checkpoint at the
// very end of the key's life.
func (s *stage) ahead() trust.State {
	return s.client(s.victim(), Now.Add(hour), s.signed(s.log(2), 2, Now.Add(trust.MaxOnline-time.Second)), nil)
}

var arbitrary = []row{
	{"rules that nobody signed", "arbitrary rules", nothing, "unsigned", func(s *stage, a *Attack) {
		a.Update = s.snapshot(s.log(3), 3, s.next(2, s.evil, nil).Text(), s.evil)
	}},
	{"rules that a stranger signed", "arbitrary rules", nothing, "unsigned", func(s *stage, a *Attack) {
		a.Update = s.snapshot(s.log(3), 3, Sign(s.t, s.next(2, s.evil, nil), "mal", "mel"), s.evil)
	}},
	{"other rules under a signed release", "arbitrary rules", nothing, "mismatch", func(s *stage, a *Attack) {
		a.Update = s.delta(s.log(3), 3, s.notes[3], s.evil)
	}},
	{"rules that one maintainer signed", "one stolen maintainer key", one, "unsigned", func(s *stage, a *Attack) {
		a.Update = s.snapshot(s.log(3), 3, Sign(s.t, s.next(2, s.evil, nil), "ann"), s.evil)
	}},
	{"rules that one maintainer signed twice", "one stolen maintainer key", one, "unsigned", func(s *stage, a *Attack) {
		msg := Sign(s.t, s.next(2, s.evil, nil), "ann", "mal")
		a.Update = s.snapshot(s.log(3), 3, msg+msg[strings.LastIndex(msg, "\n\n")+2:], s.evil)
	}},
	{"rules that one maintainer signed, at the end of the log", "one stolen maintainer key", oneAnd, "unsigned", func(s *stage, a *Attack) {
		l := s.log(2, Sign(s.t, s.next(2, s.evil, nil), "ann"))
		a.Log, a.Update = frame(s.t, s.signed(l, 2, Now.Add(hour))), s.snapshot(l, 3, Sign(s.t, s.next(2, s.evil, nil), "ann"), s.evil)
	}},
	{"rules that one maintainer signed, within the log", "one stolen maintainer key", oneAnd, "unsigned", func(s *stage, a *Attack) {
		evil := Sign(s.t, s.next(2, s.evil, nil), "ann")
		four := Sign(s.t, s.next(3, s.packs[2], nil), "ann", "bob")
		l := s.log(2, evil, four)
		a.Log, a.Update = frame(s.t, s.signed(l, 2, Now.Add(hour))), s.snapshot(l, 3, evil, s.evil)
	}},
	{"an online key that one maintainer lends to himself", "one stolen maintainer key", one, "unsigned", func(s *stage, a *Attack) {
		a.Log = frame(s.t, s.log(3).EvidenceAt(s.t, 2, Now.Add(hour), OnlineKey(s.t, 2, "mal", true, "ann"), "mal"))
	}},
	{"signed rules that are not in the log", "wrong log", two, "log", func(s *stage, a *Attack) {
		a.Update = s.snapshot(s.log(3), 4, Sign(s.t, s.next(3, s.evil, nil), "ann", "bob"), s.evil)
	}},
	{"signed rules in another's place of the log", "wrong log", two, "log", func(s *stage, a *Attack) {
		a.Update = s.snapshot(s.log(3), 3, Sign(s.t, s.next(2, s.evil, nil), "ann", "bob"), s.evil)
	}},
	{"a checkpoint that a stranger signed", "wrong log", nothing, "unsigned", func(s *stage, a *Attack) {
		a.Log = frame(s.t, s.log(3).EvidenceAt(s.t, 2, Now.Add(hour), s.key, "mal"))
	}},
	{"a log whose head nobody signed", "stolen online key", online, "unsigned", func(s *stage, a *Attack) {
		evil := s.next(2, s.evil, nil)
		a.Log = frame(s.t, s.forged(2, Now.Add(hour), Sign(s.t, evil, "mal", "mel"), s.leaves(2, evil.Text())...))
		a.Update = s.snapshot(s.log(3), 3, Sign(s.t, evil, "mal", "mel"), s.evil)
	}},
	{"rules that the online key signed", "stolen online key", online, "unsigned", func(s *stage, a *Attack) {
		evil := s.next(2, s.evil, nil)
		a.Log = frame(s.t, s.forged(2, Now.Add(hour), s.sign(evil.Text(), Online), s.leaves(2, evil.Text())...))
		a.Update = s.snapshot(s.log(3), 3, s.sign(evil.Text(), Online), s.evil)
	}},
}

var audiences = []row{
	{"a preview for a client of the stable channel", "mix and match", nothing, "others", func(s *stage, a *Attack) {
		s.only(a, func(r *trust.Release) { r.Channel = trust.Preview })
	}},
	{"a rollout to ten percent for one outside", "mix and match", nothing, "others", func(s *stage, a *Attack) {
		s.only(a, func(r *trust.Release) { r.Rollout = 10 })
		a.Client.Bucket = 10
	}},
	{"a preview for a client of the preview channel", Control, nothing, "", func(s *stage, a *Attack) {
		s.only(a, func(r *trust.Release) { r.Channel = trust.Preview })
		a.Client.Channel = trust.Preview
	}},
	{"a rollout to ten percent for one of them", Control, nothing, "", func(s *stage, a *Attack) {
		s.only(a, func(r *trust.Release) { r.Rollout = 10 })
		a.Client.Bucket = 9
	}},
}

// only makes release 3 one for some clients.
func (s *stage) only(a *Attack, change func(*trust.Release)) {
	msg := Sign(s.t, s.next(2, s.packs[3], change), "ann", "bob")
	l := s.log(2, msg)
	a.Log, a.Update = frame(s.t, s.signed(l, 2, Now.Add(hour))), s.delta(l, 3, msg, s.packs[3])
	s.back(a, l, Now.Add(hour))
}
