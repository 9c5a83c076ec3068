// SPDX-License-Identifier: Apache-2.0

package web

import (
	"fmt"
	"io"
	"log/slog"
	"net/http"
	"net/http/cookiejar"
	"net/http/httptest"
	"net/url"
	"regexp"
	"strings"
	"sync/atomic"
	"testing"

	"haechi/rules"
	"haechi/rules/data"
	"haechi/server/review"
	"haechi/server/review/export"
	"haechi/server/store"
)

const password = "correct horse battery"

// house is the pages over a desk on a real Badger, on a server of its own.
type house struct {
	*httptest.Server
	desk   *review.Desk
	secure atomic.Bool
	closed atomic.Pointer[Limit] // this limit is used up
}

func newHouse(t *testing.T) *house {
	t.Helper()
	st, err := store.Open(t.TempDir(), nil, nil)
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { st.Close() })
	desk, err := review.Open(st.Review(), review.Config{})
	if err != nil {
		t.Fatal(err)
	}
	pack, err := data.Pack("")
	if err != nil {
		t.Fatal(err)
	}
	h := &house{desk: desk}
	handler, err := New(Config{
		Desk: desk, Pack: func() rules.Pack { return pack }, Log: slog.New(slog.NewTextHandler(failing{t}, nil)),
		Secure: func(*http.Request) bool { return h.secure.Load() },
		Origin: func(r *http.Request) bool {
			return r.Header.Get("Origin") == "" || strings.HasPrefix(r.Header.Get("Origin"), "chrome-extension://")
		},
		Allow: func(_ *http.Request, l Limit) bool { c := h.closed.Load(); return c == nil || *c != l },
	})
	if err != nil {
		t.Fatal(err)
	}
	h.Server = httptest.NewServer(handler)
	t.Cleanup(h.Close)
	return h
}

// failing makes what the pages log an error of the test.
type failing struct{ t *testing.T }

func (f failing) Write(p []byte) (int, error) { f.t.Errorf("logged: %s", p); return len(p), nil }

// guest is a browser, signed in or not.
type guest struct {
	t      *testing.T
	house  *house
	client *http.Client
	person review.Person
}

func (h *house) guest(t *testing.T) *guest {
	jar, err := cookiejar.New(nil)
	if err != nil {
		t.Fatal(err)
	}
	return &guest{t: t, house: h, client: &http.Client{Jar: jar, CheckRedirect: func(*http.Request, []*http.Request) error { return http.ErrUseLastResponse }}}
}

func (h *house) person(t *testing.T, name string, role review.Role) *guest {
	t.Helper()
	token, err := h.desk.InviteByOperator(role)
	if err != nil {
		t.Fatal(err)
	}
	g := h.guest(t)
	if g.person, err = h.desk.Join(token, name, password); err != nil {
		t.Fatal(err)
	}
	g.signIn()
	return g
}

func (g *guest) signIn() {
	g.t.Helper()
	if code, to, body := g.post("/review/sign-in", "name", g.person.Name, "password", password); code != http.StatusSeeOther || to != "/review" {
		g.t.Fatalf("sign in: %d %s %s", code, to, body)
	}
}

func (g *guest) do(r *http.Request) (code int, location, body string) {
	g.t.Helper()
	answer, err := g.client.Do(r)
	if err != nil {
		g.t.Fatal(err)
	}
	defer answer.Body.Close()
	b, err := io.ReadAll(answer.Body)
	if err != nil {
		g.t.Fatal(err)
	}
	if strings.HasPrefix(r.URL.Path, "/review") || strings.HasPrefix(r.URL.Path, "/findings") {
		policy := policy
		if r.URL.Path == "/review/export/handout" && answer.StatusCode == http.StatusOK {
			policy = export.HandoutPolicy
		}
		if p := answer.Header.Get("Content-Security-Policy"); p != policy && answer.StatusCode != http.StatusTemporaryRedirect {
			g.t.Errorf("%s has the policy %q", r.URL.Path, p)
		}
	}
	return answer.StatusCode, answer.Header.Get("Location"), string(b)
}

func (g *guest) get(path string, headers ...string) (code int, location, body string) {
	g.t.Helper()
	r, err := http.NewRequest("GET", g.house.URL+path, nil)
	if err != nil {
		g.t.Fatal(err)
	}
	for i := 0; i < len(headers); i += 2 {
		r.Header.Set(headers[i], headers[i+1])
	}
	return g.do(r)
}

func (g *guest) post(path string, fields ...string) (code int, location, body string) {
	g.t.Helper()
	form := url.Values{}
	for i := 0; i < len(fields); i += 2 {
		form.Add(fields[i], fields[i+1])
	}
	r, err := http.NewRequest("POST", g.house.URL+path, strings.NewReader(form.Encode()))
	if err != nil {
		g.t.Fatal(err)
	}
	r.Header.Set("Content-Type", "application/x-www-form-urlencoded")
	return g.do(r)
}

