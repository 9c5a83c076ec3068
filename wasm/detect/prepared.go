// SPDX-License-Identifier: Apache-2.0

package detect

import (
	"encoding/binary"
	"errors"
	"fmt"
	"hash/crc32"
	"math"
)

// A prepared index is what New works out of a pack, as bytes that [Load] reads
// in a hundredth of the time: numbers are varints, a text is its length and its
// bytes. What differs between builds of the engine stands in front, so that an
// index is never used by another than the one that made it.
const preparedMark = "haechi index 1\n"

// ErrPrepared says that an index cannot be used; make a new one of the pack.
var ErrPrepared = errors.New("prepared index")

// fingerprint tells the words that the engine itself brings.
func fingerprint() uint32 {
	f := crc32.ChecksumIEEE(cueWords)
	f = crc32.Update(f, crc32.IEEETable, kinWords)
	return crc32.Update(f, crc32.IEEETable, []byte(hanVariants))
}

// Prepared returns the engine's rules as [Load] reads them. Patterns are not
// among them: they count only without a classifier.
func (e *Engine) Prepared() []byte {
	w := writer{b: make([]byte, 0, len(e.words.letters)*2)}
	w.b = append(w.b, preparedMark...)
	w.b = binary.LittleEndian.AppendUint32(w.b, fingerprint())
	w.b = append(w.b, 0, 0, 0, 0) // the sum of what follows
	body := len(w.b)
	w.text(e.hash)
	w.roles(e.rules, e.index.roles)
	w.words(e.words)
	binary.LittleEndian.PutUint32(w.b[body-4:], crc32.ChecksumIEEE(w.b[body:]))
	return w.b
}

// Load returns an engine with the rules of a prepared index. Its error is
// [ErrPrepared].
func Load(prepared []byte, c Classifier) (*Engine, error) {
	if c == nil {
		return nil, fmt.Errorf("%w: it has no patterns, so it needs a classifier", ErrPrepared)
	}
	body := len(preparedMark) + 8
	if len(prepared) < body || string(prepared[:len(preparedMark)]) != preparedMark {
		return nil, fmt.Errorf("%w: not one that this engine reads", ErrPrepared)
	}
	if binary.LittleEndian.Uint32(prepared[len(preparedMark):]) != fingerprint() {
		return nil, fmt.Errorf("%w: made by another engine", ErrPrepared)
	}
	if binary.LittleEndian.Uint32(prepared[body-4:]) != crc32.ChecksumIEEE(prepared[body:]) {
		return nil, fmt.Errorf("%w: damaged", ErrPrepared)
	}
	r := reader{s: string(prepared[body:])}
	x := &index{hash: r.text()}
	x.rules, x.roles = r.roles()
	x.words = r.words(x.roles)
	if r.bad || len(r.s) > 0 {
		return nil, fmt.Errorf("%w: not of the form it should have", ErrPrepared)
	}
	x.words.prepare()
	return &Engine{index: x, classifier: c}, nil
}

type writer struct{ b []byte }

func (w *writer) number(n int) { w.b = binary.AppendUvarint(w.b, uint64(n)) }

func (w *writer) text(s string) {
	w.number(len(s))
	w.b = append(w.b, s...)
}

func (w *writer) texts(all []string) {
	w.number(len(all))
	for _, s := range all {
		w.text(s)
	}
}

// list is of rising numbers.
func (w *writer) list(all []int32) {
	w.number(len(all))
	before := int32(0)
	for _, n := range all {
		w.number(int(n - before))
		before = n
	}
}

// roles writes each list of words once, then the propositions that refer to it.
func (w *writer) roles(rs []ruled, all [][]roles) {
	type list struct {
		first *int32
		n     int
	}
	place := map[list]int{{}: 0}
	lists := [][]int32{nil}
	refer := func(words []int32) int {
		if len(words) == 0 {
			return 0
		}
		key := list{&words[0], len(words)}
		at, ok := place[key]
		if !ok {
			at = len(lists)
			place[key], lists = at, append(lists, words)
		}
		return at
	}
	var refs []int
	for _, ps := range all {
		for _, p := range ps {
			refs = append(refs, refer(p.subject), refer(p.wrong), refer(p.right), refer(p.unless))
		}
	}
	w.number(len(lists))
	for _, l := range lists {
		w.list(l)
	}
	w.number(len(rs))
	for i, r := range rs {
		w.text(r.id)
		w.b = binary.LittleEndian.AppendUint64(w.b, math.Float64bits(r.threshold))
		w.number(len(all[i]))
		for _, p := range all[i] {
			w.text(p.id)
			w.text(p.tier)
			w.texts(p.with)
			for range 4 {
				w.number(refs[0])
				refs = refs[1:]
			}
		}
	}
}

