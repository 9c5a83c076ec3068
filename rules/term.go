// SPDX-License-Identifier: Apache-2.0

package rules

import (
	"bytes"
	"encoding/json"
	"fmt"
	"unicode/utf8"
)

// Term is one word or phrase with its collision guards. In JSON a term without
// guards is a plain string.
type Term struct {
	Text   string   `json:"text"`
	Not    []string `json:"not,omitempty"`    // longer strings in which Text is another word
	With   []string `json:"with,omitempty"`   // one of these must stand elsewhere in the sentence or its context
	Inside bool     `json:"inside,omitempty"` // Hangul: also inside a word
}

// MarshalJSON writes the plain string where there are no guards.
func (t Term) MarshalJSON() ([]byte, error) {
	if len(t.Not) == 0 && len(t.With) == 0 && !t.Inside {
		return marshal(t.Text)
	}
	type guarded Term
	return marshal(guarded(t))
}

// UnmarshalJSON reads a string or an object.
func (t *Term) UnmarshalJSON(data []byte) error {
	if len(data) > 0 && data[0] == '"' {
		return json.Unmarshal(data, &t.Text)
	}
	type guarded Term
	return strict(data, (*guarded)(t), "a word is a string or {\"text\", \"not\", \"with\", \"inside\"}")
}

// Example is a sentence with the context it is judged in. In JSON an example
// without context is a plain string.
type Example struct {
	Text     string `json:"text"`
	Question string `json:"question,omitempty"` // what the user asked
	Heading  string `json:"heading,omitempty"`  // the heading or list lead-in above it
	Before   string `json:"before,omitempty"`   // the sentence before it
}

// MarshalJSON writes the plain string where there is no context.
func (e Example) MarshalJSON() ([]byte, error) {
	if e.Question == "" && e.Heading == "" && e.Before == "" {
		return marshal(e.Text)
	}
	type inContext Example
	return marshal(inContext(e))
}

// UnmarshalJSON reads a string or an object.
func (e *Example) UnmarshalJSON(data []byte) error {
	if len(data) > 0 && data[0] == '"' {
		return json.Unmarshal(data, &e.Text)
	}
	type inContext Example
	return strict(data, (*inContext)(e), "an example is a string or {\"text\", \"question\", \"heading\", \"before\"}")
}

// Answer returns the example as a chatbot's answer: its heading, the sentence
// before it and itself, as lines of light Markdown, and where in it the example
// starts, in bytes.
func (e Example) Answer() (text string, start int) {
	return InContext(e.Text, e.Heading, e.Before)
}

// InContext lays a sentence out below its heading and after the sentence
// before it, as a chatbot's answer in light Markdown; start is the byte offset
// of the sentence.
func InContext(sentence, heading, before string) (text string, start int) {
	if heading != "" {
		text = "# " + heading + "\n"
	}
	if before != "" {
		text += before + " "
	}
	return text + sentence, len(text)
}

func strict(data []byte, into any, form string) error {
	d := json.NewDecoder(bytes.NewReader(data))
	d.DisallowUnknownFields()
	if err := d.Decode(into); err != nil {
		return fmt.Errorf("%s: %w", form, err)
	}
	return nil
}

// marshal is json.Marshal that leaves <, > and & as they are. A pack has tens
// of thousands of plain words, so those take a short way.
func marshal(v any) ([]byte, error) {
	if s, ok := v.(string); ok && plain(s) {
		return []byte(`"` + s + `"`), nil
	}
	var b bytes.Buffer
	e := json.NewEncoder(&b)
	e.SetEscapeHTML(false)
	if err := e.Encode(v); err != nil {
		return nil, err
	}
	return bytes.TrimRight(b.Bytes(), "\n"), nil
}

// plain reports whether s stands in JSON as it is.
func plain(s string) bool {
	for _, r := range s {
		if r < 0x20 || r == '"' || r == '\\' || r == utf8.RuneError || r == '\u2028' || r == '\u2029' {
			return false
		}
	}
	return true
}
