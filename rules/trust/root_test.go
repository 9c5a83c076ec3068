// SPDX-License-Identifier: Apache-2.0

package trust_test

import (
	"crypto/ed25519"
	"encoding/json"
	"strings"
	"testing"

	"golang.org/x/mod/sumdb/note"

	"haechi/rules/trust"
	"haechi/rules/trust/trusttest"
)

func TestParseRootReadsWhatJSONWrites(t *testing.T) {
	want := trusttest.Root(t, 2, "ann", "bob", "eve")
	data, err := json.Marshal(want)
	if err != nil {
		t.Fatal(err)
	}
	got, err := trust.ParseRoot(data)
	if err != nil {
		t.Fatal(err)
	}
	if got.Threshold != 2 || strings.Join(got.Keys, " ") != strings.Join(want.Keys, " ") {
		t.Errorf("got %+v, want %+v", got, want)
	}
}

func TestParseRootRefuses(t *testing.T) {
	_, _, ann := trusttest.Key(t, "ann")
	_, _, bob := trusttest.Key(t, "bob")
	quoted := func(keys ...string) string { b, _ := json.Marshal(keys); return string(b) }
	for name, root := range map[string]string{
		"nothing":              ``,
		"no JSON":              `threshold: 1`,
		"no keys":              `{"version":1,"threshold":1,"keys":[]}`,
		"no version":           `{"threshold":1,"keys":` + quoted(ann) + `}`,
		"threshold 0":          `{"version":1,"threshold":0,"keys":` + quoted(ann) + `}`,
		"negative threshold":   `{"version":1,"threshold":-1,"keys":` + quoted(ann) + `}`,
		"threshold above keys": `{"version":1,"threshold":3,"keys":` + quoted(ann, bob) + `}`,
		"malformed key":        `{"version":1,"threshold":1,"keys":["ann+12345678+AAAA"]}`,
		"same key twice":       `{"version":1,"threshold":2,"keys":` + quoted(ann, ann) + `}`,
		"unknown field":        `{"version":1,"threshold":1,"keys":` + quoted(ann) + `,"treshold":2}`,
		"text after the end":   `{"version":1,"threshold":1,"keys":` + quoted(ann) + `}{}`,
		"too many keys":        `{"version":1,"threshold":1,"keys":` + quoted(make([]string, trust.MaxKeys+1)...) + `}`,
	} {
		if _, err := trust.ParseRoot([]byte(root)); err == nil {
			t.Errorf("%s: accepted", name)
		}
	}
}

// One maintainer must not reach a threshold of two with one key under two names.
func TestRootRefusesOneKeyUnderTwoNames(t *testing.T) {
	public := ed25519.NewKeyFromSeed(make([]byte, ed25519.SeedSize)).Public().(ed25519.PublicKey)
	var root trust.Root
	root.Version, root.Threshold = 1, 2
	for _, name := range []string{"ann", "ann2"} {
		key, err := note.NewEd25519VerifierKey(name, public)
		if err != nil {
			t.Fatal(err)
		}
		root.Keys = append(root.Keys, key)
	}
	// Base64 is read with line breaks in it: the same key, written otherwise.
	broken := root
	broken.Keys = []string{root.Keys[0], root.Keys[1][:len(root.Keys[1])-2] + "\n" + root.Keys[1][len(root.Keys[1])-2:]}
	if _, err := note.NewVerifier(broken.Keys[1]); err != nil {
		t.Fatal(err)
	}
	for name, root := range map[string]trust.Root{"two names": root, "two spellings": broken} {
		data, _ := json.Marshal(root)
		if _, err := trust.ParseRoot(data); err == nil {
			t.Errorf("%s: ParseRoot accepted it", name)
		}
		// A Root that never went through ParseRoot is held to the same.
		msg := trusttest.Sign(t, trusttest.Release(1, nil, trusttest.Pack(t, "a")), "ann")
		if _, err := trust.Open([]byte(msg), root); err == nil {
			t.Errorf("%s: Open accepted it", name)
		}
	}
}
