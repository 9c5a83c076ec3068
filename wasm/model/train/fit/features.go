// SPDX-License-Identifier: Apache-2.0

package main

import "math"

// How an n-gram becomes a row of a table. grams.py does the same arithmetic in
// the ONNX graph; a test holds both to one another.
const (
	modulus = 2147483647 // 2^31 - 1, prime; products with factor stay below 2^63
	factor  = 1000003

	// Words are told apart by two sums over their characters that float32 holds
	// exactly: of less than 2^24 for words of at most 100 characters.
	sumOne, sumTwo = 32749, 32719

	tagSide, tagWord, tagSkip, tagBetween = 1, 100, 200, 300
)

// design is what of a sentence becomes features.
type design struct {
	longest int // characters of an n-gram
	near    int // characters of one that stands beside a mask
	reach   int // characters between an n-gram and the mask beside it
	words   int // words of an n-gram
	skip    int // words between the two of a pair
	between bool
	rows    uint64            // of the table of the flag
	others  uint64            // of the table of the other stances
	text    func(*row) string // what is read of a row; nil: the input as the engine masks it
}

var (
	characters = design{longest: 5, near: 3, reach: 15, rows: 1 << 22, others: 1 << 16}
	shipped    = design{longest: 5, near: 3, reach: 15, words: 3, skip: 3, between: true, rows: 1 << 22, others: 1 << 16}
)

// special are the ids that mean something beyond their character.
type special struct {
	masks [3]int64       // [S], [F], [T]
	marks map[int64]int  // masks and marks of parts → 1 …
	goes  map[int64]bool // ids that continue a word
}

// features are rows of the tables, one for each time a feature stands in a sentence.
type features struct {
	flag, other []uint32
	scale       float32 // of the sums of weights
}

func next(h, id, tag uint64) uint64 { return (h*factor + id + tag) % modulus }

func (d *design) of(ids []int64, sp *special) features {
	var f features
	flag := func(key uint64) { f.flag = append(f.flag, uint32(key%d.rows)) }
	sides := d.sides(ids, sp)
	total := 0
	for i := range ids {
		h := uint64(0)
		for n := 1; n <= d.longest && i+n <= len(ids); n++ {
			h = next(h, uint64(ids[i+n-1]), uint64(n))
			total++
			flag(h)
			f.other = append(f.other, uint32(h%d.others))
			if n <= d.near {
				for s, there := range sides[i] {
					if there {
						flag(next(h, uint64(s), tagSide))
					}
				}
			}
		}
	}
	words, codes := wordsOf(ids, sp)
	for i, w := range words {
		h := uint64(0)
		for n := 1; n <= d.words && i+n <= len(words); n++ {
			h = next(h, words[i+n-1], uint64(tagWord+n))
			flag(h)
		}
		for g := 2; g <= d.skip+1 && i+g < len(words); g++ {
			flag(next(w, words[i+g], tagSkip))
		}
		if d.between {
			flag(next(w, codes[i], tagBetween))
		}
	}
	f.scale = float32(3 / math.Sqrt(float64(total)+1))
	return f
}

// sides says of each place whether each mask stands within reach behind it,
// then whether it stands within reach before it.
func (d *design) sides(ids []int64, sp *special) [][6]bool {
	out := make([][6]bool, len(ids))
	for i := range ids {
		for m, mask := range sp.masks {
			for k := 1; k <= d.reach; k++ {
				if i+k < len(ids) && ids[i+k] == mask {
					out[i][m] = true
				}
				if i-k >= 0 && ids[i-k] == mask {
					out[i][len(sp.masks)+m] = true
				}
			}
		}
	}
	return out
}

// wordsOf returns a number for each word, and for each between which marks it
// stands: eight times the kind of the mark at or before it, and the kind of the next.
func wordsOf(ids []int64, sp *special) (words, codes []uint64) {
	var kinds []uint64
	for _, id := range ids {
		if k := sp.marks[id]; k > 0 {
			kinds = append(kinds, uint64(k))
		}
	}
	passed := 0
	var one, two uint64
	for i, id := range ids {
		if !sp.goes[id] {
			if i > 0 {
				words = append(words, (one*factor+two)%modulus)
			}
			one, two = 0, 0
			if sp.marks[id] > 0 {
				passed++
			}
			code := uint64(0)
			if passed > 0 {
				code = 8 * kinds[passed-1]
				if passed < len(kinds) {
					code += kinds[passed]
				}
			}
			codes = append(codes, code)
		}
		one += uint64(id) * factor % modulus % sumOne
		if sp.goes[id] {
			two += next(next(0, uint64(ids[i-1]), 1), uint64(id), 2) % sumTwo
		}
	}
	return append(words, (one*factor+two)%modulus), codes
}
