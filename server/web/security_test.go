// SPDX-License-Identifier: Apache-2.0

package web

import (
	"fmt"
	"net/http"
	"net/url"
	"slices"
	"strings"
	"testing"

	"haechi/server/review"
)

// Who may use what, by the pattern of the mux: the least role, or "" for
// everybody. A route that is not here fails the test.
var access = map[string]review.Role{
	"GET /review":                         review.Viewer,
	"GET /review/next":                    review.Reviewer,
	"GET /review/dispute":                 review.Adjudicator,
	"GET /review/ready":                   review.Maintainer,
	"GET /review/case/{id}":               review.Viewer,
	"POST /review/case/{id}/judge":        review.Reviewer,
	"POST /review/case/{id}/undo":         review.Reviewer,
	"POST /review/case/{id}/draft":        review.Reviewer,
	"POST /review/case/{id}/let-go":       review.Reviewer,
	"POST /review/case/{id}/split":        review.Reviewer,
	"POST /review/case/{id}/adjudicate":   review.Adjudicator,
	"POST /review/case/{id}/publish":      review.Maintainer,
	"POST /review/case/{id}/withdraw":     review.Maintainer,
	"GET /review/corpus":                  review.Maintainer,
	"POST /review/case/{id}/sign-off":     review.Maintainer,
	"POST /review/case/{id}/decline":      review.Maintainer,
	"POST /review/assign":                 review.Adjudicator,
	"GET /review/import":                  review.Reviewer,
	"POST /review/import":                 review.Reviewer,
	"GET /review/rules":                   review.Maintainer,
	"GET /review/people":                  review.Admin,
	"POST /review/people/invite":          review.Admin,
	"POST /review/people/change":          review.Admin,
	"GET /review/audit":                   review.Admin,
	"GET /review/agreement":               review.Adjudicator,
	"GET /review/agreement.json":          review.Adjudicator,
	"GET /review/export":                  review.Viewer,
	"GET /review/export/findings.csv":     review.Viewer,
	"GET /review/export/corpus.jsonl":     review.Viewer,
	"GET /review/export/claimreview.json": review.Viewer,
	"GET /review/export/handout":          review.Viewer,
	"GET /review/audit.jsonl":             review.Admin,
	"GET /review/guide":                   review.Viewer,
	"GET /review/me":                      review.Viewer,
	"POST /review/me/password":            review.Viewer,
	"POST /review/me/token":               review.Viewer,
	"POST /review/me/token/revoke":        review.Viewer,
	"POST /review/me/connect":             review.Viewer,
	"POST /review/sign-out":               review.Viewer,
	"GET /v1/review/me":                   review.Viewer,
	"GET /v1/review/rules":                review.Maintainer,
	"GET /v1/review/audit.jsonl":          review.Admin,
	"POST /v1/review/answers":             review.Reviewer,
	"GET /review/sign-in":                 "",
	"POST /review/sign-in":                "",
	"GET /review/oidc/start":              "",
	"GET /review/oidc/callback":           "",
	"GET /review/join/{token}":            "",
	"POST /review/join/{token}":           "",
	"GET /review/receipt":                 "",
	"POST /review/receipt":                "",
	"POST /review/language":               "",
	"GET /review/static/":                 "",
	"/review/":                            "", // says that there is nothing
	"/review":                             "", // leads to those above
	"GET /findings":                       "",
	"GET /findings/{$}":                   "",
	"GET /findings/{id}":                  "",
	"GET /findings/{id}/claimreview.json": "",
	"GET /findings/data.csv":              "",
	"GET /findings/data.json":             "",
	"GET /findings/sentences.csv":         "",
	"GET /findings/claimreview.json":      "",
	"GET /v1/corpus.jsonl":                "",
	"POST /v1/reports":                    "",
	"GET /v1/reports/{code}":              "",
	"DELETE /v1/reports/{code}":           "",
	"OPTIONS /v1/reports":                 "",
	"OPTIONS /v1/reports/{code}":          "",
}

func TestEveryRouteIsInTheTableOfRights(t *testing.T) {
	h := newHouse(t)
	served := map[string]bool{}
	for _, p := range h.patterns {
		served[p] = true
		if _, ok := access[p]; !ok {
			t.Errorf("%s is served, and nobody said to whom: add it to the table", p)
		}
	}
	for p := range access {
		if !served[p] {
			t.Errorf("%s is in the table and not served", p)
		}
	}
}

// everybody is one guest of each role, "" for one without an account.
func (h *house) everybody(t *testing.T) map[review.Role]*guest {
	out := map[review.Role]*guest{"": h.guest(t)}
	for _, role := range review.Roles {
		out[role] = h.person(t, string(role), role)
	}
	return out
}

