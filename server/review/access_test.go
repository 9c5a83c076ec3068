// SPDX-License-Identifier: Apache-2.0

package review_test

import (
	"errors"
	"strings"
	"testing"
	"time"

	"haechi/server/review"
)

func TestEachRoleMayWhatItIsFor(t *testing.T) {
	want := map[review.Action]string{ // first role that may
		review.See: "viewer", review.Judge: "reviewer", review.Import: "reviewer", review.Adjudicate: "adjudicator",
		review.Assign: "adjudicator", review.Publish: "maintainer", review.Staff: "admin",
	}
	for action, first := range want {
		may := false
		for _, r := range review.Roles {
			may = may || string(r) == first
			if r.May(action) != may {
				t.Errorf("%s may %s: %v", r, action, !may)
			}
		}
		if review.Role("").May(action) || review.Role("root").May(action) {
			t.Errorf("an unknown role may %s", action)
		}
	}
	if review.Admin.May("fly") {
		t.Error("an unknown action is allowed")
	}
}

func TestAnInvitationCountsOnce(t *testing.T) {
	d := newDesk(t)
	token, err := d.InviteByOperator(review.Admin)
	if err != nil {
		t.Fatal(err)
	}
	for name, c := range map[string]struct{ name, password, field string }{
		"short":      {"ann", "123456789", "password"},
		"one letter": {"ann", "aaaaaaaaaaaa", "password"},
		"the name":   {"annabellelee", "AnnabelleLee", "password"},
		"markup":     {"<b>", password, "name"},
		"empty":      {" ", password, "name"},
	} {
		var invalid *review.Invalid
		if _, err := d.Join(token, c.name, c.password); !errors.As(err, &invalid) || invalid.Field != c.field {
			t.Errorf("%s: %v", name, err)
		}
	}
	p, err := d.Join(token, "선생님", password)
	if err != nil || p.Role != review.Admin {
		t.Fatal(p, err)
	}
	if _, err := d.Join(token, "eve", password); !errors.Is(err, review.ErrNotFound) {
		t.Errorf("used again: %v", err)
	}
	again, _ := d.Invite(p, review.Viewer, "")
	var invalid *review.Invalid
	if _, err := d.Join(again, "선생님", password); !errors.As(err, &invalid) || invalid.Code != "used" {
		t.Errorf("a name that is taken: %v", err)
	}
	d.clock.at = d.clock.at.Add(review.InvitationFor)
	if _, err := d.Join(again, "eve", password); !errors.Is(err, review.ErrNotFound) {
		t.Errorf("too late: %v", err)
	}
	if _, err := d.Invite(d.person(t, "max", review.Maintainer), review.Viewer, ""); !errors.Is(err, review.ErrForbidden) {
		t.Errorf("a maintainer invites: %v", err)
	}
	d.mustNotHold(t, token, password)
}

func TestWrongPasswordsLockAnAccount(t *testing.T) {
	d := newDesk(t)
	d.person(t, "ann", review.Reviewer)
	for i := range 5 {
		if _, err := d.SignIn("ann", "wrong"); !errors.Is(err, review.ErrSignIn) {
			t.Fatalf("try %d: %v", i, err)
		}
	}
	d.reopen(t) // which forgets nothing
	if _, err := d.SignIn("Ann", password); !errors.Is(err, review.ErrLocked) {
		t.Errorf("after five: %v", err)
	}
	d.clock.at = d.clock.at.Add(time.Minute + time.Second)
	if _, err := d.SignIn("ann", "wrong"); !errors.Is(err, review.ErrSignIn) {
		t.Errorf("after a minute: %v", err)
	}
	d.clock.at = d.clock.at.Add(time.Minute + time.Second)
	if _, err := d.SignIn("ann", password); !errors.Is(err, review.ErrLocked) {
		t.Errorf("the second lock is longer: %v", err)
	}
	d.clock.at = d.clock.at.Add(time.Minute)
	token, err := d.SignIn("ANN", password)
	if err != nil {
		t.Fatal(err)
	}
	if p, err := d.Who(token); err != nil || p.Name != "ann" || p.Failures != 0 {
		t.Errorf("%+v %v", p, err)
	}
	if _, err := d.SignIn("nobody", password); !errors.Is(err, review.ErrSignIn) {
		t.Errorf("nobody: %v", err)
	}
	d.mustNotHold(t, token)
}

