// SPDX-License-Identifier: Apache-2.0

package audit

import (
	"bytes"
	"encoding/json"
	"errors"
	"fmt"
	"iter"
	"strings"
	"testing"
	"time"
)

// memory is a stored log.
type memory struct {
	entries [][]byte
	head    Head
}

func (m *memory) append(at time.Time, actor, action, subject string, content any) (Entry, error) {
	e, line, err := m.head.Next(at, actor, action, subject, content)
	if err == nil {
		m.entries, m.head = append(m.entries, line), e.Head()
	}
	return e, err
}

func (m *memory) all() iter.Seq2[[]byte, error] {
	return func(yield func([]byte, error) bool) {
		for _, e := range m.entries {
			if !yield(e, nil) {
				return
			}
		}
	}
}

func (m *memory) export() []byte {
	return append(bytes.Join(m.entries, []byte("\n")), '\n')
}

var start = time.Date(2026, 3, 1, 9, 0, 0, 123, time.FixedZone("KST", 9*3600))

// written is a log of n entries.
func written(t testing.TB, n int) *memory {
	t.Helper()
	m := &memory{}
	for i := range n {
		_, err := m.append(start.Add(time.Duration(i)*time.Minute), "두루미-7", "verdict", fmt.Sprint("item-", i),
			map[string]any{"to": "왜곡 <b>", "from": nil, "order": i})
		if err != nil {
			t.Fatal(err)
		}
	}
	return m
}

func TestLogVerifiesAndContinues(t *testing.T) {
	m := written(t, 5)
	head, err := Verify(m.all(), Head{})
	if err != nil || head != m.head || head.Sequence != 5 {
		t.Fatalf("%+v %v, want %+v", head, err, m.head)
	}
	if _, err := m.append(start, "a", "export", "", nil); err != nil {
		t.Fatal(err)
	}
	if _, err := Verify(m.all(), head); err != nil {
		t.Errorf("a longer log must contain its earlier head: %v", err)
	}
	e, err := Parse(m.entries[0])
	if err != nil {
		t.Fatal(err)
	}
	if !e.Time.Equal(start) || e.Time.Location() != time.UTC || e.Actor != "두루미-7" || string(e.Details) != `{"from":null,"order":0,"to":"왜곡 <b>"}` {
		t.Errorf("%+v %s", e, e.Details)
	}
	if b, err := e.Line(); err != nil || !bytes.Equal(b, m.entries[0]) {
		t.Errorf("%s %v", b, err)
	}
}

func TestVerifyNamesTheFirstBrokenEntry(t *testing.T) {
	swap := func(old, new string, at int) func(*memory) {
		return func(m *memory) {
			m.entries[at] = bytes.Replace(m.entries[at], []byte(old), []byte(new), 1)
		}
	}
	reseal := func(at int) func(*memory) {
		return func(m *memory) {
			e, _ := Parse(m.entries[at])
			e.Subject = "other"
			m.entries[at], _ = e.seal()
		}
	}
	for _, c := range []struct {
		name   string
		break_ func(*memory)
		at     uint64
		says   string
	}{
		{"a changed detail", swap("왜곡", "정확", 2), 3, "hash"},
		{"a changed actor", swap("두루미", "까치미", 0), 1, "hash"},
		{"a changed time", swap("2026", "2025", 4), 5, "hash"},
		{"changed and hashed anew", reseal(1), 3, "does not continue"},
		{"one taken out", func(m *memory) { m.entries = append(m.entries[:1], m.entries[2:]...) }, 2, "entry 3 stands in its place"},
		{"the first taken out", func(m *memory) { m.entries = m.entries[1:] }, 1, "entry 2"},
		{"one twice", func(m *memory) { m.entries[3] = m.entries[2] }, 4, "entry 3"},
		{"two swapped", func(m *memory) { m.entries[1], m.entries[2] = m.entries[2], m.entries[1] }, 2, "entry 3"},
		{"another form of the same", swap(`{"action"`, `{ "action"`, 3), 4, "canonical"},
		{"a field too many", swap(`{"action"`, `{"a":1,"action"`, 3), 4, "unknown field"},
		{"not JSON", func(m *memory) { m.entries[2] = []byte("x") }, 3, "not an audit entry"},
		{"empty", func(m *memory) { m.entries[2] = nil }, 3, "not an audit entry"},
		{"cut off", func(m *memory) { m.entries = m.entries[:4] }, 5, "cut off"},
		{"written anew", func(m *memory) { n := written(t, 4); n.append(start, "x", "y", "z", nil); *m = *n }, 5, "written anew"},
	} {
		t.Run(c.name, func(t *testing.T) {
			m := written(t, 5)
			seen := m.head
			c.break_(m)
			_, err := Verify(m.all(), seen)
			var b *Broken
			if !errors.As(err, &b) || b.Sequence != c.at || !strings.Contains(b.Reason, c.says) {
				t.Errorf("%v, want entry %d and %q", err, c.at, c.says)
			}
		})
	}
}

