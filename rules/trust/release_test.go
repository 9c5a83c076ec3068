// SPDX-License-Identifier: Apache-2.0

package trust_test

import (
	"errors"
	"fmt"
	"strings"
	"testing"
	"time"

	"golang.org/x/mod/sumdb/note"

	"haechi/rules"
	"haechi/rules/trust"
	"haechi/rules/trust/trusttest"
)

func TestReleaseTextIsTheContract(t *testing.T) {
	r := trust.Release{
		Sequence: 3, Previous: strings.Repeat("ab", 32), Pack: strings.Repeat("cd", 32), Size: 1234,
		Created: time.Date(2026, 11, 24, 17, 0, 0, 999, time.FixedZone("KST", 9*3600)),
		Expires: time.Date(2027, 11, 24, 8, 0, 0, 0, time.UTC),
		Channel: trust.Preview, Rollout: 10, Under: 4,
	}
	want := "haechi release v2\n" +
		"sequence 3\n" +
		"previous " + strings.Repeat("ab", 32) + "\n" +
		"pack " + strings.Repeat("cd", 32) + "\n" +
		"size 1234\n" +
		"created 2026-11-24T08:00:00Z\n" +
		"expires 2027-11-24T08:00:00Z\n" +
		"channel preview\n" +
		"rollout 10\n" +
		"under 4\n"
	if got := r.Text(); got != want {
		t.Errorf("got\n%s\nwant\n%s", got, want)
	}
}

func TestOpenReturnsWhatWasSigned(t *testing.T) {
	first := trusttest.Release(1, nil, trusttest.Pack(t, "a"))
	want := trusttest.Release(2, &first, trusttest.Pack(t, "a", "b"))
	got, err := trust.Open([]byte(trusttest.Sign(t, want, "ann")), trusttest.Root(t, 1, "ann"))
	if err != nil {
		t.Fatal(err)
	}
	if got != want {
		t.Errorf("got %+v, want %+v", got, want)
	}
	if got.Previous != first.TextHash() {
		t.Error("previous is not the hash of the first release's text")
	}
}

func TestOpenCountsSignatures(t *testing.T) {
	r := trusttest.Release(1, nil, trusttest.Pack(t, "a"))
	text, _, _ := strings.Cut(trusttest.Sign(t, r, "ann"), "\n\n")
	lines := func(names ...string) string {
		s := text + "\n\n"
		for _, name := range names {
			_, sigs, _ := strings.Cut(trusttest.Sign(t, r, name), "\n\n")
			s += sigs
		}
		return s
	}
	spoilt := lines("ann")
	spoilt = spoilt[:len(spoilt)-10] + "AAAAAAA==\n"
	two := trusttest.Root(t, 2, "ann", "bob", "eve")
	one := trusttest.Root(t, 1, "ann")
	for _, c := range []struct {
		name string
		msg  string
		root trust.Root
		ok   bool
	}{
		{"1 of 1", lines("ann"), one, true},
		{"1 of 1 beside an unknown key", lines("mal", "ann"), one, true},
		{"wrong key", lines("mal"), one, false},
		{"no signature", text + "\n", one, false},
		{"an empty signature block", text + "\n\n", one, false},
		{"a spoilt signature", spoilt, one, false},
		{"a good and a spoilt signature", spoilt + strings.SplitN(lines("bob"), "\n\n", 2)[1], two, false},
		{"2 of 3", lines("ann", "eve"), two, true},
		{"3 of 3", lines("ann", "bob", "eve"), two, true},
		{"1 of 3", lines("bob"), two, false},
		{"1 of 3 and an unknown key", lines("bob", "mal"), two, false},
		{"the same key twice", lines("bob", "bob"), two, false},
		{"another text under the signature", strings.Replace(lines("ann"), "sequence 1", "sequence 2", 1), one, false},
		{"nothing", "", one, false},
		{"a root without keys", lines("ann"), trust.Root{}, false},
	} {
		_, err := trust.Open([]byte(c.msg), c.root)
		if c.ok && err != nil {
			t.Errorf("%s: %v", c.name, err)
		}
		if !c.ok && err == nil {
			t.Errorf("%s: accepted", c.name)
		}
		if !c.ok && c.root.Threshold > 0 && !errors.Is(err, trust.ErrUnsigned) {
			t.Errorf("%s: got %v, want ErrUnsigned", c.name, err)
		}
	}
}

