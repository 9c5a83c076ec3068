// SPDX-License-Identifier: Apache-2.0

package wordpiece

import (
	"errors"
	"os"
	"slices"
	"strings"
	"testing"
)

const plain = `{"version":"1.0","truncation":null,"padding":null,
"added_tokens":[{"id":0,"content":"[PAD]","special":true},{"id":3,"content":"[SEP]","special":true}],
"normalizer":{"type":"BertNormalizer","clean_text":true,"handle_chinese_chars":true,"strip_accents":null,"lowercase":false},
"pre_tokenizer":{"type":"BertPreTokenizer"},
"post_processor":{"type":"BertProcessing","sep":["[SEP]",3],"cls":["[CLS]",2]},
"decoder":{"type":"WordPiece"},
"model":{"type":"WordPiece","unk_token":"[UNK]","continuing_subword_prefix":"##","max_input_chars_per_word":6,
"vocab":{"[PAD]":0,"[UNK]":1,"[CLS]":2,"[SEP]":3,"un":4,"##aff":5,"##able":6,"##a":7,"김":8,"##치":9,"김치":10,"漢":11,".":12,"a":13,"##b":14}}}`

func TestEncode(t *testing.T) {
	tokenizer, err := Parse([]byte(plain))
	if err != nil {
		t.Fatal(err)
	}
	for text, want := range map[string][]int64{
		"":              {2, 3},
		" \t\n\u3000":   {2, 3},
		"unaff":         {2, 4, 5, 3},
		"unaffx":        {2, 1, 3}, // one part unknown: the word is
		"unaffable":     {2, 1, 3}, // too long
		"김치김치 김 김치치":    {2, 1, 8, 10, 9, 3},
		"a漢a.b":         {2, 13, 11, 13, 12, 1, 3},
		"a\u200bb\x00":  {2, 13, 14, 3},
		"a\u00a0a":      {2, 13, 13, 3},
		"a\xffb\ufffd":  {2, 13, 14, 3},
		"a[SEP]a[PAD]a": {2, 13, 3, 13, 0, 13, 3},
		"ab ab ab ab":   {2, 13, 14, 13, 14, 13, 14, 13},
	} {
		if got := tokenizer.Encode(nil, text, 8); !slices.Equal(got, want) {
			t.Errorf("%q: %v, want %v", text, got, want)
		}
	}
	ids := []int64{99}
	if got := tokenizer.Encode(ids, "a", 8); !slices.Equal(got, []int64{99, 2, 13, 3}) {
		t.Errorf("appended: %v", got)
	}
}

func TestTemplateIsTheSameAsBertProcessing(t *testing.T) {
	const template = `"post_processor":{"type":"TemplateProcessing","single":[{"SpecialToken":{"id":"[CLS]","type_id":0}},{"Sequence":{"id":"A","type_id":0}},{"SpecialToken":{"id":"[SEP]","type_id":0}}],"pair":[],"special_tokens":{"[CLS]":{"id":"[CLS]","ids":[2],"tokens":["[CLS]"]},"[SEP]":{"id":"[SEP]","ids":[3],"tokens":["[SEP]"]}}}`
	tokenizer, err := Parse([]byte(strings.Replace(plain, `"post_processor":{"type":"BertProcessing","sep":["[SEP]",3],"cls":["[CLS]",2]}`, template, 1)))
	if err != nil {
		t.Fatal(err)
	}
	if got := tokenizer.Encode(nil, "ab", 8); !slices.Equal(got, []int64{2, 13, 14, 3}) {
		t.Errorf("%v", got)
	}
}

// TestUncased: what Hugging Face's BertNormalizer makes of these.
func TestUncased(t *testing.T) {
	vocabulary := strings.Replace(plain, `"김":8`, `"e":15,"##e":16,"i":17,"É":18,"E":19,"é":20,"김":8`, 1)
	for _, c := range []struct {
		settings, text string
		want           []int64
	}{
		{`"strip_accents":null,"lowercase":true`, "É Ee\u0301 É[SEP]", []int64{2, 15, 15, 16, 15, 3, 3}},
		{`"strip_accents":null,"lowercase":true`, "İ 김", []int64{2, 17, 1, 3}}, // a syllable is decomposed, and the vocabulary has it whole
		{`"strip_accents":false,"lowercase":true`, "É 김", []int64{2, 20, 8, 3}},
		{`"strip_accents":true,"lowercase":false`, "É", []int64{2, 19, 3}},
		{`"strip_accents":null,"lowercase":false`, "É", []int64{2, 18, 3}},
	} {
		tokenizer, err := Parse([]byte(strings.Replace(vocabulary, `"strip_accents":null,"lowercase":false`, c.settings, 1)))
		if err != nil {
			t.Fatal(err)
		}
		if got := tokenizer.Encode(nil, c.text, 16); !slices.Equal(got, c.want) {
			t.Errorf("%s, %q: %v, want %v", c.settings, c.text, got, c.want)
		}
	}
}