func (w *writer) words(m *matcher) {
	w.text(m.letters)
	w.number(len(m.ends))
	for i := range m.ends {
		w.number(int(m.ends[i]) - m.start(i))
		w.number(int(m.last[i] - m.word(i)))
	}
	for _, t := range m.traits {
		w.b = append(w.b, byte(t))
	}
	at := 0 // in subjects
	for n := range int32(len(m.traits)) {
		if m.traits[n]&guarded != 0 {
			g := m.guards[n]
			w.number(len(g.not))
			for _, x := range g.not {
				w.text(x.text)
				w.number(x.offset)
			}
			w.texts(g.with)
		}
		if m.traits[n]&isCue != 0 {
			w.b = append(w.b, m.cues[n])
		}
		if m.traits[n]&isSubject != 0 {
			w.number(len(m.subject[at]))
			for _, p := range m.subject[at] {
				w.number(int(p.rule))
				w.number(int(p.index))
			}
			at++
		}
	}
}

// reader reads what writer wrote; texts are parts of s, so that they cost
// nothing. It turns bad at the first thing that cannot be, and gives zeros from
// then on.
type reader struct {
	s   string
	bad bool
}

func (r *reader) fail() {
	r.s, r.bad = "", true
}

// number reads a number that is at most most.
func (r *reader) number(most int) int {
	n := uint64(0)
	for i := range min(len(r.s), binary.MaxVarintLen64-1) { // one more would not be an int
		c := r.s[i]
		n |= uint64(c&0x7F) << (7 * i)
		if c < 0x80 {
			if most < 0 || n > uint64(most) {
				break
			}
			r.s = r.s[i+1:]
			return int(n)
		}
	}
	r.fail()
	return 0
}

// count reads how many things follow, each of at least one byte.
func (r *reader) count() int { return r.number(len(r.s)) }

func (r *reader) bytes(n int) string {
	if n > len(r.s) {
		r.fail()
		return ""
	}
	out := r.s[:n]
	r.s = r.s[n:]
	return out
}

func (r *reader) text() string { return r.bytes(r.count()) }

func (r *reader) texts() []string {
	n := r.count()
	if n == 0 {
		return nil
	}
	out := make([]string, n)
	for i := range out {
		out[i] = r.text()
	}
	return out
}

func (r *reader) list() []int32 {
	n := r.count()
	if n == 0 {
		return nil
	}
	out := make([]int32, n)
	at := 0
	for i := range out {
		at += r.number(math.MaxInt32 - at)
		out[i] = int32(at)
	}
	return out
}

func (r *reader) roles() ([]ruled, [][]roles) {
	lists := make([][]int32, r.count())
	for i := range lists {
		lists[i] = r.list()
	}
	refer := func() []int32 {
		if n := r.number(len(lists) - 1); !r.bad {
			return lists[n]
		}
		return nil
	}
	rs := make([]ruled, r.count())
	all := make([][]roles, len(rs))
	for i := range rs {
		rs[i].id = r.text()
		if b := r.bytes(8); b != "" {
			rs[i].threshold = math.Float64frombits(binary.LittleEndian.Uint64([]byte(b)))
		}
		all[i] = make([]roles, r.count())
		for j := range all[i] {
			all[i][j] = roles{id: r.text(), tier: r.text(), with: r.texts(), subject: refer(), wrong: refer(), right: refer(), unless: refer()}
		}
	}
	return rs, all
}

func (r *reader) words(all [][]roles) *matcher {
	m := &matcher{letters: r.text(), guards: map[int32]guards{}, cues: map[int32]byte{}}
	n := r.count()
	m.ends, m.last = make([]uint32, n), make([]int32, n)
	end, last := 0, 0
	for i := range n {
		end += r.number(len(m.letters) - end)
		last += r.number(len(r.s))
		m.ends[i], m.last[i] = uint32(end), int32(last)
		if i > 0 && m.text(i-1) >= m.text(i) { // what is not sorted cannot be searched
			r.fail()
		}
		if r.bad {
			return m
		}
	}
	m.traits = make([]trait, 0, last)
	for _, t := range []byte(r.bytes(last)) {
		m.traits = append(m.traits, trait(t))
	}
	for w := range int32(len(m.traits)) {
		if m.traits[w]&guarded != 0 {
			var g guards
			for range r.count() {
				g.not = append(g.not, guard{text: r.text(), offset: r.number(len(m.letters))})
			}
			g.with = r.texts()
			m.guards[w] = g
		}
		if m.traits[w]&isCue != 0 {
			if b := r.bytes(1); b != "" {
				m.cues[w] = b[0]
			}
		}
		if m.traits[w]&isSubject != 0 {
			ps := make([]proposition, r.count())
			for i := range ps {
				ps[i].rule = int32(r.number(len(all) - 1))
				if r.bad {
					return m
				}
				ps[i].index = int32(r.number(len(all[ps[i].rule]) - 1))
			}
			m.subjects, m.subject = append(m.subjects, w), append(m.subject, ps)
		}
		if r.bad {
			return m
		}
	}
	return m
}
