// SPDX-License-Identifier: Apache-2.0

package review

import (
	"crypto/hmac"
	"crypto/rand"
	"crypto/sha256"
	"encoding/base64"
	"encoding/hex"
	"encoding/json"
	"errors"
	"time"
	"unicode/utf8"
)

// A session ends when it was not used for SessionIdle, and after SessionMost
// in any case.
const (
	SessionIdle = 12 * time.Hour
	SessionMost = 7 * 24 * time.Hour
	// touchEvery is how exactly use is noted, so that not each page writes.
	touchEvery = 15 * time.Minute
)

// From the fifth wrong password on an account is locked for a minute, then two,
// then four, up to lockMost.
const (
	lockFrom  = 5
	lockFirst = time.Minute
	lockMost  = time.Hour
)

// Session is a sign-in. Its key is the hash of the token that the browser has.
type Session struct {
	Person  string    `json:"person"`
	Created time.Time `json:"created"`
	Used    time.Time `json:"used"`
}

var (
	// ErrSignIn: name or password are wrong, or the account is shut. It does
	// not say which.
	ErrSignIn = errors.New("review: wrong name or password")
	// ErrLocked: too many wrong passwords. Wait.
	ErrLocked = errors.New("review: too many wrong passwords; wait a while")
	// ErrSession: the session is over. Sign in again.
	ErrSession = errors.New("review: not signed in")
)

// newToken is 256 random bits.
func newToken() string {
	b := make([]byte, 32)
	rand.Read(b) // never fails
	return base64.RawURLEncoding.EncodeToString(b)
}

// tokenHash is what is kept of a token; it is random enough to need no salt.
func tokenHash(token string) string {
	sum := sha256.Sum256([]byte(token))
	return hex.EncodeToString(sum[:])
}

// FormToken is what every form of a session carries: another site can make a
// browser send the cookie, but cannot know this.
func FormToken(token string) string {
	m := hmac.New(sha256.New, []byte(token))
	m.Write([]byte("form"))
	return base64.RawURLEncoding.EncodeToString(m.Sum(nil))
}

// FormTokenMatches compares without telling how much is right.
func FormTokenMatches(token, form string) bool {
	return hmac.Equal([]byte(FormToken(token)), []byte(form))
}

// SignIn begins a session and returns its token. Every sign-in gets a new one.
func (d *Desk) SignIn(name, password string) (token string, err error) {
	if utf8.RuneCountInString(password) > MaxPassword || len(name) > 200 {
		return "", ErrSignIn
	}
	var p Person
	found := false
	err = d.storage.View(func(r Reader) error {
		var id string
		if ok, err := load(r, loginKey(name), &id); err != nil || !ok {
			return err
		}
		found, err = load(r, keyPerson+id, &p)
		return err
	})
	if err != nil {
		return "", err
	}
	if found && p.Locked.After(d.now()) {
		return "", ErrLocked
	}
	right := d.matches(p.Password, password) // takes as long for a name that is nobody's
	if !found {
		return "", ErrSignIn
	}
	token = newToken()
	refused := error(nil)
	d.writing.Lock()
	defer d.writing.Unlock()
	err = d.storage.Update(func(w Writer) error {
		var now Person // as it is by now
		if ok, err := load(w, keyPerson+p.ID, &now); err != nil || !ok {
			return errors.Join(err, ErrSignIn)
		}
		at := d.now().UTC()
		switch {
		case now.Locked.After(at): // while many guessed at once
			return ErrLocked
		case !right || now.Password != p.Password:
			refused = ErrSignIn
			return d.guessed(w, now, at)
		case now.Disabled:
			return ErrSignIn
		}
		if now.Failures > 0 {
			now.Failures, now.Locked = 0, time.Time{}
			if err := save(w, keyPerson+now.ID, now); err != nil {
				return err
			}
		}
		return d.begin(w, now, token, "password", at)
	})
	if err = errors.Join(err, refused); err != nil {
		return "", err
	}
	return token, nil
}

// begin writes a session of a person who came in by some way.
func (d *Desk) begin(w Writer, p Person, token, way string, at time.Time) error {
	if err := d.note(w, p.Pseudonym, ActSignedIn, p.Pseudonym, about{"way": way}); err != nil {
		return err
	}
	return save(w, keySession+tokenHash(token), Session{Person: p.ID, Created: at, Used: at})
}

// guessed notes a wrong password, and locks the account when it was one too many.
func (d *Desk) guessed(w Writer, p Person, at time.Time) error {
	if p.Failures++; p.Failures >= lockFrom {
		p.Locked = at.Add(min(lockFirst<<min(p.Failures-lockFrom, 10), lockMost))
	}
	if err := d.note(w, "", ActGuessed, p.Pseudonym, about{"failures": p.Failures, "locked": p.Locked.After(at)}); err != nil {
		return err
	}
	return save(w, keyPerson+p.ID, p)
}

