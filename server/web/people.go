// SPDX-License-Identifier: Apache-2.0

package web

import (
	"errors"
	"net/http"

	"haechi/server/review"
)

type peopleData struct {
	People  []review.Person
	Roles   []review.Role
	Link    string // of the invitation just made; shown once
	Role    review.Role
	Problem string
	Done    string
}

func (s *site) people(w http.ResponseWriter, v *visit) {
	var data peopleData
	if v.FormValue("done") != "" {
		data.Done = "people.done"
	}
	s.peoplePage(w, v, http.StatusOK, data)
}

func (s *site) peoplePage(w http.ResponseWriter, v *visit, status int, data peopleData) {
	var err error
	if data.People, err = s.Desk.People(v.person); err != nil {
		s.failed(w, v.Request, err)
		return
	}
	data.Roles = review.Roles
	s.show(w, v.Request, status, "people", v, data)
}

func (s *site) invite(w http.ResponseWriter, v *visit) {
	role := review.Role(v.PostFormValue("role"))
	token, err := s.Desk.Invite(v.person, role, v.PostFormValue("email"))
	if s.invalidPerson(w, v, err) {
		return
	}
	s.peoplePage(w, v, http.StatusCreated, peopleData{Link: s.base(v.Request) + "/review/join/" + token, Role: role})
}

func (s *site) changePerson(w http.ResponseWriter, v *visit) {
	err := s.Desk.Change(v.person, v.PostFormValue("person"), review.Role(v.PostFormValue("role")), v.PostFormValue("disabled") != "")
	if s.invalidPerson(w, v, err) {
		return
	}
	seeOther(w, v.Request, "/review/people?done=1")
}

// invalidPerson answers an error, if there is one.
func (s *site) invalidPerson(w http.ResponseWriter, v *visit, err error) bool {
	var invalid *review.Invalid
	switch {
	case err == nil:
		return false
	case errors.As(err, &invalid):
		s.peoplePage(w, v, http.StatusUnprocessableEntity, peopleData{Problem: "invalid." + invalid.Field + "." + invalid.Code})
	default:
		s.failed(w, v.Request, err)
	}
	return true
}
