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
	"haechi/server/oidc"
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

	patterns []string // of everything that is served
}

func newHouse(t *testing.T) *house { return newHouseWith(t, nil) }

// newHouseWith is a house whose people may also sign in through a provider.
func newHouseWith(t *testing.T, provider *oidc.Provider) *house {
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
	handler, patterns, err := build(Config{
		OIDC: provider, Desk: desk, Pack: func() rules.Pack { return pack }, Log: slog.New(slog.NewTextHandler(failing{t}, &slog.HandlerOptions{Level: slog.LevelError})),
		Secure: func(*http.Request) bool { return h.secure.Load() },
		Origin: func(r *http.Request) bool {
			return r.Header.Get("Origin") == "" || strings.HasPrefix(r.Header.Get("Origin"), "chrome-extension://")
		},
		Allow: func(_ *http.Request, l Limit) bool { c := h.closed.Load(); return c == nil || *c != l },
	})
	if err != nil {
		t.Fatal(err)
	}
	h.patterns = patterns
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

var inline = regexp.MustCompile(`(?i)<script(?:\s+[^>]*)?>[^<]|\son[a-z]+\s*=|\sstyle\s*=|<style|javascript:`)

func TestPagesNeedNothingInline(t *testing.T) {
	h := newHouse(t)
	id := h.take(t, report(1))
	g := h.person(t, "adm", review.Admin)
	for _, path := range []string{"/review", "/review/case/" + id, "/review/import", "/review/people", "/review/audit?check=1", "/review/corpus", "/review/corpus?stage=taken", "/review/rules", "/review/guide", "/review/me", "/review/receipt", "/review/agreement", "/review/export", "/findings"} {
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
