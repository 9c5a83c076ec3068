// SPDX-License-Identifier: Apache-2.0

package review

import (
	"cmp"
	"encoding/json"
	"fmt"
	"regexp"
	"slices"
	"strings"
	"time"
)

// Person is somebody with an account.
type Person struct {
	ID        string    `json:"id"`
	Name      string    `json:"name"` // signs in with it; shown to colleagues only
	Pseudonym string    `json:"pseudonym"`
	Role      Role      `json:"role"`
	Password  string    `json:"password"`           // PHC string; empty: signs in with Identity only
	Email     string    `json:"email,omitempty"`    // that the invitation was for; seen by admins only
	Identity  string    `json:"identity,omitempty"` // key of the Identity that he is connected with
	Created   time.Time `json:"created"`
	Disabled  bool      `json:"disabled,omitempty"`
	Failures  int       `json:"failures,omitempty"` // wrong passwords since the last right one
	Locked    time.Time `json:"locked,omitzero"`    // no sign-in before
}

// Invitation lets one person make an account.
type Invitation struct {
	Role    Role      `json:"role"`
	By      string    `json:"by,omitempty"`    // empty: the operator
	Email   string    `json:"email,omitempty"` // whom an identity provider may let in with it
	Expires time.Time `json:"expires"`
}

// InvitationFor is how long an invitation counts.
const InvitationFor = 7 * 24 * time.Hour

var loginShape = regexp.MustCompile(`^[\p{L}\p{N}](?:[\p{L}\p{N}._-]{0,38}[\p{L}\p{N}])?$`)

// Invite makes an invitation and returns its token, which is kept as a hash
// only. Who has the token makes one account with it; whoever an identity
// provider knows by the e-mail address, which may be empty, needs no token.
func (d *Desk) Invite(who Person, role Role, email string) (token string, err error) {
	if !who.Role.May(Staff) {
		return "", ErrForbidden
	}
	if email, err = tidyEmail(email); err != nil {
		return "", err
	}
	return d.invite(who, role, email)
}

// InviteByOperator is for whoever may read the data directory anyway.
func (d *Desk) InviteByOperator(role Role) (token string, err error) {
	return d.invite(Person{}, role, "")
}

func (d *Desk) invite(by Person, role Role, email string) (string, error) {
	if !role.Known() {
		return "", invalid("role", "role", fmt.Sprintf("%q is none of %v", role, Roles))
	}
	token := newToken()
	d.writing.Lock()
	defer d.writing.Unlock()
	return token, d.storage.Update(func(w Writer) error {
		if err := d.note(w, cmp.Or(by.Pseudonym, by.ID, actorOperator), ActInvited, "", about{"role": role}); err != nil {
			return err
		}
		return save(w, keyInvitation+tokenHash(token), Invitation{Role: role, By: by.ID, Email: email, Expires: d.now().UTC().Add(InvitationFor)})
	})
}

// Invitation returns what a token stands for.
func (d *Desk) Invitation(token string) (i Invitation, err error) {
	err = d.storage.View(func(r Reader) error {
		found, err := load(r, keyInvitation+tokenHash(token), &i)
		if err == nil && (!found || !i.Expires.After(d.now())) {
			err = ErrNotFound
		}
		return err
	})
	return i, err
}

// Join makes an account and uses the invitation up.
func (d *Desk) Join(token, name, password string) (Person, error) {
	name = strings.TrimSpace(name)
	if !loginShape.MatchString(name) {
		return Person{}, invalid("name", "name", "1 to 40 letters, digits, dots, hyphens and underscores")
	}
	if err := checkPassword(name, password); err != nil {
		return Person{}, err
	}
	if _, err := d.Invitation(token); err != nil { // before the work of hashing
		return Person{}, err
	}
	p := Person{ID: newID(), Name: name, Password: d.hash(password), Created: d.now().UTC()}
	d.writing.Lock()
	defer d.writing.Unlock()
	err := d.storage.Update(func(w Writer) error {
		return d.admit(w, keyInvitation+tokenHash(token), &p)
	})
	if err != nil {
		return Person{}, err
	}
	return p, nil
}

