// SPDX-License-Identifier: Apache-2.0

// Package oidctest is a small OpenID Connect provider for tests, on loopback: it
// holds its clients to the authorization code, to PKCE, to their secret and to
// their registered address, and can be told to lie ([Provider.Lie]).
package oidctest

import (
	"crypto/rand"
	"crypto/rsa"
	"crypto/sha256"
	"encoding/base64"
	"encoding/json"
	"net/http"
	"net/http/httptest"
	"net/url"
	"sync"
	"testing"
	"time"

	"github.com/go-jose/go-jose/v4"
)

// The one client.
const (
	ClientID     = "haechi"
	ClientSecret = "the client's secret"
)

// Account is who signs in at the provider.
type Account struct {
	Subject, Email, Name string
	Verified             any // email_verified
}

// Provider is a running one. Its fields may be changed between sign-ins.
type Provider struct {
	*httptest.Server
	Redirect string // the address registered for the client

	mu      sync.Mutex
	account *Account             // nil: the person says no
	lie     func(map[string]any) // changes what an ID token claims
	stray   bool                 // signs with a key that it does not publish
	grants  map[string]grant     // by code
	served  int                  // tokens given out
	key     *rsa.PrivateKey
	other   *rsa.PrivateKey
	now     func() time.Time
}

type grant struct {
	account             Account
	nonce, challenge, u string
}

// New starts a provider that ends with the test.
func New(t testing.TB, now func() time.Time) *Provider {
	t.Helper()
	p := &Provider{grants: map[string]grant{}, now: now}
	for _, key := range []**rsa.PrivateKey{&p.key, &p.other} {
		var err error
		if *key, err = rsa.GenerateKey(rand.Reader, 2048); err != nil {
			t.Fatal(err)
		}
	}
	mux := http.NewServeMux()
	mux.HandleFunc("GET /.well-known/openid-configuration", p.discovery)
	mux.HandleFunc("GET /authorize", p.authorize)
	mux.HandleFunc("POST /token", p.token)
	mux.HandleFunc("GET /keys", p.keys)
	p.Server = httptest.NewServer(mux)
	t.Cleanup(p.Close)
	return p
}

// SignIn says who is at the browser; nil says no to whatever is asked.
func (p *Provider) SignIn(a *Account) {
	p.mu.Lock()
	defer p.mu.Unlock()
	p.account = a
}

// Lie changes the claims of every ID token from now on; nil ends that. stray has
// them signed with a key that is not the provider's.
func (p *Provider) Lie(claims func(map[string]any), stray bool) {
	p.mu.Lock()
	defer p.mu.Unlock()
	p.lie, p.stray = claims, stray
}

// Served is how many tokens were given out.
func (p *Provider) Served() int {
	p.mu.Lock()
	defer p.mu.Unlock()
	return p.served
}

func answer(w http.ResponseWriter, status int, value any) {
	w.Header().Set("Content-Type", "application/json")
	w.WriteHeader(status)
	json.NewEncoder(w).Encode(value)
}

func (p *Provider) discovery(w http.ResponseWriter, _ *http.Request) {
	answer(w, http.StatusOK, map[string]any{
		"issuer": p.URL, "authorization_endpoint": p.URL + "/authorize", "token_endpoint": p.URL + "/token", "jwks_uri": p.URL + "/keys",
		"response_types_supported": []string{"code"}, "subject_types_supported": []string{"public"},
		"id_token_signing_alg_values_supported": []string{"RS256"}, "code_challenge_methods_supported": []string{"S256"},
	})
}

func (p *Provider) keys(w http.ResponseWriter, _ *http.Request) {
	answer(w, http.StatusOK, jose.JSONWebKeySet{Keys: []jose.JSONWebKey{{Key: p.key.Public(), KeyID: "1", Algorithm: "RS256", Use: "sig"}}})
}

// authorize asks nobody: who is at the browser was said before.
func (p *Provider) authorize(w http.ResponseWriter, r *http.Request) {
	q := r.URL.Query()
	p.mu.Lock()
	defer p.mu.Unlock()
	if q.Get("client_id") != ClientID || q.Get("redirect_uri") != p.Redirect || q.Get("response_type") != "code" {
		http.Error(w, "no such client at this address", http.StatusBadRequest)
		return
	}
	back := url.Values{"state": {q.Get("state")}, "iss": {p.URL}}
	switch {
	case q.Get("state") == "" || q.Get("nonce") == "" || q.Get("code_challenge_method") != "S256" || q.Get("code_challenge") == "":
		back.Set("error", "invalid_request")
	case p.account == nil:
		back.Set("error", "access_denied")
	default:
		code := rand.Text()
		p.grants[code] = grant{*p.account, q.Get("nonce"), q.Get("code_challenge"), q.Get("redirect_uri")}
		back.Set("code", code)
	}
	http.Redirect(w, r, p.Redirect+"?"+back.Encode(), http.StatusFound)
}

func (p *Provider) token(w http.ResponseWriter, r *http.Request) {
	p.mu.Lock()
	defer p.mu.Unlock()
	id, secret, ok := r.BasicAuth()
	if ok {
		id, _ = url.QueryUnescape(id)
		secret, _ = url.QueryUnescape(secret)
	} else {
		id, secret = r.FormValue("client_id"), r.FormValue("client_secret")
	}
	if id != ClientID || secret != ClientSecret {
		answer(w, http.StatusUnauthorized, map[string]string{"error": "invalid_client"})
		return
	}
	g, ok := p.grants[r.FormValue("code")]
	delete(p.grants, r.FormValue("code")) // once
	sum := sha256.Sum256([]byte(r.FormValue("code_verifier")))
	if !ok || g.u != r.FormValue("redirect_uri") || base64.RawURLEncoding.EncodeToString(sum[:]) != g.challenge {
		answer(w, http.StatusBadRequest, map[string]string{"error": "invalid_grant"})
		return
	}
	now := p.now()
	claims := map[string]any{
		"iss": p.URL, "aud": ClientID, "sub": g.account.Subject, "nonce": g.nonce, "iat": now.Unix(), "exp": now.Add(time.Minute).Unix(),
		"email": g.account.Email, "email_verified": g.account.Verified, "preferred_username": g.account.Name,
	}
	if p.lie != nil {
		p.lie(claims)
	}
	key := p.key
	if p.stray {
		key = p.other
	}
	signer, err := jose.NewSigner(jose.SigningKey{Algorithm: jose.RS256, Key: jose.JSONWebKey{Key: key, KeyID: "1"}}, nil)
	if err != nil {
		http.Error(w, err.Error(), http.StatusInternalServerError)
		return
	}
	body, _ := json.Marshal(claims)
	signed, err := signer.Sign(body)
	if err != nil {
		http.Error(w, err.Error(), http.StatusInternalServerError)
		return
	}
	raw, _ := signed.CompactSerialize()
	p.served++
	answer(w, http.StatusOK, map[string]any{"access_token": rand.Text(), "token_type": "Bearer", "expires_in": 60, "id_token": raw})
}
