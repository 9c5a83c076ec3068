// SPDX-License-Identifier: Apache-2.0

// Package trusttest makes what tests of trust and of the server need: call
// [Rule] for a valid rule, [Key] for a maintainer's key, [Sign] for a release
// and [Log] for the log of releases with its evidence; [Attacks] is what every
// runner of the engine must refuse. Everything is derived from names, so golden
// files stay the same.
package trusttest

import (
	"crypto/ed25519"
	"crypto/sha256"
	"encoding/base64"
	"fmt"
	"runtime/debug"
	"slices"
	"strings"
	"testing"
	"time"

	"golang.org/x/mod/sumdb/note"

	"haechi/rules"
	"haechi/rules/trust"
)

// Now is the instant at which the releases of [Sign] are created. They expire
// a year later.
var Now = time.Date(2026, 11, 24, 8, 0, 0, 0, time.UTC)

// Online is the name whose key signs checkpoints in [Log.Evidence].
const Online = "online"

// Rule returns a valid rule with examples about an invented thing called id.
func Rule(id string) rules.Rule {
	four := func(s string) rules.Text {
		return rules.Text{"ko": s + " 한국어", "en": s + " English", "ja": s + " 日本語", "zh": s + " 中文"}
	}
	words := func(s string) rules.Words {
		return rules.Words{"ko": {{Text: s + "가"}}, "en": {{Text: s}}, "ja": {{Text: s + "あ"}}, "zh": {{Text: s + "中"}}}
	}
	r := rules.Rule{
		ID: id, Category: "culture", Tier: rules.TierFalse,
		Title:   four("title of " + id),
		Subject: words(id),
		Propositions: []rules.Proposition{{
			ID: "origin", Text: four("claim on " + id), Wrong: words("elsewhere"),
			Patterns: map[string][]string{},
		}},
		Correction: four("correction for " + id),
		Sources: []rules.Source{
			{Title: "Records of " + id, Publisher: "A Museum", Year: 2001, URL: "https://museum.example/" + id, Lang: "en"},
			{Title: "Study of " + id, Publisher: "An Academy", Year: 2012, URL: "https://academy.example/" + id, Lang: "en"},
		},
		Examples: map[string]rules.Examples{},
	}
	for _, lang := range rules.Languages {
		r.Propositions[0].Patterns[lang] = []string{"{subject}…{wrong}"}
		var x rules.Examples
		for i := range rules.MinHits {
			x.Hit = append(x.Hit, rules.Example{Text: fmt.Sprintf("%s hit %d", lang, i)})
		}
		for i := range rules.MinMisses {
			x.Miss = append(x.Miss, rules.Example{Text: fmt.Sprintf("%s miss %d", lang, i)})
		}
		r.Examples[lang] = x
	}
	return r
}

// Pack returns the pack of the rules with these ids.
func Pack(t testing.TB, ids ...string) rules.Pack {
	t.Helper()
	var rs []rules.Rule
	for _, id := range ids {
		rs = append(rs, Rule(id))
	}
	p, err := rules.NewPack(rs)
	if err != nil {
		t.Fatal(err)
	}
	return p
}

// Key returns the signer of a name, the private key it is made from and its
// public key. The same name always has the same key.
func Key(t testing.TB, name string) (signer note.Signer, private, public string) {
	t.Helper()
	seed := sha256.Sum256([]byte("haechi test key " + name))
	key := ed25519.NewKeyFromSeed(seed[:])
	public, err := note.NewEd25519VerifierKey(name, key.Public().(ed25519.PublicKey))
	if err != nil {
		t.Fatal(err)
	}
	// The form that note.GenerateKey writes; 1 is the note package's Ed25519.
	keyHash := strings.Split(public, "+")[1]
	private = "PRIVATE+KEY+" + name + "+" + keyHash + "+" + base64.StdEncoding.EncodeToString(append([]byte{1}, seed[:]...))
	signer, err = note.NewSigner(private)
	if err != nil {
		t.Fatal(err)
	}
	return signer, private, public
}

// Root returns the root under which threshold of the named keys must sign.
func Root(t testing.TB, threshold int, names ...string) trust.Root {
	t.Helper()
	root := trust.Root{Version: 1, Threshold: threshold}
	for _, name := range names {
		_, _, public := Key(t, name)
		root.Keys = append(root.Keys, public)
	}
	return root
}

