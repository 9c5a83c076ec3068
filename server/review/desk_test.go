// SPDX-License-Identifier: Apache-2.0

package review_test

import (
	"errors"
	"fmt"
	"strings"
	"testing"
	"time"

	"haechi/server/review"
	"haechi/server/store"
)

// clock is a time that a test moves.
type clock struct{ at time.Time }

func (c *clock) now() time.Time { return c.at }

// desk is a desk over a real Badger in a directory of its own.
type desk struct {
	*review.Desk
	clock *clock
	dir   string
	store *store.Store
}

func newDesk(t testing.TB) *desk {
	t.Helper()
	d := &desk{clock: &clock{time.Date(2026, 11, 24, 9, 0, 0, 0, time.UTC)}, dir: t.TempDir()}
	d.open(t)
	t.Cleanup(func() { d.store.Close() })
	return d
}

func (d *desk) open(t testing.TB) {
	t.Helper()
	var err error
	if d.store, err = store.Open(d.dir, nil, nil); err != nil {
		t.Fatal(err)
	}
	d.Desk, err = review.Open(d.store.Review(), review.Config{Now: d.clock.now})
	if err != nil {
		t.Fatal(err)
	}
}

func (d *desk) reopen(t testing.TB) {
	t.Helper()
	if err := d.store.Close(); err != nil {
		t.Fatal(err)
	}
	d.open(t)
}

const password = "correct horse battery"

func (d *desk) person(t *testing.T, name string, role review.Role) review.Person {
	t.Helper()
	token, err := d.InviteByOperator(role)
	if err != nil {
		t.Fatal(err)
	}
	p, err := d.Join(token, name, password)
	if err != nil {
		t.Fatal(err)
	}
	return p
}

func kimchi(n int) review.Report {
	return review.Report{
		Excerpt: fmt.Sprintf("질문 감사합니다. 김치는 중국 쓰촨의 파오차이에서 유래한 음식입니다. 참고 %d.", n), Sentence: "김치는 중국 쓰촨의 파오차이에서 유래한 음식입니다.",
		Question: "김치는 어디에서 왔어?", Site: "chatgpt", Language: "ko", Rule: "kimchi-origin-china", Verdict: "distortion", Score: 0.9,
	}
}

func (d *desk) take(t *testing.T, reports ...review.Report) []review.Taken {
	t.Helper()
	taken, err := d.Take(review.OriginCitizen, reports)
	if err != nil {
		t.Fatal(err)
	}
	for _, one := range taken {
		if one.Err != nil {
			t.Fatal(one.Err)
		}
	}
	return taken
}

func mustJudge(t *testing.T, d *desk, who review.Person, id string, v review.Verdict) review.Case {
	t.Helper()
	j := review.Judgement{Verdict: v, Note: "note of " + who.Name}
	if v.NeedsSource() {
		j.Sources = []string{"https://example.org/" + who.Name}
	}
	c, err := d.Judge(who, id, j)
	if err != nil {
		t.Fatal(err)
	}
	return c
}

func TestSimilarAnswersBecomeOneCase(t *testing.T) {
	d := newDesk(t)
	first := d.take(t, kimchi(1))[0]
	same := d.take(t, kimchi(1))[0]
	if same.Kind != review.ActRepeated || same.Case != first.Case || same.Code == first.Code {
		t.Errorf("the same report: %+v after %+v", same, first)
	}
	other := kimchi(2)
	other.Sentence = "김치는 중국 쓰촨의 파오차이에서 유래한 음식이다."
	other.Excerpt, other.Site = other.Sentence, "deepseek"
	if near := d.take(t, other)[0]; near.Kind != review.ActJoined || near.Case != first.Case {
		t.Errorf("a similar report: %+v", near)
	}
	for name, change := range map[string]func(*review.Report){
		"a negation": func(r *review.Report) {
			r.Sentence = "김치는 중국 쓰촨의 파오차이에서 유래한 음식이 아닙니다."
		},
		"another year": func(r *review.Report) {
			r.Sentence = "김치는 1592년 중국 쓰촨의 파오차이에서 유래한 음식입니다."
		},
		"another rule":  func(r *review.Report) { r.Rule = "kimchi-called-paocai" },
		"other content": func(r *review.Report) { r.Sentence = "고구려는 중국의 지방 정권이었다." },
	} {
		r := kimchi(1)
		change(&r)
		r.Excerpt = r.Sentence
		if got := d.take(t, r)[0]; got.Kind != review.ActReceived || got.Case == first.Case {
			t.Errorf("%s: %+v", name, got)
		}
	}
	viewer := d.person(t, "vera", review.Viewer)
	d.reopen(t)
	c, err := d.Case(viewer, first.Case)
	if err != nil || c.Answers != 2 || c.Reports != 3 || len(c.Sites) != 2 || c.State != review.New {
		t.Errorf("%+v %v", c, err)
	}
	p, err := d.Queue(viewer, review.Filter{Site: "deepseek"}, 0)
	if err != nil || p.Total != 1 || p.Counts[review.New] != 1 || p.Rows[0].ID != first.Case {
		t.Errorf("by site: %+v %v", p, err)
	}
}

