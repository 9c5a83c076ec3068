// SPDX-License-Identifier: Apache-2.0

package web

import (
	"errors"
	"net/http"
	"net/url"
	"strings"
	"time"

	"haechi/server/review"
)

// Names of the session's cookie. With TLS a prefix has the browser keep it to
// this host and to TLS.
const (
	cookiePlain  = "haechi-review"
	cookieSecure = "__Host-haechi-review"
)

func (s *site) cookieName(r *http.Request) string {
	if s.Secure(r) {
		return cookieSecure
	}
	return cookiePlain
}

func (s *site) sessionToken(r *http.Request) string {
	c, err := r.Cookie(s.cookieName(r))
	if err != nil {
		return ""
	}
	return c.Value
}

func (s *site) setSession(w http.ResponseWriter, r *http.Request, token string) {
	c := &http.Cookie{Name: s.cookieName(r), Value: token, Path: "/", HttpOnly: true, Secure: s.Secure(r), SameSite: http.SameSiteStrictMode}
	if token == "" {
		c.MaxAge = -1
	} else {
		c.MaxAge = int(review.SessionMost / time.Second)
	}
	http.SetCookie(w, c)
}

// target is where a person wanted to go before he had to sign in: a page of
// the desk and nothing else.
func target(to string) string {
	u, err := url.Parse(to)
	if err != nil || u.IsAbs() || u.Host != "" || u.Path != "/review" && !strings.HasPrefix(u.Path, "/review/") || strings.Contains(u.Path, "..") || strings.ContainsAny(to, "\\\r\n") {
		return "/review"
	}
	return u.RequestURI()
}

type signInData struct{ Name, To, Problem string }

func (s *site) signInPage(w http.ResponseWriter, r *http.Request) {
	if _, err := s.Desk.Who(s.sessionToken(r)); err == nil {
		seeOther(w, r, target(r.FormValue("to")))
		return
	}
	s.show(w, r, http.StatusOK, "sign-in", nil, signInData{To: target(r.FormValue("to"))})
}

func (s *site) signIn(w http.ResponseWriter, r *http.Request) {
	if !s.form(w, r, route{}) {
		return
	}
	data := signInData{Name: r.PostFormValue("name"), To: target(r.PostFormValue("to"))}
	if !s.Allow(r, SignIns) {
		data.Problem = "signin.limit"
		s.show(w, r, http.StatusTooManyRequests, "sign-in", nil, data)
		return
	}
	token, err := s.Desk.SignIn(strings.TrimSpace(data.Name), r.PostFormValue("password"))
	switch {
	case errors.Is(err, review.ErrLocked):
		data.Problem = "signin.locked"
	case errors.Is(err, review.ErrSignIn):
		data.Problem = "signin.wrong"
	case err != nil:
		s.failed(w, r, err)
		return
	}
	if data.Problem != "" {
		s.show(w, r, http.StatusForbidden, "sign-in", nil, data)
		return
	}
	if old := s.sessionToken(r); old != "" { // whatever the browser brought along ends here
		if err := s.Desk.SignOut(old); err != nil {
			s.Log.Error("review", "err", err)
		}
	}
	s.setSession(w, r, token)
	seeOther(w, r, data.To)
}

func (s *site) signOut(w http.ResponseWriter, v *visit) {
	if err := s.Desk.SignOut(v.token); err != nil {
		s.failed(w, v.Request, err)
		return
	}
	s.setSession(w, v.Request, "")
	seeOther(w, v.Request, "/review/sign-in")
}

type joinData struct {
	Token, Name string
	Role        review.Role
	Problem     string
}

func (s *site) joinPage(w http.ResponseWriter, r *http.Request) {
	i, err := s.Desk.Invitation(r.PathValue("token"))
	if errors.Is(err, review.ErrNotFound) {
		s.problem(w, r, http.StatusNotFound, "invitation")
		return
	}
	if err != nil {
		s.failed(w, r, err)
		return
	}
	s.show(w, r, http.StatusOK, "join", nil, joinData{Token: r.PathValue("token"), Role: i.Role})
}

func (s *site) join(w http.ResponseWriter, r *http.Request) {
	if !s.form(w, r, route{}) {
		return
	}
	token := r.PathValue("token")
	i, err := s.Desk.Invitation(token)
	if errors.Is(err, review.ErrNotFound) {
		s.problem(w, r, http.StatusNotFound, "invitation")
		return
	}
	if err != nil {
		s.failed(w, r, err)
		return
	}
	name, password := r.PostFormValue("name"), r.PostFormValue("password")
	data := joinData{Token: token, Name: name, Role: i.Role}
	if !s.Allow(r, SignIns) {
		data.Problem = "signin.limit"
		s.show(w, r, http.StatusTooManyRequests, "join", nil, data)
		return
	}
	p, err := s.Desk.Join(token, name, password)
	var invalid *review.Invalid
	switch {
	case errors.As(err, &invalid):
		data.Problem = "invalid." + invalid.Field + "." + invalid.Code
		s.show(w, r, http.StatusUnprocessableEntity, "join", nil, data)
		return
	case errors.Is(err, review.ErrNotFound):
		s.problem(w, r, http.StatusNotFound, "invitation")
		return
	case err != nil:
		s.failed(w, r, err)
		return
	}
	session, err := s.Desk.SignIn(p.Name, password)
	if err != nil {
		s.failed(w, r, err)
		return
	}
	s.setSession(w, r, session)
	seeOther(w, r, "/review/guide?new=1")
}

func (s *site) me(w http.ResponseWriter, v *visit) {
	var data meData
	switch v.FormValue("done") {
	case "1":
		data.Done = "me.done"
	case "token":
		data.Done = "token.revoked"
	}
	s.mePage(w, v, http.StatusOK, data)
}

func (s *site) setPassword(w http.ResponseWriter, v *visit) {
	if !s.Allow(v.Request, SignIns) {
		s.mePage(w, v, http.StatusTooManyRequests, meData{Problem: "signin.limit"})
		return
	}
	err := s.Desk.SetPassword(v.person, v.token, v.PostFormValue("old"), v.PostFormValue("password"))
	var invalid *review.Invalid
	switch {
	case errors.As(err, &invalid):
		s.mePage(w, v, http.StatusUnprocessableEntity, meData{Problem: "invalid." + invalid.Field + "." + invalid.Code})
	case errors.Is(err, review.ErrLocked):
		s.mePage(w, v, http.StatusForbidden, meData{Problem: "signin.locked"})
	case err != nil:
		s.failed(w, v.Request, err)
	default:
		seeOther(w, v.Request, "/review/me?done=1")
	}
}

const cookieLanguage = "haechi-language"

// language sets the language of the pages for this browser.
func (s *site) language(w http.ResponseWriter, r *http.Request) {
	if !s.form(w, r, route{}) {
		return
	}
	lang := "ko"
	if r.PostFormValue("lang") == "en" {
		lang = "en"
	}
	http.SetCookie(w, &http.Cookie{Name: cookieLanguage, Value: lang, Path: "/review", MaxAge: 365 * 24 * 3600, HttpOnly: true, Secure: s.Secure(r), SameSite: http.SameSiteStrictMode})
	seeOther(w, r, target(r.PostFormValue("to")))
}