// Release returns the unsigned release of a pack. previous is the release
// before it, nil for sequence 1.
func Release(sequence uint64, previous *trust.Release, pack rules.Pack) trust.Release {
	hash, size := pack.Sum()
	r := trust.Release{
		Sequence: sequence, Previous: trust.NoPrevious,
		Pack: hash, Size: size,
		Created: Now, Expires: Now.AddDate(1, 0, 0),
		Channel: trust.Stable, Rollout: trust.Everyone, Under: 1,
	}
	if previous != nil {
		r.Previous, r.Under = previous.TextHash(), previous.Under
		if previous.Root != nil {
			r.Under = previous.Root.Version
		}
	}
	return r
}

// Sign returns the note of a release signed by the named keys.
func Sign(t testing.TB, r trust.Release, names ...string) string {
	t.Helper()
	var signers []note.Signer
	for _, name := range names {
		signer, _, _ := Key(t, name)
		signers = append(signers, signer)
	}
	msg, err := trust.Sign(r, signers...)
	if err != nil {
		t.Fatal(err)
	}
	return string(msg)
}

// Log is an honest server's log of releases.
type Log struct {
	Keys string // names of the maintainers who sign the online key
	trust.Log
	head      string
	rotations map[uint64]string
}

// NewLog returns the log of the releases in these notes.
func NewLog(t testing.TB, keys string, notes ...string) *Log {
	t.Helper()
	l := &Log{Keys: keys, rotations: map[uint64]string{}}
	for _, msg := range notes {
		l.Add(t, msg)
	}
	return l
}

// Add appends the release in a note.
func (l *Log) Add(t testing.TB, msg string) {
	t.Helper()
	r, err := trust.ParseRelease([]byte(msg))
	if err == nil {
		err = l.Append(r)
	}
	if err != nil {
		t.Fatal(err)
	}
	l.head = msg
	if r.Root != nil {
		l.rotations[r.Sequence] = msg
	}
}

// Evidence is what the log's server says on Now to a client that saw from
// releases.
func (l *Log) Evidence(t testing.TB, from uint64) trust.Evidence {
	t.Helper()
	return l.EvidenceAt(t, from, Now, OnlineKey(t, 1, Online, false, strings.Fields(l.Keys)...), Online)
}

// EvidenceAt is Evidence with a checkpoint of another time, under the online
// key in a note, signed by the key of a name.
func (l *Log) EvidenceAt(t testing.TB, from uint64, created time.Time, key, online string) trust.Evidence {
	t.Helper()
	hash, err := l.Hash(l.Size())
	if err != nil {
		t.Fatal(err)
	}
	signer, _, _ := Key(t, online)
	checkpoint, err := trust.SignCheckpoint(trust.Checkpoint{Size: l.Size(), Hash: hash, Created: created, Expires: created.Add(trust.MaxCheckpoint)}, signer)
	if err != nil {
		t.Fatal(err)
	}
	e, err := l.Prove(from, key, string(checkpoint), l.head, l.rotations)
	if err != nil {
		t.Fatal(err)
	}
	return e
}

// OnlineKey returns the note that lends the key of a name to a server from Now
// for the longest time.
func OnlineKey(t testing.TB, version uint64, online string, forget bool, maintainers ...string) string {
	t.Helper()
	_, _, public := Key(t, online)
	var signers []note.Signer
	for _, name := range maintainers {
		signer, _, _ := Key(t, name)
		signers = append(signers, signer)
	}
	msg, err := trust.SignOnlineKey(trust.OnlineKey{Version: version, Key: public, Created: Now, Expires: Now.Add(trust.MaxOnline), Forget: forget}, signers...)
	if err != nil {
		t.Fatal(err)
	}
	return string(msg)
}

// RaceDetector reports whether the tests run under the race detector, which
// makes everything some ten times as slow and as large.
func RaceDetector() bool {
	info, ok := debug.ReadBuildInfo()
	return ok && slices.Contains(info.Settings, debug.BuildSetting{Key: "-race", Value: "true"})
}
