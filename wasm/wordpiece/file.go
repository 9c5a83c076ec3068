// SPDX-License-Identifier: Apache-2.0

package wordpiece

import (
	"bytes"
	"encoding/json"
	"errors"
	"fmt"
	"math"
	"strings"
	"unicode/utf8"
)

// ErrUnsupported is wrapped by the error of a tokenizer.json that asks for
// what this package does not do. Use a BERT tokenizer, or add it here.
var ErrUnsupported = errors.New("not supported")

// Limits of a vocabulary.
const (
	maxPieces     = 1 << 20
	maxPieceBytes = 1 << 10
)

// file is a tokenizer.json; a field that is not named here is refused.
type file struct {
	Version      string          `json:"version"`
	Truncation   *truncation     `json:"truncation"`
	Padding      json.RawMessage `json:"padding"` // whoever runs texts together pads them
	AddedTokens  []addedToken    `json:"added_tokens"`
	Normalizer   *normalizer     `json:"normalizer"`
	PreTokenizer *struct {
		Type string `json:"type"`
	} `json:"pre_tokenizer"`
	PostProcessor *postProcessor  `json:"post_processor"`
	Decoder       json.RawMessage `json:"decoder"` // from ids to text: not our way
	Model         *model          `json:"model"`
}

// truncation is where long texts are cut.
type truncation struct {
	Direction string `json:"direction"`
	MaxLength int    `json:"max_length"`
	Strategy  string `json:"strategy"` // for two texts
	Stride    int    `json:"stride"`   // of what is cut off, which is not read
}

type addedToken struct {
	ID         int32  `json:"id"`
	Content    string `json:"content"`
	SingleWord bool   `json:"single_word"`
	LStrip     bool   `json:"lstrip"`
	RStrip     bool   `json:"rstrip"`
	Normalized bool   `json:"normalized"`
	Special    bool   `json:"special"`
}

type normalizer struct {
	Type               string `json:"type"`
	CleanText          bool   `json:"clean_text"`
	HandleChineseChars bool   `json:"handle_chinese_chars"`
	StripAccents       *bool  `json:"strip_accents"`
	Lowercase          bool   `json:"lowercase"`
}

type postProcessor struct {
	Type          string                  `json:"type"`
	Sep           marker                  `json:"sep"` // BertProcessing
	Cls           marker                  `json:"cls"`
	Single        []map[string]templateID `json:"single"` // TemplateProcessing
	Pair          json.RawMessage         `json:"pair"`   // for two texts, which we never have
	SpecialTokens map[string]struct {
		ID     string   `json:"id"`
		IDs    []int32  `json:"ids"`
		Tokens []string `json:"tokens"`
	} `json:"special_tokens"`
}

// marker is ["[SEP]", 3].
type marker struct {
	token string
	id    int32
}

func (m *marker) UnmarshalJSON(b []byte) error {
	pair := [2]any{&m.token, &m.id}
	return json.Unmarshal(b, &pair)
}

type templateID struct {
	ID     string `json:"id"`
	TypeID int    `json:"type_id"`
}

type model struct {
	Type        string           `json:"type"`
	Unknown     string           `json:"unk_token"`
	Prefix      string           `json:"continuing_subword_prefix"`
	LongestWord int              `json:"max_input_chars_per_word"`
	Vocabulary  map[string]int32 `json:"vocab"`
}

// Parse reads a tokenizer.json.
func Parse(b []byte) (*Tokenizer, error) {
	var f file
	d := json.NewDecoder(bytes.NewReader(b))
	d.DisallowUnknownFields()
	if err := d.Decode(&f); err != nil {
		return nil, fmt.Errorf("tokenizer: %w", err)
	}
	t, err := f.tokenizer()
	if err != nil {
		return nil, fmt.Errorf("tokenizer: %w", err)
	}
	return t, nil
}

