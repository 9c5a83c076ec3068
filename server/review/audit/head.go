// SPDX-License-Identifier: Apache-2.0

package audit

import (
	"time"
)

// Head is the newest entry: what to publish, so that others can tell later that
// nothing up to it was changed. The zero Head is that of an empty log.
type Head struct {
	Sequence uint64 `json:"sequence"`
	Hash     string `json:"hash"`
}

// Next returns the entry that follows a head, and its stored form, which the
// caller keeps for good under its sequence, in one transaction with the act
// that it tells of. content must be nil or marshal to a JSON object.
func (h Head) Next(at time.Time, actor, action, subject string, content any) (Entry, []byte, error) {
	object, err := details(content)
	if err != nil {
		return Entry{}, nil, err
	}
	e := Entry{
		Sequence: h.Sequence + 1, Time: at.UTC().Round(0), Actor: actor, Action: action,
		Subject: subject, Details: object, Previous: h.Hash,
	}
	line, err := e.seal()
	if err != nil {
		return Entry{}, nil, err
	}
	return e, line, nil
}

// Head is that of a log which ends with the entry.
func (e Entry) Head() Head { return Head{e.Sequence, e.Hash} }
