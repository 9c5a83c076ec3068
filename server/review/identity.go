// SPDX-License-Identifier: Apache-2.0

package review

import (
	"cmp"
	"crypto/sha256"
	"encoding/hex"
	"encoding/json"
	"errors"
	"fmt"
	"net/mail"
	"strings"
	"unicode"
)

// Identity is whom an identity provider vouches for.
type Identity struct {
	Issuer, Subject string
	Email           string // verified by the provider, in small letters; or empty
	Name            string // a proposal for what to call the person
}

// key is the same for one account of a provider, for good.
func (i Identity) key() string {
	sum := sha256.Sum256([]byte(i.Issuer + "\x00" + i.Subject))
	return keyIdentity + hex.EncodeToString(sum[:])
}

// ErrUninvited: the provider knows the person, and nobody here invited him.
var ErrUninvited = errors.New("review: nobody invited this account")

// tidyEmail checks an address that an admin typed. Empty is none.
func tidyEmail(s string) (string, error) {
	s = strings.ToLower(strings.TrimSpace(s))
	if s == "" {
		return "", nil
	}
	if a, err := mail.ParseAddress(s); err != nil || a.Address != s || len(s) > 254 {
		return "", invalid("email", "email", "this is no e-mail address")
	}
	return s, nil
}

// SignInWith begins a session of the person whom an identity belongs to:
//
//   - whose account was connected with it before;
//   - or who has the token of an invitation, and now makes his account with it;
//   - or whose account, or whose invitation, an admin gave the e-mail address
//     that the provider verified. That never leads to an admin's account, nor
//     makes one: addresses change hands.
//
// Anybody else gets ErrUninvited.
func (d *Desk) SignInWith(i Identity, invitation string) (token string, err error) {
	token = newToken()
	at := d.now().UTC()
	d.writing.Lock()
	defer d.writing.Unlock()
	err = d.storage.Update(func(w Writer) error {
		p, err := d.belongs(w, i, invitation)
		if err != nil {
			return err
		}
		if p.Disabled {
			return ErrSignIn
		}
		return d.begin(w, p, token, "oidc", at)
	})
	if err != nil {
		return "", err
	}
	return token, nil
}

func (d *Desk) belongs(w Writer, i Identity, invitation string) (p Person, err error) {
	var id string
	found, err := load(w, i.key(), &id)
	if err != nil {
		return p, err
	}
	if found {
		if found, err = load(w, keyPerson+id, &p); err == nil && !found {
			err = ErrSignIn
		}
		return p, err
	}
	if invitation != "" {
		return d.joinWith(w, i, keyInvitation+tokenHash(invitation))
	}
	if i.Email == "" {
		return p, ErrUninvited
	}
	var known []Person
	err = w.Scan(keyPerson, func(_ string, value []byte) error {
		var one Person
		err := json.Unmarshal(value, &one)
		if one.Email == i.Email && one.Identity == "" && one.Role != Admin {
			known = append(known, one)
		}
		return err
	})
	if err != nil {
		return p, err
	}
	if len(known) == 1 {
		return d.connect(w, known[0], i)
	}
	var keys []string
	err = w.Scan(keyInvitation, func(key string, value []byte) error {
		var one Invitation
		err := json.Unmarshal(value, &one)
		if one.Email == i.Email && one.Role != Admin && one.Expires.After(d.now()) {
			keys = append(keys, key)
		}
		return err
	})
	if err != nil {
		return p, err
	}
	if len(known) > 1 || len(keys) == 0 {
		return p, ErrUninvited
	}
	return d.joinWith(w, i, keys[0])
}

// joinWith makes an account without a password and uses the invitation up.
func (d *Desk) joinWith(w Writer, i Identity, key string) (Person, error) {
	local, _, _ := strings.Cut(i.Email, "@")
	base := ""
	for _, proposal := range []string{i.Name, local, "reviewer"} {
		if base = loginOf(proposal); base != "" {
			break
		}
	}
	name := base
	for n := 2; ; n++ {
		there, err := w.Get(loginKey(name))
		if err != nil {
			return Person{}, err
		}
		if there == nil {
			break
		}
		name = fmt.Sprintf("%s-%d", base, n)
	}
	p := Person{ID: newID(), Name: name, Created: d.now().UTC()}
	if err := d.admit(w, key, &p); err != nil {
		return Person{}, err
	}
	return d.connect(w, p, i)
}

// loginOf makes a login name of what a provider calls somebody, or nothing.
func loginOf(s string) string {
	s = strings.Map(func(r rune) rune {
		switch {
		case unicode.IsLetter(r), unicode.IsNumber(r), r == '.', r == '_', r == '-':
			return r
		case unicode.IsSpace(r):
			return '-'
		}
		return -1
	}, strings.TrimSpace(s))
	if rs := []rune(s); len(rs) > 30 {
		s = string(rs[:30])
	}
	if s = strings.Trim(s, "._-"); !loginShape.MatchString(s) {
		return ""
	}
	return s
}

// Connect lets a person sign in with an identity from now on.
func (d *Desk) Connect(person string, i Identity) error {
	d.writing.Lock()
	defer d.writing.Unlock()
	return d.storage.Update(func(w Writer) error {
		var p Person
		found, err := load(w, keyPerson+person, &p)
		if err != nil || !found || p.Disabled {
			return cmp.Or(err, ErrSession)
		}
		var id string
		if found, err = load(w, i.key(), &id); err != nil || found && id == person {
			return err
		}
		if found {
			return invalid("identity", "used", "another account is connected with it")
		}
		if p.Identity != "" { // a person has one
			if err := w.Delete(p.Identity); err != nil {
				return err
			}
		}
		_, err = d.connect(w, p, i)
		return err
	})
}

func (d *Desk) connect(w Writer, p Person, i Identity) (Person, error) {
	p.Identity = i.key()
	if err := save(w, p.Identity, p.ID); err != nil {
		return p, err
	}
	if err := d.note(w, p.Pseudonym, ActConnected, p.Pseudonym, nil); err != nil {
		return p, err
	}
	return p, save(w, keyPerson+p.ID, p)
}