func TestTwoWhoAgreeSettleACase(t *testing.T) {
	d := newDesk(t)
	ann, bob, max := d.person(t, "ann", review.Reviewer), d.person(t, "bob", review.Reviewer), d.person(t, "max", review.Maintainer)
	id := d.take(t, kimchi(1))[0].Case
	if c := mustJudge(t, d, ann, id, review.Distortion); c.State != review.InReview {
		t.Errorf("after one verdict: %s", c.State)
	}
	mustJudge(t, d, bob, id, review.Distortion)
	c, err := d.Case(max, id)
	if err != nil || c.State != review.DoubleReviewed || c.Outcome == nil || !c.Outcome.Agreed() || len(c.Outcome.Sources) != 2 {
		t.Fatalf("%+v %v", c, err)
	}
	if _, err := d.Publish(max, id, c.Revision-1, true); !errors.Is(err, review.ErrMoved) {
		t.Errorf("an old revision: %v", err)
	}
	if _, err := d.Publish(max, id, c.Revision, true); err != nil {
		t.Fatal(err)
	}
	records, err := d.Records(max)
	if err != nil || len(records) != 1 || records[0].Upheld != 1 {
		t.Errorf("%+v %v", records, err)
	}
	events, err := d.History(max, id)
	if err != nil || len(events) != 5 || events[3].Action != review.ActPublished || events[4].Action != review.ActSignedOff {
		t.Fatalf("%+v %v", events, err)
	}
	for i, e := range events {
		if e.Number != i+1 {
			t.Errorf("event %d: %+v", i+1, e)
		}
	}
	// Nothing that was settled can be judged, undone or assigned.
	if _, err := d.Undo(ann, id); !errors.Is(err, review.ErrMoved) {
		t.Errorf("undo: %v", err)
	}
}

func TestVerdictsStayBlindUntilSettled(t *testing.T) {
	d := newDesk(t)
	people := map[review.Role]review.Person{}
	for _, r := range review.Roles {
		people[r] = d.person(t, string(r), r)
	}
	ann, bob := d.person(t, "ann", review.Reviewer), d.person(t, "bob", review.Adjudicator)
	id := d.take(t, kimchi(1))[0].Case
	mustJudge(t, d, ann, id, review.Distortion)
	for _, p := range append([]review.Person{bob}, people[review.Viewer], people[review.Admin]) {
		c, err := d.Case(p, id)
		if err != nil || len(c.Judgements) != 0 {
			t.Errorf("%s sees %+v %v", p.Name, c.Judgements, err)
		}
		events, err := d.History(p, id)
		for _, e := range events {
			if e.Verdict != "" || e.Person != "" || e.Hash != "" {
				t.Errorf("%s sees %+v %v", p.Name, e, err)
			}
		}
	}
	mustJudge(t, d, bob, id, review.Accurate)
	for name, want := range map[review.Person]int{ann: 1, bob: 1, people[review.Viewer]: 0, people[review.Reviewer]: 0, people[review.Adjudicator]: 2, people[review.Admin]: 2} {
		c, err := d.Case(name, id)
		if err != nil || len(c.Judgements) != want || c.Outcome != nil {
			t.Errorf("%s sees %+v %v, want %d", name.Name, c.Judgements, err, want)
		}
		events, err := d.History(name, id)
		shown := 0
		for _, e := range events {
			if e.Verdict != "" {
				shown++
			}
		}
		if err != nil || shown != want {
			t.Errorf("%s sees verdicts in %+v %v, want %d", name.Name, events, err, want)
		}
	}
	c, _ := d.Case(people[review.Adjudicator], id)
	if _, err := d.Adjudicate(bob, id, c.Revision, review.Outcome{Verdict: review.Accurate}); !errors.Is(err, review.ErrForbidden) {
		t.Errorf("who judged adjudicates: %v", err)
	}
	c, err := d.Adjudicate(people[review.Adjudicator], id, c.Revision, review.Outcome{Verdict: review.Contested, Note: "both have a point"})
	if err != nil || c.State != review.Adjudicated || c.Outcome.Agreed() {
		t.Fatalf("%+v %v", c, err)
	}
	if c, _ := d.Case(ann, id); len(c.Judgements) != 2 || c.Outcome == nil {
		t.Errorf("after it is settled: %+v", c)
	}
}

