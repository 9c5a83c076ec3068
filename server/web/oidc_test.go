// SPDX-License-Identifier: Apache-2.0

package web

import (
	"bytes"
	"html"
	"net/http"
	"net/url"
	"strings"
	"testing"
	"time"

	"haechi/server/oidc"
	"haechi/server/oidc/oidctest"
	"haechi/server/review"
)

// through goes from a page to the provider and back, and returns the page at
// the end.
func (g *guest) through(t *testing.T, path string) (code int, location, body string) {
	t.Helper()
	code, to, body := g.get(path)
	if code != http.StatusSeeOther {
		return code, to, body
	}
	return g.back(t, to)
}

// back goes to the provider and comes back.
func (g *guest) back(t *testing.T, to string) (code int, location, body string) {
	t.Helper()
	answer, err := g.client.Get(to)
	if err != nil {
		t.Fatal(err)
	}
	answer.Body.Close()
	home, err := url.Parse(answer.Header.Get("Location"))
	if err != nil || answer.StatusCode != http.StatusFound {
		t.Fatalf("%s: %s %v", to, answer.Status, err)
	}
	return g.get(home.RequestURI())
}

func newProvider(t *testing.T) (*house, *oidctest.Provider) {
	t.Helper()
	p := oidctest.New(t, time.Now)
	client, err := oidc.New(oidc.Config{Issuer: p.URL, ClientID: oidctest.ClientID, ClientSecret: oidctest.ClientSecret, Name: "학교"})
	if err != nil {
		t.Fatal(err)
	}
	h := newHouseWith(t, client)
	p.Redirect = h.URL + callbackPath
	return h, p
}

// who is signed in at a browser.
func (g *guest) who() (review.Person, error) {
	u, _ := url.Parse(g.house.URL)
	for _, c := range g.client.Jar.Cookies(u) {
		if c.Name == cookiePlain {
			return g.house.desk.Who(c.Value)
		}
	}
	return review.Person{}, review.ErrSession
}

