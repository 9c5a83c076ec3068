// SPDX-License-Identifier: Apache-2.0

package web

import (
	"errors"
	"net/http"
	"slices"
	"strconv"

	"haechi/server/review"
)

// meData is one's own account.
type meData struct {
	Problem, Done string
	Tokens        []review.Token
	Roles         []review.Role // that a token may have
	Secret        string        // of the token just made; shown once
	Field         string        // that the problem is about
}

func (s *site) mePage(w http.ResponseWriter, v *visit, status int, data meData) {
	var err error
	if data.Tokens, err = s.Desk.Tokens(v.person); err != nil {
		s.failed(w, v.Request, err)
		return
	}
	data.Roles = review.Roles[:slices.Index(review.Roles, v.person.Role)+1]
	s.show(w, v.Request, status, "me", v, data)
}

func (s *site) makeToken(w http.ResponseWriter, v *visit) {
	days, _ := strconv.Atoi(v.PostFormValue("days"))
	_, secret, err := s.Desk.MakeToken(v.person, v.PostFormValue("label"), review.Role(v.PostFormValue("role")), days)
	var invalid *review.Invalid
	switch {
	case errors.As(err, &invalid):
		s.mePage(w, v, http.StatusUnprocessableEntity, meData{Problem: "invalid." + invalid.Field + "." + invalid.Code, Field: invalid.Field})
	case err != nil:
		s.failed(w, v.Request, err)
	default:
		s.mePage(w, v, http.StatusCreated, meData{Secret: secret})
	}
}

func (s *site) revokeToken(w http.ResponseWriter, v *visit) {
	if err := s.Desk.RevokeToken(v.person, v.PostFormValue("token")); err != nil {
		s.failed(w, v.Request, err)
		return
	}
	seeOther(w, v.Request, "/review/me?done=token")
}