func TestUndoKeepsWhatWasWritten(t *testing.T) {
	d := newDesk(t)
	ann, bob := d.person(t, "ann", review.Reviewer), d.person(t, "bob", review.Reviewer)
	id := d.take(t, kimchi(1))[0].Case
	if err := d.SaveDraft(ann, id, review.Judgement{Note: "half a thou"}); err != nil {
		t.Fatal(err)
	}
	d.reopen(t)
	if j, found, err := d.Draft(ann, id); err != nil || !found || j.Note != "half a thou" {
		t.Errorf("draft: %+v %v %v", j, found, err)
	}
	mustJudge(t, d, ann, id, review.OneSided)
	mustJudge(t, d, bob, id, review.OneSided)
	if _, found, _ := d.Draft(ann, id); found {
		t.Error("the draft of what was judged is still there")
	}
	d.reopen(t)
	c, err := d.Undo(ann, id)
	if err != nil || c.State != review.InReview || c.Outcome != nil {
		t.Errorf("%+v %v", c, err)
	}
	if j, found, err := d.Draft(ann, id); err != nil || !found || j.Note != "note of ann" || j.Verdict != review.OneSided {
		t.Errorf("after undo: %+v %v %v", j, found, err)
	}
	mustJudge(t, d, ann, id, review.Accurate)
}

func TestTwoPeopleAtMostHaveACaseInHand(t *testing.T) {
	d := newDesk(t)
	ann, bob, cy := d.person(t, "ann", review.Reviewer), d.person(t, "bob", review.Reviewer), d.person(t, "cy", review.Reviewer)
	id := d.take(t, kimchi(1))[0].Case
	for _, p := range []review.Person{ann, bob} {
		if got, err := d.Next(p, review.Filter{}); err != nil || got != id {
			t.Fatalf("%s gets %q %v", p.Name, got, err)
		}
	}
	if _, err := d.Next(cy, review.Filter{}); !errors.Is(err, review.ErrNotFound) {
		t.Errorf("a third: %v", err)
	}
	if _, err := d.Judge(cy, id, review.Judgement{Verdict: review.Accurate}); !errors.Is(err, review.ErrTaken) {
		t.Errorf("a third judges: %v", err)
	}
	d.clock.at = d.clock.at.Add(review.HoldFor + time.Second)
	if got, err := d.Next(cy, review.Filter{}); err != nil || got != id {
		t.Errorf("when the holds ran out: %q %v", got, err)
	}
	d.LetGo(cy, id)
	adj := d.person(t, "adj", review.Adjudicator)
	for _, p := range []review.Person{ann, bob} {
		if n, err := d.AssignTo(adj, p.ID, []string{id}); err != nil || n != 1 {
			t.Errorf("assign to %s: %d %v", p.Name, n, err)
		}
	}
	if n, err := d.AssignTo(adj, cy.ID, []string{id}); err != nil || n != 0 {
		t.Errorf("a third assigned: %d %v", n, err)
	}
	if _, err := d.Next(cy, review.Filter{}); !errors.Is(err, review.ErrNotFound) {
		t.Errorf("assigned to others: %v", err)
	}
}