func TestWhoWasInvitedSignsInThroughAProvider(t *testing.T) {
	h, p := newProvider(t)
	adm := h.person(t, "adm", review.Admin)
	ann := oidctest.Account{Subject: "ann-1", Email: "Ann@School.example", Name: "ann lee", Verified: true}
	p.SignIn(&ann)
	fails := func(why string, g *guest, path string, want int) {
		t.Helper()
		if code, _, body := g.through(t, path); code != want || !strings.Contains(body, "<h1") {
			t.Errorf("%s: %d", why, code)
		}
		if who, err := g.who(); err == nil {
			t.Errorf("%s: signed in as %s", why, who.Name)
		}
	}
	fails("nobody invited her", h.guest(t), "/review/oidc/start", http.StatusForbidden)
	if _, err := h.desk.Invite(adm.person, review.Admin, "ann@school.example"); err != nil {
		t.Fatal(err)
	}
	fails("an address alone makes no admin", h.guest(t), "/review/oidc/start", http.StatusForbidden)
	if code, _, _ := adm.send("/review/people/invite", "role", "reviewer", "email", "ann@school.example"); code != http.StatusCreated {
		t.Fatalf("invite: %d", code)
	}
	for _, lie := range []any{false, nil, "false", 1} {
		unverified := ann
		unverified.Verified = lie
		p.SignIn(&unverified)
		fails("the address is not verified", h.guest(t), "/review/oidc/start", http.StatusForbidden)
	}
	p.SignIn(&ann)
	g := h.guest(t)
	code, _, body := g.through(t, "/review/oidc/start?to=/review/guide")
	who, err := g.who()
	if code != http.StatusOK || err != nil || who.Role != review.Reviewer || who.Name != "ann-lee" || !strings.Contains(body, `content="0;url=/review/guide"`) {
		t.Fatalf("%d %+v %v %s", code, who, err, body)
	}
	// From now on her account at the provider counts, whatever address it has.
	p.SignIn(&oidctest.Account{Subject: "ann-1", Email: "other@school.example"})
	again := h.guest(t)
	again.through(t, "/review/oidc/start")
	if same, err := again.who(); err != nil || same.ID != who.ID {
		t.Errorf("by the subject: %+v %v", same, err)
	}
	p.SignIn(&oidctest.Account{Subject: "eve", Email: "ann@school.example", Verified: true})
	fails("another account with her address", h.guest(t), "/review/oidc/start", http.StatusForbidden)

	// An invitation's link does for an admin too.
	p.SignIn(&oidctest.Account{Subject: "boss", Name: "adm"})
	link, err := h.desk.InviteByOperator(review.Admin)
	if err != nil {
		t.Fatal(err)
	}
	boss := h.guest(t)
	if _, _, body := boss.get("/review/join/" + link); !strings.Contains(body, "/review/oidc/start?invitation="+link) {
		t.Error("the join page does not offer the provider")
	}
	boss.through(t, "/review/oidc/start?invitation="+link)
	if b, err := boss.who(); err != nil || b.Role != review.Admin || b.Name != "adm-2" {
		t.Errorf("by the link: %+v %v", b, err)
	}
	fails("the link again", func() *guest {
		p.SignIn(&oidctest.Account{Subject: "eve"})
		return h.guest(t)
	}(), "/review/oidc/start?invitation="+link, http.StatusNotFound)

	// Shut out is shut out, and there is no password to guess.
	if err := h.desk.Change(adm.person, who.ID, review.Reviewer, true); err != nil {
		t.Fatal(err)
	}
	p.SignIn(&ann)
	fails("her account is shut", h.guest(t), "/review/oidc/start", http.StatusForbidden)
	for _, pw := range []string{"", "x", password} {
		if _, err := h.desk.SignIn("ann-lee", pw); err == nil {
			t.Errorf("the password %q opens an account without one", pw)
		}
	}
	var out bytes.Buffer
	if err := h.desk.ExportTrail(adm.person, &out); err != nil {
		t.Fatal(err)
	}
	for _, personal := range []string{"school.example", "ann-1", "ann-lee"} {
		if strings.Contains(out.String(), personal) {
			t.Errorf("the audit log holds %q", personal)
		}
	}
	if !strings.Contains(out.String(), `"way":"oidc"`) {
		t.Error("the audit log does not tell of it")
	}
}

func TestAnAccountIsConnectedByItsOwnerOnly(t *testing.T) {
	h, p := newProvider(t)
	adm := h.person(t, "adm", review.Admin)
	eve := h.person(t, "eve", review.Viewer)
	p.SignIn(&oidctest.Account{Subject: "the admin"})
	code, _, body := adm.send("/review/me/connect")
	_, to, _ := strings.Cut(body, `content="0;url=`)
	to, _, _ = strings.Cut(to, `"`)
	if code != http.StatusOK || !strings.HasPrefix(to, p.URL+"/authorize?") {
		t.Fatalf("%d %s", code, body)
	}
	to = html.UnescapeString(to)
	if code, _, body := adm.back(t, to); code != http.StatusOK {
		t.Fatalf("%d %s", code, body)
	}
	g := h.guest(t)
	g.through(t, "/review/oidc/start")
	if who, err := g.who(); err != nil || who.ID != adm.person.ID {
		t.Errorf("%+v %v", who, err)
	}
	// Another cannot have the same, nor send an answer that was meant for her.
	_, _, body = eve.send("/review/me/connect")
	_, to, _ = strings.Cut(body, `content="0;url=`)
	to, _, _ = strings.Cut(to, `"`)
	if code, _, _ := eve.back(t, html.UnescapeString(to)); code != http.StatusConflict {
		t.Errorf("connected twice: %d", code)
	}
	// A cookie that she writes herself names an account of her choice.
	forged := h.guest(t)
	u, _ := url.Parse(h.URL)
	_, start, _ := forged.get("/review/oidc/start")
	var sealed string
	for _, c := range forged.client.Jar.Cookies(u) {
		if c.Name == "haechi-oidc" {
			sealed = c.Value
		}
	}
	a, ok := (&site{Config: Config{Now: time.Now}, sealKey: nil}).unseal(sealed)
	if ok || a.State != "" {
		t.Fatal("another key opens the seal")
	}
	other := &site{Config: Config{Now: time.Now}, sealKey: make([]byte, 32)}
	mine := attempt{Until: time.Now().Add(time.Hour), Connect: adm.person.ID, To: "/review"}
	parsed, _ := url.Parse(start)
	mine.State = parsed.Query().Get("state")
	p.SignIn(&oidctest.Account{Subject: "eve"})
	forged.client.Jar.SetCookies(u, []*http.Cookie{{Name: "haechi-oidc", Value: other.seal(mine), Path: "/"}})
	if code, _, _ := forged.back(t, start); code != http.StatusForbidden {
		t.Errorf("a forged attempt: %d", code)
	}
	g = h.guest(t)
	g.through(t, "/review/oidc/start")
	if who, err := g.who(); err == nil {
		t.Errorf("eve is %s", who.Name)
	}
}

