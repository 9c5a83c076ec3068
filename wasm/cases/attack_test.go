// SPDX-License-Identifier: Apache-2.0

package cases

import (
	"bytes"
	"context"
	"encoding/json"
	"fmt"
	"os"
	"reflect"
	"testing"

	"haechi/rules/trust/trusttest"
	"haechi/wasm/abi"
	"haechi/wasm/host"
)

// engine is whatever answers requests.
type engine func(request []byte) ([]byte, error)

// TestSessionRefusesAttacks runs the attacks of package trusttest as a host's
// requests.
func TestSessionRefusesAttacks(t *testing.T) {
	var s abi.Session
	withstand(t, func(request []byte) ([]byte, error) { return s.Call(request), nil })
}

// TestWasmRefusesAttacks runs them on what citizens run.
func TestWasmRefusesAttacks(t *testing.T) {
	const file = "../../dist/haechi.wasm"
	if _, err := os.Stat(file); err != nil {
		t.Fatalf("%v; run ./build.sh build first", err)
	}
	ctx := context.Background()
	h, err := host.Open(ctx, file, "", host.CacheDir(), trusttest.Pack(t, "drum"))
	if err != nil {
		t.Fatal(err)
	}
	defer h.Close(ctx)
	withstand(t, func(request []byte) ([]byte, error) { return h.Exchange(ctx, request) })
}

func withstand(t *testing.T, e engine) {
	for _, a := range trusttest.Attacks(t) {
		t.Run(a.Of+"/"+a.Name, func(t *testing.T) {
			start := func() {
				t.Helper()
				memory, err := json.Marshal(a.Have)
				if err != nil {
					t.Fatal(err)
				}
				e.must(t, request(t, abi.Request{Op: "rules", Pack: a.Have.Pack.Encode(), Memory: string(memory)}), &abi.Ruled{})
			}
			start()
			info, found := e.standing(t)
			if len(found.Findings) == 0 || info.Sequence != a.Have.Sequence {
				t.Fatalf("the client finds %d before the attack, at %d", len(found.Findings), info.Sequence)
			}
			want := a.Want
			if !json.Valid(a.Log) || a.Update != nil && !json.Valid(a.Update) {
				want = abi.CodeUsage // the frame spoils the request that it is put in
			}
			var updated abi.Updated
			refused := e.ask(t, update(t, a), &updated)
			after, foundAfter := e.standing(t)
			if want == "" {
				if refused != nil {
					t.Fatalf("refused: %s: %s", refused.Code, refused.Message)
				}
				if a.Update != nil && after.Sequence <= info.Sequence || after.Sequence != updated.Sequence {
					t.Errorf("accepted %d, and at %d", updated.Sequence, after.Sequence)
				}
				return
			}
			if refused == nil {
				t.Fatalf("accepted; want %s", want)
			}
			if refused.Code != want || refused.Message == "" {
				t.Errorf("%s (%s), want %s", refused.Code, refused.Message, want)
			}
			if !reflect.DeepEqual(after, info) {
				t.Errorf("the engine is not as it was: %+v, before %+v", after, info)
			}
			if got, want := fmt.Sprint(foundAfter), fmt.Sprint(found); got != want {
				t.Errorf("it finds %s, before %s", got, want)
			}
			// What the honest server leaves behind is the same as without the attack.
			back := a
			back.Log, back.Update, back.Now = a.Back, nil, a.BackAt
			var attacked, spared abi.Updated
			e.must(t, update(t, back), &attacked)
			start()
			e.must(t, update(t, back), &spared)
			if !reflect.DeepEqual(attacked, spared) {
				t.Errorf("the attack left something behind:\n%+v\nwithout it\n%+v", attacked, spared)
			}
		})
	}
}

func request(t *testing.T, q abi.Request) []byte {
	t.Helper()
	data, err := json.Marshal(q)
	if err != nil {
		t.Fatal(err)
	}
	return data
}

// update is the request for what an attack shows. Its frames stand in it as
// they came, whatever they are.
func update(t *testing.T, a trusttest.Attack) []byte {
	t.Helper()
	q := request(t, abi.Request{Op: "update", Trust: &a.Root, Now: a.Now.Unix(), Client: a.Client})
	q = append(append(q[:len(q)-1], `,"log":`...), a.Log...)
	if a.Update != nil {
		q = append(append(q, `,"frame":`...), a.Update...)
	}
	return append(q, '}')
}

// ask returns the engine's refusal, or nil with the answer in ok.
func (e engine) ask(t *testing.T, request []byte, ok any) *abi.Error {
	t.Helper()
	data, err := e(bytes.Clone(request))
	if err != nil {
		t.Fatal(err)
	}
	var a struct {
		OK    json.RawMessage `json:"ok"`
		Error *abi.Error      `json:"error"`
	}
	if err := json.Unmarshal(data, &a); err != nil {
		t.Fatal(err)
	}
	if a.Error == nil {
		if err := json.Unmarshal(a.OK, ok); err != nil {
			t.Fatal(err)
		}
	}
	return a.Error
}

func (e engine) must(t *testing.T, request []byte, ok any) {
	t.Helper()
	if refused := e.ask(t, request, ok); refused != nil {
		t.Fatalf("%s: %s", refused.Code, refused.Message)
	}
}

// standing is what the engine says of itself, and what it finds.
func (e engine) standing(t *testing.T) (abi.Info, abi.Checked) {
	t.Helper()
	var info abi.Info
	var found abi.Checked
	e.must(t, request(t, abi.Request{Op: "info"}), &info)
	e.must(t, request(t, abi.Request{Op: "check", Text: trusttest.Elsewhere}), &found)
	return info, found
}