func TestNextPrefersWhatIsHalfDone(t *testing.T) {
	d := newDesk(t)
	ann, bob := d.person(t, "ann", review.Reviewer), d.person(t, "bob", review.Reviewer)
	other := kimchi(1)
	other.Sentence, other.Excerpt, other.Rule = "발해는 당나라의 지방 정권이었다.", "", "balhae-tang-local-regime"
	d.take(t, other)
	id := d.take(t, kimchi(1))[0].Case
	mustJudge(t, d, ann, id, review.Accurate)
	if got, err := d.Next(bob, review.Filter{}); err != nil || got != id {
		t.Errorf("%q %v, want %q", got, err, id)
	}
	if got, err := d.Next(bob, review.Filter{}, id); err != nil || got == id {
		t.Errorf("skipped: %q %v", got, err)
	}
	if got, err := d.Next(bob, review.Filter{Rules: []string{"balhae-tang-local-regime"}}); err != nil || got == id {
		t.Errorf("by rule: %q %v", got, err)
	}
}

func TestWhatWasSentIsErasedOnRequest(t *testing.T) {
	d := newDesk(t)
	ann := d.person(t, "ann", review.Reviewer)
	taken := d.take(t, kimchi(1), kimchi(1))
	id := taken[0].Case
	mustJudge(t, d, ann, id, review.Distortion)
	if s, err := d.Status(strings.ToLower(strings.ReplaceAll(taken[0].Code, "-", " "))); err != nil || s.State != review.InReview || s.Verdict != "" {
		t.Errorf("status: %+v %v", s, err)
	}
	if err := d.Delete(taken[0].Code); err != nil {
		t.Fatal(err)
	}
	if _, err := d.Status(taken[0].Code); !errors.Is(err, review.ErrNotFound) {
		t.Errorf("a used receipt: %v", err)
	}
	if _, err := d.Status(taken[1].Code); err != nil {
		t.Errorf("the other's: %v", err)
	}
	if err := d.Delete(taken[1].Code); err != nil {
		t.Fatal(err)
	}
	d.mustNotHold(t, "파오차이", "note of ann", "example.org")
	c, err := d.Case(ann, id)
	if err != nil || c.State != review.Withdrawn || c.Answers != 0 || c.Reports != 0 {
		t.Errorf("%+v %v", c, err)
	}
	if again := d.take(t, kimchi(1))[0]; again.Kind != review.ActReceived || again.Case == id {
		t.Errorf("sent again: %+v", again)
	}
}

// mustNotHold fails if any record contains one of the words.
func (d *desk) mustNotHold(t *testing.T, words ...string) {
	t.Helper()
	err := d.store.Review().View(func(r review.Reader) error {
		return r.Scan("", func(key string, value []byte) error {
			for _, w := range words {
				if strings.Contains(string(value), w) {
					t.Errorf("%s still holds %q: %s", key, w, value)
				}
			}
			return nil
		})
	})
	if err != nil {
		t.Fatal(err)
	}
}

func TestRetentionEndsForWhatIsNotPublished(t *testing.T) {
	d := newDesk(t)
	ann, bob, max := d.person(t, "ann", review.Reviewer), d.person(t, "bob", review.Reviewer), d.person(t, "max", review.Maintainer)
	published := d.take(t, kimchi(1))[0]
	mustJudge(t, d, ann, published.Case, review.Distortion)
	mustJudge(t, d, bob, published.Case, review.Distortion)
	c, _ := d.Case(max, published.Case)
	if _, err := d.Publish(max, c.ID, c.Revision, false); err != nil {
		t.Fatal(err)
	}
	open := kimchi(2)
	open.Sentence, open.Excerpt = "한복은 한푸에서 나온 옷이다.", ""
	old := d.take(t, open)[0]
	d.clock.at = d.clock.at.Add(review.Retention / 2)
	if n, err := d.Expire(); err != nil || n != 0 {
		t.Fatalf("half-way: %d %v", n, err)
	}
	renewed := d.take(t, open)[0]
	d.clock.at = d.clock.at.Add(review.Retention/2 + time.Hour)
	if n, err := d.Expire(); err != nil || n != 0 {
		t.Fatalf("it was sent again: %d %v", n, err)
	}
	if _, err := d.Status(published.Code); !errors.Is(err, review.ErrNotFound) {
		t.Errorf("the receipt of what was published: %v", err)
	}
	d.clock.at = d.clock.at.Add(review.Retention / 2)
	if n, err := d.Expire(); err != nil || n != 1 {
		t.Fatalf("at the end: %d %v", n, err)
	}
	for _, code := range []string{old.Code, renewed.Code} {
		if _, err := d.Status(code); !errors.Is(err, review.ErrNotFound) {
			t.Errorf("receipt %s: %v", code, err)
		}
	}
	d.mustNotHold(t, "한푸")
	if answers, err := d.Answers(max, published.Case, 10); err != nil || len(answers) != 1 {
		t.Errorf("what was published: %+v %v", answers, err)
	}
	if n, err := d.Expire(); err != nil || n != 0 {
		t.Errorf("again: %d %v", n, err)
	}
}