// Who returns the person of a session.
func (d *Desk) Who(token string) (Person, error) {
	var s Session
	var p Person
	err := d.storage.View(func(r Reader) error {
		found, err := load(r, keySession+tokenHash(token), &s)
		if err == nil && found {
			found, err = load(r, keyPerson+s.Person, &p)
		}
		if err == nil && (!found || p.Disabled || s.over(d.now())) {
			err = ErrSession
		}
		return err
	})
	if err != nil {
		return Person{}, err
	}
	if now := d.now().UTC(); now.Sub(s.Used) > touchEvery {
		err = d.touch(token, now)
	}
	return p, err
}

// touch notes that a session is used, unless it ended meanwhile.
func (d *Desk) touch(token string, now time.Time) error {
	d.writing.Lock()
	defer d.writing.Unlock()
	return d.storage.Update(func(w Writer) error {
		var s Session
		found, err := load(w, keySession+tokenHash(token), &s)
		if err != nil || !found {
			return errors.Join(err, ErrSession)
		}
		s.Used = now
		return save(w, keySession+tokenHash(token), s)
	})
}

func (s Session) over(now time.Time) bool {
	return now.Sub(s.Used) > SessionIdle || now.Sub(s.Created) > SessionMost
}

// SignOut ends a session.
func (d *Desk) SignOut(token string) error {
	d.writing.Lock()
	defer d.writing.Unlock()
	return d.storage.Update(func(w Writer) error {
		var s Session
		found, err := load(w, keySession+tokenHash(token), &s)
		if err != nil || !found {
			return err
		}
		by, err := pseudonym(w, s.Person)
		if err != nil {
			return err
		}
		if err := d.note(w, by, ActSignedOut, by, nil); err != nil {
			return err
		}
		return w.Delete(keySession + tokenHash(token))
	})
}

// SetPassword gives a person another password and ends the other sessions.
func (d *Desk) SetPassword(who Person, token, old, password string) error {
	p, err := d.PersonByID(who.ID)
	if err != nil {
		return err
	}
	if p.Locked.After(d.now()) {
		return ErrLocked
	}
	if !d.matches(p.Password, old) {
		d.writing.Lock()
		defer d.writing.Unlock()
		err := d.storage.Update(func(w Writer) error {
			var now Person
			if found, err := load(w, keyPerson+p.ID, &now); err != nil || !found {
				return errors.Join(err, ErrSession)
			}
			return d.guessed(w, now, d.now().UTC())
		})
		return errors.Join(err, invalid("old", "wrong", "this is not your password"))
	}
	if err := checkPassword(p.Name, password); err != nil {
		return err
	}
	hash := d.hash(password)
	d.writing.Lock()
	defer d.writing.Unlock()
	return d.storage.Update(func(w Writer) error {
		var now Person
		if found, err := load(w, keyPerson+p.ID, &now); err != nil || !found {
			return errors.Join(err, ErrSession)
		}
		now.Password, now.Failures, now.Locked = hash, 0, time.Time{}
		if err := d.note(w, now.Pseudonym, ActPassword, now.Pseudonym, nil); err != nil {
			return err
		}
		if err := endSessions(w, p.ID, tokenHash(token)); err != nil {
			return err
		}
		return save(w, keyPerson+p.ID, now)
	})
}

// endSessions ends a person's sessions but the one with the hash but.
func endSessions(w Writer, person, but string) error {
	var keys []string
	err := w.Scan(keySession, func(key string, value []byte) error {
		var s Session
		err := json.Unmarshal(value, &s)
		if s.Person == person && key != keySession+but {
			keys = append(keys, key)
		}
		return err
	})
	for _, k := range keys {
		err = errors.Join(err, w.Delete(k))
	}
	return err
}

// expireAccess deletes sessions, tokens and invitations that have run out.
func (d *Desk) expireAccess(now time.Time) error {
	var keys []string
	err := d.storage.View(func(r Reader) error {
		err := r.Scan(keySession, func(key string, value []byte) error {
			var s Session
			err := json.Unmarshal(value, &s)
			if s.over(now) {
				keys = append(keys, key)
			}
			return err
		})
		if err != nil {
			return err
		}
		err = r.Scan(keyToken, func(key string, value []byte) error {
			var t Token
			err := json.Unmarshal(value, &t)
			if !t.Expires.After(now) {
				keys = append(keys, key)
			}
			return err
		})
		if err != nil {
			return err
		}
		return r.Scan(keyInvitation, func(key string, value []byte) error {
			var i Invitation
			err := json.Unmarshal(value, &i)
			if !i.Expires.After(now) {
				keys = append(keys, key)
			}
			return err
		})
	})
	if err != nil || len(keys) == 0 {
		return err
	}
	return d.drop(keys...)
}
