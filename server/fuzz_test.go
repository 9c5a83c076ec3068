// SPDX-License-Identifier: Apache-2.0

package main

import (
	"bytes"
	"encoding/json"
	"log/slog"
	"net/http"
	"net/http/httptest"
	"os"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"haechi/rules"
	"haechi/rules/trust"
	"haechi/rules/trust/trusttest"
	"haechi/server/publish"
	"haechi/server/store"
	"haechi/wasm/detect"
)

// desk takes pushes to the baseline a, b under the key ann, without a network.
type desk struct {
	publisher *publish.Publisher
	handler   http.Handler
	release   string // the only one that is signed: it adds the rule c
}

func newDesk(f *testing.F) *desk {
	f.Helper()
	st, err := store.Open(f.TempDir(), []rules.Rule{trusttest.Rule("a"), trusttest.Rule("b")}, nil)
	if err != nil {
		f.Fatal(err)
	}
	f.Cleanup(func() { st.Close() })
	online, _, _ := trusttest.Key(f, trusttest.Online)
	d := &desk{release: trusttest.Sign(f, trusttest.Release(1, nil, trusttest.Pack(f, "a", "b", "c")), "ann")}
	d.publisher, err = publish.New(st, publish.Config{
		Root: trusttest.Root(f, 1, "ann"), Online: online, OnlineKey: trusttest.OnlineKey(f, 1, trusttest.Online, false, "ann"),
		Now: func() time.Time { return trusttest.Now }, Announce: func() {},
	})
	if err != nil {
		f.Fatal(err)
	}
	a := &api{
		publisher: d.publisher, pushes: make(chan struct{}, maxPushes), snapshots: make(chan struct{}, maxPushes),
		metrics: newMetrics(), log: slog.New(slog.DiscardHandler),
	}
	d.handler = a.handler(nil, http.NotFoundHandler())
	return d
}

// post holds the answer to a push against what may be: a refusal with a reason,
// or the one release that was signed.
func (d *desk) post(t *testing.T, body []byte) {
	t.Helper()
	r := httptest.NewRequest("POST", "/v1/releases", bytes.NewReader(body))
	r.Header.Set("Content-Type", "application/json")
	w := httptest.NewRecorder()
	d.handler.ServeHTTP(w, r)
	var answer struct {
		Error *publish.Refusal `json:"error"`
	}
	if err := json.Unmarshal(w.Body.Bytes(), &answer); err != nil {
		t.Fatalf("%q is answered %d %s", body, w.Code, w.Body)
	}
	if w.Code != http.StatusCreated && (w.Code < 400 || w.Code >= 500 || answer.Error == nil || answer.Error.Code == "") {
		t.Fatalf("%q is answered %d %s", body, w.Code, w.Body)
	}
	switch head := d.publisher.Head(trust.Stable); {
	case head.Sequence == 0 && head.Pack == trusttest.Pack(t, "a", "b").Hash():
	case head.Sequence == 1 && head.Pack == trusttest.Pack(t, "a", "b", "c").Hash():
	default:
		t.Fatalf("%q led to %+v, which nobody signed", body, head)
	}
}

// FuzzPush posts any body.
func FuzzPush(f *testing.F) {
	d := newDesk(f)
	good, err := json.Marshal(publish.Push{Release: d.release, Files: []json.RawMessage{rules.Format(trusttest.Rule("c"))}})
	if err != nil {
		f.Fatal(err)
	}
	restore := uint64(0)
	odd, err := json.Marshal(publish.Push{Release: d.release, Remove: []string{"a"}, Disable: []string{"b"}, Restore: &restore, Online: trusttest.OnlineKey(f, 2, trusttest.Online, false, "ann")})
	if err != nil {
		f.Fatal(err)
	}
	for _, body := range []string{string(good), string(odd), `{}`, `[]`, `{"release":"","files":[1],"remove":null}`} {
		f.Add([]byte(body))
	}
	f.Fuzz(func(t *testing.T, body []byte) { d.post(t, body) })
}