func TestSplitTakesAnAnswerOut(t *testing.T) {
	d := newDesk(t)
	ann := d.person(t, "ann", review.Reviewer)
	first := d.take(t, kimchi(1))[0]
	second := d.take(t, kimchi(2))[0]
	answers, err := d.Answers(ann, first.Case, 10)
	if err != nil || len(answers) != 2 {
		t.Fatalf("%+v %v", answers, err)
	}
	var out string
	for _, a := range answers {
		if strings.Contains(a.Excerpt, "참고 2") {
			if out, err = d.Split(ann, first.Case, a.ID); err != nil {
				t.Fatal(err)
			}
		}
	}
	c, err := d.Case(ann, out)
	if err != nil || c.ID == first.Case || c.Answers != 1 || c.Sentence == "" {
		t.Errorf("%+v %v", c, err)
	}
	if err := d.Delete(second.Code); err != nil {
		t.Errorf("its receipt: %v", err)
	}
	if c, _ := d.Case(ann, first.Case); c.Answers != 1 || c.State != review.New {
		t.Errorf("what stays: %+v", c)
	}
}

func TestReportsAreChecked(t *testing.T) {
	d := newDesk(t)
	for name, c := range map[string]struct {
		field  string
		change func(*review.Report)
	}{
		"nothing":         {"sentence", func(r *review.Report) { r.Sentence, r.Excerpt = "", "" }},
		"only marks":      {"sentence", func(r *review.Report) { r.Sentence, r.Excerpt = "…", "…" }},
		"elsewhere":       {"sentence", func(r *review.Report) { r.Sentence = "다른 말" }},
		"long sentence":   {"sentence", func(r *review.Report) { r.Sentence = strings.Repeat("가", 1001); r.Excerpt = r.Sentence }},
		"long excerpt":    {"excerpt", func(r *review.Report) { r.Excerpt += strings.Repeat("가", 4001) }},
		"long question":   {"question", func(r *review.Report) { r.Question = strings.Repeat("가", 1001) }},
		"markup for site": {"site", func(r *review.Report) { r.Site = "<b>" }},
		"no site":         {"site", func(r *review.Report) { r.Site = "" }},
		"a path as rule":  {"rule", func(r *review.Report) { r.Rule = "../x" }},
		"language":        {"language", func(r *review.Report) { r.Language = "klingon" }},
		"verdict":         {"verdict", func(r *review.Report) { r.Verdict = "guilty" }},
		"score":           {"score", func(r *review.Report) { r.Score = 1.5 }},
		"hash":            {"pack", func(r *review.Report) { r.Pack = "abc" }},
	} {
		r := kimchi(1)
		c.change(&r)
		taken, err := d.Take(review.OriginCitizen, []review.Report{r})
		var invalid *review.Invalid
		if err != nil || !errors.As(taken[0].Err, &invalid) || invalid.Field != c.field || taken[0].Code != "" {
			t.Errorf("%s: %+v %v", name, taken, err)
		}
	}
	r := kimchi(1)
	r.Excerpt = "a\u202Eb\x00\x1b[31m" + r.Excerpt
	id := d.take(t, r)[0].Case
	answers, err := d.Answers(d.person(t, "v", review.Viewer), id, 1)
	if err != nil || !strings.HasPrefix(answers[0].Excerpt, "ab[31m질문") {
		t.Errorf("control characters: %q %v", answers[0].Excerpt, err)
	}
}

func TestAFullDeskTakesNoNewCases(t *testing.T) {
	d := newDesk(t)
	var err error
	d.Desk, err = review.Open(d.store.Review(), review.Config{MaxCases: 1})
	if err != nil {
		t.Fatal(err)
	}
	d.take(t, kimchi(1))
	r := kimchi(1)
	r.Sentence, r.Excerpt = "한복은 한푸에서 나온 옷이다.", ""
	if _, err := d.Take(review.OriginCitizen, []review.Report{r}); !errors.Is(err, review.ErrFull) {
		t.Errorf("%v", err)
	}
	d.take(t, kimchi(2))
}
