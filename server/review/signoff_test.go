// SPDX-License-Identifier: Apache-2.0

package review_test

import (
	"errors"
	"slices"
	"strings"
	"testing"

	"haechi/server/review"
)

// published is a case with an outcome that was published.
func (d *desk) published(t *testing.T, r review.Report, v review.Verdict, ann, bob, max review.Person) review.Case {
	t.Helper()
	id := d.take(t, r)[0].Case
	mustJudge(t, d, ann, id, v)
	mustJudge(t, d, bob, id, v)
	c, err := d.Case(max, id)
	if err == nil {
		c, err = d.Publish(max, id, c.Revision, false)
	}
	if err != nil {
		t.Fatal(err)
	}
	return c
}

func TestOnlyWhatWasSignedOffJoinsTheCorpus(t *testing.T) {
	d := newDesk(t)
	ann, bob, max := d.person(t, "ann", review.Reviewer), d.person(t, "bob", review.Reviewer), d.person(t, "max", review.Maintainer)
	corpus := func() (out []string) {
		t.Helper()
		all, err := d.Precedents()
		if err != nil {
			t.Fatal(err)
		}
		for _, p := range all {
			out = append(out, p.Topic+" "+p.Label+" "+p.Expect+" "+p.Kind+" "+p.Text+" | "+p.Question)
		}
		return out
	}
	r := kimchi(1)
	r.Question = "010-1234-5678 김치는 어디에서\n왔어?"
	c := d.published(t, r, review.Distortion, ann, bob, max)
	if got := corpus(); len(got) != 0 || d.Waiting(max).SignOff != 1 {
		t.Errorf("published only: %q, %+v", got, d.Waiting(max))
	}
	ps, n, err := d.Proposals(max, review.Proposed, 0)
	if err != nil || n != 1 || ps[0].Precedent.Expect != "flag" || ps[0].Precedent.Kind != "assertion" || !ps[0].Masked || strings.Contains(ps[0].Precedent.Question, "1234") {
		t.Fatalf("%+v %v", ps, err)
	}
	var invalid *review.Invalid
	for _, bad := range [][3]string{{"kimchi-origin-china", "accurate", "accurate"}, {"kimchi-origin-china", "asserts", "attribution"}, {"", "asserts", "assertion"}, {"../x", "asserts", "assertion"}, {"kimchi-origin-china", "", ""}} {
		if _, err := d.SignOff(max, c.ID, c.Revision, bad[0], bad[1], bad[2], true); !errors.As(err, &invalid) {
			t.Errorf("%v: %v", bad, err)
		}
	}
	if _, err := d.SignOff(max, c.ID, c.Revision-1, "kimchi-origin-china", "asserts", "hedged", true); !errors.Is(err, review.ErrMoved) {
		t.Errorf("an old revision: %v", err)
	}
	if _, err := d.SignOff(ann, c.ID, c.Revision, "kimchi-origin-china", "asserts", "hedged", true); !errors.Is(err, review.ErrForbidden) {
		t.Errorf("a reviewer: %v", err)
	}
	if c, err = d.SignOff(max, c.ID, c.Revision, "kimchi-origin-china", "asserts", "hedged", true); err != nil {
		t.Fatal(err)
	}
	want := []string{"kimchi-origin-china asserts flag hedged 김치는 중국 쓰촨의 파오차이에서 유래한 음식입니다. | [phone] 김치는 어디에서 왔어?"}
	if got := corpus(); !slices.Equal(got, want) || d.Waiting(max).SignOff != 0 {
		t.Errorf("signed off: %q", got)
	}
	d.reopen(t)
	if got := corpus(); !slices.Equal(got, want) {
		t.Errorf("after a restart: %q", got)
	}
	if c, err = d.Decline(max, c.ID, c.Revision, "names somebody"); err != nil || len(corpus()) != 0 {
		t.Errorf("taken out: %v %q", err, corpus())
	}
	if c, err = d.SignOff(max, c.ID, c.Revision, "kimchi-origin-china", "asserts", "assertion", false); err != nil || len(corpus()) != 1 || !strings.HasSuffix(corpus()[0], "| ") {
		t.Errorf("signed off again, without its question: %v %q", err, corpus())
	}
	if _, err = d.Withdraw(max, c.ID, c.Revision, "wrong"); err != nil || len(corpus()) != 0 {
		t.Errorf("withdrawn: %v %q", err, corpus())
	}
}

