// SPDX-License-Identifier: Apache-2.0

package review_test

import (
	"errors"
	"strings"
	"testing"
	"time"

	"haechi/server/review"
)

func TestATokenHasTheLesserOfTwoRoles(t *testing.T) {
	d := newDesk(t)
	adm, ann := d.person(t, "adm", review.Admin), d.person(t, "ann", review.Maintainer)
	fresh := func(role review.Role) string {
		t.Helper()
		_, secret, err := d.MakeToken(ann, "script", role, 30)
		if err != nil {
			t.Fatal(err)
		}
		return secret
	}
	low, high := fresh(review.Viewer), fresh(review.Maintainer)
	has := func(why, secret string, want review.Role) {
		t.Helper()
		p, err := d.Bearer(secret)
		if want == "" && !errors.Is(err, review.ErrSession) || want != "" && (err != nil || p.Role != want || p.ID != ann.ID) {
			t.Errorf("%s: %s %v, want %q", why, p.Role, err, want)
		}
	}
	has("low", low, review.Viewer)
	has("high", high, review.Maintainer)
	if err := d.Change(adm, ann.ID, review.Reviewer, false); err != nil {
		t.Fatal(err)
	}
	has("its owner has fewer rights by now", high, review.Reviewer)
	has("low still", low, review.Viewer)
	d.reopen(t)
	has("after a restart", high, review.Reviewer)
	if err := d.Change(adm, ann.ID, review.Admin, false); err != nil {
		t.Fatal(err)
	}
	has("its owner has more rights by now", high, review.Maintainer)
	if err := d.Change(adm, ann.ID, review.Admin, true); err != nil {
		t.Fatal(err)
	}
	has("the account is shut", high, "")
	if err := d.Change(adm, ann.ID, review.Admin, false); err != nil {
		t.Fatal(err)
	}
	has("the account is open again", high, "")

	short := fresh(review.Viewer)
	own, err := d.Tokens(ann)
	if err != nil || len(own) != 1 || !own[0].Used.IsZero() {
		t.Fatalf("%+v %v", own, err)
	}
	has("new", short, review.Viewer)
	if own, _ = d.Tokens(ann); own[0].Used.IsZero() {
		t.Error("its use is not noted")
	}
	d.mustNotHold(t, low, high, short)
	d.clock.at = d.clock.at.Add(30*24*time.Hour + time.Second)
	has("run out", short, "")
	if _, err := d.Expire(); err != nil {
		t.Fatal(err)
	}
	if own, err = d.Tokens(ann); err != nil || len(own) != 0 {
		t.Errorf("still kept: %+v %v", own, err)
	}
}

func TestTokensAreBounded(t *testing.T) {
	d := newDesk(t)
	ann := d.person(t, "ann", review.Reviewer)
	for name, c := range map[string]struct {
		label string
		role  review.Role
		days  int
	}{
		"no label":   {" ", review.Viewer, 1},
		"long label": {strings.Repeat("가", 61), review.Viewer, 1},
		"two lines":  {"a\nb", review.Viewer, 1},
		"more":       {"a", review.Adjudicator, 1},
		"no role":    {"a", "", 1},
		"another":    {"a", "root", 1},
		"for ever":   {"a", review.Viewer, 366},
		"no day":     {"a", review.Viewer, 0},
	} {
		var invalid *review.Invalid
		if _, _, err := d.MakeToken(ann, c.label, c.role, c.days); !errors.As(err, &invalid) {
			t.Errorf("%s: %v", name, err)
		}
	}
	for i := range review.MaxTokens + 1 {
		_, _, err := d.MakeToken(ann, "a", review.Viewer, 1)
		if (err != nil) != (i == review.MaxTokens) {
			t.Errorf("token %d: %v", i+1, err)
		}
	}
}