func TestExportVerifiesElsewhere(t *testing.T) {
	m := written(t, 4)
	out := m.export()
	if head, err := VerifyJSONL(bytes.NewReader(out), m.head); err != nil || head != m.head {
		t.Errorf("%+v %v", head, err)
	}
	if _, err := VerifyJSONL(bytes.NewReader(out[:len(out)-1]), Head{}); err == nil || !strings.Contains(err.Error(), "incomplete") {
		t.Errorf("a torn export: %v", err)
	}
	if _, err := VerifyJSONL(strings.NewReader(strings.Repeat("a", MaxEntry+9)+"\n"), Head{}); err == nil {
		t.Error("an endless line passes")
	}
	if head, err := VerifyJSONL(strings.NewReader(""), Head{}); err != nil || head != (Head{}) {
		t.Errorf("an empty log: %+v %v", head, err)
	}
}

func TestNextRefusesWhatItCouldNotReadBack(t *testing.T) {
	m := written(t, 1)
	for name, err := range map[string]error{
		"a list":        second(m.append(start, "a", "b", "c", []int{1})),
		"a function":    second(m.append(start, "a", "b", "c", func() {})),
		"a long detail": second(m.append(start, "a", "b", "c", map[string]string{"x": strings.Repeat("가", MaxDetails)})),
		"a long name":   second(m.append(start, strings.Repeat("a", maxField+1), "b", "c", nil)),
		"bad UTF-8":     second(m.append(start, "a\xff", "b", "c", nil)),
		"a twin member": second(m.append(start, "a", "b", "c", json.RawMessage(`{"x":1,"x":2}`))),
		"a far year":    second(m.append(time.Date(10000, 1, 1, 0, 0, 0, 0, time.UTC), "a", "b", "c", nil)),
	} {
		if !errors.Is(err, ErrEntry) {
			t.Errorf("%s: %v", name, err)
		}
	}
	if len(m.entries) != 1 || m.head.Sequence != 1 {
		t.Errorf("%d entries stored, head %+v", len(m.entries), m.head)
	}
}

func second(_ Entry, err error) error { return err }

// FuzzParse: what Parse takes is exactly what would be written.
func FuzzParse(f *testing.F) {
	m := written(f, 3)
	for _, e := range m.entries {
		f.Add(e)
	}
	f.Add([]byte(`{"sequence":1}`))
	f.Add([]byte(`{"details":{"a":1e400},"sequence":18446744073709551615}`))
	f.Fuzz(func(t *testing.T, line []byte) {
		e, err := Parse(line)
		if err != nil {
			if !errors.Is(err, ErrEntry) {
				t.Fatalf("%v is not ErrEntry", err)
			}
			// A well-formed body with the wrong hash must parse once sealed.
			var s stored
			if json.Unmarshal(line, &s) != nil || jsontextKind(s.Details) != '{' {
				return
			}
			at, err := time.Parse(layout, s.Time)
			if err != nil {
				return
			}
			e = Entry{Sequence: s.Sequence, Time: at, Actor: s.Actor, Action: s.Action, Subject: s.Subject, Details: s.Details, Previous: s.Previous}
			sealed, err := e.seal()
			if err != nil {
				return
			}
			if _, err := Parse(sealed); err != nil {
				t.Fatalf("sealed but not parsed: %v\n%s", err, sealed)
			}
			return
		}
		b, err := e.Line()
		if err != nil || !bytes.Equal(b, line) {
			t.Fatalf("%v\n%s\n%s", err, line, b)
		}
	})
}

func jsontextKind(b []byte) byte {
	if b = bytes.TrimSpace(b); len(b) == 0 {
		return 0
	}
	return b[0]
}

// FuzzVerifyJSONL: no input makes it panic, and a head it returns is reached by
// whole lines.
func FuzzVerifyJSONL(f *testing.F) {
	out := written(f, 2).export()
	f.Add(out)
	f.Add(out[:len(out)/2])
	f.Fuzz(func(t *testing.T, b []byte) {
		head, err := VerifyJSONL(bytes.NewReader(b), Head{})
		if err == nil && head.Sequence != uint64(bytes.Count(b, []byte("\n"))) {
			t.Fatalf("%d entries in %d lines", head.Sequence, bytes.Count(b, []byte("\n")))
		}
	})
}
