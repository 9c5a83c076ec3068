// SPDX-License-Identifier: Apache-2.0

package trust

import "errors"

// The reasons for which a client refuses an update. In every case it keeps the
// rules it has; the comment says what it does next.
var (
	// ErrUnsigned: too few known keys signed. Distrust the sender.
	ErrUnsigned = errors.New("not signed by enough maintainers")
	// ErrExpired: signed, but too old to start with. Ask again later.
	ErrExpired = errors.New("expired")
	// ErrRollback: not newer than what the client has. Ignore it.
	ErrRollback = errors.New("not newer than the rules in use")
	// ErrGap: a delta from another sequence. Ask for one from your own.
	ErrGap = errors.New("delta from another sequence")
	// ErrMismatch: the result is not the pack that was signed. Ask for a
	// snapshot, once.
	ErrMismatch = errors.New("result is not the signed pack")
	// ErrInvalid: no update, no release or no pack that this program can read.
	// Distrust the sender, or update the program.
	ErrInvalid = errors.New("not a valid update")
	// ErrTooLarge: beyond the limits. Distrust the sender.
	ErrTooLarge = errors.New("too large")
)

// Code is the stable name of a refusal for other languages and for JSON:
// "unsigned", "expired", "rollback", "gap", "mismatch", "too-large", and
// "invalid" for everything else.
func Code(err error) string {
	for _, known := range []struct {
		err  error
		code string
	}{
		{ErrUnsigned, "unsigned"},
		{ErrExpired, "expired"},
		{ErrRollback, "rollback"},
		{ErrGap, "gap"},
		{ErrMismatch, "mismatch"},
		{ErrTooLarge, "too-large"},
	} {
		if errors.Is(err, known.err) {
			return known.code
		}
	}
	return "invalid"
}