func TestSessionsEnd(t *testing.T) {
	d := newDesk(t)
	ann, admin := d.person(t, "ann", review.Reviewer), d.person(t, "adm", review.Admin)
	in := func() string {
		t.Helper()
		token, err := d.SignIn("ann", password)
		if err != nil {
			t.Fatal(err)
		}
		return token
	}
	gone := func(why, token string) {
		t.Helper()
		if _, err := d.Who(token); !errors.Is(err, review.ErrSession) {
			t.Errorf("%s: %v", why, err)
		}
	}
	out := in()
	if err := d.SignOut(out); err != nil {
		t.Fatal(err)
	}
	gone("signed out", out)

	idle := in()
	d.clock.at = d.clock.at.Add(review.SessionIdle - time.Minute)
	if _, err := d.Who(idle); err != nil {
		t.Fatal(err)
	}
	d.clock.at = d.clock.at.Add(review.SessionIdle - time.Minute)
	if _, err := d.Who(idle); err != nil {
		t.Fatalf("used in between: %v", err)
	}
	d.clock.at = d.clock.at.Add(review.SessionIdle + time.Minute)
	gone("idle", idle)

	old := in()
	for range 14 {
		d.clock.at = d.clock.at.Add(review.SessionMost / 14)
		d.Who(old)
	}
	d.clock.at = d.clock.at.Add(time.Second)
	gone("old", old)

	mine, other := in(), in()
	var invalid *review.Invalid
	if err := d.SetPassword(ann, mine, "not it at all", "another long password"); !errors.As(err, &invalid) || invalid.Field != "old" {
		t.Errorf("a wrong old password: %v", err)
	}
	if err := d.SetPassword(ann, mine, password, "another long password"); err != nil {
		t.Fatal(err)
	}
	gone("the password changed", other)
	if _, err := d.Who(mine); err != nil {
		t.Errorf("one's own session: %v", err)
	}
	if _, err := d.SignIn("ann", password); !errors.Is(err, review.ErrSignIn) {
		t.Errorf("the old password: %v", err)
	}
	if err := d.Change(admin, ann.ID, review.Reviewer, true); err != nil {
		t.Fatal(err)
	}
	gone("the account is shut", mine)
	if _, err := d.SignIn("ann", "another long password"); !errors.Is(err, review.ErrSignIn) {
		t.Errorf("a shut account: %v", err)
	}
	if err := d.Change(admin, admin.ID, review.Viewer, false); !errors.As(err, &invalid) || invalid.Code != "last" {
		t.Errorf("the last admin: %v", err)
	}
}

func TestSessionsThatEndedAreDeleted(t *testing.T) {
	d := newDesk(t)
	d.person(t, "ann", review.Reviewer)
	if _, err := d.SignIn("ann", password); err != nil {
		t.Fatal(err)
	}
	if _, err := d.InviteByOperator(review.Viewer); err != nil {
		t.Fatal(err)
	}
	d.clock.at = d.clock.at.Add(review.SessionMost + time.Hour)
	if _, err := d.Expire(); err != nil {
		t.Fatal(err)
	}
	err := d.store.Review().View(func(r review.Reader) error {
		return r.Scan("", func(key string, _ []byte) error {
			if strings.HasPrefix(key, "session/") || strings.HasPrefix(key, "invitation/") {
				t.Errorf("%s is still there", key)
			}
			return nil
		})
	})
	if err != nil {
		t.Fatal(err)
	}
}

func TestFormTokensBelongToASession(t *testing.T) {
	if !review.FormTokenMatches("a", review.FormToken("a")) || review.FormTokenMatches("a", review.FormToken("b")) || review.FormTokenMatches("a", "") {
		t.Error("form tokens do not tell sessions apart")
	}
}

