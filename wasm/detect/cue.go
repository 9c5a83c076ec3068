// SPDX-License-Identifier: Apache-2.0

package detect

import (
	_ "embed"
	"encoding/json"
	"strings"

	"haechi/rules"
)

// cueWords are the words by which a writer shows his stance, by kind and
// language: A attributes, B vouches for, D calls false, N negates, R rejects,
// C contrasts, U tells apart, P names a party that holds views, I leaves open.
//
//go:embed cues.json
var cueWords []byte

// cues returns the cue words by kind.
func cues() map[string]rules.Words {
	var out map[string]rules.Words
	if err := json.Unmarshal(cueWords, &out); err != nil {
		panic(err) // the file is part of the program and is tested
	}
	return out
}

// maxSkeleton is how many signs of a part's skeleton are kept: the first half
// and the last.
const maxSkeleton = 40

// Signs of a skeleton besides the kinds of cues.
const (
	signSubject, signWrong, signRight = 'S', 'F', 'T'
	signQuote, signPause              = 'Q', 'c'
)

// skeleton writes the order of masks, cues, quotation marks and pauses in a
// text, one sign each, a run of the same sign once. It says the same in every
// language, so that what is learnt of one helps the others.
func skeleton(text string, marks []mark) string {
	var b []byte
	put := func(c byte) {
		if len(b) == 0 || b[len(b)-1] != c {
			b = append(b, c)
		}
	}
	between := func(s string) {
		for _, r := range s {
			switch {
			case strings.ContainsRune("「」『』“”‘’\"《》", r):
				put(signQuote)
			case strings.ContainsRune(",、;:", r):
				put(signPause)
			}
		}
	}
	at := 0
	for _, m := range marks {
		between(text[at:m.start])
		put(m.sign)
		at = m.end
	}
	between(text[at:])
	if len(b) > maxSkeleton {
		b = append(b[:maxSkeleton/2], b[len(b)-maxSkeleton/2:]...)
	}
	return string(b)
}