func TestEachRoleReachesItsRoutesAndNoOther(t *testing.T) {
	h := newHouse(t)
	id := h.take(t, report(1))
	guests := h.everybody(t)
	tokens := map[review.Role]string{}
	for _, role := range review.Roles {
		_, secret, err := h.desk.MakeToken(guests[role].person, "test", role, 1)
		if err != nil {
			t.Fatal(err)
		}
		tokens[role] = secret
	}
	for pattern, least := range access {
		method, path, _ := strings.Cut(pattern, " ")
		if least == "" || path == "/review/sign-out" {
			continue
		}
		path = strings.ReplaceAll(path, "{id}", id)
		for _, role := range append([]review.Role{""}, review.Roles...) {
			g := guests[role]
			name := fmt.Sprintf("%s as %q", pattern, role)
			may := role != "" && slices.Index(review.Roles, role) >= slices.Index(review.Roles, least)
			if strings.HasPrefix(path, "/v1/") {
				for _, with := range []string{"", tokens[role]} { // with the session's cookie only, then with a token
					r, _ := http.NewRequest(method, h.URL+path, strings.NewReader(""))
					if with != "" {
						r.Header.Set("Authorization", "Bearer "+with)
					}
					code, _, _ := g.do(r)
					want := code < 500 && code != http.StatusUnauthorized && code != http.StatusForbidden
					switch {
					case with == "":
						want = code == http.StatusUnauthorized
					case !may:
						want = code == http.StatusForbidden
					}
					if !want {
						t.Errorf("%s, token %v: %d", name, with != "", code)
					}
				}
				continue
			}
			var code int
			var location string
			if method == "GET" {
				code, location, _ = g.get(path)
			} else {
				code, location, _ = g.send(path)
			}
			switch {
			case role == "" && method == "GET":
				if code != http.StatusSeeOther || !strings.HasPrefix(location, "/review/sign-in") {
					t.Errorf("%s: %d %s", name, code, location)
				}
			case may == (code == http.StatusForbidden) || code >= 500:
				t.Errorf("%s: %d", name, code)
			}
		}
	}
	for _, role := range review.Roles {
		g := guests[role]
		if code, _, _ := g.send("/review/sign-out"); code != http.StatusSeeOther {
			t.Errorf("%s signs out: %d", role, code)
		}
		if code, to, _ := g.get("/review"); code != http.StatusSeeOther || !strings.HasPrefix(to, "/review/sign-in") {
			t.Errorf("%s: still signed in: %d", role, code)
		}
	}
}

// TestNoFormWithoutItsTokenAndFromHereCounts, for each form that there is.
func TestNoFormWithoutItsTokenAndFromHereCounts(t *testing.T) {
	h := newHouse(t)
	id := h.take(t, report(1))
	admin, other := h.person(t, "adm", review.Admin), h.person(t, "ann", review.Reviewer)
	earlier := admin.token()
	admin.signIn() // another session, with another token
	forms := 0
	for pattern, least := range access {
		method, path, _ := strings.Cut(pattern, " ")
		if method != "POST" || !strings.HasPrefix(path, "/review/") {
			continue
		}
		forms++
		path = strings.NewReplacer("{id}", id, "{token}", "x").Replace(path)
		for _, headers := range [][2]string{{"Sec-Fetch-Site", "cross-site"}, {"Sec-Fetch-Site", "same-site"}, {"Origin", "https://evil.example"}, {"Origin", "null"}} {
			r, _ := http.NewRequest("POST", h.URL+path, strings.NewReader(url.Values{"form": {admin.token()}}.Encode()))
			r.Header.Set("Content-Type", "application/x-www-form-urlencoded")
			r.Header.Set(headers[0], headers[1])
			if code, _, _ := admin.do(r); code != http.StatusForbidden {
				t.Errorf("%s with %v: %d", pattern, headers, code)
			}
		}
		if least == "" {
			continue
		}
		for what, token := range map[string]string{"none": "", "one made up": "x", "another person's": other.token(), "that of an earlier session": earlier} {
			if code, _, _ := admin.post(path, "form", token); code != http.StatusForbidden {
				t.Errorf("%s with the token %s: %d", pattern, what, code)
			}
		}
	}
	if forms < 20 {
		t.Errorf("only %d forms", forms)
	}
	if _, err := h.desk.Who(""); err == nil {
		t.Error("no session is one")
	}
	if c, err := h.desk.Case(admin.person, id); err != nil || c.Revision != 1 {
		t.Errorf("something got through: %+v %v", c, err)
	}
}