// TestASignInThatWasNotBegunHereIsRefused: a link that somebody else sends, with
// his own code in it, must not sign a victim in as him.
func TestASignInThatWasNotBegunHereIsRefused(t *testing.T) {
	h, p := newProvider(t)
	h.person(t, "adm", review.Admin)
	link, err := h.desk.InviteByOperator(review.Viewer)
	if err != nil {
		t.Fatal(err)
	}
	p.SignIn(&oidctest.Account{Subject: "mallory"})
	mallory := h.guest(t)
	mallory.through(t, "/review/oidc/start?invitation="+link)
	_, to, _ := mallory.get("/review/oidc/start")
	answer, err := mallory.client.Get(to)
	if err != nil {
		t.Fatal(err)
	}
	answer.Body.Close()
	home, _ := url.Parse(answer.Header.Get("Location"))
	for name, victim := range map[string]*guest{"one who began nothing": h.guest(t), "one who began another": func() *guest {
		g := h.guest(t)
		g.get("/review/oidc/start")
		return g
	}()} {
		if code, _, _ := victim.get(home.RequestURI()); code != http.StatusForbidden {
			t.Errorf("%s: %d", name, code)
		}
		if _, err := victim.who(); err == nil {
			t.Errorf("%s is signed in", name)
		}
	}
	served := p.Served()
	// The session is new, strict, and not what the browser brought along; the
	// attempt is deleted.
	r, _ := http.NewRequest("GET", h.URL+home.RequestURI(), nil)
	u, _ := url.Parse(h.URL)
	for _, c := range mallory.client.Jar.Cookies(u) {
		if c.Name == "haechi-oidc" {
			r.AddCookie(c)
		}
	}
	r.AddCookie(&http.Cookie{Name: cookiePlain, Value: "chosen-by-somebody-else"})
	if answer, err = (&http.Client{}).Do(r); err != nil {
		t.Fatal(err)
	}
	answer.Body.Close()
	var session, attempt *http.Cookie
	for _, c := range answer.Cookies() {
		switch c.Name {
		case cookiePlain:
			session = c
		case "haechi-oidc":
			attempt = c
		}
	}
	if p.Served() != served+1 || session == nil || session.Value == "chosen-by-somebody-else" || len(session.Value) < 40 || session.SameSite != http.SameSiteStrictMode || !session.HttpOnly {
		t.Errorf("session %v", session)
	}
	if attempt == nil || attempt.MaxAge >= 0 {
		t.Errorf("attempt %v", attempt)
	}
	l := SignIns
	h.closed.Store(&l)
	for _, path := range []string{"/review/oidc/start", callbackPath} {
		if code, _, _ := h.guest(t).get(path); code != http.StatusTooManyRequests {
			t.Errorf("%s over the limit: %d", path, code)
		}
	}
}

func TestWithoutAProviderThereIsNone(t *testing.T) {
	h := newHouse(t)
	g := h.person(t, "ann", review.Reviewer)
	for _, path := range []string{"/review/oidc/start", callbackPath + "?code=x&state=y"} {
		if code, _, _ := g.get(path); code != http.StatusNotFound {
			t.Errorf("%s: %d", path, code)
		}
	}
	if _, _, body := h.guest(t).get("/review/sign-in"); strings.Contains(body, "oidc") {
		t.Error("the sign-in page offers a provider")
	}
}
