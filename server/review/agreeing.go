// SPDX-License-Identifier: Apache-2.0

package review

import (
	"encoding/json"

	"haechi/server/review/agreement"
)

// Agreement reports how far reviewers agree in the cases under a filter that
// two have judged, whatever became of them since; verdicts that are still blind
// are not in it. Reviewers are named by their pseudonyms, and topic gives the
// topic of a rule.
func (d *Desk) Agreement(who Person, f Filter, topic func(rule string) string) (agreement.Report, error) {
	if !who.Role.May(Adjudicate) {
		return agreement.Report{}, ErrForbidden
	}
	names, err := d.pseudonyms()
	if err != nil {
		return agreement.Report{}, err
	}
	fits := f.sieve(d.now())
	topics := map[string]string{} // by rule: asked once for each
	t := agreement.Tally{Known: &d.agreement}
	var votes [Needed]agreement.Vote
	d.mu.RLock()
	for i := range d.index.list {
		e := &d.index.list[i]
		if len(e.judges) < Needed || !fits(e) {
			continue
		}
		for k := range votes {
			votes[k] = agreement.Vote{Reviewer: names[e.judges[k]], Verdict: string(e.verdicts[k])}
		}
		name, known := topics[e.rule]
		if !known {
			name = topic(e.rule)
			topics[e.rule] = name
		}
		t.Add(name, votes[:], string(e.outcome))
	}
	d.mu.RUnlock()
	return t.Report(), nil
}

// pseudonyms are what people are called outside the desk, by id.
func (d *Desk) pseudonyms() (map[string]string, error) {
	out := map[string]string{}
	err := d.storage.View(func(r Reader) error {
		return r.Scan(keyPerson, func(_ string, value []byte) error {
			var p Person
			err := json.Unmarshal(value, &p)
			out[p.ID] = p.Pseudonym
			return err
		})
	})
	return out, err
}
