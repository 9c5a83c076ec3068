// SPDX-License-Identifier: Apache-2.0

package export

import (
	"crypto/sha256"
	_ "embed"
	"encoding/base64"
	"fmt"
	"html/template"
	"io"
	"strings"

	"haechi/rules"
)

// Handout says how a class hand-out is made.
type Handout struct {
	Language string // of the page: ko or en
	Title    string // "" for a plain one
	Lines    int    // for the pupil's own answer; 0 for six, at most 30
	Task     bool   // leave out what is wrong, the better wording and the sources: the pupils find them
}

//go:embed handout.html
var handoutPage string

var handoutTemplate = template.Must(template.New("handout").Parse(handoutPage))

// HandoutPolicy is the content security policy to serve a hand-out with: its own
// style and nothing else.
var HandoutPolicy = handoutPolicy()

func handoutPolicy() string {
	_, rest, _ := strings.Cut(handoutPage, "<style>")
	style, _, _ := strings.Cut(rest, "</style>") // it has no actions or comments, so it is served as it is
	sum := sha256.Sum256([]byte(style))
	return "default-src 'none'; style-src 'sha256-" + base64.StdEncoding.EncodeToString(sum[:]) + "'; base-uri 'none'; form-action 'none'; frame-ancestors 'none'"
}

// words of the page, by language.
var handoutWords = map[string]map[string]string{
	"ko": {
		"title": "챗봇의 답을 살펴봅시다", "name": "이름", "class": "반·번호", "day": "날짜",
		"question": "질문", "answer": "챗봇의 답", "judged": "살펴볼 문장", "verdict": "판단", "wrong": "무엇이 잘못되었나요?",
		"assessment": "검토 의견", "positions": "서로 다른 견해", "sources": "근거 자료", "own": "내 생각을 적어 봅시다", "nothing": "내보낼 내용이 없습니다.",
		"received": "받은 날", "task": "이 문장이 맞는지 자료를 찾아 확인하고, 고칠 것이 있으면 고쳐 써 봅시다",
		"print": "인쇄하려면 Ctrl+P(맥은 ⌘P)를 누르세요. 이 줄은 종이에 나오지 않습니다.",
	},
	"en": {
		"title": "Looking closely at a chatbot's answer", "name": "Name", "class": "Class", "day": "Date",
		"question": "Question", "answer": "The chatbot's answer", "judged": "The sentence in question", "verdict": "Verdict", "wrong": "What is wrong?",
		"assessment": "What the reviewers found", "positions": "What each side holds", "sources": "Sources", "own": "In my own words", "nothing": "There is nothing to print.",
		"received": "sent in on", "task": "Find out from sources whether this sentence is right, and put right what is not",
		"print": "Press Ctrl+P (⌘P on a Mac) to print. This line is not on the paper.",
	},
}

// sheet is one finding on the page.
type sheet struct {
	Number              int
	Chatbot, Model      string
	Received, Lang      string
	Topic, Question     string
	Before, Mark, After string // the excerpt, cut around the sentence
	Apart               string // the sentence, where the excerpt does not have it
	Verdict             string
	Wrong               bool // whether something is, rather than only to be said
	Note, Correction    string
	CorrectionLang      string
	Positions           []rules.Position
	Sources             []rules.Source
}

// WriteHandout writes a page to be printed on A4: for each finding the question,
// the excerpt with the sentence marked, what is wrong with it, the sources and
// lined room for the pupil's own answer. It loads nothing from anywhere.
func WriteHandout(w io.Writer, findings []Finding, h Handout) error {
	words, ok := handoutWords[h.Language]
	if !ok {
		return fmt.Errorf("export: hand-out: language %q: choose ko or en", h.Language)
	}
	if h.Lines <= 0 {
		h.Lines = 6
	}
	if h.Title == "" {
		h.Title = words["title"]
	}
	page := struct {
		Lang, Title string
		Words       map[string]string
		Task        bool
		Sheets      []sheet
		Lines       []struct{}
	}{h.Language, h.Title, words, h.Task, nil, make([]struct{}, min(h.Lines, 30))}
	for i := range findings {
		page.Sheets = append(page.Sheets, newSheet(i+1, &findings[i], h.Language))
	}
	if err := handoutTemplate.Execute(w, page); err != nil {
		return fmt.Errorf("export: hand-out: %w", err)
	}
	return nil
}

func newSheet(number int, f *Finding, lang string) sheet {
	s := sheet{
		Number: number, Chatbot: f.chatbot(), Model: f.Model, Received: day(f.Received), Lang: f.Language, Topic: f.Title.In(lang),
		Question: f.Question, Verdict: f.Verdict.Name(lang), Wrong: f.Verdict == Distortion || f.Verdict == OneSided,
		Note: f.Note, Correction: f.Correction[lang], CorrectionLang: lang,
		Positions: f.Positions,
	}
	if s.Correction == "" {
		for _, other := range rules.Languages {
			if s.Correction == "" && f.Correction[other] != "" {
				s.Correction, s.CorrectionLang = f.Correction[other], other
			}
		}
	}
	s.Before, s.After, _ = strings.Cut(f.Excerpt, f.Sentence)
	if f.Sentence != "" && strings.Contains(f.Excerpt, f.Sentence) {
		s.Mark = f.Sentence
	} else {
		s.Before, s.After, s.Apart = f.Excerpt, "", f.Sentence
	}
	for _, source := range f.Sources {
		source.URL = web(source.URL)
		s.Sources = append(s.Sources, source)
	}
	return s
}