// TestFileSaysWhereTextsAreCut: as exported tokenizers often do.
func TestFileSaysWhereTextsAreCut(t *testing.T) {
	cut := strings.Replace(plain, `"truncation":null,"padding":null`, `"truncation":{"direction":"Right","max_length":4,"strategy":"LongestFirst","stride":0},"padding":{"strategy":"BatchLongest"}`, 1)
	tokenizer, err := Parse([]byte(cut))
	if err != nil {
		t.Fatal(err)
	}
	if got := tokenizer.Encode(nil, "a a a a a a", 16); !slices.Equal(got, []int64{2, 13, 13, 13}) {
		t.Errorf("%v", got)
	}
	if tokenizer.Last() != 14 {
		t.Errorf("the last id is %d", tokenizer.Last())
	}
}

func TestParseNamesWhatIsNotSupported(t *testing.T) {
	for name, c := range map[string]struct {
		old, new, want string
		unsupported    bool
	}{
		"cut":           {plain, plain[:40], "unexpected", false},
		"truncation":    {`"truncation":null`, `"truncation":{"max_length":8,"direction":"Left"}`, "Left", true},
		"no length":     {`"truncation":null`, `"truncation":{"direction":"Right"}`, "max_length is 0", false},
		"unclean":       {`"clean_text":true`, `"clean_text":false`, "clean_text", true},
		"normalizer":    {`"BertNormalizer"`, `"NFKC"`, "BertNormalizer", true},
		"pre-tokenizer": {`"BertPreTokenizer"`, `"ByteLevel"`, "BertPreTokenizer", true},
		"model":         {`"model":{"type":"WordPiece"`, `"model":{"type":"BPE"`, "WordPiece", true},
		"template":      {`"BertProcessing"`, `"RobertaProcessing"`, "RobertaProcessing", true},
		"unknown field": {`"version":"1.0"`, `"version":"1.0","merges":[]`, "merges", false},
		"no unknown":    {`"unk_token":"[UNK]"`, `"unk_token":"<unk>"`, "<unk>", false},
		"word length":   {`"max_input_chars_per_word":6`, `"max_input_chars_per_word":0`, "max_input_chars_per_word", false},
		"added token":   {`{"id":0,"content":"[PAD]"`, `{"id":77,"content":"[PAD]"`, "[PAD]", true},
		"stripping":     {`"content":"[PAD]"`, `"content":"[PAD]","lstrip":true`, "lstrip", true},
		"negative id":   {`"un":4`, `"un":-4`, "-4", false},
		"no prefix":     {`"continuing_subword_prefix":"##"`, `"continuing_subword_prefix":""`, "prefix", true},
	} {
		t.Run(name, func(t *testing.T) {
			changed := strings.Replace(plain, c.old, c.new, 1)
			if changed == plain {
				t.Fatal("nothing changed")
			}
			_, err := Parse([]byte(changed))
			if err == nil || !strings.Contains(err.Error(), c.want) || errors.Is(err, ErrUnsupported) != c.unsupported {
				t.Errorf("error %v, want one that says %q, unsupported %v", err, c.want, c.unsupported)
			}
		})
	}
}

func TestEncodeAllocatesNothing(t *testing.T) {
	b, err := os.ReadFile("../model/tokenizer.json")
	if err != nil {
		t.Fatal(err)
	}
	tokenizer, err := Parse(b)
	if err != nil {
		t.Fatal(err)
	}
	text := strings.Repeat("龡는 龤에서 유래했다는 주장이 있다. ", 8)
	var ids []int64
	encode := func() { ids = tokenizer.Encode(ids[:0], text, 320) }
	if n := testing.AllocsPerRun(20, encode); n > 0 {
		t.Errorf("%v allocations for %d ids", n, len(ids))
	}
}

func FuzzParse(f *testing.F) {
	f.Add([]byte(plain), "un a漢 김치")
	f.Fuzz(func(t *testing.T, b []byte, text string) {
		tokenizer, err := Parse(b)
		if err != nil {
			return
		}
		if ids := tokenizer.Encode(nil, text, 16); len(ids) < 2 || len(ids) > 16 {
			t.Errorf("%d ids", len(ids))
		}
	})
}
