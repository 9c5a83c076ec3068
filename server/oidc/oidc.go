// SPDX-License-Identifier: Apache-2.0

// Package oidc signs people in through an OpenID Connect provider, by the
// authorization code with PKCE: [New] knows a provider, [Provider.Begin] leads a
// browser to it, and [Provider.Finish] takes what it came back with and says who
// it is. Who that may be here is for the caller to decide.
package oidc

import (
	"context"
	"crypto/rand"
	"crypto/subtle"
	"errors"
	"fmt"
	"net"
	"net/http"
	"net/url"
	"strings"
	"sync"
	"time"

	"github.com/coreos/go-oidc/v3/oidc"
	"golang.org/x/oauth2"
)

// Config is what the operator says of a provider.
type Config struct {
	Issuer       string // as its discovery document names it
	ClientID     string
	ClientSecret string // empty for a public client
	Name         string // what people call it; empty: the issuer's host
	Now          func() time.Time
}

// within bounds one conversation with the provider.
const within = 20 * time.Second

var (
	// ErrRefused: the provider said no, or the person did. Begin again.
	ErrRefused = errors.New("oidc: the provider did not sign the person in")
	// ErrForged: what came back does not belong to what was begun. Begin again.
	ErrForged = errors.New("oidc: the answer does not belong to this sign-in")
	// ErrProvider: the provider does not answer, or answers what it must not.
	ErrProvider = errors.New("oidc: the provider cannot be used")
)

// Identity is whom a provider vouches for.
type Identity struct {
	Issuer, Subject string // together they name one account, for good
	Email           string // empty unless the provider says that it is verified
	Name            string // a proposal for what to call the person
}

// Attempt is what the browser must keep between Begin and Finish, out of
// everybody else's reach.
type Attempt struct {
	State    string `json:"state"`
	Nonce    string `json:"nonce"`
	Verifier string `json:"verifier"`
}

// Provider is asked for its addresses and keys when somebody first signs in, so
// that a provider that is down keeps no server from starting.
type Provider struct {
	config Config
	http   *http.Client

	mu    sync.Mutex // held while it is asked
	found *oidc.Provider
}

// New checks a configuration. The provider is not asked yet.
func New(c Config) (*Provider, error) {
	u, err := url.Parse(c.Issuer)
	if err != nil || u.Host == "" || u.User != nil || u.RawQuery != "" || u.Fragment != "" || u.Scheme != "https" && !(u.Scheme == "http" && loopback(u.Hostname())) {
		return nil, fmt.Errorf("%q is no issuer: give its https address", c.Issuer)
	}
	if c.ClientID == "" {
		return nil, errors.New("the client id is missing: register this server with the provider")
	}
	if c.Name == "" {
		c.Name = u.Hostname()
	}
	if c.Now == nil {
		c.Now = time.Now
	}
	return &Provider{config: c, http: &http.Client{Timeout: within}}, nil
}

func loopback(host string) bool {
	ip := net.ParseIP(host)
	return host == "localhost" || ip != nil && ip.IsLoopback()
}

// Name is what people call the provider.
func (p *Provider) Name() string { return p.config.Name }

// Begin returns where to lead the browser, and what it must keep meanwhile.
// redirect is where the provider sends it back to, as registered there.
func (p *Provider) Begin(ctx context.Context, redirect string) (a Attempt, to string, err error) {
	o, _, err := p.open(ctx, redirect)
	if err != nil {
		return a, "", err
	}
	a = Attempt{State: rand.Text(), Nonce: rand.Text(), Verifier: oauth2.GenerateVerifier()}
	return a, o.AuthCodeURL(a.State, oidc.Nonce(a.Nonce), oauth2.S256ChallengeOption(a.Verifier)), nil
}

// Finish takes the query that the browser came back with.
func (p *Provider) Finish(ctx context.Context, redirect string, a Attempt, query url.Values) (Identity, error) {
	if a.State == "" || subtle.ConstantTimeCompare([]byte(query.Get("state")), []byte(a.State)) != 1 {
		return Identity{}, ErrForged
	}
	if iss := query.Get("iss"); iss != "" && iss != p.config.Issuer { // RFC 9207: an answer of another provider
		return Identity{}, ErrForged
	}
	if query.Get("error") != "" || query.Get("code") == "" {
		return Identity{}, ErrRefused
	}
	o, found, err := p.open(ctx, redirect)
	if err != nil {
		return Identity{}, err
	}
	ctx, cancel := context.WithTimeout(oidc.ClientContext(ctx, p.http), within)
	defer cancel()
	token, err := o.Exchange(ctx, query.Get("code"), oauth2.VerifierOption(a.Verifier))
	var refused *oauth2.RetrieveError
	if errors.As(err, &refused) && refused.ErrorCode != "" {
		return Identity{}, fmt.Errorf("%w: %s", ErrRefused, refused.ErrorCode)
	}
	if err != nil {
		return Identity{}, fmt.Errorf("%w: %v", ErrProvider, err)
	}
	raw, _ := token.Extra("id_token").(string)
	id, err := found.Verifier(&oidc.Config{ClientID: p.config.ClientID, Now: p.config.Now}).Verify(ctx, raw)
	if err != nil {
		return Identity{}, fmt.Errorf("%w: %v", ErrForged, err)
	}
	if subtle.ConstantTimeCompare([]byte(id.Nonce), []byte(a.Nonce)) != 1 || id.Subject == "" {
		return Identity{}, ErrForged
	}
	var claims struct {
		Party    string `json:"azp"`
		Email    string `json:"email"`
		Verified any    `json:"email_verified"` // some providers write a string
		User     string `json:"preferred_username"`
		Name     string `json:"name"`
	}
	if err := id.Claims(&claims); err != nil {
		return Identity{}, fmt.Errorf("%w: %v", ErrForged, err)
	}
	if claims.Party != "" && claims.Party != p.config.ClientID { // it was made for another program
		return Identity{}, ErrForged
	}
	who := Identity{Issuer: id.Issuer, Subject: id.Subject}
	if claims.Verified == true || claims.Verified == "true" {
		who.Email = strings.ToLower(strings.TrimSpace(claims.Email))
	}
	for _, name := range []string{claims.User, claims.Name} {
		if who.Name == "" {
			who.Name = name
		}
	}
	return who, nil
}

// open finds the provider's addresses and keys, once.
func (p *Provider) open(ctx context.Context, redirect string) (*oauth2.Config, *oidc.Provider, error) {
	p.mu.Lock()
	defer p.mu.Unlock()
	if p.found == nil {
		// The provider keeps the client and uses it for its keys later on: not
		// this request's context, which ends.
		found, err := oidc.NewProvider(oidc.ClientContext(context.WithoutCancel(ctx), p.http), p.config.Issuer)
		if err != nil {
			return nil, nil, fmt.Errorf("%w: %v", ErrProvider, err)
		}
		p.found = found
	}
	return &oauth2.Config{
		ClientID: p.config.ClientID, ClientSecret: p.config.ClientSecret, RedirectURL: redirect,
		Endpoint: p.found.Endpoint(), Scopes: []string{oidc.ScopeOpenID, "email", "profile"},
	}, p.found, nil
}
