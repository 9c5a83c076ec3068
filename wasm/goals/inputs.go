// SPDX-License-Identifier: Apache-2.0

package main

import (
	"fmt"
	"os"
	"strings"
	"unicode/utf8"

	"haechi/wasm/model/train/corpus"
)

// How much is measured on.
const (
	answers     = 60    // of answerRunes
	doubles     = 40    // pairs of an answer and one twice as long
	streams     = 10    // answers that grow
	singles     = 600   // sentences, one at a time
	lines       = 10000 // sentences through `haechi check`
	answerRunes = 1000
)

// inputs are the texts that both the browser and this program measure on. No
// text comes twice: the engine keeps what it has judged.
type inputs struct {
	Answers []string    `json:"answers"`
	Doubles [][2]string `json:"doubles"` // an answer, and one twice as long
	Streams []string    `json:"streams"`
	Singles []string    `json:"singles"`
	lines   []string
}

// readInputs makes answers of the corpus's Korean sentences. Nearly each of
// them names a rule's subject, so there is more to judge than in usual answers.
func readInputs() (inputs, error) {
	var in inputs
	var korean []string
	for _, split := range []string{"test", "dev", "train"} {
		set, err := corpus.ReadSet(os.DirFS("wasm/model/train/corpus/" + split))
		if err != nil {
			return in, err
		}
		for _, x := range set {
			in.lines = append(in.lines, x.Text)
			if x.Lang == "ko" {
				korean = append(korean, x.Text)
			}
		}
	}
	if len(in.lines) < lines {
		return in, fmt.Errorf("the corpus has %d sentences; %d are needed", len(in.lines), lines)
	}
	in.lines = in.lines[:lines]
	sentences := mixed(korean)
	in.Singles, sentences = sentences[:singles], sentences[singles:]
	answer := func(runes int) string {
		var b strings.Builder
		for i := 0; utf8.RuneCountInString(b.String()) < runes && len(sentences) > 0; i++ {
			switch {
			case i%12 == 0:
				fmt.Fprintf(&b, "\n## %d. 역사와 문화\n", i/12+1)
			case i%12 > 8:
				b.WriteString("\n- ")
			default:
				b.WriteString(" ")
			}
			b.WriteString(sentences[0])
			sentences = sentences[1:]
		}
		return strings.TrimSpace(b.String())
	}
	for range answers {
		in.Answers = append(in.Answers, answer(answerRunes))
	}
	for range doubles {
		in.Doubles = append(in.Doubles, [2]string{answer(answerRunes), answer(2 * answerRunes)})
	}
	for range streams {
		in.Streams = append(in.Streams, answer(answerRunes))
	}
	if utf8.RuneCountInString(in.Streams[streams-1]) < answerRunes {
		return in, fmt.Errorf("the corpus has too few Korean sentences: %d", len(korean))
	}
	return in, nil
}

// mixed takes sentences from all over the corpus in turn, always the same way.
func mixed(all []string) []string {
	const step = 7919 // a prime, so that each comes once
	out := make([]string, len(all))
	for i := range all {
		out[i] = all[i*step%len(all)]
	}
	return out
}