func TestTokensOpenNothingBeyondThem(t *testing.T) {
	h := newHouse(t)
	g := h.person(t, "max", review.Maintainer)
	code, _, body := g.send("/review/me/token", "label", "a script", "role", "admin", "days", "9")
	if code != http.StatusUnprocessableEntity {
		t.Errorf("more than one's own role: %d", code)
	}
	code, _, body = g.send("/review/me/token", "label", "a script", "role", "reviewer", "days", "9")
	_, secret, _ := strings.Cut(body, `value="`+review.TokenPrefix)
	secret, _, _ = strings.Cut(secret, `"`)
	secret = review.TokenPrefix + secret
	if code != http.StatusCreated || len(secret) < 40 {
		t.Fatalf("%d %s", code, body)
	}
	if _, _, body = g.get("/review/me"); strings.Contains(body, secret) || !strings.Contains(body, "a script") {
		t.Error("the secret is shown again, or the token not at all")
	}
	call := func(method, path, body, with string) (int, string) {
		r, _ := http.NewRequest(method, h.URL+path, strings.NewReader(body))
		r.Header.Set("Authorization", with)
		code, _, answer := h.guest(t).do(r)
		return code, answer
	}
	if code, answer := call("GET", "/v1/review/me", "", "Bearer "+secret); code != http.StatusOK || !strings.Contains(answer, `"role":"reviewer"`) || strings.Contains(answer, "max") {
		t.Errorf("%d %s", code, answer)
	}
	if code, answer := call("POST", "/v1/review/answers?site=chatgpt&language=ko", "질문,답변\n,김치는 중국 음식입니다.\n,\n", "Bearer "+secret); code != http.StatusOK || strings.Count(answer, `"receipt":"`) != 1 || strings.Count(answer, `"error":"`) != 1 {
		t.Errorf("%d %s", code, answer)
	}
	if code, _ := call("POST", "/v1/review/answers", strings.Repeat("a", review.MaxCollection+1), "Bearer "+secret); code != http.StatusRequestEntityTooLarge {
		t.Errorf("an oversize collection: %d", code)
	}
	for _, with := range []string{"", "Bearer ", "Bearer x", "Bearer " + review.TokenPrefix, "Bearer " + secret + "x", "Basic " + secret, secret} {
		if code, _ := call("GET", "/v1/review/me", "", with); code != http.StatusUnauthorized {
			t.Errorf("%q: %d", with, code)
		}
	}
	// A token is no session, and a session no token.
	r, _ := http.NewRequest("GET", h.URL+"/review", nil)
	r.AddCookie(&http.Cookie{Name: cookiePlain, Value: secret})
	if code, _, _ := h.guest(t).do(r); code != http.StatusSeeOther {
		t.Errorf("as a session: %d", code)
	}
	own, err := h.desk.Tokens(g.person)
	if err != nil || len(own) != 1 {
		t.Fatal(own, err)
	}
	if code, _, _ := h.person(t, "eve", review.Admin).send("/review/me/token/revoke", "token", own[0].ID); code != http.StatusNotFound {
		t.Errorf("another revokes it: %d", code)
	}
	if code, _, _ := g.send("/review/me/token/revoke", "token", own[0].ID); code != http.StatusSeeOther {
		t.Errorf("revoke: %d", code)
	}
	if code, _ := call("GET", "/v1/review/me", "", "Bearer "+secret); code != http.StatusUnauthorized {
		t.Errorf("revoked: %d", code)
	}
}

func TestGuessingTheOldPasswordLocksToo(t *testing.T) {
	h := newHouse(t)
	g := h.person(t, "ann", review.Reviewer)
	for i := range 5 {
		if code, _, _ := g.send("/review/me/password", "old", "wrong", "password", "a new long password"); code != http.StatusUnprocessableEntity {
			t.Fatalf("try %d: %d", i, code)
		}
	}
	if code, _, _ := g.send("/review/me/password", "old", password, "password", "a new long password"); code != http.StatusForbidden {
		t.Errorf("after five: %d", code)
	}
	l := SignIns
	h.closed.Store(&l)
	token, err := h.desk.InviteByOperator(review.Viewer)
	if err != nil {
		t.Fatal(err)
	}
	for _, path := range []string{"/review/join/" + token, "/review/sign-in"} {
		if code, _, _ := h.guest(t).post(path, "name", "bob", "password", password); code != http.StatusTooManyRequests {
			t.Errorf("%s over the limit: %d", path, code)
		}
	}
}
