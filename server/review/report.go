// SPDX-License-Identifier: Apache-2.0

package review

import (
	"crypto/sha256"
	"encoding/hex"
	"regexp"
	"strings"
	"time"
	"unicode/utf8"
)

// Limits of a report, in characters.
const (
	MaxExcerpt  = 4000
	MaxSentence = 1000
	MaxQuestion = 1000
	MaxModel    = 100
)

// Report is what a citizen or a class sends: one sentence of a chatbot's
// answer, with what the engine made of it. Nothing in it is trusted.
type Report struct {
	Excerpt     string  `json:"excerpt"`  // the sentence with what stands around it
	Sentence    string  `json:"sentence"` // stands in the excerpt; empty: the excerpt is one sentence
	Question    string  `json:"question,omitempty"`
	Site        string  `json:"site"`     // a site's id, such as chatgpt
	Language    string  `json:"language"` // of the answer: ko, en, ja, zh …
	Rule        string  `json:"rule,omitempty"`
	Proposition string  `json:"proposition,omitempty"`
	Verdict     string  `json:"verdict,omitempty"` // the engine's: distortion, one-sided or framing
	Score       float64 `json:"score,omitempty"`   // the engine's, 0 to 1
	Sequence    uint64  `json:"sequence,omitempty"`
	Pack        string  `json:"pack,omitempty"`       // hash of the rules
	Classifier  string  `json:"classifier,omitempty"` // the engine's own model, with its version
	Model       string  `json:"model,omitempty"`      // of the chatbot, as far as the page says
}

// Answer is a report as it is kept. Equal reports are one answer.
type Answer struct {
	ID   string `json:"id"`
	Case string `json:"case"`
	Report
	Content  string    `json:"content"` // hash of what makes reports equal
	Reports  int       `json:"reports"`
	Origin   string    `json:"origin"` // OriginCitizen or the person who imported it
	Received time.Time `json:"received"`
	Expires  time.Time `json:"expires"`
	Receipts []string  `json:"receipts,omitempty"` // hashes
}

// OriginCitizen marks what came without an account.
const OriginCitizen = "citizen"

var (
	nameShape = regexp.MustCompile(`^[a-z0-9]+(-[a-z0-9]+)*$`)
	langShape = regexp.MustCompile(`^[a-z]{2,3}$`)
	hashShape = regexp.MustCompile(`^[0-9a-f]{64}$`)
)

// check cleans a report and says what cannot be taken.
func (r *Report) check() error {
	r.Excerpt, r.Sentence, r.Question, r.Model = clean(r.Excerpt), clean(r.Sentence), clean(r.Question), clean(r.Model)
	r.Site, r.Language = strings.ToLower(strings.TrimSpace(r.Site)), strings.ToLower(strings.TrimSpace(r.Language))
	r.Classifier = clean(r.Classifier)
	r.Rule, r.Proposition = strings.TrimSpace(r.Rule), strings.TrimSpace(r.Proposition)
	if r.Sentence == "" {
		r.Sentence = r.Excerpt
	}
	if r.Excerpt == "" {
		r.Excerpt = r.Sentence
	}
	if r.Language, _, _ = strings.Cut(r.Language, "-"); r.Language == "" {
		r.Language = languageOf(r.Sentence)
	}
	switch {
	case r.Sentence == "":
		return invalid("sentence", "missing", "there is no sentence and no excerpt")
	case len(grams(r.Sentence)) == 0:
		return invalid("sentence", "missing", "it has no letters")
	case utf8.RuneCountInString(r.Sentence) > MaxSentence:
		return invalid("sentence", "long", "at most 1000 characters")
	case utf8.RuneCountInString(r.Excerpt) > MaxExcerpt:
		return invalid("excerpt", "long", "at most 4000 characters")
	case !strings.Contains(r.Excerpt, r.Sentence):
		return invalid("sentence", "elsewhere", "it does not stand in the excerpt")
	case utf8.RuneCountInString(r.Question) > MaxQuestion:
		return invalid("question", "long", "at most 1000 characters")
	case utf8.RuneCountInString(r.Model) > MaxModel:
		return invalid("model", "long", "at most 100 characters")
	case utf8.RuneCountInString(r.Classifier) > MaxModel:
		return invalid("classifier", "long", "at most 100 characters")
	case len(r.Site) > 64 || !nameShape.MatchString(r.Site):
		return invalid("site", "name", "give a site's id: small letters, digits and hyphens")
	case !langShape.MatchString(r.Language):
		return invalid("language", "language", "give a language code such as ko")
	case len(r.Rule) > 100 || r.Rule != "" && !nameShape.MatchString(r.Rule):
		return invalid("rule", "name", "give a rule's id")
	case len(r.Proposition) > 100 || r.Proposition != "" && !nameShape.MatchString(r.Proposition):
		return invalid("proposition", "name", "give a proposition's id")
	case !(r.Score >= 0 && r.Score <= 1):
		return invalid("score", "range", "give a number from 0 to 1")
	case r.Pack != "" && !hashShape.MatchString(r.Pack):
		return invalid("pack", "hash", "give the SHA-256 of the rules in hexadecimal")
	}
	switch r.Verdict {
	case "", "distortion", "one-sided", "framing":
	default:
		return invalid("verdict", "engine", "give what the engine said: distortion, one-sided or framing")
	}
	return nil
}

// content is the same for reports of the same answer, whoever sends them and
// whichever rules found it.
func (r *Report) content() string {
	h := sha256.New()
	for _, s := range []string{r.Rule, r.Site, r.Sentence, r.Excerpt, r.Question} {
		h.Write([]byte(strings.Join(strings.Fields(s), " ")))
		h.Write([]byte{0})
	}
	return hex.EncodeToString(h.Sum(nil)[:16])
}

// languageOf guesses the language of a text that came without one from its
// script: enough to fill a form in.
func languageOf(s string) string {
	var hangul, kana, han int
	for _, r := range s {
		switch {
		case r >= 0xAC00 && r <= 0xD7A3:
			hangul++
		case r >= 0x3041 && r <= 0x30FF:
			kana++
		case r >= 0x4E00 && r <= 0x9FFF:
			han++
		}
	}
	switch {
	case hangul > 0 && hangul*3 >= han:
		return "ko"
	case kana > 0:
		return "ja"
	case han > 0:
		return "zh"
	}
	return "en"
}
