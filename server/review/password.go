// SPDX-License-Identifier: Apache-2.0

package review

import (
	"crypto/rand"
	"crypto/subtle"
	"encoding/base64"
	"fmt"
	"strings"
	"unicode/utf8"

	"golang.org/x/crypto/argon2"
)

// Argon2id with the least that OWASP advises: 19 MiB and two passes, some tens
// of milliseconds. maxHashing bounds the memory of many at once.
const (
	hashMemory = 19 << 10 // KiB
	hashPasses = 2
	hashBytes  = 32
	saltBytes  = 16
	maxHashing = 2
)

// Limits of a password, in characters. There are no rules about which ones:
// length is what helps.
const (
	MinPassword = 10
	MaxPassword = 200
)

func checkPassword(name, password string) error {
	switch n := utf8.RuneCountInString(password); {
	case n < MinPassword:
		return invalid("password", "short", "at least 10 characters")
	case n > MaxPassword:
		return invalid("password", "long", "at most 200 characters")
	case strings.EqualFold(password, name), strings.Count(password, password[:1]) == len(password):
		return invalid("password", "weak", "choose one that is harder to guess")
	}
	return nil
}

// hash returns the PHC string of a password.
func (d *Desk) hash(password string) string {
	salt := make([]byte, saltBytes)
	rand.Read(salt) // never fails
	return fmt.Sprintf("$argon2id$v=%d$m=%d,t=%d,p=1$%s$%s", argon2.Version, hashMemory, hashPasses,
		base64.RawStdEncoding.EncodeToString(salt), base64.RawStdEncoding.EncodeToString(d.derive(password, salt, hashPasses, hashMemory)))
}

func (d *Desk) derive(password string, salt []byte, passes, memory uint32) []byte {
	d.hashing <- struct{}{}
	defer func() { <-d.hashing }()
	return argon2.IDKey([]byte(password), salt, passes, memory, 1, hashBytes)
}

// matches says whether a password belongs to a PHC string. It takes as long
// for a string that belongs to nobody.
func (d *Desk) matches(phc, password string) bool {
	var version int
	var memory, passes uint32
	parts := strings.Split(phc, "$")
	var salt, want []byte
	ok := len(parts) == 6 && parts[1] == "argon2id"
	if ok {
		_, err1 := fmt.Sscanf(parts[2], "v=%d", &version)
		_, err2 := fmt.Sscanf(parts[3], "m=%d,t=%d,p=1", &memory, &passes)
		var err3, err4 error
		salt, err3 = base64.RawStdEncoding.DecodeString(parts[4])
		want, err4 = base64.RawStdEncoding.DecodeString(parts[5])
		ok = err1 == nil && err2 == nil && err3 == nil && err4 == nil && version == argon2.Version
	}
	if !ok {
		memory, passes, salt = hashMemory, hashPasses, make([]byte, saltBytes)
	}
	got := d.derive(password, salt, passes, memory)
	return subtle.ConstantTimeCompare(got, want) == 1 && ok
}