// token is the form token of the session.
func (g *guest) token() string {
	u, _ := url.Parse(g.house.URL)
	for _, c := range g.client.Jar.Cookies(u) {
		if c.Name == cookiePlain {
			return review.FormToken(c.Value)
		}
	}
	return ""
}

// send posts a form with its token.
func (g *guest) send(path string, fields ...string) (code int, location, body string) {
	g.t.Helper()
	return g.post(path, append(fields, "form", g.token())...)
}

func report(n int) review.Report {
	return review.Report{
		Excerpt: fmt.Sprintf("김치는 중국 쓰촨의 파오차이에서 유래한 음식입니다. 참고 %d.", n), Sentence: "김치는 중국 쓰촨의 파오차이에서 유래한 음식입니다.",
		Question: "김치는 어디에서 왔어?", Site: "chatgpt", Language: "ko", Rule: "kimchi-origin-china", Verdict: "distortion", Score: 0.9,
	}
}

func (h *house) take(t *testing.T, r review.Report) string {
	t.Helper()
	taken, err := h.desk.Take(review.OriginCitizen, []review.Report{r})
	if err != nil || taken[0].Err != nil {
		t.Fatal(err, taken)
	}
	return taken[0].Case
}

func TestEachRoleReachesItsRoutesAndNoOther(t *testing.T) {
	h := newHouse(t)
	id := h.take(t, report(1))
	guests := map[review.Role]*guest{"": h.guest(t)}
	for _, role := range review.Roles {
		guests[role] = h.person(t, string(role), role)
	}
	for _, to := range routes {
		path := strings.ReplaceAll(to.path, "{id}", id)
		for _, role := range append([]review.Role{""}, review.Roles...) {
			g := guests[role]
			name := fmt.Sprintf("%s %s as %q", to.method, to.path, role)
			if to.method == "GET" {
				code, location, _ := g.get(path)
				switch {
				case role == "":
					if code != http.StatusSeeOther || !strings.HasPrefix(location, "/review/sign-in") {
						t.Errorf("%s: %d %s", name, code, location)
					}
				case role.May(to.right) == (code == http.StatusForbidden) || code >= 500:
					t.Errorf("%s: %d", name, code)
				}
				continue
			}
			if code, _, _ := g.post(path); code != http.StatusForbidden {
				t.Errorf("%s without a form token: %d", name, code)
			}
			if code, _, _ := g.post(path, "form", review.FormToken("another")); code != http.StatusForbidden {
				t.Errorf("%s with another's form token: %d", name, code)
			}
			code, _, _ := g.send(path)
			if (role != "" && role.May(to.right)) == (code == http.StatusForbidden) || code >= 500 {
				t.Errorf("%s: %d", name, code)
			}
			if to.path == "/review/sign-out" && role != "" {
				if code, _, _ := g.get("/review"); code != http.StatusSeeOther {
					t.Errorf("%s: still signed in: %d", name, code)
				}
				g.signIn()
			}
		}
	}
}

func TestAnotherSiteCannotSendForms(t *testing.T) {
	h := newHouse(t)
	g := h.person(t, "ann", review.Admin)
	for _, headers := range [][2]string{{"Sec-Fetch-Site", "cross-site"}, {"Sec-Fetch-Site", "same-site"}, {"Origin", "https://evil.example"}} {
		for _, path := range []string{"/review/people/invite", "/review/sign-in", "/review/sign-out"} {
			r, _ := http.NewRequest("POST", h.URL+path, strings.NewReader(url.Values{"form": {g.token()}, "role": {"admin"}}.Encode()))
			r.Header.Set("Content-Type", "application/x-www-form-urlencoded")
			r.Header.Set(headers[0], headers[1])
			if code, _, _ := g.do(r); code != http.StatusForbidden {
				t.Errorf("%s with %v: %d", path, headers, code)
			}
		}
	}
}

var inline = regexp.MustCompile(`(?i)<script(?:\s+[^>]*)?>[^<]|\son[a-z]+\s*=|\sstyle\s*=|<style|javascript:`)

