// SPDX-License-Identifier: Apache-2.0

package detect

import (
	"strings"
	"unicode"
	"unicode/utf8"

	"golang.org/x/text/unicode/norm"
)

// folded is text made comparable: NFKC, lower case, Han characters in their
// simplified form, apostrophes straight, without marks that a chatbot or a
// copier leaves inside words and without emoji, white space as single blanks.
// at maps every byte of text to the byte of the original in which the
// character that it comes from begins; at[len(text)] is the original's end.
type folded struct {
	text string
	at   []int32
}

// fold folds s. Bytes that are not UTF-8 become U+FFFD. It takes time linear in s.
func fold(s string) folded {
	var b strings.Builder
	b.Grow(len(s))
	at := make([]int32, 0, len(s)+1)
	blank := true // a blank at the start is dropped
	put := func(r rune, from int) {
		if unicode.IsSpace(r) {
			if blank {
				return
			}
			r, blank = ' ', true
		} else {
			blank = false
		}
		switch {
		case r == '’' && apostrophe(b.String(), s[from+len("’"):]):
			r = '\''
		case r >= firstHan:
			r = simplified(r)
		default:
			r = unicode.ToLower(r)
		}
		n := b.Len()
		b.WriteRune(r)
		for range b.Len() - n {
			at = append(at, int32(from))
		}
	}
	for i := 0; i < len(s); {
		c := s[i]
		if c < utf8.RuneSelf && (i+1 == len(s) || s[i+1] < utf8.RuneSelf) {
			// ASCII before ASCII composes with nothing.
			switch {
			case c == '*' || c == '`' || c == '_' && i+1 < len(s) && s[i+1] == '_' || c == '_' && i > 0 && s[i-1] == '_':
			case c == '<':
				if n := tagLen(s[i:]); n > 0 {
					i += n
					continue
				}
				put(rune(c), i)
			default:
				put(rune(c), i)
			}
			i++
			continue
		}
		if r, n := utf8.DecodeRuneInString(s[i:]); plain(r) {
			next, _ := utf8.DecodeRuneInString(s[i+n:])
			if next < utf8.RuneSelf || plain(next) { // nothing composes with r
				put(r, i)
				i += n
				continue
			}
		}
		n := norm.NFKC.NextBoundaryInString(s[i:], true)
		if n <= 0 {
			n = 1
		}
		segment := s[i : i+n]
		if c == '<' {
			if m := tagLen(s[i:]); m > 0 {
				i += m
				continue
			}
		}
		if r, size := utf8.DecodeRuneInString(segment); size == n && plain(r) {
			if !invisible(r) && r != '*' && r != '`' {
				put(r, i)
			}
		} else {
			for _, r := range norm.NFKC.String(segment) {
				if !invisible(r) && r != '*' && r != '`' {
					put(r, i)
				}
			}
		}
		i += n
	}
	text := b.String()
	if strings.HasSuffix(text, " ") {
		text = text[:len(text)-1]
		at = at[:len(text)]
	}
	return folded{text: text, at: append(at, int32(len(s)))}
}

// apostrophe reports whether a closing quotation mark between two texts stands
// within a Latin word: isn’t, Korea’s.
func apostrophe(before, after string) bool {
	l, _ := utf8.DecodeLastRuneInString(before)
	r, _ := utf8.DecodeRuneInString(after)
	return isLatin(l) && isLatin(r)
}

// plain reports characters that NFKC leaves as they are; it saves the common
// Hangul, Han and kana the way through the tables.
func plain(r rune) bool {
	return r >= 0xAC00 && r <= 0xD7A3 || r >= 0x4E00 && r <= 0x9FFF || r >= 0x3041 && r <= 0x3096 || r >= 0x30A1 && r <= 0x30FA
}

// invisible reports characters that say nothing: zero-width, soft hyphen,
// direction marks, variation selectors, emoji. A cross (❌, ✗, 🚫) stays, for
// it calls what follows false.
func invisible(r rune) bool {
	switch {
	case r >= 0x2600 && r <= 0x27BF:
		return r != '✗' && r != '✘' && r != '✖' && r != '❌' && r != '❎' && r != '⛔'
	case r >= 0x1F000 && r <= 0x1FAFF, r >= 0xE0000 && r <= 0xE007F, r == 0x2B50, r == 0x20E3:
		return r != '🚫'
	case r == 0xAD, r == 0x34F, r == 0x61C, r == 0x180E, r == 0xFEFF, r == 0x3164, r == 0xFFA0, r == 0x115F, r == 0x1160,
		r >= 0x200B && r <= 0x200F, r >= 0x202A && r <= 0x202E, r >= 0x2060 && r <= 0x206F, r >= 0xFE00 && r <= 0xFE0F, r >= 0xE0100 && r <= 0xE01EF:
		return true
	}
	return false
}

// tagLen returns the length of the HTML tag that s begins with, or 0.
func tagLen(s string) int {
	if len(s) < 3 || s[0] != '<' || s[1] != '/' && !('a' <= s[1]|0x20 && s[1]|0x20 <= 'z') {
		return 0
	}
	end := strings.IndexAny(s[1:min(len(s), 120)], "<>\n")
	if end < 0 || s[1+end] != '>' {
		return 0
	}
	return end + 2
}

// span returns the original bytes from which the folded bytes [start, end) come.
func (f folded) span(start, end int) (int, int) {
	return int(f.at[start]), int(f.at[end])
}
