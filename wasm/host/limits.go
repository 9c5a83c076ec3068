// SPDX-License-Identifier: Apache-2.0

package host

import (
	"errors"
	"io"
)

// ErrTrap says that the instance was ended: it ran out of memory or time, or
// met a bug. The caller opens a new one.
var ErrTrap = errors.New("trap")

// PageBytes is the unit of a wasm's memory.
const PageBytes = 64 << 10

// memoryPages bounds an engine's memory where no option does: 1 GiB.
const memoryPages = 1 << 30 / PageBytes

// limits are what the options of one engine say.
type limits struct {
	pages         uint32
	interruptible bool
	stderr        io.Writer
}

// Option bounds an engine that is to run rules which nobody has tried yet.
type Option func(*limits)

// Memory bounds the wasm's memory, in pages of [PageBytes]. An engine that
// needs more ends with [ErrTrap].
func Memory(pages uint32) Option { return func(l *limits) { l.pages = pages } }

// Interruptible lets the context of a call end it, and the instance with it,
// also within a loop that would not end by itself. The code that looks after
// the context makes every check three to four times slower (measured), and is
// compiled and kept apart from the plain one.
func Interruptible() Option { return func(l *limits) { l.interruptible = true } }

// Stderr takes what the engine writes as it dies; without it that goes to the
// standard error of the program.
func Stderr(w io.Writer) Option { return func(l *limits) { l.stderr = w } }
