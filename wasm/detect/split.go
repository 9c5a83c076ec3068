// SPDX-License-Identifier: Apache-2.0

package detect

import (
	"strings"
	"unicode"
	"unicode/utf8"
)

// sentence is a stretch [start, end) of an answer, in bytes, with what stands
// around it. heading is the heading or list lead-in that it stands under,
// columns for a table's row the table's header; before the sentence in front of
// it in the same paragraph or list item.
type sentence struct {
	start, end int
	kind       lineKind // of the line: text, item or table
	heading    string
	columns    string
	before     string
}

// maxLeadIn is the longest line, in characters, that counts as the lead-in of
// a list because it ends with a colon.
const maxLeadIn = 120

// split reads an answer as light Markdown: headings, list items, table rows,
// quotes and paragraphs are lines; code blocks and headings are not judged.
func split(text string) []sentence {
	var out []sentence
	var heading, leadIn, row string // leadIn ends at the next paragraph; row is a table's header
	fence := ""
	for start := 0; start < len(text); {
		end := len(text)
		next := end
		if i := strings.IndexByte(text[start:], '\n'); i >= 0 {
			end, next = start+i, start+i+1
		}
		l := lineOf(text, start, end)
		start = next
		if fence != "" {
			if strings.HasPrefix(l.body(text), fence) {
				fence = ""
			}
			continue
		}
		switch l.kind {
		case blankLine:
			row = ""
		case fenceLine:
			fence = l.body(text)[:3]
		case headingLine:
			heading, leadIn, row = strings.Trim(text[l.from:cut(text, l.from, l.to)], "#*_ \t\r"), "", ""
		case ruleLine:
		case tableLine:
			if row == "" && separatorAt(text, next) {
				row = text[l.from:cut(text, l.from, l.to)]
				continue
			}
			for from := l.from; from < l.to; {
				end := cut(text, from, l.to)
				if s, e := trim(text, from, end); s < e {
					out = append(out, sentence{start: s, end: e, kind: tableLine, heading: or(leadIn, heading), columns: row})
				}
				from = end
			}
		case itemLine:
			out = appendSentences(out, text, l, or(leadIn, heading))
			row = ""
		case textLine:
			row = ""
			n := len(out)
			out = appendSentences(out, text, l, heading)
			leadIn = ""
			if len(out) > n {
				last := out[len(out)-1]
				s := strings.TrimRight(text[last.start:last.end], "*_ \t\r")
				if (strings.HasSuffix(s, ":") || strings.HasSuffix(s, "：")) && utf8.RuneCountInString(s) <= maxLeadIn {
					leadIn = join(heading, s)
				}
			}
		}
	}
	return out
}

// separatorAt reports whether the line at from separates a table's header from its rows.
func separatorAt(text string, from int) bool {
	end := len(text)
	if i := strings.IndexByte(text[from:], '\n'); i >= 0 {
		end = from + i
	}
	s := text[from:end]
	return strings.Contains(s, "-") && strings.Trim(s, "|-: \t\r") == ""
}

func or(a, b string) string {
	if a != "" {
		return a
	}
	return b
}

func join(a, b string) string {
	if a == "" || b == "" {
		return a + b
	}
	return a + " " + b
}

type lineKind int

const (
	textLine lineKind = iota
	blankLine
	headingLine
	itemLine
	tableLine
	fenceLine
	ruleLine // a horizontal rule or a table's separator
)

// line is one line of an answer; [from, to) is its text without markers.
type line struct {
	kind     lineKind
	from, to int
}

func (l line) body(text string) string { return text[l.from:l.to] }

