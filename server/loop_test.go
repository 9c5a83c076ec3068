// SPDX-License-Identifier: Apache-2.0

package main

import (
	"bytes"
	"encoding/json"
	"net/http"
	"net/http/httptest"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"testing"

	"haechi/rules"
	"haechi/rules/data"
	"haechi/rules/trust/trusttest"
	"haechi/server/gate"
	"haechi/server/publish"
	"haechi/server/review"
)

// TestWhatPeopleDecideGuardsTheRules plays the whole loop on a real node with
// the built engine: two judge a report, a maintainer publishes it and signs it
// off, and the next push that would undo it is refused with the sentence, here
// and in "haechi rules test", on a mirror too. Without the sentence it passes.
func TestWhatPeopleDecideGuardsTheRules(t *testing.T) {
	if testing.Short() || trusttest.RaceDetector() {
		t.Skip("judges rules in the built engine")
	}
	const topic = "kimchi-origin-china"
	all, err := data.Rules()
	if err != nil {
		t.Fatal(err)
	}
	rule := all[slices.IndexFunc(all, func(r rules.Rule) bool { return r.ID == topic })]
	g, err := gate.Open(t.Context(), "../dist/haechi.wasm", "../wasm/model", []gate.Entry{{ID: "other", Expect: "pass", Text: "내일은 비가 온다."}})
	if err != nil {
		t.Fatal(err)
	}
	s := newSite(t)
	s.stop(t)
	s.config.dir = t.TempDir()
	s.config.baseline = []rules.Rule{rule}
	s.config.gate = pushGate{t.Context(), g}
	s.start(t)

	// An answer that Haechi lets pass, and people find right.
	sentence := "급식에 나온 김치는 중국에서 들여온 완제품이었다."
	id := s.judged(t, review.Report{Sentence: sentence, Site: "chatgpt", Language: "ko", Rule: topic}, review.Accurate)

	// Its author thinks the same of the rule's examples, so that only the desk knows better.
	greedy := rule
	greedy.Threshold = 0.001
	greedy.Propositions = slices.Clone(rule.Propositions)
	greedy.Propositions[0].Wrong = rules.Words{}
	for lang, terms := range rule.Propositions[0].Wrong {
		greedy.Propositions[0].Wrong[lang] = slices.Clone(terms)
	}
	greedy.Propositions[0].Wrong["ko"] = append(greedy.Propositions[0].Wrong["ko"], rules.Term{Text: "음식"})
	greedy.Examples = map[string]rules.Examples{}
	for lang, x := range rule.Examples {
		x.Miss = slices.DeleteFunc(slices.Clone(x.Miss), func(e rules.Example) bool { return strings.Contains(e.Text, "들여온") })
		greedy.Examples[lang] = x
	}
	next, err := rules.NewPack([]rules.Rule{greedy})
	if err != nil {
		t.Fatal(err)
	}
	push := func() (int, string) {
		t.Helper()
		release := trusttest.Release(1, nil, next)
		return s.post(t, publish.Push{Release: trusttest.Sign(t, release, "ann"), Files: []json.RawMessage{rules.Format(greedy)}})
	}
	status, body := push()
	if status != http.StatusUnprocessableEntity || !strings.Contains(body, `"code":"gate"`) {
		t.Fatalf("push: %d %s", status, body)
	}
	var refused errorBody
	if err := json.Unmarshal([]byte(body), &refused); err != nil {
		t.Fatal(err)
	}
	if !slices.ContainsFunc(refused.Error.Problems, func(p string) bool {
		return strings.HasPrefix(p, topic+".ko."+id+": people judged that it must not be flagged; passes → "+topic+": "+sentence)
	}) || !slices.ContainsFunc(refused.Error.Changes, func(c publish.Sentence) bool { return c.People && c.Text == sentence }) {
		t.Errorf("refused: %q, changes %+v", refused.Error.Problems, refused.Error.Changes)
	}

	// A maintainer sees it beforehand, from the server and from a mirror.
	dir := t.TempDir()
	if err := os.WriteFile(filepath.Join(dir, topic+".json"), rules.Format(greedy), 0o644); err != nil {
		t.Fatal(err)
	}
	at, err := newRemote(s.url)
	if err != nil {
		t.Fatal(err)
	}
	m := mirror{at: at, dir: filepath.Join(dir, "mirror")}
	if err := m.fill(s.config.root, trusttest.Now); err != nil {
		t.Fatal(err)
	}
	if b, err := os.ReadFile(filepath.Join(m.dir, precedentsPath)); err != nil || !strings.Contains(string(b), sentence) {
		t.Errorf("the mirror's: %s %v", b, err)
	}
	var out bytes.Buffer
	args := []string{filepath.Join(dir, topic+".json"), "--trust", writeRoot(t, s), "--baseline", rulesHash(t, rule), "--engine", "../dist/haechi.wasm", "--model", "../wasm/model", "--server"}
	static := httptest.NewServer(http.FileServer(http.Dir(m.dir)))
	defer static.Close()
	if code := runRulesTest(append(args, s.url), nil, &out, &out); code != exitFailed || !strings.Contains(out.String(), "people judged that it must not be flagged; passes → "+topic+": "+sentence) {
		t.Errorf("rules test: %d %s", code, out.String())
	}
	if before, signedOff, err := testedAgainst(static.URL, writeRoot(t, s), rulesHash(t, rule)); err != nil || len(signedOff) != 1 || before.Rule(topic) == nil {
		t.Errorf("from the mirror: %v %+v", err, signedOff)
	}

	// When it is withdrawn, it holds nobody up.
	max := review.Person{ID: "max", Role: review.Maintainer}
	c, err := s.desk.Case(max, id)
	if err == nil {
		_, err = s.desk.Withdraw(max, id, c.Revision, "judged in error")
	}
	if err != nil {
		t.Fatal(err)
	}
	status, body = push()
	refused = errorBody{}
	json.Unmarshal([]byte(body), &refused)
	if refused.Error != nil && strings.Contains(strings.Join(refused.Error.Problems, "\n"), "people judged") {
		t.Errorf("withdrawn: %d %s", status, body)
	}
	if got, err := at.precedents(); err != nil || len(got) != 0 {
		t.Errorf("withdrawn, and still served: %+v %v", got, err)
	}
}

