// SPDX-License-Identifier: Apache-2.0

package web

import (
	"encoding/json"
	"errors"
	"io"
	"mime"
	"net/http"

	"haechi/server/review"
)

// refusal is the JSON of every error of the API.
type refusal struct {
	Error struct {
		Code    string `json:"code"`
		Field   string `json:"field,omitempty"`
		Message string `json:"message"`
	} `json:"error"`
}

// AnswerJSON answers a program; nothing may keep the answer.
func AnswerJSON(w http.ResponseWriter, status int, value any) {
	body, err := json.Marshal(value)
	if err != nil {
		panic(err) // plain structs and strings: cannot fail
	}
	w.Header().Set("Content-Type", "application/json")
	w.Header().Set("Cache-Control", "no-store")
	w.Header().Set("X-Content-Type-Options", "nosniff")
	w.WriteHeader(status)
	w.Write(append(body, '\n'))
}

func refuse(w http.ResponseWriter, status int, code, field, message string) {
	var r refusal
	r.Error.Code, r.Error.Field, r.Error.Message = code, field, message
	AnswerJSON(w, status, r)
}

// admitted keeps pages out: any page that somebody visits could otherwise send
// reports in his name. Extensions and programs that are no browsers may.
func (s *site) admitted(w http.ResponseWriter, r *http.Request) bool {
	if !s.Origin(r) {
		refuse(w, http.StatusForbidden, "origin", "", "reports come from the extension or from a program, not from a page")
		return false
	}
	if origin := r.Header.Get("Origin"); origin != "" {
		w.Header().Set("Access-Control-Allow-Origin", origin)
		w.Header().Set("Vary", "Origin")
	}
	return true
}

func (s *site) preflight(w http.ResponseWriter, r *http.Request) {
	if !s.admitted(w, r) {
		return
	}
	w.Header().Set("Access-Control-Allow-Methods", "GET, POST, DELETE")
	w.Header().Set("Access-Control-Allow-Headers", "Content-Type")
	w.Header().Set("Access-Control-Max-Age", "600")
	w.WriteHeader(http.StatusNoContent)
}

func (s *site) takeReport(w http.ResponseWriter, r *http.Request) {
	if !s.admitted(w, r) || !s.within(w, r) {
		return
	}
	if kind, _, _ := mime.ParseMediaType(r.Header.Get("Content-Type")); kind != "application/json" {
		refuse(w, http.StatusUnsupportedMediaType, "bad-request", "", "send application/json")
		return
	}
	var report review.Report
	d := json.NewDecoder(http.MaxBytesReader(w, r.Body, maxReport))
	d.DisallowUnknownFields()
	err := d.Decode(&report)
	if err == nil {
		if _, end := d.Token(); !errors.Is(end, io.EOF) {
			err = errors.New("text after the end")
		}
	}
	var large *http.MaxBytesError
	switch {
	case errors.As(err, &large):
		w.Header().Set("Connection", "close") // the rest is not worth reading
		refuse(w, http.StatusRequestEntityTooLarge, "too-large", "", "a report has at most 65536 bytes")
		return
	case err != nil:
		refuse(w, http.StatusBadRequest, "bad-request", "", err.Error())
		return
	}
	receipt, err := s.Take(report)
	if err != nil {
		s.refuseReport(w, err)
		return
	}
	AnswerJSON(w, http.StatusCreated, receipt)
}

// takeHere gives a report to the desk.
func (s *site) takeHere(report review.Report) (review.Receipt, error) {
	taken, err := s.Desk.Take(review.OriginCitizen, []review.Report{report})
	if err == nil {
		err = taken[0].Err
	}
	if err != nil {
		return review.Receipt{}, err
	}
	return taken[0].Receipt, nil
}

func (s *site) reportStatus(w http.ResponseWriter, r *http.Request) {
	if !s.admitted(w, r) || !s.within(w, r) {
		return
	}
	status, err := s.Desk.Status(r.PathValue("code"))
	if err != nil {
		s.refuseReport(w, err)
		return
	}
	AnswerJSON(w, http.StatusOK, status)
}

func (s *site) deleteReport(w http.ResponseWriter, r *http.Request) {
	if !s.admitted(w, r) || !s.within(w, r) {
		return
	}
	if err := s.Desk.Delete(r.PathValue("code")); err != nil {
		s.refuseReport(w, err)
		return
	}
	w.WriteHeader(http.StatusNoContent)
}

func (s *site) within(w http.ResponseWriter, r *http.Request) bool {
	if s.Allow(r, Reports) {
		return true
	}
	w.Header().Set("Retry-After", "60")
	refuse(w, http.StatusTooManyRequests, "limit", "", "too many reports from your address; wait and try again")
	return false
}

func (s *site) refuseReport(w http.ResponseWriter, err error) {
	var invalid *review.Invalid
	switch {
	case errors.As(err, &invalid):
		refuse(w, http.StatusUnprocessableEntity, "invalid", invalid.Field, invalid.Message)
	case errors.Is(err, review.ErrNotFound):
		refuse(w, http.StatusNotFound, "not-found", "", "no report has this receipt, or it was deleted")
	case errors.Is(err, review.ErrFull):
		refuse(w, http.StatusInsufficientStorage, "full", "", "the desk takes no new reports at present")
	case errors.Is(err, ErrAway):
		s.Log.Warn("report", "err", err)
		w.Header().Set("Retry-After", "60")
		refuse(w, http.StatusServiceUnavailable, "away", "", "the review desk cannot be reached at present; send it again later")
	default:
		s.Log.Error("report", "err", err)
		refuse(w, http.StatusInternalServerError, "internal", "", "the server failed; nothing was kept")
	}
}