func TestVerdictsNeedWhatTheyNeed(t *testing.T) {
	d := newDesk(t)
	ann := d.person(t, "ann", review.Reviewer)
	id := d.take(t, kimchi(1))[0].Case
	many := strings.Split(strings.Repeat("https://example.org/a ", 11), " ")
	for i := range many {
		many[i] += strings.Repeat("b", i)
	}
	for name, c := range map[string]struct {
		j    review.Judgement
		code string
	}{
		"none":         {review.Judgement{}, "verdict"},
		"another":      {review.Judgement{Verdict: "guilty"}, "verdict"},
		"no source":    {review.Judgement{Verdict: review.Distortion}, "source"},
		"one-sided":    {review.Judgement{Verdict: review.OneSided, Sources: []string{" "}}, "source"},
		"script":       {review.Judgement{Verdict: review.Distortion, Sources: []string{"javascript:alert(1)"}}, "address"},
		"data":         {review.Judgement{Verdict: review.Accurate, Sources: []string{"data:text/html,x"}}, "address"},
		"no host":      {review.Judgement{Verdict: review.Distortion, Sources: []string{"https:///x"}}, "address"},
		"a password":   {review.Judgement{Verdict: review.Distortion, Sources: []string{"https://a:b@example.org"}}, "address"},
		"too many":     {review.Judgement{Verdict: review.Distortion, Sources: many}, "many"},
		"long note":    {review.Judgement{Verdict: review.Accurate, Note: strings.Repeat("가", review.MaxNote+1)}, "long"},
		"long wording": {review.Judgement{Verdict: review.Accurate, Wording: strings.Repeat("가", review.MaxWording+1)}, "long"},
	} {
		var invalid *review.Invalid
		if _, err := d.Judge(ann, id, c.j); !errors.As(err, &invalid) || invalid.Code != c.code {
			t.Errorf("%s: %v", name, err)
		}
	}
	mustJudge(t, d, ann, id, review.CannotJudge)
	if _, err := d.Judge(ann, id, review.Judgement{Verdict: review.Accurate}); !errors.Is(err, review.ErrMoved) {
		t.Errorf("twice: %v", err)
	}
	if _, err := d.Judge(d.person(t, "vera", review.Viewer), id, review.Judgement{Verdict: review.Accurate}); !errors.Is(err, review.ErrForbidden) {
		t.Errorf("a viewer: %v", err)
	}
}

func TestCollectionsAreRead(t *testing.T) {
	for name, c := range map[string]struct {
		data string
		want []string // site|language|question|sentence or excerpt, or an error
	}{
		"csv":        {"\uFEFF질문,답변,챗봇\r\n\"김치, 어디?\",\"중국\n음식입니다.\",deepseek\r\n,한국 음식입니다.,\r\n", []string{"deepseek|ko|김치, 어디?|중국\n음식입니다.", "chatgpt|ko||한국 음식입니다."}},
		"semicolons": {"question;answer\nQ;A is B.\n", []string{"chatgpt|ko|Q|A is B."}},
		"tabs":       {"question\tanswer\nQ\tA is B.\n", []string{"chatgpt|ko|Q|A is B."}},
		"jsonl":      {`{"excerpt":"A. B.","sentence":"B.","site":"kimi","language":"en"}` + "\n\n{\n" + `{"answer":"C."}`, []string{"kimi|en||B.", "error", "chatgpt|ko||C."}},
		"bad score":  {"answer,score\nA,high\n", []string{"error"}},
	} {
		lines, err := review.ReadCollection([]byte(c.data), "chatgpt", "ko")
		if err != nil || len(lines) != len(c.want) {
			t.Errorf("%s: %+v %v", name, lines, err)
			continue
		}
		for i, l := range lines {
			text := l.Report.Sentence
			if text == "" {
				text = l.Report.Excerpt
			}
			got := strings.Join([]string{l.Report.Site, l.Report.Language, l.Report.Question, text}, "|")
			if l.Err != nil {
				got = "error"
			}
			if got != c.want[i] {
				t.Errorf("%s line %d: %q, want %q", name, l.Number, got, c.want[i])
			}
		}
	}
	for name, data := range map[string]string{
		"empty": " ", "no columns": "a,b\nc,d\n", "too many": "answer\n" + strings.Repeat("a\n", review.MaxLines+1), "too large": "answer\n" + strings.Repeat("a", review.MaxCollection),
	} {
		var invalid *review.Invalid
		if _, err := review.ReadCollection([]byte(data), "chatgpt", "ko"); !errors.As(err, &invalid) || invalid.Field != "file" {
			t.Errorf("%s: %v", name, err)
		}
	}
}

func FuzzReadCollection(f *testing.F) {
	f.Add([]byte("질문,답변\n\"a\",b\n"))
	f.Add([]byte(`{"excerpt":"a"}`))
	f.Fuzz(func(t *testing.T, data []byte) {
		lines, err := review.ReadCollection(data, "chatgpt", "ko")
		if err == nil && len(lines) > review.MaxLines {
			t.Errorf("%d lines", len(lines))
		}
	})
}