// FuzzPushedFile posts any files under the release that is signed: behind the
// signature the parsers have to hold too.
func FuzzPushedFile(f *testing.F) {
	d := newDesk(f)
	f.Add([]byte(rules.Format(trusttest.Rule("b"))), "a", "b", uint64(0), "")
	f.Add([]byte(`{"id":"c"}`), "", "", uint64(1), trusttest.OnlineKey(f, 2, trusttest.Online, false, "ann"))
	f.Fuzz(func(t *testing.T, file []byte, remove, disable string, restore uint64, online string) {
		push := publish.Push{Release: d.release, Files: []json.RawMessage{file}, Remove: []string{remove}, Disable: []string{disable}, Restore: &restore, Online: online}
		body, err := json.Marshal(push)
		if err != nil {
			return // a file that is no JSON cannot be sent
		}
		d.post(t, body)
	})
}

// FuzzDraft: a draft that is read is written and read as the same.
func FuzzDraft(f *testing.F) {
	dir := f.TempDir()
	file, again := filepath.Join(dir, "a.push"), filepath.Join(dir, "b.push")
	push := publish.Push{Release: trusttest.Sign(f, trusttest.Release(1, nil, trusttest.Pack(f, "a")), "ann"), Files: []json.RawMessage{rules.Format(trusttest.Rule("c"))}, Remove: []string{"a"}}
	if err := writeDraft(file, push); err != nil {
		f.Fatal(err)
	}
	data, err := os.ReadFile(file)
	if err != nil {
		f.Fatal(err)
	}
	f.Add(data)
	f.Add([]byte(`{"release":"x","restore":0,"disable":["<a>"]}`))
	f.Fuzz(func(t *testing.T, data []byte) {
		if err := os.WriteFile(file, data, 0o600); err != nil {
			t.Fatal(err)
		}
		push, err := readDraft(file)
		if err != nil {
			return
		}
		if err := writeDraft(again, push); err != nil {
			t.Fatalf("%q is read, but not written: %v", data, err)
		}
		back, err := readDraft(again)
		if err != nil {
			t.Fatalf("%q is written as what is not read: %v", data, err)
		}
		one, _ := json.Marshal(push)
		two, _ := json.Marshal(back)
		if !bytes.Equal(one, two) {
			t.Fatalf("%q is read as %s, then as %s", data, one, two)
		}
	})
}

// FuzzCheckLines: each line that is not blank is answered by one line, with
// findings that lie in its text or with an error.
func FuzzCheckLines(f *testing.F) {
	for _, lines := range []string{
		`{"id":1,"text":"The kite comes from elsewhere.","question":"Where?"}` + "\n" + `{"id":"b","text":""}` + "\n",
		`{"id":null}` + "\n\n" + `[]` + "\nx", "\xff\n", `{"text":"# kite\n- elsewhere"}`, `{"id":{"a":[1]},"text":"연가 elsewhere가"}`,
	} {
		f.Add([]byte(lines))
	}
	c := nativeChecker{engine: detect.New(trusttest.Pack(f, "kite"), nil)}
	f.Fuzz(func(t *testing.T, in []byte) {
		want := 0
		for line := range bytes.SplitSeq(in, []byte("\n")) {
			if len(bytes.TrimSpace(line)) > 0 {
				want++
			}
		}
		var out strings.Builder
		if err := checkLines(c, "ABC", bytes.NewReader(in), &out); err != nil {
			t.Fatal(err)
		}
		lines := strings.Split(strings.TrimSuffix(out.String(), "\n"), "\n")
		if out.Len() == 0 {
			lines = nil
		}
		if len(lines) != want {
			t.Fatalf("%d lines are answered by %d:\n%q\n%s", want, len(lines), in, out.String())
		}
		for _, line := range lines {
			var answer struct {
				Findings *[]struct{ Start, End int }
				Error    *string
			}
			if err := json.Unmarshal([]byte(line), &answer); err != nil || (answer.Findings == nil) == (answer.Error == nil) {
				t.Fatalf("%q is answered %s: %v", in, line, err)
			}
		}
	})
}