// judged takes a report in, has two people judge it, publishes it and signs it
// off.
func (s *site) judged(t *testing.T, r review.Report, v review.Verdict) string {
	t.Helper()
	body, _ := json.Marshal(r)
	if status, answer := s.do(t, "POST", "/v1/reports", bytes.NewReader(body), "Content-Type", "application/json"); status != http.StatusCreated {
		t.Fatal(status, answer)
	}
	id := ""
	for _, name := range []string{"ann", "bob"} {
		token, err := s.desk.InviteByOperator(review.Reviewer)
		if err != nil {
			t.Fatal(err)
		}
		p, err := s.desk.Join(token, name, "correct horse battery")
		if err == nil {
			id, err = s.desk.Next(p, review.Filter{})
		}
		if err == nil {
			_, err = s.desk.Judge(p, id, review.Judgement{Verdict: v})
		}
		if err != nil {
			t.Fatal(err)
		}
	}
	max := review.Person{ID: "max", Role: review.Maintainer}
	c, err := s.desk.Case(max, id)
	if err == nil {
		c, err = s.desk.Publish(max, id, c.Revision, false)
	}
	if err == nil {
		_, err = s.desk.SignOff(max, id, c.Revision, r.Rule, "accurate", "neighbour-fact", true)
	}
	if err != nil {
		t.Fatal(err)
	}
	return id
}

func writeRoot(t *testing.T, s *site) string {
	t.Helper()
	b, err := json.Marshal(s.config.root)
	if err != nil {
		t.Fatal(err)
	}
	file := filepath.Join(t.TempDir(), "trust.json")
	if err := os.WriteFile(file, b, 0o644); err != nil {
		t.Fatal(err)
	}
	return file
}

func rulesHash(t *testing.T, rs ...rules.Rule) string {
	t.Helper()
	p, err := rules.NewPack(rs)
	if err != nil {
		t.Fatal(err)
	}
	return p.Hash()
}