func lineOf(text string, from, to int) line {
	from, to = trim(text, from, to)
	for from < to && text[from] == '>' { // quoted
		from, to = trim(text, from+1, to)
	}
	s := text[from:to]
	if strings.HasPrefix(s, "```") || strings.HasPrefix(s, "~~~") {
		return line{fenceLine, from, to}
	}
	if s == "" {
		return line{blankLine, from, to}
	}
	if strings.Trim(s, "-*_=|: \t") == "" {
		return line{ruleLine, from, to}
	}
	if n := len(s) - len(strings.TrimLeft(s, "#")); n > 0 && n <= 6 && n < len(s) && s[n] == ' ' {
		return line{headingLine, from + n + 1, to}
	}
	if strings.HasPrefix(s, "**") && strings.Index(s[2:], "**") == len(s)-4 && utf8.RuneCountInString(s) <= maxLeadIn && len(s) > 4 {
		if last, _ := utf8.DecodeLastRuneInString(s[:len(s)-2]); !isStop(last) {
			return line{headingLine, from, to} // a line that is wholly bold and no sentence
		}
	}
	if strings.HasPrefix(s, "|") {
		return line{tableLine, from, to}
	}
	if n := itemMarker(s); n > 0 {
		from, to = trim(text, from+n, to)
		return line{itemLine, from, to}
	}
	return line{textLine, from, to}
}

// itemMarker returns the length of the list marker that s begins with, or 0.
func itemMarker(s string) int {
	r, n := utf8.DecodeRuneInString(s)
	rest := s[n:]
	switch {
	case strings.ContainsRune("-*+", r) && strings.HasPrefix(rest, " "):
		return n
	case strings.ContainsRune("•·‣▪●○◦■□※–—", r) && rest != "" && !strings.HasPrefix(rest, string(r)):
		return n
	case r >= '①' && r <= '⑳':
		return n
	}
	digits := len(s) - len(strings.TrimLeft(s, "0123456789"))
	if digits > 0 && digits <= 3 && digits+1 < len(s) && (s[digits] == '.' || s[digits] == ')') && s[digits+1] == ' ' {
		return digits + 1
	}
	return 0
}

func trim(text string, from, to int) (int, int) {
	for from < to {
		r, n := utf8.DecodeRuneInString(text[from:to])
		if !unicode.IsSpace(r) && !invisible(r) {
			break
		}
		from += n
	}
	for from < to {
		r, n := utf8.DecodeLastRuneInString(text[from:to])
		if !unicode.IsSpace(r) {
			break
		}
		to -= n
	}
	return from, to
}

// maxLength is the longest sentence, table row or heading, in bytes: what runs
// on is cut, so that the work on any text is bounded.
const maxLength = 3000

// cut returns where to cut a sentence [from, end) that is too long: behind the
// last blank that fits, else between two characters.
func cut(text string, from, end int) int {
	if end-from <= maxLength {
		return end
	}
	end = from + maxLength
	if i := strings.LastIndexByte(text[from:end], ' '); i > 0 {
		return from + i + 1
	}
	for end > from+1 && !utf8.RuneStart(text[end]) {
		end--
	}
	return end
}

// appendSentences splits one line into sentences.
func appendSentences(out []sentence, text string, l line, heading string) []sentence {
	before, from, to := "", l.from, l.to
	for from < to {
		end := cut(text, from, sentenceEnd(text, from, min(to, from+2*maxLength)))
		s, e := trim(text, from, end)
		if s < e {
			out = append(out, sentence{start: s, end: e, kind: l.kind, heading: heading, before: before})
			before = text[s:e]
		}
		from = end
	}
	return out
}

// maxQuote is how far, in bytes, a quotation may reach before its opening mark
// is taken for a stray one.
const maxQuote = 1200

var closing = map[rune]rune{'「': '」', '『': '』', '“': '”', '‘': '’', '《': '》', '〈': '〉', '（': '）', '(': ')', '"': '"', '«': '»', '【': '】'}

