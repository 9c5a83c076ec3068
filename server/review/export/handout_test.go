// SPDX-License-Identifier: Apache-2.0

package export

import (
	"bytes"
	"io"
	"os"
	"path/filepath"
	"strings"
	"testing"
)

func TestHandoutShowsEverythingInItsLanguage(t *testing.T) {
	apart := kimchi()
	apart.Excerpt = "Another excerpt."
	fine := kimchi()
	fine.Verdict = Accurate
	for lang, words := range map[string][]string{
		"ko": {`<html lang="ko">`, "무엇이 잘못되었나요?", "왜곡", "김치가 중국에서 왔다는 서술", "김치는 한국에서 발전한 발효 음식이다.", "검토 의견"},
		"en": {`<html lang="en">`, "What is wrong?", "Distortion", "Kimchi stated to come from China", "Kimchi developed in Korea.", "What the reviewers found"},
	} {
		var b bytes.Buffer
		if err := WriteHandout(&b, []Finding{kimchi(), apart, fine}, Handout{Language: lang, Lines: 4}); err != nil {
			t.Fatal(err)
		}
		page := b.String()
		for _, w := range append(words, "Kimchi is a fermented dish. <mark>Kimchi is a branch of Chinese paocai.</mark> It is eaten daily.",
			"UNESCO, 2013", `<blockquote lang="en">Another excerpt.`, "size: A4") {
			if !strings.Contains(page, w) {
				t.Errorf("%s: %q is missing", lang, w)
			}
		}
		if n := strings.Count(page, `class="line"`); n != 12 {
			t.Errorf("%d lines to write on, want 4 for each of 3", n)
		}
		for _, loads := range []string{"<script", "<link", "<img", "url(", "@import", "src="} {
			if strings.Contains(page, loads) {
				t.Errorf("the page loads something: %s", loads)
			}
		}
	}
	var b bytes.Buffer
	if err := WriteHandout(&b, []Finding{kimchi()}, Handout{Language: "ko", Task: true}); err != nil {
		t.Fatal(err)
	}
	for _, answer := range []string{"UNESCO", "김치는 한국에서", "Paocai is pickled"} {
		if strings.Contains(b.String(), answer) {
			t.Errorf("the task gives away %q", answer)
		}
	}
	if err := WriteHandout(io.Discard, nil, Handout{Language: "fr"}); err == nil {
		t.Error("an unknown language passes")
	}
}

// TestSamples writes pages to look at: HAECHI_SAMPLES=DIR go test -run Samples.
func TestSamples(t *testing.T) {
	folder := os.Getenv("HAECHI_SAMPLES")
	if folder == "" {
		t.Skip("HAECHI_SAMPLES names no folder")
	}
	long := kimchi()
	long.Language, long.Question = "ko", "독도는 어느 나라 땅인가요?"
	long.Sentence = "독도는 일본 고유의 영토이다."
	long.Excerpt = strings.Repeat("독도는 동해에 있는 섬이다. ", 12) + long.Sentence + "\n" + strings.Repeat("주변 바다에는 해산물이 많다. ", 6)
	long.Site, long.Chatbot, long.Verdict = "grok", "Grok", OneSided
	all := []Finding{kimchi(), long, kimchi(), hostile()}
	for _, lang := range []string{"ko", "en"} {
		var b bytes.Buffer
		if err := WriteHandout(&b, all[:2], Handout{Language: lang}); err != nil {
			t.Fatal(err)
		}
		if err := os.WriteFile(filepath.Join(folder, "handout-"+lang+".html"), b.Bytes(), 0o644); err != nil {
			t.Fatal(err)
		}
		bars := []Bar{{"ChatGPT", []int{12, 4, 1, 9, 0}}, {"DeepSeek", []int{30, 2, 0, 1, 0}}, {"아주 긴 이름을 가진 챗봇", []int{1, 0, 0, 0, 0}}}
		page := `<!doctype html><meta charset="utf-8"><body>` + string(Chart("c", "chart", "about", bars))
		if err := os.WriteFile(filepath.Join(folder, "chart-"+lang+".html"), []byte(page), 0o644); err != nil {
			t.Fatal(err)
		}
	}
}
