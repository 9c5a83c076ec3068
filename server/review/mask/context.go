// SPDX-License-Identifier: Apache-2.0

package mask

import (
	"slices"
	"strings"
)

// reach is how far before a match a word still tells what it is, in bytes.
const reach = 40

// longestAddress bounds how far back a web address is looked for, in bytes.
const longestAddress = 2048

// lead is the text shortly before a match, in lower case.
func (f *folded) lead(start int) string {
	return strings.ToLower(f.text[max(0, start-reach):start])
}

// near reports whether one of the words stands shortly before.
func (f *folded) near(start int, words ...string) bool {
	lead := f.lead(start)
	return slices.ContainsFunc(words, func(w string) bool { return strings.Contains(lead, w) })
}

// follows reports whether one of the words stands right before, as a word.
func (f *folded) follows(start int, words ...string) bool {
	lead := strings.TrimRight(f.lead(start), " :")
	return slices.ContainsFunc(words, func(w string) bool {
		rest, ok := strings.CutSuffix(lead, w)
		return ok && (rest == "" || !letter(rest[len(rest)-1]))
	})
}

// isbn reports whether the number is said to be an ISBN, ISSN or DOI.
func (f *folded) isbn(start int) bool {
	lead := f.lead(start)
	for _, w := range []string{"isbn", "issn", "doi"} {
		if i := strings.LastIndex(lead, w); i >= 0 && !strings.ContainsAny(lead[i:], ",;\n") && len(lead)-i < 16 {
			return true
		}
	}
	return false
}

// inPath reports whether a match stands in the path of a web address, where a
// number is an article's; behind "=" it is what someone typed.
func (f *folded) inPath(start int) bool {
	if start == 0 || f.text[start-1] != '/' && f.text[start-1] != '-' && f.text[start-1] != '.' {
		return false
	}
	word := f.text[max(0, start-longestAddress):start]
	word = word[strings.LastIndexAny(word, " \n\t\r\"'()<>")+1:]
	return strings.Contains(word, "://")
}
