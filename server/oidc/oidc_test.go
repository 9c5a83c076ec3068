// SPDX-License-Identifier: Apache-2.0

package oidc_test

import (
	"errors"
	"net/http"
	"net/http/httptest"
	"net/url"
	"testing"
	"time"

	"haechi/server/oidc"
	"haechi/server/oidc/oidctest"
)

const here = "https://haechi.example/review/oidc/callback"

func config(p *oidctest.Provider) oidc.Config {
	return oidc.Config{Issuer: p.URL, ClientID: oidctest.ClientID, ClientSecret: oidctest.ClientSecret}
}

// visit goes to the provider, as a browser does, and returns what it comes back
// with.
func visit(t *testing.T, to string) url.Values {
	t.Helper()
	c := &http.Client{CheckRedirect: func(*http.Request, []*http.Request) error { return http.ErrUseLastResponse }}
	answer, err := c.Get(to)
	if err != nil {
		t.Fatal(err)
	}
	answer.Body.Close()
	back, err := url.Parse(answer.Header.Get("Location"))
	if err != nil || answer.StatusCode != http.StatusFound {
		t.Fatal(answer.Status, err)
	}
	return back.Query()
}

func TestAPersonIsSignedIn(t *testing.T) {
	p := oidctest.New(t, time.Now)
	p.Redirect = here
	client, err := oidc.New(config(p))
	if err != nil {
		t.Fatal(err)
	}
	for name, c := range map[string]struct {
		account oidctest.Account
		email   string
	}{
		"verified":             {oidctest.Account{Subject: "1", Email: "Ann@Example.org", Name: "ann", Verified: true}, "ann@example.org"},
		"verified in a string": {oidctest.Account{Subject: "1", Email: "ann@example.org", Name: "ann", Verified: "true"}, "ann@example.org"},
		"not verified":         {oidctest.Account{Subject: "1", Email: "ann@example.org", Name: "ann", Verified: false}, ""},
		"nothing is said":      {oidctest.Account{Subject: "1", Email: "ann@example.org", Name: "ann"}, ""},
	} {
		p.SignIn(&c.account)
		a, to, err := client.Begin(t.Context(), here)
		if err != nil {
			t.Fatal(err)
		}
		who, err := client.Finish(t.Context(), here, a, visit(t, to))
		if err != nil || who != (oidc.Identity{Issuer: p.URL, Subject: "1", Email: c.email, Name: "ann"}) {
			t.Errorf("%s: %+v %v", name, who, err)
		}
	}
}

func TestWhatDoesNotFitIsRefused(t *testing.T) {
	now := time.Now()
	p := oidctest.New(t, func() time.Time { return now })
	p.Redirect = here
	client, err := oidc.New(config(p))
	if err != nil {
		t.Fatal(err)
	}
	p.SignIn(&oidctest.Account{Subject: "1", Email: "ann@example.org", Verified: true})
	claim := func(name string, value any) func(map[string]any) {
		return func(m map[string]any) { m[name] = value }
	}
	for name, c := range map[string]struct {
		lie   func(map[string]any)
		stray bool
		back  func(url.Values)
		keep  func(*oidc.Attempt)
		want  error
	}{
		"another's state":    {back: func(q url.Values) { q.Set("state", "x") }, want: oidc.ErrForged},
		"no state":           {back: func(q url.Values) { q.Del("state") }, keep: func(a *oidc.Attempt) { a.State = "" }, want: oidc.ErrForged},
		"another issuer":     {back: func(q url.Values) { q.Set("iss", "https://evil.example") }, want: oidc.ErrForged},
		"another's code":     {back: func(q url.Values) { q.Set("code", "x") }, want: oidc.ErrRefused},
		"no code":            {back: func(q url.Values) { q.Del("code") }, want: oidc.ErrRefused},
		"another verifier":   {keep: func(a *oidc.Attempt) { a.Verifier += "x" }, want: oidc.ErrRefused},
		"a replayed nonce":   {lie: claim("nonce", "x"), want: oidc.ErrForged},
		"no nonce":           {lie: func(m map[string]any) { delete(m, "nonce") }, want: oidc.ErrForged},
		"for another client": {lie: claim("aud", "another"), want: oidc.ErrForged},
		"another's party":    {lie: func(m map[string]any) { m["aud"], m["azp"] = []string{"haechi", "b"}, "b" }, want: oidc.ErrForged},
		"of another issuer":  {lie: claim("iss", "https://evil.example"), want: oidc.ErrForged},
		"expired":            {lie: claim("exp", now.Add(-time.Hour).Unix()), want: oidc.ErrForged},
		"of nobody":          {lie: claim("sub", ""), want: oidc.ErrForged},
		"another key":        {stray: true, want: oidc.ErrForged},
	} {
		p.Lie(c.lie, c.stray)
		a, to, err := client.Begin(t.Context(), here)
		if err != nil {
			t.Fatal(err)
		}
		q := visit(t, to)
		if c.back != nil {
			c.back(q)
		}
		if c.keep != nil {
			c.keep(&a)
		}
		if who, err := client.Finish(t.Context(), here, a, q); !errors.Is(err, c.want) {
			t.Errorf("%s: %+v %v", name, who, err)
		}
	}
	p.Lie(nil, false)
	p.SignIn(nil)
	a, to, _ := client.Begin(t.Context(), here)
	if _, err := client.Finish(t.Context(), here, a, visit(t, to)); !errors.Is(err, oidc.ErrRefused) {
		t.Errorf("the person says no: %v", err)
	}
	p.SignIn(&oidctest.Account{Subject: "1"})
	a, to, _ = client.Begin(t.Context(), here)
	q := visit(t, to)
	if _, err := client.Finish(t.Context(), here, a, q); err != nil {
		t.Errorf("honest again: %v", err)
	}
	if _, err := client.Finish(t.Context(), here, a, q); !errors.Is(err, oidc.ErrRefused) {
		t.Errorf("the same code twice: %v", err)
	}
}

func TestAProviderThatIsDownIsAskedAgain(t *testing.T) {
	p := oidctest.New(t, time.Now)
	p.Redirect = here
	up := false
	door := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		if !up {
			http.Error(w, "down", http.StatusServiceUnavailable)
			return
		}
		p.Config.Handler.ServeHTTP(w, r)
	}))
	defer door.Close()
	p.URL = door.URL
	client, err := oidc.New(config(p))
	if err != nil {
		t.Fatal(err)
	}
	if _, _, err := client.Begin(t.Context(), here); !errors.Is(err, oidc.ErrProvider) {
		t.Errorf("down: %v", err)
	}
	up = true
	if _, _, err := client.Begin(t.Context(), here); err != nil {
		t.Errorf("up again: %v", err)
	}
}

func TestConfigurationsAreChecked(t *testing.T) {
	for issuer, ok := range map[string]bool{
		"https://id.example": true, "https://id.example/realms/a": true, "http://127.0.0.1:1": true, "http://localhost:1": true,
		"http://id.example": false, "id.example": false, "": false, "https://a:b@id.example": false, "https://id.example?x": false,
	} {
		if _, err := oidc.New(oidc.Config{Issuer: issuer, ClientID: "a"}); (err == nil) != ok {
			t.Errorf("%q: %v", issuer, err)
		}
	}
	if _, err := oidc.New(oidc.Config{Issuer: "https://id.example"}); err == nil {
		t.Error("no client id")
	}
}
