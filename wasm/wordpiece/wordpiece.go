// SPDX-License-Identifier: Apache-2.0

// Package wordpiece splits text into the ids of a BERT vocabulary: call
// [Parse] with the bytes of a tokenizer.json, then [Tokenizer.Encode].
//
// It reads the form in which Hugging Face writes BERT tokenizers, cased or not
// (BertNormalizer, BertPreTokenizer, WordPiece, [CLS] and [SEP] around) and
// refuses everything else by name.
package wordpiece

import (
	"strings"
	"unicode"
	"unicode/utf8"

	"golang.org/x/text/unicode/norm"
)

// Tokenizer splits text. It is safe for concurrent use.
type Tokenizer struct {
	first, rest map[string]int32 // pieces that begin a word, and those that go on, without their prefix
	longest     int              // runes of the longest piece
	longestWord int              // a word of more runes is unknown
	unknown     int32
	last        int32
	lower       bool // letters are made small
	bare        bool // and lose their accents
	cut         int  // a text's most tokens that the file says; 0 where it does not
	begin, end  int32
	special     []special // found in the text as it is, before anything else
}

type special struct {
	content string
	id      int32
}

// Last is the greatest id of the vocabulary.
func (t *Tokenizer) Last() int64 { return int64(t.last) }

// Encode appends the ids of a text to ids: [CLS], its pieces, [SEP]; at most
// limit of them, what is beyond is cut off.
func (t *Tokenizer) Encode(ids []int64, text string, limit int) []int64 {
	if t.cut > 0 {
		limit = min(limit, t.cut)
	}
	limit += len(ids)
	ids = append(ids, int64(t.begin))
	for text != "" && len(ids) < limit {
		at, found := t.nextSpecial(text)
		ids = t.words(ids, t.normal(text[:at]))
		if found == nil {
			break
		}
		ids = append(ids, int64(found.id))
		text = text[at+len(found.content):]
	}
	ids = append(ids, int64(t.end))
	return ids[:min(len(ids), limit)]
}

// normal takes accents off and makes letters small, as far as asked.
func (t *Tokenizer) normal(text string) string {
	if t.bare {
		text = strings.Map(func(r rune) rune {
			if unicode.Is(unicode.Mn, r) {
				return -1
			}
			return r
		}, norm.NFD.String(text))
	}
	if t.lower {
		text = strings.ToLower(text)
	}
	return text
}

// nextSpecial is where the next special token begins: of those at one place the longest.
func (t *Tokenizer) nextSpecial(text string) (at int, found *special) {
	at = len(text)
	if !t.maySpecial(text) {
		return at, nil
	}
	for i := range t.special {
		s := &t.special[i]
		k := strings.Index(text, s.content)
		if k >= 0 && (k < at || k == at && len(s.content) > len(found.content)) {
			at, found = k, s
		}
	}
	return at, found
}

// maySpecial spares a search for each special token where none can be.
func (t *Tokenizer) maySpecial(text string) bool {
	for i := range t.special {
		if strings.IndexByte(text, t.special[i].content[0]) >= 0 {
			return true
		}
	}
	return false
}

// words splits text at blanks and drops control characters; punctuation and
// Han characters stand alone.
func (t *Tokenizer) words(ids []int64, text string) []int64 {
	var buffer [256]byte
	word := buffer[:0]
	flush := func() {
		if len(word) > 0 {
			ids = t.word(ids, word)
			word = word[:0]
		}
	}
	for _, r := range text {
		switch {
		case unicode.IsSpace(r) && r != 0x85 && r != '\v' && r != '\f':
			flush()
		case dropped(r):
		case han(r) || punctuation(r):
			flush()
			word = utf8.AppendRune(word, r)
			flush()
		default:
			word = utf8.AppendRune(word, r)
		}
	}
	flush()
	return ids
}

// dropped are characters that cleaning removes; invalid UTF-8 reads as U+FFFD.
func dropped(r rune) bool {
	return r < ' ' || r == utf8.RuneError || r >= 0x7F && unicode.In(r, unicode.Cc, unicode.Cf)
}

func han(r rune) bool {
	return r >= 0x3400 && (r <= 0x4DBF || 0x4E00 <= r && r <= 0x9FFF || 0xF900 <= r && r <= 0xFAFF ||
		0x20000 <= r && r <= 0x2A6DF || 0x2A700 <= r && r <= 0x2CEAF || 0x2F800 <= r && r <= 0x2FA1F)
}

func punctuation(r rune) bool {
	if r < utf8.RuneSelf {
		return r >= '!' && r <= '/' || r >= ':' && r <= '@' || r >= '[' && r <= '`' || r >= '{' && r <= '~'
	}
	return unicode.Is(unicode.P, r)
}

// word appends the ids of one word's longest pieces from the left, or the
// unknown one where no pieces make it up.
func (t *Tokenizer) word(ids []int64, word []byte) []int64 {
	from := len(ids)
	if utf8.RuneCount(word) > t.longestWord {
		return append(ids, int64(t.unknown))
	}
	pieces := t.first
	for len(word) > 0 {
		end := t.reach(word)
		id, ok := pieces[string(word[:end])]
		for !ok {
			_, n := utf8.DecodeLastRune(word[:end])
			if end -= n; end == 0 {
				return append(ids[:from], int64(t.unknown))
			}
			id, ok = pieces[string(word[:end])]
		}
		ids = append(ids, int64(id))
		word, pieces = word[end:], t.rest
	}
	return ids
}

// reach is how many bytes the longest piece can take.
func (t *Tokenizer) reach(word []byte) int {
	if len(word) <= t.longest {
		return len(word)
	}
	n := 0
	for range t.longest {
		if n == len(word) {
			break
		}
		_, k := utf8.DecodeRune(word[n:])
		n += k
	}
	return n
}
