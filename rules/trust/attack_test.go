// SPDX-License-Identifier: Apache-2.0

package trust_test

import (
	"encoding/json"
	"reflect"
	"testing"

	"haechi/rules/trust"
	"haechi/rules/trust/trusttest"
)

// attacked shows a client what an attack shows.
func attacked(a trusttest.Attack) (trust.State, error) {
	e, err := trust.ParseEvidence(a.Log)
	if err != nil {
		return trust.State{}, err
	}
	if a.Update == nil {
		return trust.Accept(a.Root, a.Now, a.Have, a.Client, e, nil)
	}
	u, err := trust.ParseUpdate(a.Update)
	if err != nil {
		return trust.State{}, err
	}
	return trust.Accept(a.Root, a.Now, a.Have, a.Client, e, &u)
}

// TestAttacksAreRefused: each for its own reason; the client stays as it was,
// and believes the honest server afterwards.
func TestAttacksAreRefused(t *testing.T) {
	kinds := map[string]int{}
	for _, a := range trusttest.Attacks(t) {
		t.Run(a.Of+"/"+a.Name, func(t *testing.T) {
			kinds[a.Of]++
			before, err := json.Marshal(a.Have)
			if err != nil {
				t.Fatal(err)
			}
			hash := a.Have.Pack.Hash()
			got, err := attacked(a)
			if after, _ := json.Marshal(a.Have); string(after) != string(before) || a.Have.Pack.Hash() != hash {
				t.Error("the client's state was changed in place")
			}
			switch {
			case a.Want == "" && err != nil:
				t.Fatalf("refused: %v", err)
			case a.Want != "" && err == nil:
				t.Fatalf("accepted; want %s", a.Want)
			case a.Want != "":
				if code := trust.Code(err); code != a.Want {
					t.Errorf("%s (%v), want %s", code, err, a.Want)
				}
				if !reflect.DeepEqual(got, trust.State{}) {
					t.Error("a refusal returned a state")
				}
			case a.Update != nil && got.Sequence <= a.Have.Sequence:
				t.Errorf("accepted, and still at %d", got.Sequence)
			}
			if a.Want == "" {
				return
			}
			e, err := trust.ParseEvidence(a.Back)
			if err != nil {
				t.Fatal(err)
			}
			if _, err := trust.Accept(a.Root, a.BackAt, a.Have, a.Client, e, nil); err != nil {
				t.Errorf("afterwards the honest server is refused: %v", err)
			}
		})
	}
	// Attacks of the TUF list that are not in the table cannot have been refused.
	for _, kind := range []string{
		trusttest.Control, "arbitrary rules", "rollback", "indefinite freeze", "fast forward", "mix and match", "endless data",
		"wrong log", "forked log", "one stolen maintainer key", "stolen online key", "expired everything",
	} {
		if kinds[kind] == 0 {
			t.Errorf("no attack of the kind %q", kind)
		}
	}
}
