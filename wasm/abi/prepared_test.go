// SPDX-License-Identifier: Apache-2.0

package abi

import (
	"bytes"
	"encoding/json"
	"strings"
	"testing"

	"haechi/rules/trust/trusttest"
	"haechi/wasm/detect"
)

// asserting is a classifier to which everything is asserted.
type asserting struct{}

func (asserting) Model() detect.Model {
	return detect.Model{ID: "asserting", Temperature: 1, Unseen: map[string]float64{"A": 0.5, "B": 0.5, "C": 0.5}}
}

func (asserting) Classify(inputs []string) ([]detect.Logits, error) {
	out := make([]detect.Logits, len(inputs))
	for i := range out {
		out[i][detect.Asserts] = 9
	}
	return out, nil
}

func session(t *testing.T) *Session {
	t.Helper()
	s := &Session{Load: func(string) (detect.Classifier, error) { return asserting{}, nil }}
	ask(t, s, Request{Op: "load"}, nil, &Loaded{})
	return s
}

// ask sends a request with what follows it, and returns what follows the answer.
func ask(t *testing.T, s *Session, q Request, attached []byte, ok any) []byte {
	t.Helper()
	request, err := json.Marshal(q)
	if err != nil {
		t.Fatal(err)
	}
	if attached != nil {
		request = append(append(request, '\n'), attached...)
	}
	line, rest, _ := bytes.Cut(s.Call(request), []byte("\n"))
	var a struct {
		OK    json.RawMessage
		Error *Error
	}
	if err := json.Unmarshal(line, &a); err != nil {
		t.Fatal(err)
	}
	if a.Error != nil {
		t.Fatalf("%s: %v", q.Op, a.Error)
	}
	if err := json.Unmarshal(a.OK, ok); err != nil {
		t.Fatal(err)
	}
	return rest
}

// TestPreparedRulesJudgeAlike: an engine that was given an index finds the
// same, shows the same card and takes the same update as one that read the pack.
func TestPreparedRulesJudgeAlike(t *testing.T) {
	pack := trusttest.Pack(t, "drum", "kite").Encode()
	slow := session(t)
	var was, is Ruled
	ask(t, slow, Request{Op: "rules", Pack: pack}, nil, &was)
	var made Indexed
	index := ask(t, slow, Request{Op: "index"}, nil, &made)
	if made.Index != len(index) || len(index) == 0 {
		t.Fatalf("an index of %d bytes, the answer says %d", len(index), made.Index)
	}
	quick := session(t)
	ask(t, quick, Request{Op: "rules", Index: len(index)}, append(bytes.Clone(index), pack...), &is)
	if was.Prepared || !is.Prepared || was.Rules != is.Rules || was.Hash != is.Hash {
		t.Errorf("from the pack %+v, from the index %+v", was, is)
	}
	for _, q := range []Request{
		{Op: "check", Text: "The kite comes from elsewhere. The drum too is from elsewhere."},
		{Op: "card", Rule: "kite", Proposition: "origin", Lang: "en"},
		{Op: "info"},
		{Op: "index"},
	} {
		request, err := json.Marshal(q)
		if err != nil {
			t.Fatal(err)
		}
		a, b := string(slow.Call(request)), string(quick.Call(request))
		if a != b || !strings.HasPrefix(a, `{"ok"`) || q.Op == "check" && !strings.Contains(a, `"kite"`) {
			t.Errorf("%s: %.300s\nfrom the index: %.300s", q.Op, a, b)
		}
	}
	if quick.raw == nil {
		t.Error("the pack was read, though nothing needs it")
	}
}

// TestUselessIndexIsLeftAside: the pack behind it counts then.
func TestUselessIndexIsLeftAside(t *testing.T) {
	pack := trusttest.Pack(t, "drum").Encode()
	var got Ruled
	ask(t, session(t), Request{Op: "rules", Index: 5}, append([]byte("stale"), pack...), &got)
	if got.Prepared || got.Rules != 1 {
		t.Errorf("%+v", got)
	}
	degraded := &Session{} // patterns are in the pack only
	index := session(t).engine.Prepared()
	ask(t, degraded, Request{Op: "rules", Index: len(index)}, append(index, pack...), &got)
	if got.Prepared || got.Rules != 1 {
		t.Errorf("without a classifier: %+v", got)
	}
}

func TestWhatFollowsARequestIsAccountedFor(t *testing.T) {
	s := session(t)
	for _, request := range []string{
		`{"op":"info"}` + "\nmore", `{"op":"rules","index":9}` + "\nshort", `{"op":"rules","index":-1}` + "\nx", `{"op":"rules"}` + "\n{}",
	} {
		if a := string(s.Call([]byte(request))); !strings.Contains(a, CodeUsage) {
			t.Errorf("%q: %s", request, a)
		}
	}
}