// TestWhatIsErasedLeavesTheCorpus: the text is its sender's.
func TestWhatIsErasedLeavesTheCorpus(t *testing.T) {
	d := newDesk(t)
	ann, bob, max := d.person(t, "ann", review.Reviewer), d.person(t, "bob", review.Reviewer), d.person(t, "max", review.Maintainer)
	first := d.take(t, kimchi(1))[0]
	second := kimchi(1)
	second.Excerpt = "다른 답변입니다. " + second.Sentence
	d.take(t, second)
	c := d.published(t, kimchi(1), review.Distortion, ann, bob, max) // a second receipt of the first answer
	c, err := d.SignOff(max, c.ID, c.Revision, "kimchi-origin-china", "asserts", "assertion", true)
	if err != nil {
		t.Fatal(err)
	}
	answer := c.SignOff.Answer
	answers, err := d.Answers(max, c.ID, 9)
	if err != nil || len(answers) != 2 {
		t.Fatal(answers, err)
	}
	if err := d.Delete(first.Code); err != nil {
		t.Fatal(err)
	}
	if all, err := d.Precedents(); err != nil || len(all) != 1 {
		t.Errorf("while another has sent the same: %+v %v", all, err)
	}
	// Everything that was sent, one after the other.
	d.clock.at = d.clock.at.Add(review.Retention * 2)
	if _, err := d.Expire(); err != nil { // which keeps what is published
		t.Fatal(err)
	}
	if all, err := d.Precedents(); err != nil || len(all) != 1 || answer == "" {
		t.Errorf("published text is kept: %+v %v", all, err)
	}

	other := kimchi(3)
	other.Sentence, other.Excerpt = "한복은 한푸에서 나온 옷이다.", ""
	taken := d.take(t, other)[0]
	mustJudge(t, d, ann, taken.Case, review.Accurate)
	mustJudge(t, d, bob, taken.Case, review.Accurate)
	c, err = d.Case(max, taken.Case)
	if err == nil {
		_, err = d.Publish(max, c.ID, c.Revision, true) // and signed off at once
	}
	if err != nil {
		t.Fatal(err)
	}
	if all, err := d.Precedents(); err != nil || len(all) != 2 {
		t.Fatalf("%+v %v", all, err)
	}
	if err := d.Delete(taken.Code); err != nil {
		t.Fatal(err)
	}
	if all, err := d.Precedents(); err != nil || len(all) != 1 {
		t.Errorf("erased: %+v %v", all, err)
	}
	d.mustNotHold(t, "한푸")
}

func TestWhatNeedsALookIsNotSignedOffUnseen(t *testing.T) {
	d := newDesk(t)
	ann, bob, max := d.person(t, "ann", review.Reviewer), d.person(t, "bob", review.Reviewer), d.person(t, "max", review.Maintainer)
	masked := kimchi(1)
	masked.Sentence = "김치는 중국 음식이라고 hong@example.org 님이 말했다."
	noRule := kimchi(2)
	noRule.Rule = ""
	french := kimchi(3)
	french.Language = "fr"
	french.Sentence = "Le kimchi est un plat chinois, dit-on."
	for name, r := range map[string]review.Report{"masked": masked, "no rule": noRule, "another language": french} {
		r.Excerpt = r.Sentence
		id := d.take(t, r)[0].Case
		mustJudge(t, d, ann, id, review.Accurate)
		mustJudge(t, d, bob, id, review.Accurate)
		c, _ := d.Case(max, id)
		var invalid *review.Invalid
		if _, err := d.Publish(max, id, c.Revision, true); !errors.As(err, &invalid) {
			t.Errorf("%s: %v", name, err)
		}
		if c, _ = d.Case(max, id); c.State == review.Published {
			t.Errorf("%s: published all the same", name)
		}
		if c, err := d.Publish(max, id, c.Revision, false); err != nil {
			t.Error(err)
		} else if _, err = d.SignOff(max, id, c.Revision, "kimchi-origin-china", "accurate", "accurate", true); (err == nil) == (name == "another language") {
			t.Errorf("%s: %v", name, err)
		}
	}
}

func TestRecordsPutWhatPeopleOverruleMostFirst(t *testing.T) {
	d := newDesk(t)
	ann, bob, max := d.person(t, "ann", review.Reviewer), d.person(t, "bob", review.Reviewer), d.person(t, "max", review.Maintainer)
	words := []string{"가야금", "나들이", "다듬이", "라면집", "마당극", "바둑판", "사물놀이", "아리랑", "자장가", "차례상"}
	for rule, verdicts := range map[string][]review.Verdict{
		"once-wrong":  {review.Accurate},
		"often-wrong": {review.Accurate, review.Accurate, review.Accurate, review.Accurate, review.Accurate, review.Distortion},
		"good":        {review.Distortion, review.Distortion, review.Distortion, review.Distortion, review.Distortion, review.Distortion, review.Distortion, review.Accurate},
		"waits":       {""},
	} {
		for i, v := range verdicts {
			id := d.take(t, review.Report{Sentence: rule + " " + words[i] + " " + words[i] + " 이야기", Site: "chatgpt", Language: "ko", Rule: rule})[0].Case
			if v != "" {
				mustJudge(t, d, ann, id, v)
				mustJudge(t, d, bob, id, v)
			}
		}
	}
	records, err := d.Records(max)
	if err != nil {
		t.Fatal(err)
	}
	var order []string
	for _, r := range records {
		order = append(order, r.Rule)
		p, o := r.Precision(), r.Overrule()
		if p.N != r.Settled() || p.Low > p.Of || p.High < p.Of || o.Low > o.Of || o.High < o.Of {
			t.Errorf("%+v: %+v %+v", r, p, o)
		}
	}
	if want := []string{"often-wrong", "once-wrong", "good", "waits"}; !slices.Equal(order, want) {
		t.Errorf("order %v, want %v", order, want)
	}
	// 7 of 8: Wilson's interval is 0.5291 to 0.9776.
	if p := records[2].Precision(); p.Of != 0.875 || p.Low < 0.5290 || p.Low > 0.5292 || p.High < 0.9775 || p.High > 0.9777 {
		t.Errorf("%+v", p)
	}
	page, err := d.Queue(max, review.Filter{Rules: []string{"often-wrong"}, Outcome: review.Accurate}, 0)
	if err != nil || page.Total != 5 {
		t.Errorf("overruled cases: %d %v", page.Total, err)
	}
	for _, who := range []review.Person{ann, bob, d.person(t, "cy", review.Viewer)} { // for whom it is blind
		if page, err := d.Queue(who, review.Filter{Outcome: review.Accurate}, 0); err != nil || page.Total != 0 {
			t.Errorf("%s finds %d by the outcome %v", who.Name, page.Total, err)
		}
	}
}
