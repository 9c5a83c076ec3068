// SPDX-License-Identifier: Apache-2.0

package abi

import (
	"encoding/json"
	"testing"

	"haechi/rules/trust/trusttest"
)

// FuzzCall: whatever a host sends, the answer holds ok or an error, and the
// session goes on with rules that somebody signed or the host itself gave.
func FuzzCall(f *testing.F) {
	pack := trusttest.Pack(f, "drum", "kite")
	good, err := json.Marshal(Request{Op: "rules", Pack: pack.Encode()})
	if err != nil {
		f.Fatal(err)
	}
	f.Add(good)
	for _, request := range []string{
		``, `{}`, `{"op":"info"}`, `{"op":"load","dir":"/model"}`, `{"op":"classify","inputs":["x"]}`,
		`{"op":"rules","pack":{"format":1,"rules":[]},"memory":"{\"sequence\":7}"}`,
		`{"op":"check","text":"The kite comes from elsewhere. 😀","units":"utf16","tiers":"ABC"}`,
		`{"op":"check","text":"# kite\n- elsewhere","question":"Where does the kite come from?"}`,
		`{"op":"card","rule":"kite","proposition":"origin","lang":"ko"}`,
	} {
		f.Add([]byte(request))
	}
	for _, a := range trusttest.Attacks(f) {
		if len(a.Log)+len(a.Update) > 32<<10 || !json.Valid(a.Update) && a.Update != nil || !json.Valid(a.Log) {
			continue
		}
		request, err := json.Marshal(Request{Op: "update", Trust: &a.Root, Now: a.Now.Unix(), Client: a.Client, Log: a.Log, Frame: a.Update})
		if err != nil {
			f.Fatal(err)
		}
		f.Add(request)
	}
	var s Session
	fresh := false // s is as good left it; making an engine takes most of the time
	f.Fuzz(func(t *testing.T, request []byte) {
		if !fresh {
			s = Session{}
			s.Call(good)
		}
		var a struct{ OK, Error json.RawMessage }
		if err := json.Unmarshal(s.Call(request), &a); err != nil || (a.OK == nil) == (a.Error == nil) {
			t.Fatalf("%q is answered ok %s, error %s, %v", request, a.OK, a.Error, err)
		}
		fresh = a.OK == nil
		if s.state.Pack.Hash() != s.engine.Hash() {
			t.Fatalf("after %q the engine has other rules than the session", request)
		}
		if a.Error != nil && s.state.Pack.Hash() != pack.Hash() {
			t.Fatalf("%q is refused, and changed the rules", request)
		}
		if err := json.Unmarshal(s.Call([]byte(`{"op":"info"}`)), &a); err != nil || a.OK == nil {
			t.Fatalf("after %q the session is gone: %v", request, err)
		}
	})
}
