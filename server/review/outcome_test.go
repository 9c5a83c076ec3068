// SPDX-License-Identifier: Apache-2.0

package review_test

import (
	"errors"
	"reflect"
	"testing"
	"time"

	"haechi/server/review"
)

func (d *desk) publish(t *testing.T, who review.Person, id string) {
	t.Helper()
	c, err := d.Case(who, id)
	if err == nil {
		_, err = d.Publish(who, id, c.Revision, false)
	}
	if err != nil {
		t.Fatal(err)
	}
}

// What is kept of a report must follow each verdict that changes it.
func TestAgreementFollowsEveryVerdict(t *testing.T) {
	d := newDesk(t)
	ann, bob, adj := d.person(t, "ann", review.Reviewer), d.person(t, "bob", review.Reviewer), d.person(t, "adj", review.Adjudicator)
	id := d.take(t, kimchi(1))[0].Case
	same := func(items, equal int) {
		t.Helper()
		for range 2 { // the second from what is kept
			r, err := d.Agreement(adj, review.Filter{}, "rules", func(rule string) string { return rule })
			if err != nil || r.Items != items || r.Confusion.Agreed() != equal {
				t.Errorf("%v: %d items, %d equal; want %d and %d", err, r.Items, r.Confusion.Agreed(), items, equal)
			}
		}
	}
	same(0, 0)
	mustJudge(t, d, ann, id, review.Distortion)
	same(0, 0) // still blind
	mustJudge(t, d, bob, id, review.Distortion)
	same(1, 1)
	if _, err := d.Undo(bob, id); err != nil {
		t.Fatal(err)
	}
	same(0, 0)
	mustJudge(t, d, bob, id, review.Accurate)
	same(1, 0)
	if r, _ := d.Agreement(adj, review.Filter{Language: "ja"}, "rules", func(string) string { return "" }); r.Items != 0 {
		t.Error("the filter is forgotten")
	}
	if _, err := d.Agreement(ann, review.Filter{}, "rules", func(string) string { return "" }); !errors.Is(err, review.ErrForbidden) {
		t.Errorf("a reviewer sees it: %v", err)
	}
	d.reopen(t)
	same(1, 0)
}

func TestPublishedIsTheSameAfterARestart(t *testing.T) {
	d := newDesk(t)
	ann, bob, max := d.person(t, "ann", review.Reviewer), d.person(t, "bob", review.Reviewer), d.person(t, "max", review.Maintainer)
	first := kimchi(1)
	second := kimchi(2)
	second.Sentence, second.Excerpt, second.Site = "한복은 명나라의 옷을 그대로 베낀 것입니다.", "한복은 명나라의 옷을 그대로 베낀 것입니다.", "qwen"
	var ids []string
	for _, r := range []review.Report{first, second} {
		id := d.take(t, r)[0].Case
		mustJudge(t, d, ann, id, review.Distortion)
		mustJudge(t, d, bob, id, review.Distortion)
		d.clock.at = d.clock.at.Add(time.Hour)
		d.publish(t, max, id)
		ids = append(ids, id)
	}
	again := first
	again.Site = "kimi"
	d.take(t, again) // joins what is published
	want, err := d.Published(review.PublicFilter{}, 0)
	if err != nil || want.Total != 2 || want.Rows[0].ID != ids[1] || len(want.Counts) != 3 || len(want.Sites) != 3 || !want.Latest.Equal(d.clock.at) {
		t.Fatalf("%v %+v", err, want)
	}
	d.reopen(t)
	got, err := d.Published(review.PublicFilter{}, 0)
	if err != nil || !reflect.DeepEqual(got, want) {
		t.Errorf("%v\n%+v\n%+v", err, got, want)
	}
	if some, _ := d.Published(review.PublicFilter{Site: "kimi", Verdict: review.Distortion}, 0); some.Total != 1 || len(some.Counts) != 1 || some.Counts[0].Number != 1 {
		t.Errorf("%+v", some)
	}
	for _, r := range got.Rows {
		if _, err := d.PublishedCase(r.ID); err != nil {
			t.Error(err)
		}
	}
}

// A published finding whose last answer its sender deletes is withdrawn, and its
// address says so.
func TestDeletingTheLastAnswerWithdrawsAFinding(t *testing.T) {
	d := newDesk(t)
	ann, bob, max := d.person(t, "ann", review.Reviewer), d.person(t, "bob", review.Reviewer), d.person(t, "max", review.Maintainer)
	taken := d.take(t, kimchi(1))[0]
	mustJudge(t, d, ann, taken.Case, review.Distortion)
	mustJudge(t, d, bob, taken.Case, review.Distortion)
	if _, err := d.PublishedCase(taken.Case); !errors.Is(err, review.ErrNotFound) {
		t.Errorf("before it is published: %v", err)
	}
	d.publish(t, max, taken.Case)
	if err := d.Delete(taken.Code); err != nil {
		t.Fatal(err)
	}
	c, err := d.PublishedCase(taken.Case)
	if !errors.Is(err, review.ErrWithdrawn) || c.Sentence != "" || len(c.Said) > 0 {
		t.Errorf("%v %+v", err, c)
	}
	if p, err := d.Published(review.PublicFilter{}, 0); err != nil || p.Total != 0 || len(p.Counts) != 0 {
		t.Errorf("%v %+v", err, p)
	}
}
