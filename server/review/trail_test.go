// SPDX-License-Identifier: Apache-2.0

package review_test

import (
	"bytes"
	"errors"
	"slices"
	"strings"
	"testing"

	"haechi/server/review"
	"haechi/server/review/audit"
)

// acts are what the trail says was done, the first act first.
func (d *desk) acts(t *testing.T) (out []string) {
	t.Helper()
	entries, _, err := d.Trail(review.Person{Role: review.Admin}, 0, 1000)
	if err != nil {
		t.Fatal(err)
	}
	slices.Reverse(entries)
	for _, e := range entries {
		out = append(out, e.Actor+" "+e.Action+" "+e.Subject)
	}
	return out
}

func TestTheTrailTellsEachActOfConsequence(t *testing.T) {
	d := newDesk(t)
	adm := d.person(t, "관리자", review.Admin)
	ann, bob, adj, max := d.person(t, "ann", review.Reviewer), d.person(t, "bob", review.Reviewer), d.person(t, "adj", review.Adjudicator), d.person(t, "max", review.Maintainer)
	secret := "전화는 010-1234-5678 이고 이름은 홍길동"
	r := kimchi(1)
	r.Excerpt += " " + secret
	mine := d.take(t, r)[0]
	if _, err := d.ImportFor(ann, []review.Report{kimchi(2)}); err != nil {
		t.Fatal(err)
	}
	d.SignIn("ann", "wrong "+secret)
	d.SignIn("홍길동", secret)
	session, err := d.SignIn("ann", password)
	if err != nil {
		t.Fatal(err)
	}
	if err := d.SetPassword(ann, session, password, "a better long password"); err != nil {
		t.Fatal(err)
	}
	if err := d.SignOut(session); err != nil {
		t.Fatal(err)
	}
	if _, err := d.AssignTo(adj, bob.ID, []string{mine.Case}); err != nil {
		t.Fatal(err)
	}
	for _, v := range []struct {
		who     review.Person
		verdict review.Verdict
	}{{ann, review.Accurate}, {bob, review.Contested}} {
		if _, err := d.Judge(v.who, mine.Case, review.Judgement{Verdict: v.verdict, Note: secret}); err != nil {
			t.Fatal(err)
		}
	}
	c, err := d.Case(adj, mine.Case)
	if err != nil {
		t.Fatal(err)
	}
	if c, err = d.Adjudicate(adj, c.ID, c.Revision, review.Outcome{Verdict: review.Accurate, Note: secret}); err != nil {
		t.Fatal(err)
	}
	if c, err = d.Publish(max, c.ID, c.Revision, false); err != nil {
		t.Fatal(err)
	}
	if err := d.Exported(max, "csv", 1); err != nil {
		t.Fatal(err)
	}
	if _, err := d.Withdraw(max, c.ID, c.Revision, "asked for: "+secret); err != nil {
		t.Fatal(err)
	}
	if err := d.Delete(mine.Code); err != nil {
		t.Fatal(err)
	}
	if err := d.Change(adm, bob.ID, review.Viewer, true); err != nil {
		t.Fatal(err)
	}
	var want []string
	for _, p := range []review.Person{adm, ann, bob, adj, max} {
		want = append(want, "operator invited ", p.Pseudonym+" account-made "+p.Pseudonym)
	}
	id := mine.Case
	want = append(want,
		"R002 imported ", " guessed R002", "R002 signed-in R002", "R002 password-changed R002", "R002 signed-out R002",
		"R004 assigned "+id, "R002 judged "+id, "R003 judged "+id, "R004 adjudicated "+id, "R005 published "+id, "R005 exported csv",
		"R005 withdrawn "+id, "receipt erased "+id, "R001 account-changed R003",
	)
	if got := d.acts(t); !slices.Equal(got, want) {
		t.Errorf("acts\n%q, want\n%q", got, want)
	}
	d.reopen(t)
	var out bytes.Buffer
	if err := d.ExportTrail(adm, &out); err != nil {
		t.Fatal(err)
	}
	head, err := audit.VerifyJSONL(bytes.NewReader(out.Bytes()), audit.Head{})
	if now, e := d.VerifyTrail(adm); err != nil || e != nil || head != now || head.Sequence != uint64(len(want))+1 {
		t.Errorf("exported %+v %v, stored %+v %v", head, err, now, e)
	}
	for _, word := range []string{"홍길동", "1234", "ann", "파오차이", "asked for"} {
		if strings.Contains(out.String(), word) {
			t.Errorf("the trail holds %q", word)
		}
	}
	// A verdict that is still blind stands in the trail as a hash only.
	for line := range strings.Lines(out.String()) {
		if strings.Contains(line, `"judged"`) && (strings.Contains(line, "contested") || !strings.Contains(line, `"hash":"`)) {
			t.Errorf("a verdict shows: %s", line)
		}
	}
	for _, role := range review.Roles[:len(review.Roles)-1] {
		who := review.Person{Role: role}
		_, _, e1 := d.Trail(who, 0, 1)
		_, e2 := d.VerifyTrail(who)
		if e3 := d.ExportTrail(who, &out); !errors.Is(e1, review.ErrForbidden) || !errors.Is(e2, review.ErrForbidden) || !errors.Is(e3, review.ErrForbidden) {
			t.Errorf("%s reads the trail: %v %v %v", role, e1, e2, e3)
		}
	}
}

// TestATrailThatSomebodyChangedIsFound changes stored entries past the desk.
func TestATrailThatSomebodyChangedIsFound(t *testing.T) {
	const third = "trail/0000000000000003"
	for name, c := range map[string]struct {
		change func(review.Writer) error
		at     uint64
	}{
		"rewritten": {func(w review.Writer) error {
			b, err := w.Get(third)
			return errors.Join(err, w.Put(third, bytes.Replace(b, []byte("operator"), []byte("somebody"), 1)))
		}, 3},
		"taken out": {func(w review.Writer) error { return w.Delete(third) }, 3},
		"cut off":   {func(w review.Writer) error { return w.Delete("trail/0000000000000004") }, 4},
	} {
		t.Run(name, func(t *testing.T) {
			d := newDesk(t)
			adm := d.person(t, "adm", review.Admin)
			d.person(t, "ann", review.Reviewer)
			if _, err := d.VerifyTrail(adm); err != nil {
				t.Fatal(err)
			}
			if err := d.store.Review().Update(c.change); err != nil {
				t.Fatal(err)
			}
			var broken *audit.Broken
			if _, err := d.VerifyTrail(adm); !errors.As(err, &broken) || broken.Sequence != c.at {
				t.Errorf("%v", err)
			}
		})
	}
}

// TestNoActWithoutItsEntry: what fails leaves neither, and strangers who guess
// names fill nothing.
func TestNoActWithoutItsEntry(t *testing.T) {
	d := newDesk(t)
	ann := d.person(t, "ann", review.Reviewer)
	before := len(d.acts(t))
	id := d.take(t, kimchi(1))[0].Case
	for range 20 {
		d.SignIn("nobody", "wrong")
		d.SignIn("ann", "wrong")
	}
	if _, err := d.Judge(ann, id, review.Judgement{Verdict: review.Distortion}); err == nil {
		t.Fatal("a verdict without a source")
	}
	if err := d.SignOut("no session"); err != nil {
		t.Fatal(err)
	}
	if got := len(d.acts(t)) - before; got != 5 { // until the account was locked
		t.Errorf("%d entries", got)
	}
}
