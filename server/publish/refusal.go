// SPDX-License-Identifier: Apache-2.0

package publish

import (
	"net/http"
	"strings"
)

// CodeStale says that the head has moved: fetch it and sign again. The other
// codes are those of trust.Code.
const CodeStale = "stale"

// Refusal is why a push did not become a release. Its JSON is what HTTP answers.
type Refusal struct {
	Code     string     `json:"code"`
	Message  string     `json:"message"`
	Problems []string   `json:"problems,omitempty"` // one a line: file, rule, field, reason
	Changes  []Sentence `json:"changes,omitempty"`  // the sentences that the gate found judged otherwise
}

func refuse(code string, err error) *Refusal {
	return &Refusal{Code: code, Message: strings.TrimPrefix(err.Error(), "trust: ")}
}

func (r *Refusal) Error() string {
	return strings.Join(append([]string{r.Code + ": " + r.Message}, r.Problems...), "\n")
}

// Status is the HTTP status of the refusal.
func (r *Refusal) Status() int {
	switch r.Code {
	case "unsigned":
		return http.StatusForbidden
	case CodeStale, "mismatch":
		return http.StatusConflict
	case "too-large":
		return http.StatusRequestEntityTooLarge
	}
	return http.StatusUnprocessableEntity
}