func TestWhatComesFromOutsideStaysText(t *testing.T) {
	h := newHouse(t)
	evil := `<script>alert(1)</script><img src=x onerror=alert(2)>"'&lt;b&gt;`
	taken, err := h.desk.Take(review.OriginCitizen, []review.Report{{
		Excerpt: evil + " 앞 " + evil + "다. 뒤", Sentence: evil + "다.", Question: evil, Site: "chatgpt", Language: "ko",
		Rule: "kimchi-origin-china", Model: `"><script>x</script>`, Verdict: "framing",
	}})
	if err != nil || taken[0].Err != nil {
		t.Fatal(err, taken[0].Err)
	}
	id := taken[0].Case
	reviewer, other := h.person(t, "ann", review.Reviewer), h.person(t, "bob", review.Reviewer)
	adjudicator, admin := h.person(t, "adj", review.Adjudicator), h.person(t, "adm", review.Admin)
	wrong := []string{"verdict", "distortion", "sources", `javascript:alert(1) "><script>`, "note", evil, "wording", evil, "filter", `"><script>`}
	_, _, body := reviewer.send("/review/case/"+id+"/judge", wrong...)
	pages := map[string]string{"a verdict that was refused": body}
	if code, _, _ := reviewer.send("/review/case/"+id+"/judge", "verdict", "accurate", "note", evil, "wording", evil, "sources", "https://example.org/?<script>"); code != http.StatusSeeOther {
		t.Fatalf("judge: %d", code)
	}
	if code, _, _ := other.send("/review/case/"+id+"/judge", "verdict", "contested", "note", evil); code != http.StatusSeeOther {
		t.Fatalf("judge: %d", code)
	}
	_, _, pages["import"] = reviewer.send("/review/import", "what", "one", "excerpt", evil+evil, "sentence", "elsewhere", "question", evil, "model", evil, "site", evil)
	_, _, pages["table"] = reviewer.send("/review/import", "what", "many", "text", "answer,site\n"+evil+","+evil+"\n")
	_, _, pages["sign-in"] = h.guest(t).post("/review/sign-in", "name", evil, "password", evil, "to", "javascript:alert(1)")
	_, _, pages["receipt"] = h.guest(t).post("/review/receipt", "code", taken[0].Code)
	_, _, pages["no receipt"] = h.guest(t).post("/review/receipt", "code", evil)
	for _, path := range []string{"/review", "/review/case/" + id, "/review?rule=%22%3E%3Cscript%3E&state=%3Cscript%3E&site=%3Cscript%3E&done=" + id + "&did=judged", "/review/case/" + id + "?done=" + id + "&did=judged&skip=%22%3E%3Cscript%3E"} {
		for _, g := range []*guest{reviewer, adjudicator, admin} {
			_, _, pages[g.person.Name+" "+path] = g.get(path)
		}
	}
	seen := false
	for name, body := range pages {
		if !strings.Contains(body, "<h1") {
			t.Errorf("%s is no page: %.200s", name, body)
		}
		// What is escaped may look like anything; only what a browser takes for markup counts.
		if strings.Contains(body, "<script>") || strings.Contains(body, "<img") || inline.MatchString(stripValues(body)) || strings.Contains(body, `href="javascript:`) {
			t.Errorf("%s holds markup from outside:\n%s", name, body)
		}
		seen = seen || strings.Contains(body, "&lt;script&gt;alert(1)")
	}
	if !seen {
		t.Error("no page showed the text at all")
	}
}

// stripValues takes away the text and the quoted values of a page, in which
// anything may stand.
func stripValues(page string) string {
	tags := regexp.MustCompile(`<[^>]*>`).FindAllString(regexp.MustCompile(`"[^"]*"`).ReplaceAllString(page, `""`), -1)
	return strings.Join(tags, "")
}

func TestPagesNeedNothingInline(t *testing.T) {
	h := newHouse(t)
	id := h.take(t, report(1))
	g := h.person(t, "adm", review.Admin)
	for _, path := range []string{"/review", "/review/case/" + id, "/review/import", "/review/people", "/review/rules", "/review/guide", "/review/me", "/review/receipt", "/review/agreement", "/review/export", "/findings"} {
		code, _, body := g.get(path)
		if code != http.StatusOK || inline.MatchString(body) {
			t.Errorf("%s: %d, inline: %q", path, code, inline.FindString(body))
		}
	}
}

func TestSessionsAreTheServersOwn(t *testing.T) {
	h := newHouse(t)
	g := h.person(t, "ann", review.Reviewer)
	u, _ := url.Parse(h.URL)
	r, _ := http.NewRequest("POST", h.URL+"/review/sign-in", strings.NewReader(url.Values{"name": {"ann"}, "password": {password}}.Encode()))
	r.Header.Set("Content-Type", "application/x-www-form-urlencoded")
	r.AddCookie(&http.Cookie{Name: cookiePlain, Value: "chosen-by-somebody-else"})
	answer, err := (&http.Client{CheckRedirect: g.client.CheckRedirect}).Do(r)
	if err != nil {
		t.Fatal(err)
	}
	answer.Body.Close()
	cookies := answer.Cookies()
	if len(cookies) != 1 || cookies[0].Value == "chosen-by-somebody-else" || len(cookies[0].Value) < 40 || !cookies[0].HttpOnly || cookies[0].SameSite != http.SameSiteStrictMode {
		t.Errorf("cookies %v", cookies)
	}
	old := g.client.Jar.Cookies(u)[0].Value
	g.signIn()
	if _, err := h.desk.Who(old); err == nil {
		t.Error("the session before the sign-in still counts")
	}
	h.secure.Store(true)
	r, _ = http.NewRequest("POST", h.URL+"/review/sign-in", strings.NewReader(url.Values{"name": {"ann"}, "password": {password}}.Encode()))
	r.Header.Set("Content-Type", "application/x-www-form-urlencoded")
	answer, err = (&http.Client{CheckRedirect: g.client.CheckRedirect}).Do(r)
	if err != nil {
		t.Fatal(err)
	}
	answer.Body.Close()
	if c := answer.Cookies(); len(c) != 1 || c[0].Name != cookieSecure || !c[0].Secure || c[0].Path != "/" {
		t.Errorf("with TLS: %v", c)
	}
}

