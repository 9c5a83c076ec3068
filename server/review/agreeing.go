// SPDX-License-Identifier: Apache-2.0

package review

import (
	"encoding/json"
	"fmt"

	"haechi/server/review/agreement"
)

// reports are the last answers of [Desk.Agreement], as long as no case that two
// have judged changes.
type reports struct {
	known   agreement.Known
	version int
	of      map[string]agreement.Report // by filter and kind of topic; at most keptReports
}

// keptReports bounds them, at some hundred kilobytes each with forty reviewers.
const keptReports = 16

// Agreement reports how far reviewers agree in the cases under a filter that
// two have judged, whatever became of them since; verdicts that are still blind
// are not in it. Reviewers are named by their pseudonyms. Topic gives the topic
// of a rule, and topics names that way of telling topics. The report is shared:
// it must not be changed.
func (d *Desk) Agreement(who Person, f Filter, topics string, topic func(rule string) string) (agreement.Report, error) {
	if !who.Role.May(Adjudicate) {
		return agreement.Report{}, ErrForbidden
	}
	f = Filter{Rules: f.Rules, Site: f.Site, Language: f.Language, Least: f.Least, Within: f.Within}
	names, err := d.pseudonyms()
	if err != nil {
		return agreement.Report{}, err
	}
	key := fmt.Sprintf("%q %d %+v", topics, len(names), f)
	d.mu.RLock()
	version := d.index.judged
	report, known := d.reports.of[key]
	known = known && d.reports.version == version && f.Within == 0 // else it goes with the time
	if known {
		d.mu.RUnlock()
		return report, nil
	}
	fits := f.sieve(d.now())
	byRule := map[string]string{} // asked once for each
	t := agreement.Tally{Known: &d.reports.known}
	var votes [Needed]agreement.Vote
	for i := range d.index.list {
		e := &d.index.list[i]
		if len(e.judges) < Needed || !fits(e) {
			continue
		}
		for k := range votes {
			votes[k] = agreement.Vote{Reviewer: names[e.judges[k]], Verdict: string(e.verdicts[k])}
		}
		name, asked := byRule[e.rule]
		if !asked {
			name = topic(e.rule)
			byRule[e.rule] = name
		}
		t.Add(name, votes[:], string(e.outcome))
	}
	d.mu.RUnlock()
	report = t.Report()
	d.mu.Lock()
	defer d.mu.Unlock()
	if d.reports.version != version || len(d.reports.of) >= keptReports || d.reports.of == nil {
		d.reports.version, d.reports.of = version, map[string]agreement.Report{}
	}
	d.reports.of[key] = report
	return report, nil
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