// sentenceEnd returns where the sentence that begins at from ends: behind a
// full stop, question or exclamation mark that is not inside a quotation, not
// within a number or an abbreviation, and after which no particle follows
// (「…だ。」と主張, "…이다."라고).
func sentenceEnd(text string, from, to int) int {
	var quotes []rune
	lastOpen := from
	for i := from; i < to; {
		r, n := utf8.DecodeRuneInString(text[i:to])
		next := i + n
		if len(quotes) > 0 && i-lastOpen > maxQuote {
			quotes = quotes[:0]
		}
		if len(quotes) > 0 && r == quotes[len(quotes)-1] {
			quotes = quotes[:len(quotes)-1]
			i = next
			if len(quotes) == 0 && endsBefore(text, from, i-n) && freshStart(text, i, to) {
				return i
			}
			continue
		}
		if c, ok := closing[r]; ok && closes(text, next, to, c) {
			quotes, lastOpen = append(quotes, c), i
			i = next
			continue
		}
		if len(quotes) == 0 && isStop(r) {
			for next < to { // "?!", "...", and closing marks without an opening one
				r2, n2 := utf8.DecodeRuneInString(text[next:to])
				if !isStop(r2) && !strings.ContainsRune("」』”’\")）*_", r2) {
					break
				}
				next += n2
			}
			if r != '.' || fullStop(text, i, next, to) {
				if freshStart(text, next, to) || wideStop(r) && !particle(text, next, to) {
					return next
				}
			}
			i = next
			continue
		}
		i = next
	}
	return to
}

func isStop(r rune) bool   { return strings.ContainsRune(".!?。！？｡…", r) }
func wideStop(r rune) bool { return strings.ContainsRune("。！？｡", r) }

// closes reports whether the closing mark comes on the same line, near enough.
func closes(text string, from, to int, mark rune) bool {
	return strings.ContainsRune(text[from:min(to, from+maxQuote)], mark)
}

// endsBefore reports whether the character in front of at is a stop.
func endsBefore(text string, from, at int) bool {
	r, _ := utf8.DecodeLastRuneInString(text[from:at])
	return isStop(r)
}

// freshStart reports whether a new sentence can begin at i: at the end, or
// after white space before anything but a lower-case Latin letter.
func freshStart(text string, i, to int) bool {
	if i >= to {
		return true
	}
	r, _ := utf8.DecodeRuneInString(text[i:to])
	if !unicode.IsSpace(r) {
		return false
	}
	s := strings.TrimLeftFunc(text[i:to], unicode.IsSpace)
	r, _ = utf8.DecodeRuneInString(s)
	return !unicode.IsLower(r)
}

// particle reports whether what follows a wide stop still belongs to the
// sentence: と and the like after a quotation.
func particle(text string, i, to int) bool {
	for _, p := range []string{"と", "という", "とする", "라고", "라는", "고 ", "는 ", "이라"} {
		if strings.HasPrefix(text[i:to], p) {
			return true
		}
	}
	return false
}

var abbreviations = []string{"dr", "mr", "mrs", "ms", "prof", "st", "no", "vs", "etc", "e.g", "i.e", "cf", "ca", "c", "b.c", "a.d", "u.s", "u.n", "u.k", "approx", "vol", "pp", "p", "jr", "sr", "gen", "rev", "ed", "fig", "al"}

// fullStop reports whether the '.' at i, with everything up to next, ends a sentence.
func fullStop(text string, i, next, to int) bool {
	if next-i > 1 { // "..." or ".)"
		return true
	}
	if next < to && text[next] >= '0' && text[next] <= '9' {
		return false
	}
	word := text[max(0, i-12):i]
	if k := strings.LastIndexAny(word, " (\"“‘\n\t"); k >= 0 {
		word = word[k+1:]
	}
	word = strings.ToLower(word)
	if len(word) == 1 && word[0] >= 'a' && word[0] <= 'z' && next < to { // an initial
		return false
	}
	for _, a := range abbreviations {
		if word == a {
			return next >= to
		}
	}
	if strings.Trim(word, "0123456789") == "" && word != "" && next < to { // "1. ", "2024. 12. 3."
		rest := strings.TrimLeft(text[next:to], " ")
		return len(word) > 2 && (rest == "" || rest[0] < '0' || rest[0] > '9')
	}
	return true
}