// admit makes the account of somebody who was invited, and uses the invitation
// up.
func (d *Desk) admit(w Writer, key string, p *Person) error {
	var i Invitation
	found, err := load(w, key, &i)
	if err != nil {
		return err
	}
	if !found || !i.Expires.After(p.Created) {
		return ErrNotFound
	}
	if there, err := w.Get(loginKey(p.Name)); err != nil || there != nil {
		return cmp.Or(err, invalid("name", "used", "somebody has this name already"))
	}
	count := 0
	if err := w.Scan(keyPerson, func(string, []byte) error { count++; return nil }); err != nil {
		return err
	}
	p.Role, p.Email, p.Pseudonym = i.Role, i.Email, fmt.Sprintf("R%03d", count+1)
	if err := w.Delete(key); err != nil {
		return err
	}
	if err := save(w, loginKey(p.Name), p.ID); err != nil {
		return err
	}
	if err := d.note(w, p.Pseudonym, ActJoinedDesk, p.Pseudonym, about{"role": p.Role}); err != nil {
		return err
	}
	return save(w, keyPerson+p.ID, p)
}

func loginKey(name string) string { return keyLogin + strings.ToLower(name) }

// PersonByID returns somebody with an account.
func (d *Desk) PersonByID(id string) (p Person, err error) {
	err = d.storage.View(func(r Reader) error {
		found, err := load(r, keyPerson+id, &p)
		if err == nil && !found {
			err = ErrNotFound
		}
		return err
	})
	return p, err
}

// People returns everybody with an account, by name, to colleagues who may
// assign cases.
func (d *Desk) People(who Person) ([]Person, error) {
	if !who.Role.May(Assign) {
		return nil, ErrForbidden
	}
	var out []Person
	err := d.storage.View(func(r Reader) error {
		return r.Scan(keyPerson, func(_ string, value []byte) error {
			var p Person
			err := json.Unmarshal(value, &p)
			p.Password, p.Identity = "", ""
			if !who.Role.May(Staff) {
				p.Email = ""
			}
			out = append(out, p)
			return err
		})
	})
	slices.SortFunc(out, func(a, b Person) int { return strings.Compare(a.Name, b.Name) })
	return out, err
}

// Change gives a person another role, or shuts or opens the account; a change
// ends the person's sessions, and shutting it his tokens. The last admin stays one.
func (d *Desk) Change(who Person, id string, role Role, disabled bool) error {
	if !who.Role.May(Staff) {
		return ErrForbidden
	}
	if !role.Known() {
		return invalid("role", "role", "no such role")
	}
	d.writing.Lock()
	defer d.writing.Unlock()
	return d.storage.Update(func(w Writer) error {
		var p Person
		admins, found := 0, false
		err := w.Scan(keyPerson, func(_ string, value []byte) error {
			var other Person
			if err := json.Unmarshal(value, &other); err != nil {
				return err
			}
			if other.ID == id {
				p, found = other, true
			} else if other.Role == Admin && !other.Disabled {
				admins++
			}
			return nil
		})
		if err != nil {
			return err
		}
		if !found {
			return ErrNotFound
		}
		if p.Role == Admin && !p.Disabled && admins == 0 && (role != Admin || disabled) {
			return invalid("role", "last", "the last admin must stay one; make another first")
		}
		err = d.note(w, cmp.Or(who.Pseudonym, who.ID), ActChanged, p.Pseudonym, about{"from": p.Role, "to": role, "shut": disabled})
		if err != nil {
			return err
		}
		p.Role, p.Disabled = role, disabled
		p.Failures, p.Locked = 0, time.Time{}
		if err := endSessions(w, id, ""); err != nil {
			return err
		}
		if disabled {
			if err := endTokens(w, id); err != nil {
				return err
			}
		}
		return save(w, keyPerson+id, p)
	})
}