func (f *file) tokenizer() (*Tokenizer, error) {
	t := &Tokenizer{}
	if c := f.Truncation; c != nil {
		if c.Direction == "Left" {
			return nil, fmt.Errorf("truncation: direction Left: %w", ErrUnsupported)
		}
		if c.MaxLength < 2 {
			return nil, fmt.Errorf("truncation: max_length is %d; at least 2 is expected", c.MaxLength)
		}
		t.cut = c.MaxLength
	}
	switch n := f.Normalizer; {
	case n == nil || n.Type != "BertNormalizer":
		return nil, fmt.Errorf("normalizer: %w; it must be a BertNormalizer", ErrUnsupported)
	case !n.CleanText || !n.HandleChineseChars:
		return nil, fmt.Errorf("normalizer: clean_text or handle_chinese_chars false: %w", ErrUnsupported)
	}
	t.lower = f.Normalizer.Lowercase
	t.bare = t.lower
	if s := f.Normalizer.StripAccents; s != nil {
		t.bare = *s
	}
	if f.PreTokenizer == nil || f.PreTokenizer.Type != "BertPreTokenizer" {
		return nil, fmt.Errorf("pre_tokenizer: %w; it must be a BertPreTokenizer", ErrUnsupported)
	}
	if f.Model == nil || f.Model.Type != "WordPiece" {
		return nil, fmt.Errorf("model: %w; it must be a WordPiece", ErrUnsupported)
	}
	t.longestWord = f.Model.LongestWord
	if t.longestWord < 1 || t.longestWord > 1<<16 {
		return nil, fmt.Errorf("model: max_input_chars_per_word is %d; it must lie between 1 and %d", t.longestWord, 1<<16)
	}
	if err := t.vocabulary(f.Model); err != nil {
		return nil, fmt.Errorf("model: %w", err)
	}
	if err := t.added(f.AddedTokens, f.Model.Vocabulary); err != nil {
		return nil, fmt.Errorf("added_tokens: %w", err)
	}
	if err := t.around(f.PostProcessor); err != nil {
		return nil, fmt.Errorf("post_processor: %w", err)
	}
	return t, nil
}

func (t *Tokenizer) vocabulary(m *model) error {
	if len(m.Vocabulary) == 0 || len(m.Vocabulary) > maxPieces {
		return fmt.Errorf("%d pieces; 1 to %d are supported", len(m.Vocabulary), maxPieces)
	}
	if m.Prefix == "" {
		return fmt.Errorf("an empty continuing_subword_prefix: %w", ErrUnsupported)
	}
	unknown, ok := m.Vocabulary[m.Unknown]
	if !ok {
		return fmt.Errorf("unk_token %q is not in the vocabulary", m.Unknown)
	}
	t.unknown = unknown
	t.first, t.rest = make(map[string]int32, len(m.Vocabulary)), make(map[string]int32, len(m.Vocabulary)/2)
	for piece, id := range m.Vocabulary {
		if id < 0 || len(piece) > maxPieceBytes {
			return fmt.Errorf("the piece %.40q has id %d and %d bytes; at most %d bytes are supported", piece, id, len(piece), maxPieceBytes)
		}
		t.first[piece] = id
		t.last = max(t.last, id)
		t.longest = max(t.longest, utf8.RuneCountInString(piece))
		if more, ok := strings.CutPrefix(piece, m.Prefix); ok {
			t.rest[more] = id
		}
	}
	return nil
}

func (t *Tokenizer) added(tokens []addedToken, vocabulary map[string]int32) error {
	for _, a := range tokens {
		if id, ok := vocabulary[a.Content]; !ok || id != a.ID {
			return fmt.Errorf("%q is not in the vocabulary as %d: %w", a.Content, a.ID, ErrUnsupported)
		}
		if a.Content == "" || a.SingleWord || a.LStrip || a.RStrip || a.Normalized {
			return fmt.Errorf("%q is empty, or has single_word, lstrip, rstrip or normalized set: %w", a.Content, ErrUnsupported)
		}
		t.special = append(t.special, special{a.Content, a.ID})
	}
	return nil
}

// around reads which ids go before and behind a text.
func (t *Tokenizer) around(p *postProcessor) error {
	if p == nil {
		return fmt.Errorf("there is none: %w", ErrUnsupported)
	}
	switch p.Type {
	case "BertProcessing":
		if p.Cls.token == "" || p.Sep.token == "" {
			return errors.New("cls and sep must be set")
		}
		t.begin, t.end = p.Cls.id, p.Sep.id
		return nil
	case "TemplateProcessing":
		if len(p.Single) != 3 || p.Single[1]["Sequence"].ID != "A" {
			return fmt.Errorf("a template other than one token, the text, one token: %w", ErrUnsupported)
		}
		for i, to := range map[int]*int32{0: &t.begin, 2: &t.end} {
			ids := p.SpecialTokens[p.Single[i]["SpecialToken"].ID].IDs
			if len(ids) != 1 || ids[0] < 0 || ids[0] == math.MaxInt32 {
				return fmt.Errorf("the template's part %d is not one special token: %w", i, ErrUnsupported)
			}
			*to = ids[0]
		}
		return nil
	}
	return fmt.Errorf("type %q: %w; it must be BertProcessing or TemplateProcessing", p.Type, ErrUnsupported)
}
