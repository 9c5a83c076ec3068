// SPDX-License-Identifier: Apache-2.0

package trust

import "errors"

// The reasons for which a client refuses an update. In every case it keeps the
// rules it has; the comment says what it does next.
var (
	// ErrUnsigned: too few known keys signed. Distrust the sender.
	ErrUnsigned = errors.New("not signed by enough maintainers")
	// ErrFork: the log is not the one seen before, or contradicts itself. Some
	// client is being shown other rules. Distrust the sender and tell people.
	ErrFork = errors.New("the log has another history")
	// ErrLog: the release is not in the log. Distrust the sender, or, where log
	// and release were fetched apart, fetch both again once.
	ErrLog = errors.New("not in the log")
	// ErrOthers: signed, but for another channel or not rolled out to this
	// client. Wait for the next head.
	ErrOthers = errors.New("not for this client")
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
// "unsigned", "fork", "log", "others", "expired", "rollback", "gap",
// "mismatch", "too-large", and "invalid" for everything else.
func Code(err error) string {
	for _, known := range []struct {
		err  error
		code string
	}{
		{ErrUnsigned, "unsigned"},
		{ErrFork, "fork"},
		{ErrLog, "log"},
		{ErrOthers, "others"},
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
