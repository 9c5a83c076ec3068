// SPDX-License-Identifier: Apache-2.0

package web

import (
	"crypto/hmac"
	"crypto/sha256"
	"encoding/base64"
	"encoding/json"
	"errors"
	"net/http"
	"strings"
	"time"

	"haechi/server/oidc"
	"haechi/server/review"
)

// A browser comes back from the identity provider by a link from another site,
// so that the session's cookie, which is strict, does not come along, neither
// then nor with a redirect that follows. What was begun is therefore in a cookie
// of its own, sealed, and the answer is a page of this site that leads on.

// attemptFor is how long a sign-in at the provider may take.
const attemptFor = 10 * time.Minute

const callbackPath = "/review/oidc/callback"

// attempt is what was begun.
type attempt struct {
	oidc.Attempt
	Until      time.Time `json:"until"`
	To         string    `json:"to"`
	Invitation string    `json:"invitation,omitempty"` // token that an account is to be made with
	Connect    string    `json:"connect,omitempty"`    // person whose account is to be connected
}

func (s *site) attemptCookie(r *http.Request) string {
	if s.Secure(r) {
		return "__Host-haechi-oidc"
	}
	return "haechi-oidc"
}

// seal makes a cookie's value that only this process can have made: a person
// must not choose whose account he connects.
func (s *site) seal(a attempt) string {
	b, err := json.Marshal(a)
	if err != nil {
		panic(err) // plain strings: cannot fail
	}
	return base64.RawURLEncoding.EncodeToString(b) + "." + base64.RawURLEncoding.EncodeToString(s.mac(b))
}

func (s *site) mac(b []byte) []byte {
	m := hmac.New(sha256.New, s.sealKey)
	m.Write(b)
	return m.Sum(nil)
}

func (s *site) unseal(value string) (a attempt, ok bool) {
	body, seal, _ := strings.Cut(value, ".")
	b, err1 := base64.RawURLEncoding.DecodeString(body)
	mac, err2 := base64.RawURLEncoding.DecodeString(seal)
	if err1 != nil || err2 != nil || !hmac.Equal(mac, s.mac(b)) || json.Unmarshal(b, &a) != nil {
		return attempt{}, false
	}
	return a, s.Now().Before(a.Until)
}

func (s *site) setAttempt(w http.ResponseWriter, r *http.Request, value string, age int) {
	http.SetCookie(w, &http.Cookie{
		Name: s.attemptCookie(r), Value: value, Path: "/", MaxAge: age, HttpOnly: true, Secure: s.Secure(r), SameSite: http.SameSiteLaxMode,
	})
}

// redirectURI is where the provider sends the browser back to. The host is what
// the browser said; the provider takes none but what is registered with it.
func (s *site) redirectURI(r *http.Request) string { return s.base(r) + callbackPath }

// base is this server's address as the browser knows it.
func (s *site) base(r *http.Request) string {
	if s.Secure(r) {
		return "https://" + r.Host
	}
	return "http://" + r.Host
}

// beginOIDC leads to the provider, to sign in or to use an invitation.
func (s *site) beginOIDC(w http.ResponseWriter, r *http.Request) {
	s.leadToProvider(w, r, nil, attempt{To: target(r.FormValue("to")), Invitation: r.FormValue("invitation")})
}

// connect leads to the provider, to connect the account of whoever is signed in.
func (s *site) connect(w http.ResponseWriter, v *visit) {
	s.leadToProvider(w, v.Request, v, attempt{To: "/review/me", Connect: v.person.ID})
}

// mayAskProvider answers where there is no provider, or where an address asks too
// often.
func (s *site) mayAskProvider(w http.ResponseWriter, r *http.Request) bool {
	switch {
	case s.OIDC == nil:
		s.problem(w, r, http.StatusNotFound, "missing")
	case !s.Allow(r, SignIns):
		s.problem(w, r, http.StatusTooManyRequests, "limit")
	default:
		return true
	}
	return false
}

func (s *site) leadToProvider(w http.ResponseWriter, r *http.Request, v *visit, a attempt) {
	if !s.mayAskProvider(w, r) {
		return
	}
	var to string
	var err error
	if a.Attempt, to, err = s.OIDC.Begin(r.Context(), s.redirectURI(r)); err != nil {
		s.Log.Warn("review: identity provider", "err", err)
		s.problem(w, r, http.StatusBadGateway, "provider")
		return
	}
	a.Until = s.Now().Add(attemptFor)
	s.setAttempt(w, r, s.seal(a), int(attemptFor/time.Second))
	if v != nil { // the policy lets no form lead to another site
		s.show(w, r, http.StatusOK, "onward", v, to)
		return
	}
	seeOther(w, r, to)
}

// oidcCallback is where the provider sends the browser back to.
func (s *site) oidcCallback(w http.ResponseWriter, r *http.Request) {
	if !s.mayAskProvider(w, r) {
		return
	}
	c, err := r.Cookie(s.attemptCookie(r))
	if err != nil {
		s.problem(w, r, http.StatusForbidden, "attempt")
		return
	}
	s.setAttempt(w, r, "", -1) // it counts once
	a, ok := s.unseal(c.Value)
	if !ok {
		s.problem(w, r, http.StatusForbidden, "attempt")
		return
	}
	who, err := s.OIDC.Finish(r.Context(), s.redirectURI(r), a.Attempt, r.URL.Query())
	switch {
	case errors.Is(err, oidc.ErrForged):
		s.Log.Warn("review: sign-in that does not fit", "err", err)
		s.problem(w, r, http.StatusForbidden, "attempt")
		return
	case errors.Is(err, oidc.ErrRefused):
		s.problem(w, r, http.StatusForbidden, "refused")
		return
	case err != nil:
		s.Log.Warn("review: identity provider", "err", err)
		s.problem(w, r, http.StatusBadGateway, "provider")
		return
	}
	identity := review.Identity{Issuer: who.Issuer, Subject: who.Subject, Email: who.Email, Name: who.Name}
	if a.Connect != "" {
		err = s.Desk.Connect(a.Connect, identity)
	} else {
		var token string
		if token, err = s.Desk.SignInWith(identity, a.Invitation); err == nil {
			s.setSession(w, r, token)
			if a.Invitation != "" {
				a.To = "/review/guide?new=1"
			}
		}
	}
	var invalid *review.Invalid
	switch {
	case errors.Is(err, review.ErrUninvited), errors.Is(err, review.ErrSignIn):
		s.problem(w, r, http.StatusForbidden, "uninvited")
	case errors.Is(err, review.ErrSession):
		s.problem(w, r, http.StatusForbidden, "session")
	case errors.Is(err, review.ErrNotFound):
		s.problem(w, r, http.StatusNotFound, "invitation")
	case errors.As(err, &invalid):
		s.problem(w, r, http.StatusConflict, "connected")
	case err != nil:
		s.failed(w, r, err)
	default:
		s.show(w, r, http.StatusOK, "onward", nil, a.To)
	}
}

// Provider is the name of the identity provider; empty: there is none.
func (p *page) Provider() string {
	if p.site.OIDC == nil {
		return ""
	}
	return p.site.OIDC.Name()
}
