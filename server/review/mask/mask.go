// SPDX-License-Identifier: Apache-2.0

// Package mask takes personal data out of a text before it is sent or stored:
// call [Mask]. It finds what has a form: e-mail addresses, telephone numbers of
// Korea, Japan, China and North America, resident and foreigner registration
// numbers, payment cards, passports, user names in addresses, IP addresses, and
// names where the text says that they are someone's own ("제 이름은 …", "… 님").
//
// Other names, street addresses and bank accounts have no form that tells them
// from history, so a person must read what goes out. Where in doubt it masks: the
// sender sees the result and the reader loses little.
//
// testdata/cases.json says what must and must not be masked, for this package
// and for its twin in the extension.
package mask

import (
	"cmp"
	"slices"
	"strings"
)

// Kind is what was masked. The text shows it in square brackets.
type Kind string

const (
	Email     Kind = "email"
	Phone     Kind = "phone"
	Resident  Kind = "resident-number"
	Foreigner Kind = "foreigner-number"
	Card      Kind = "card"
	Passport  Kind = "passport"
	User      Kind = "user" // user name and password in an address
	IP        Kind = "ip"
	Name      Kind = "name" // of somebody who is greeted or says who he is
)

// Span is one masked piece: bytes Start to End of the text that was given.
type Span struct {
	Kind  Kind `json:"kind"`
	Start int  `json:"start"`
	End   int  `json:"end"`
}

// Mask returns the text with every piece replaced by its kind, and the pieces in
// order. They do not overlap.
func Mask(text string) (string, []Span) {
	f := fold(text)
	spans := f.find()
	if len(spans) == 0 {
		return text, nil
	}
	var b strings.Builder
	at := 0
	for _, s := range spans {
		b.WriteString(text[at:s.Start])
		b.WriteString("[" + string(s.Kind) + "]")
		at = s.End
	}
	b.WriteString(text[at:])
	return b.String(), spans
}

// find runs every finder in the order of its certainty; what one has taken the
// next ones do not see.
func (f *folded) find() []Span {
	var spans []Span
	for _, d := range finders {
		for at := 0; at < len(f.text); {
			m := d.pattern.FindStringSubmatchIndex(f.text[at:])
			if m == nil {
				break
			}
			start, end := at+m[2], at+m[3] // the first group is what is masked
			if f.taken(start, end) || !f.stands(start, end, d.kind) || !d.accept(f, start, end) {
				at = f.next(at+m[0], end, d.kind)
				continue
			}
			for i := start; i < end; i++ {
				f.used[i] = true
			}
			spans = append(spans, Span{d.kindOf(f.text[start:end]), f.from[start], f.to[end-1]})
			at = end
		}
	}
	slices.SortFunc(spans, func(a, b Span) int { return cmp.Compare(a.Start, b.Start) })
	return spans
}

func (f *folded) taken(start, end int) bool { return slices.Contains(f.used[start:end], true) }

// next is where to look on after a match was refused: it may hide another that
// begins inside it, but not inside the same run of letters and digits, where
// nothing that stands for itself begins.
func (f *folded) next(start, end int, kind Kind) int {
	if kind == Email || kind == User || kind == Name {
		return end
	}
	at := start + 1
	for at < len(f.text) && (digit(f.text[at-1]) || letter(f.text[at-1])) && (digit(f.text[at]) || letter(f.text[at])) {
		at++
	}
	return at
}