func TestSignInLeadsToPagesOfTheDeskOnly(t *testing.T) {
	for to, want := range map[string]string{
		"/review/case/abc?state=new": "/review/case/abc?state=new", "/review": "/review", "": "/review",
		"https://evil.example/review": "/review", "//evil.example/review": "/review", "/\\evil.example": "/review",
		"/review/../v1/sync": "/review", "javascript:alert(1)": "/review", "/reviewer": "/review", "/review/\r\nX: y": "/review",
	} {
		if got := target(to); got != want {
			t.Errorf("%q leads to %q", to, got)
		}
	}
}

func TestGuessingIsStopped(t *testing.T) {
	h := newHouse(t)
	h.person(t, "ann", review.Reviewer)
	g := h.guest(t)
	for i := range 5 {
		if code, _, body := g.post("/review/sign-in", "name", "ann", "password", "wrong"); code != http.StatusForbidden || !strings.Contains(body, "맞지 않습니다") {
			t.Fatalf("try %d: %d", i, code)
		}
	}
	if code, _, body := g.post("/review/sign-in", "name", "ann", "password", password); code != http.StatusForbidden || !strings.Contains(body, "잠겼습니다") {
		t.Errorf("after five: %d", code)
	}
	l := SignIns
	h.closed.Store(&l)
	if code, _, _ := g.post("/review/sign-in", "name", "bob", "password", password); code != http.StatusTooManyRequests {
		t.Errorf("over the limit: %d", code)
	}
}

func TestFormsHaveALimit(t *testing.T) {
	h := newHouse(t)
	g := h.person(t, "ann", review.Reviewer)
	id := h.take(t, report(1))
	if code, _, _ := g.send("/review/case/"+id+"/judge", "verdict", "accurate", "note", strings.Repeat("a", maxForm)); code != http.StatusRequestEntityTooLarge {
		t.Errorf("a large form: %d", code)
	}
	if code, _, _ := g.send("/review/import", "what", "many", "text", strings.Repeat("a", maxUpload)); code != http.StatusRequestEntityTooLarge {
		t.Errorf("a large import: %d", code)
	}
}

func TestNoFileBeyondTheStaticOnesIsServed(t *testing.T) {
	h := newHouse(t)
	g := h.guest(t)
	if code, _, body := g.get("/review/static/review.js"); code != http.StatusOK || !strings.Contains(body, "SPDX") {
		t.Errorf("the script: %d", code)
	}
	for _, path := range []string{"/review/static/", "/review/static/..%2fpages%2fcase.html", "/review/static/%2e%2e/web.go", "/review/static/../pages/case.html", "/review/pages/case.html", "/review/static/review.js/../../web.go"} {
		if code, _, body := g.get(path); code == http.StatusOK || strings.Contains(body, "define") {
			t.Errorf("%s: %d %.80s", path, code, body)
		}
	}
}

func TestPagesSpeakTheBrowsersLanguage(t *testing.T) {
	h := newHouse(t)
	for accept, want := range map[string]string{"": "ko", "ko-KR,ko;q=0.9,en;q=0.8": "ko", "en-GB,en;q=0.9,ko;q=0.5": "en", "ja,en;q=0.5": "en", "fr": "ko"} {
		g := h.guest(t)
		if _, _, body := g.get("/review/sign-in", "Accept-Language", accept); !strings.Contains(body, `<html lang="`+want+`">`) {
			t.Errorf("%q does not get %s", accept, want)
		}
		if code, to, _ := g.post("/review/language", "lang", "en", "to", "/review/receipt"); code != http.StatusSeeOther || to != "/review/receipt" {
			t.Errorf("switch: %d %s", code, to)
		}
		if _, _, body := g.get("/review/sign-in", "Accept-Language", "ko"); !strings.Contains(body, `<html lang="en">`) {
			t.Error("the choice is forgotten")
		}
	}
}
