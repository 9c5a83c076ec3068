// SPDX-License-Identifier: Apache-2.0

package web

import (
	"errors"
	"net/http"
	"strconv"

	"haechi/server/review/audit"
)

// trailPage is how many entries of the trail a page has.
const trailPage = 100

type auditData struct {
	Entries  []audit.Entry // newest first
	Head     audit.Head
	Names    map[string]string // by pseudonym
	Earlier  uint64            // the newest entry of the next page; 0: there is none
	Verified bool
	Broken   *audit.Broken
}

// audit shows the trail, and walks all of it if that was asked for.
func (s *site) audit(w http.ResponseWriter, v *visit) {
	last, _ := strconv.ParseUint(v.FormValue("last"), 10, 64)
	data := auditData{Names: map[string]string{}}
	var err error
	data.Entries, data.Head, err = s.Desk.Trail(v.person, last, trailPage)
	if v.FormValue("check") != "" && err == nil {
		_, err = s.Desk.VerifyTrail(v.person)
		data.Verified = err == nil
	}
	if errors.As(err, &data.Broken) {
		s.Log.Error("review: the audit log is broken", "err", err)
		err = nil
	}
	if err != nil {
		s.failed(w, v.Request, err)
		return
	}
	if n := len(data.Entries); n > 0 && data.Entries[n-1].Sequence > 1 {
		data.Earlier = data.Entries[n-1].Sequence - 1
	}
	everybody, err := s.Desk.People(v.person)
	if err != nil {
		s.failed(w, v.Request, err)
		return
	}
	for _, p := range everybody {
		data.Names[p.Pseudonym] = p.Name
	}
	s.show(w, v.Request, http.StatusOK, "audit", v, data)
}

// exportAudit sends the whole trail, for "haechi log verify --audit".
func (s *site) exportAudit(w http.ResponseWriter, v *visit) {
	w.Header().Set("Content-Type", "application/jsonl; charset=utf-8")
	w.Header().Set("Content-Disposition", `attachment; filename="haechi-audit.jsonl"`)
	if err := s.Desk.ExportTrail(v.person, w); err != nil {
		s.Log.Error("review: export of the audit log", "err", err)
		panic(http.ErrAbortHandler) // the reader sees a file without an end
	}
}