func TestOpenRefusesSignedTextInAnotherForm(t *testing.T) {
	signer, _, _ := trusttest.Key(t, "ann")
	root := trusttest.Root(t, 1, "ann")
	good := trusttest.Release(7, &trust.Release{Under: 1}, trusttest.Pack(t, "a")).Text()
	swap := func(old, new string) string {
		if !strings.Contains(good, old) {
			t.Fatalf("no %q in\n%s", old, good)
		}
		return strings.Replace(good, old, new, 1)
	}
	lines := strings.SplitAfter(good, "\n")
	for name, c := range map[string]struct {
		text string
		want error
	}{
		"another heading":         {swap("release v2", "release v1"), trust.ErrInvalid},
		"a line more":             {good + "note x\n", trust.ErrInvalid},
		"a line less":             {strings.Join(lines[:9], ""), trust.ErrInvalid},
		"fields in another order": {lines[0] + lines[2] + lines[1] + strings.Join(lines[3:], ""), trust.ErrInvalid},
		"leading zero":            {swap("sequence 7", "sequence 07"), trust.ErrInvalid},
		"plus sign":               {swap("sequence 7", "sequence +7"), trust.ErrInvalid},
		"sequence 0":              {swap("sequence 7", "sequence 0"), trust.ErrInvalid},
		"sequence beyond 2^53":    {swap("sequence 7", "sequence 9007199254740992"), trust.ErrInvalid},
		"sequence beyond 64 bits": {swap("sequence 7", "sequence 99999999999999999999"), trust.ErrInvalid},
		"size 0":                  {swap(lines[4], "size 0\n"), trust.ErrInvalid},
		"negative size":           {swap(lines[4], "size -5\n"), trust.ErrInvalid},
		"a giant pack":            {swap(lines[4], fmt.Sprintf("size %d\n", rules.MaxPack+1)), trust.ErrTooLarge},
		"upper-case hash":         {swap(lines[3], "pack "+strings.Repeat("AB", 32)+"\n"), trust.ErrInvalid},
		"short hash":              {swap(lines[3], "pack abcd\n"), trust.ErrInvalid},
		"no previous":             {swap(lines[2], "previous "+trust.NoPrevious+"\n"), trust.ErrInvalid},
		"offset in time":          {swap("T08:00:00Z\nexpires", "T17:00:00+09:00\nexpires"), trust.ErrInvalid},
		"no such day":             {swap("created 2026-11-24", "created 2026-11-31"), trust.ErrInvalid},
		"expires when created":    {swap("expires 2027", "expires 2026"), trust.ErrInvalid},
		"no channel":              {swap("channel stable", "channel beta"), trust.ErrInvalid},
		"rollout 0":               {swap("rollout 100", "rollout 0"), trust.ErrInvalid},
		"no root":                 {swap("under 1", "under 0"), trust.ErrInvalid},
		"rollout 101":             {swap("rollout 100", "rollout 101"), trust.ErrInvalid},
		"a root without keys":     {good + "root 2 1\n", trust.ErrInvalid},
		"a root with a wrong key": {good + "root 2 1\nkey x\n", trust.ErrInvalid},
		"trailing space":          {swap("sequence 7", "sequence 7 "), trust.ErrInvalid},
	} {
		msg, err := note.Sign(&note.Note{Text: c.text}, signer)
		if err != nil {
			t.Fatal(err)
		}
		if _, err := trust.Open(msg, root); !errors.Is(err, c.want) {
			t.Errorf("%s: got %v, want %v", name, err, c.want)
		}
	}
	huge := append([]byte(good), make([]byte, trust.MaxNote)...)
	if _, err := trust.Open(huge, root); !errors.Is(err, trust.ErrTooLarge) {
		t.Errorf("huge note: %v", err)
	}
}

func TestSignRefusesWhatNoClientAccepts(t *testing.T) {
	signer, _, _ := trusttest.Key(t, "ann")
	good := trusttest.Release(1, nil, trusttest.Pack(t, "a"))
	if _, err := trust.Sign(good); err == nil {
		t.Error("signed without a signer")
	}
	for name, change := range map[string]func(*trust.Release){
		"sequence 0":   func(r *trust.Release) { r.Sequence = 0 },
		"no hash":      func(r *trust.Release) { r.Pack = "" },
		"line break":   func(r *trust.Release) { r.Pack = "a\nb" },
		"too large":    func(r *trust.Release) { r.Size = rules.MaxPack + 1 },
		"born expired": func(r *trust.Release) { r.Expires = r.Created },
		"no first":     func(r *trust.Release) { r.Sequence = 2 },
	} {
		r := good
		change(&r)
		if _, err := trust.Sign(r, signer); err == nil {
			t.Errorf("%s: signed", name)
		}
	}
}
