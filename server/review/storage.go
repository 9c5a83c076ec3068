// SPDX-License-Identifier: Apache-2.0

package review

import (
	"encoding/json"
	"fmt"
)

// Storage keeps the desk's records: byte strings under keys, in the order of
// the keys. Its calls may come from any goroutine.
type Storage interface {
	// View shows one state of the records, whatever is written meanwhile.
	View(func(Reader) error) error
	// Update keeps everything that the call wrote, on disk when it returns, or
	// nothing if there was an error.
	Update(func(Writer) error) error
}

// Reader reads records. A value belongs to the caller.
type Reader interface {
	// Get returns nil where there is nothing.
	Get(key string) ([]byte, error)
	// Scan visits the records whose keys begin with prefix, in order, until
	// visit returns an error, which it returns. visit must not scan or write.
	Scan(prefix string, visit func(key string, value []byte) error) error
}

// Writer also changes records.
type Writer interface {
	Reader
	Put(key string, value []byte) error
	Delete(key string) error
}

// The keys. Times, texts and people stand in the values only, except the day
// of an expiry.
//
//	case/CASE                  a Case; rewritten
//	history/CASE/REVISION      an Event; never rewritten, never deleted
//	answer/CASE/ANSWER         an Answer; deleted when it expires or on request
//	content/HASH               the CASE/ANSWER with this content
//	near/RULE/BAND/HASH/CASE   finds cases with a similar sentence
//	receipt/HASH               the CASE/ANSWER that a receipt stands for
//	expiry/DAY/CASE/ANSWER     what may have to go on a day
//	draft/CASE/PERSON          an unfinished Judgement; rewritten
//	person/PERSON, login/NAME  a Person, and the PERSON with a login name
//	invitation/HASH            an Invitation; deleted when it is used
//	session/HASH               a Session; deleted at its end
//	queued/HASH                a report that came by a queue was kept; deleted when the queue knows
//	token/HASH                 a Token; deleted when it is revoked
//	identity/HASH              the PERSON whom an identity provider knows by this
//	trail/SEQUENCE             an audit.Entry; never rewritten, never deleted
//	trail-head                 the audit.Head of the trail; rewritten
const (
	keyCase       = "case/"
	keyHistory    = "history/"
	keyAnswer     = "answer/"
	keyContent    = "content/"
	keyNear       = "near/"
	keyReceipt    = "receipt/"
	keyExpiry     = "expiry/"
	keyDraft      = "draft/"
	keyPerson     = "person/"
	keyLogin      = "login/"
	keyInvitation = "invitation/"
	keySession    = "session/"
	keyQueued     = "queued/"
	keyToken      = "token/"
	keyIdentity   = "identity/"
	keyTrail      = "trail/"
	keyTrailHead  = "trail-head"
)

// load reads a record; found is false where there is none.
func load(r Reader, key string, into any) (found bool, err error) {
	b, err := r.Get(key)
	if err != nil || b == nil {
		return false, err
	}
	if err := json.Unmarshal(b, into); err != nil {
		return false, fmt.Errorf("review: the record %q is damaged; restore a backup: %w", key, err)
	}
	return true, nil
}

func save(w Writer, key string, value any) error {
	b, err := json.Marshal(value)
	if err != nil {
		return err
	}
	return w.Put(key, b)
}
