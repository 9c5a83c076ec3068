// SPDX-License-Identifier: Apache-2.0

package mask

import (
	"strings"
	"unicode/utf8"
)

// folded is a text in which digits, letters and dashes have one form each, so
// that ０１０－１２３４ is found like 010-1234; each byte knows the bytes that it
// came from.
type folded struct {
	text     string
	from, to []int  // of the original, for each byte
	used     []bool // masked already
}

func fold(text string) *folded {
	f := &folded{from: make([]int, 0, len(text)), to: make([]int, 0, len(text))}
	out := make([]byte, 0, len(text))
	for i := 0; i < len(text); {
		r, size := utf8.DecodeRuneInString(text[i:])
		start := len(out)
		switch r = plain(r); {
		case r == 0:
			// Nothing: a zero-width character hides no number.
		case r == utf8.RuneError && size == 1:
			out = append(out, text[i]) // an invalid byte matches nothing
		default:
			out = utf8.AppendRune(out, r)
		}
		for range len(out) - start {
			f.from, f.to = append(f.from, i), append(f.to, i+size)
		}
		i += size
	}
	f.text, f.used = string(out), make([]bool, len(out))
	return f
}

// plain is the ASCII form of a character, itself, or 0 to leave it out.
func plain(r rune) rune {
	switch {
	case r >= '！' && r <= '～': // full-width
		return r - '！' + '!'
	case r == 0x3000, r == 0xa0, r == 0x202f, r >= 0x2000 && r <= 0x200a:
		return ' '
	case r >= 0x2010 && r <= 0x2015, r == '−', r == '﹣', r == 'ー', r == '‒': // in numbers ー stands for a dash
		return '-'
	case r == 0xad, r >= 0x200b && r <= 0x200f, r >= 0x202a && r <= 0x202e, r >= 0x2060 && r <= 0x2064, r == 0xfeff:
		return 0
	}
	return r
}

func digit(b byte) bool  { return b >= '0' && b <= '9' }
func letter(b byte) bool { return b|0x20 >= 'a' && b|0x20 <= 'z' }

// stands reports whether a match is a thing of its own rather than part of a
// longer number or word. Hangul and Han letters may touch it: 010-1234-5678로.
func (f *folded) stands(start, end int, kind Kind) bool {
	if kind == Email || kind == User || kind == Name {
		return true
	}
	// A point joins digits into one number, but only begins a list item before
	// a number that is written with hyphens.
	points := kind == IP || !strings.ContainsAny(f.text[start:end], " -.()+")
	if start > 0 {
		before := f.text[start-1]
		behindDigit := start > 1 && digit(f.text[start-2])
		switch {
		case digit(before), letter(before), before == '_':
			return false
		case before == '-' && behindDigit, before == '.' && behindDigit && points, before == ':' && kind == IP && behindDigit:
			return false
		}
	}
	if end < len(f.text) {
		after := f.text[end]
		beforeDigit := end+1 < len(f.text) && digit(f.text[end+1])
		switch {
		case digit(after), letter(after), after == '_':
			return false
		case after == '.' && beforeDigit && points:
			return false
		}
	}
	return true
}
