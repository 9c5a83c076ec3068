// SPDX-License-Identifier: Apache-2.0

package detect

import (
	"bytes"
	"encoding/binary"
	"errors"
	"hash/crc32"
	"reflect"
	"testing"

	"haechi/rules"
)

// everything has each kind of word, guard and role.
func everything(t testing.TB) rules.Pack {
	t.Helper()
	p := testPack(t)
	r := &p.Rules[0]
	r.Threshold = 0.25
	r.Right = rules.Words{"en": {{Text: "coerc*"}, {Text: "kimchi", Not: []string{"kimchi jjigae"}, With: []string{"korea", "seoul"}}}, "ko": {{Text: "발해", Inside: true}}}
	r.Propositions[0].With = map[string][]string{"en": {"Annex"}}
	return p
}

func TestPreparedIsWhatWasMade(t *testing.T) {
	made := New(everything(t), stub{MarkText})
	read, err := Load(made.Prepared(), stub{MarkText})
	if err != nil {
		t.Fatal(err)
	}
	if !reflect.DeepEqual(made, read) {
		t.Errorf("made %+v\nread %+v", made.index, read.index)
	}
	if again := New(everything(t), nil).Prepared(); !bytes.Equal(again, made.Prepared()) {
		t.Error("the same pack gives another index")
	}
}

func TestLoadRefusesWhatItCannotUse(t *testing.T) {
	good := New(everything(t), nil).Prepared()
	if _, err := Load(good, nil); !errors.Is(err, ErrPrepared) {
		t.Errorf("without a classifier: %v", err)
	}
	for name, b := range map[string][]byte{
		"nothing":        nil,
		"another format": append([]byte("haechi index 0\n"), good[len(preparedMark):]...),
		"cut":            good[:len(good)-1],
		"longer":         append(bytes.Clone(good), 0),
	} {
		if _, err := Load(b, stub{}); !errors.Is(err, ErrPrepared) {
			t.Errorf("%s: %v", name, err)
		}
	}
	for i := range good {
		bad := bytes.Clone(good)
		bad[i] ^= 0x20
		if _, err := Load(bad, stub{}); !errors.Is(err, ErrPrepared) {
			t.Fatalf("byte %d changed: %v", i, err)
		}
	}
}

// FuzzPrepared: bytes whose sum is right, but that nobody made, are refused or
// give an engine that works.
func FuzzPrepared(f *testing.F) {
	head := New(everything(f), nil).Prepared()
	body := len(preparedMark) + 8
	f.Add(head[body:])
	f.Add(New(rules.Pack{}, nil).Prepared()[body:])
	f.Fuzz(func(t *testing.T, b []byte) {
		index := append(bytes.Clone(head[:body]), b...)
		binary.LittleEndian.PutUint32(index[body-4:], crc32.ChecksumIEEE(b))
		e, err := Load(index, stub{MarkText})
		if err != nil {
			return
		}
		for _, text := range awkward {
			if _, err := e.Check(Request{Text: text + " 김치는 중국 coerced 발해 pickle", Question: text}); err != nil && !errors.Is(err, ErrNotUTF8) {
				t.Fatal(err)
			}
		}
	})
}
