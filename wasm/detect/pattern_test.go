// SPDX-License-Identifier: Apache-2.0

package detect

import (
	"strings"
	"testing"

	"haechi/rules"
)

// TestNoPatternIsSlow: the hardest that may be pushed, of the most parts, whose
// words are single characters and which never stands, is done with; tried in
// every way it would take longer than the world has lasted.
func TestNoPatternIsSlow(t *testing.T) {
	var letters []rules.Term
	for _, c := range "가나다라마바사아자차카타파하" {
		letters = append(letters, rules.Term{Text: string(c), Inside: true})
	}
	r := rules.Rule{ID: "x", Tier: rules.TierFalse, Subject: rules.Words{"ko": letters}, Propositions: []rules.Proposition{{
		ID: "p", Wrong: rules.Words{"ko": letters},
		Patterns: map[string][]string{"ko": {strings.Repeat("{wrong}…", rules.MaxPatternParts-1) + "끝내"}},
	}}}
	e := New(rules.Pack{Rules: []rules.Rule{r}}, nil)
	text := strings.Repeat("가나다라마바사아자차카타파하", maxLength/3/14)
	for want, s := range map[bool]string{false: text + ".", true: text + "끝내."} {
		fs, err := e.Check(Request{Text: s})
		if err != nil || (len(fs) > 0) != want {
			t.Errorf("%d findings, %v", len(fs), err)
		}
	}
}
