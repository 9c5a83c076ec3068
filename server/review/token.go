// SPDX-License-Identifier: Apache-2.0

package review

import (
	"encoding/json"
	"errors"
	"slices"
	"strings"
	"time"
	"unicode/utf8"
)

// Token lets a person's program in, in his place, with at most the rights of a
// role. Its key is the hash of the secret, which is shown once.
type Token struct {
	ID      string    `json:"id"`
	Person  string    `json:"person"`
	Label   string    `json:"label"`
	Role    Role      `json:"role"`
	Created time.Time `json:"created"`
	Expires time.Time `json:"expires"`
	Used    time.Time `json:"used,omitzero"` // to touchEvery
}

// TokenPrefix begins every secret, so that one that leaked is recognised.
const TokenPrefix = "haechi_"

// Limits of tokens.
const (
	MaxTokens    = 20 // of one person
	MaxTokenDays = 365
)

// atMost is the lesser of two roles.
func (r Role) atMost(other Role) Role {
	if slices.Index(Roles, r) <= slices.Index(Roles, other) {
		return r
	}
	return other
}

// MakeToken makes a token with a role that is at most the person's, and returns
// its secret.
func (d *Desk) MakeToken(who Person, label string, role Role, days int) (t Token, secret string, err error) {
	switch label = clean(label); {
	case label == "" || utf8.RuneCountInString(label) > 60 || strings.ContainsAny(label, "\n\t"):
		return t, "", invalid("label", "label", "say what it is for, in at most 60 characters")
	case !role.Known() || role.atMost(who.Role) != role:
		return t, "", invalid("role", "above", "a token has at most your own role")
	case days < 1 || days > MaxTokenDays:
		return t, "", invalid("days", "days", "it counts for 1 to 365 days")
	}
	secret = TokenPrefix + newToken()
	now := d.now().UTC()
	t = Token{ID: newID(), Person: who.ID, Label: label, Role: role, Created: now, Expires: now.Add(time.Duration(days) * 24 * time.Hour)}
	d.writing.Lock()
	defer d.writing.Unlock()
	err = d.storage.Update(func(w Writer) error {
		own, err := tokensOf(w, who.ID)
		if err != nil {
			return err
		}
		if len(own) >= MaxTokens {
			return invalid("label", "many", "at most 20 tokens; revoke one first")
		}
		if err := d.note(w, who.Pseudonym, ActTokenMade, who.Pseudonym, about{"token": t.ID, "role": role, "days": days}); err != nil {
			return err
		}
		return save(w, keyToken+tokenHash(secret), t)
	})
	if err != nil {
		return Token{}, "", err
	}
	return t, secret, nil
}

// Tokens are a person's own, the newest first.
func (d *Desk) Tokens(who Person) (out []Token, err error) {
	err = d.storage.View(func(r Reader) error {
		own, err := tokensOf(r, who.ID)
		for _, t := range own {
			out = append(out, t)
		}
		return err
	})
	slices.SortFunc(out, func(a, b Token) int { return b.Created.Compare(a.Created) })
	return out, err
}

// tokensOf returns a person's tokens by their keys.
func tokensOf(r Reader, person string) (map[string]Token, error) {
	out := map[string]Token{}
	err := r.Scan(keyToken, func(key string, value []byte) error {
		var t Token
		err := json.Unmarshal(value, &t)
		if t.Person == person {
			out[key] = t
		}
		return err
	})
	return out, err
}

// RevokeToken ends one of a person's own tokens.
func (d *Desk) RevokeToken(who Person, id string) error {
	d.writing.Lock()
	defer d.writing.Unlock()
	return d.storage.Update(func(w Writer) error {
		own, err := tokensOf(w, who.ID)
		if err != nil {
			return err
		}
		for key, t := range own {
			if t.ID == id {
				if err := d.note(w, who.Pseudonym, ActTokenEnded, who.Pseudonym, about{"token": id}); err != nil {
					return err
				}
				return w.Delete(key)
			}
		}
		return ErrNotFound
	})
}

// endTokens ends all tokens of a person.
func endTokens(w Writer, person string) error {
	own, err := tokensOf(w, person)
	for key := range own {
		err = errors.Join(err, w.Delete(key))
	}
	return err
}

// Bearer returns the person of a token, with the lesser of its role and his own.
func (d *Desk) Bearer(secret string) (Person, error) {
	if !strings.HasPrefix(secret, TokenPrefix) {
		return Person{}, ErrSession
	}
	key := keyToken + tokenHash(secret)
	var t Token
	var p Person
	now := d.now().UTC()
	err := d.storage.View(func(r Reader) error {
		found, err := load(r, key, &t)
		if err == nil && found {
			found, err = load(r, keyPerson+t.Person, &p)
		}
		if err == nil && (!found || p.Disabled || !t.Expires.After(now)) {
			err = ErrSession
		}
		return err
	})
	if err != nil {
		return Person{}, err
	}
	p.Role = t.Role.atMost(p.Role)
	if now.Sub(t.Used) <= touchEvery {
		return p, nil
	}
	d.writing.Lock()
	defer d.writing.Unlock()
	return p, d.storage.Update(func(w Writer) error {
		found, err := load(w, key, &t)
		if err != nil || !found {
			return errors.Join(err, ErrSession)
		}
		t.Used = now
		return save(w, key, t)
	})
}
