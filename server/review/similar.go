// SPDX-License-Identifier: Apache-2.0

package review

import (
	"cmp"
	"errors"
	"fmt"
	"hash/fnv"
	"maps"
	"slices"
	"strings"
	"unicode"
)

// SameAt is the Jaccard similarity of two sentences' character trigrams from
// which they count as the same statement.
const SameAt = 0.7

// Of a sentence's trigrams the smallest hashes under bands×rows functions are
// kept. Two sentences with similarity s share a band with probability
// 1-(1-s^rows)^bands: 0.995 at 0.7, 0.08 at 0.1.
const (
	bands = 8
	rows  = 2
)

// grams are the character trigrams of a sentence without case, spaces and
// punctuation; of a shorter one, the sentence.
func grams(sentence string) map[string]bool {
	var letters []rune
	for _, r := range strings.ToLower(sentence) {
		if unicode.IsLetter(r) || unicode.IsDigit(r) || unicode.IsMark(r) {
			letters = append(letters, r)
		}
	}
	set := map[string]bool{}
	for i := 0; i+3 <= len(letters); i++ {
		set[string(letters[i:i+3])] = true
	}
	if len(set) == 0 && len(letters) > 0 {
		set[string(letters)] = true
	}
	return set
}

func jaccard(a, b map[string]bool) float64 {
	both := 0
	for g := range a {
		if b[g] {
			both++
		}
	}
	if all := len(a) + len(b) - both; all > 0 {
		return float64(both) / float64(all)
	}
	return 0
}

// negations turn a sentence round though hardly a trigram changes.
var negations = []string{
	"아니", "아닌", "아닙", "않", "없", "못",
	" not ", "n't", " no ", " never ", "cannot", "without", "false", "myth",
	"不", "没", "沒", "非", "无", "無", "未",
	"ない", "ません", "なかっ", "ぬ", "ず、",
}

// turns is what must be equal in sentences that count as the same, whatever
// their trigrams say: the numbers and the negations in them.
func turns(sentence string) string {
	lower := " " + strings.ToLower(sentence) + " "
	numbers := strings.FieldsFunc(lower, func(r rune) bool { return !unicode.IsDigit(r) })
	slices.Sort(numbers)
	var out strings.Builder
	out.WriteString(strings.Join(numbers, ","))
	for i, n := range negations {
		if c := strings.Count(lower, n); c > 0 {
			fmt.Fprintf(&out, ";%d×%d", i, c)
		}
	}
	return out.String()
}

// same says whether two sentences make the same statement, as far as letters
// tell.
func same(a, b string) bool {
	return turns(a) == turns(b) && jaccard(grams(a), grams(b)) >= SameAt
}

// nearKeys are the keys under which a case with this sentence is found by
// those that are similar to it.
func nearKeys(rule, sentence string) []string {
	var least [bands * rows]uint64
	for i := range least {
		least[i] = ^uint64(0)
	}
	for g := range grams(sentence) {
		h := fnv.New64a()
		h.Write([]byte(g))
		x := h.Sum64()
		for i := range least {
			least[i] = min(least[i], mix(x+uint64(i)*0x9E3779B97F4A7C15))
		}
	}
	out := make([]string, bands)
	for b := range out {
		x := uint64(0)
		for _, v := range least[b*rows : (b+1)*rows] {
			x = mix(x ^ v)
		}
		out[b] = fmt.Sprintf("%s%s/%d/%016x/", keyNear, orDash(rule), b, x)
	}
	return out
}

// mix is the finaliser of SplitMix64.
func mix(x uint64) uint64 {
	x = (x ^ x>>30) * 0xBF58476D1CE4E5B9
	x = (x ^ x>>27) * 0x94D049BB133111EB
	return x ^ x>>31
}

func orDash(s string) string { return cmp.Or(s, "-") }

// maxNear bounds how many cases one new answer is compared with.
const maxNear = 64

// errEnough ends a scan early.
var errEnough = errors.New("enough")

// similar returns the case of the rule that says the same as a sentence, or
// nil. Of several it is the most similar.
func similar(r Reader, rule, sentence string) (*Case, error) {
	seen := map[string]bool{}
	for _, prefix := range nearKeys(rule, sentence) {
		err := r.Scan(prefix, func(key string, _ []byte) error {
			if len(seen) >= maxNear {
				return errEnough
			}
			seen[key[len(prefix):]] = true
			return nil
		})
		if err != nil && !errors.Is(err, errEnough) {
			return nil, err
		}
	}
	want, sign := grams(sentence), turns(sentence)
	var best *Case
	most := 0.0
	for _, id := range slices.Sorted(maps.Keys(seen)) {
		var c Case
		found, err := load(r, keyCase+id, &c)
		if err != nil {
			return nil, err
		}
		if !found || c.State == Withdrawn || c.Sentence == "" || turns(c.Sentence) != sign {
			continue
		}
		if j := jaccard(want, grams(c.Sentence)); j >= SameAt && j > most {
			best, most = &c, j
		}
	}
	return best, nil
}
