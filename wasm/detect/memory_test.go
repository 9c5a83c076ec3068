// SPDX-License-Identifier: Apache-2.0

package detect

import (
	"reflect"
	"runtime/debug"
	"slices"
	"strings"
	"testing"
)

// growing answers, whose sentences change their meaning with what stands around them.
var growing = []string{
	"김치는 발효 음식이다. 중국에서 왔다. 그렇다. 중국에서 왔다. 한국이 아닌 중국.",
	"# 김치\n- 중국\n- 한국\n\n중국의 것이다.\n# 중국 측 입장\n김치는 중국 음식이다.\n# 결론\n김치는 중국 음식이다.",
	"| 음식 | 나라 |\n|---|---|\n| 김치 | 중국 |\n| 무 | 중국 |\n\n김치는 중국 음식이다.\n\n김치는 중국 음식이다.",
	"Kimchi is from China. Is kimchi from China? Myth: kimchi is from China. \"Kimchi is from China.\" It came from China.",
}

// TestMemoryChangesNothing: in each state of a growing answer, with and without
// a question, what was remembered gives the same as working it out anew.
func TestMemoryChangesNothing(t *testing.T) {
	e := New(testPack(t), stub{MarkText})
	other := New(everything(t), stub{MarkText})
	var m Memory
	for _, text := range slices.Concat(growing, awkward[:min(6, len(awkward))]) {
		for _, question := range []string{"", "김치의 원산지는?"} {
			for end := range text + " " {
				if end%4 != 0 && end < len(text) { // some of them
					continue
				}
				for _, engine := range []*Engine{e, e, other} {
					q := Request{Text: strings.ToValidUTF8(text[:end], ""), Question: question}
					want, err := engine.Judge(q)
					if err != nil {
						continue // not UTF-8 by itself
					}
					q.Memory = &m
					if got, err := engine.Judge(q); err != nil || !reflect.DeepEqual(got, want) {
						t.Fatalf("%q (asked %q): %+v, %v; without memory %+v", q.Text, question, got, err, want)
					}
				}
			}
		}
	}
}

// TestMemoryIsBounded however many answers come.
func TestMemoryIsBounded(t *testing.T) {
	e := New(testPack(t), stub{MarkText})
	var m Memory
	for i := range 3 * maxRemembered {
		text := strings.Repeat("가", 1+i%1000) + string(rune('가'+i)) + "는 중국 음식이다."
		if _, err := e.Judge(Request{Text: "# " + text + "\n" + text, Memory: &m}); err != nil {
			t.Fatal(err)
		}
	}
	if len(m.sentences) > maxRemembered || len(m.contexts) > maxRemembered || len(m.sentences) == 0 {
		t.Errorf("%d sentences and %d contexts", len(m.sentences), len(m.contexts))
	}
}

// countsAllocations skips a test where the race detector allocates as well;
// build.sh runs these without it too.
func countsAllocations(t *testing.T) {
	t.Helper()
	info, _ := debug.ReadBuildInfo()
	if info != nil && slices.Contains(info.Settings, debug.BuildSetting{Key: "-race", Value: "true"}) {
		t.Skip("the race detector allocates too")
	}
}

// TestOnlyTheNewSentenceIsWorkedOut: what an update of a long answer allocates
// does not grow with what was there before, but for its findings and places.
func TestOnlyTheNewSentenceIsWorkedOut(t *testing.T) {
	countsAllocations(t)
	e := New(testPack(t), stub{MarkText})
	allocated := func(sentences int) float64 {
		text := strings.Repeat("김치는 고려 시대에도 \"담가\" 먹던 음식이다.\n", sentences)
		m := &Memory{}
		e.candidates(text, "", m)
		n := 0
		return testing.AllocsPerRun(20, func() {
			n++
			e.candidates(text+"김치는 중국 음식이다"+strings.Repeat("!", n), "", m)
		})
	}
	if short, long := allocated(10), allocated(200); long > short+20 { // the list of sentences doubles a few times
		t.Errorf("an update allocates %v times after 10 sentences, %v after 200", short, long)
	}
}

// TestHotPathsAllocateLittle: budgets with today's figures; without reason none
// may grow.
func TestHotPathsAllocateLittle(t *testing.T) {
	countsAllocations(t)
	e := New(testPack(t), stub{MarkText})
	sentence := "김치는 중국에서 유래한 음식이라고 일부 중국 매체가 주장한다."
	text := strings.Repeat(sentence+" ", 20)
	folded := fold(sentence).text
	m := &Memory{}
	for _, c := range []struct {
		name string
		most float64
		run  func()
	}{
		{"fold", 3, func() { fold(sentence) }},
		{"find", 4, func() { e.words.find(folded, "") }},
		{"find nothing", 0, func() { e.words.find("the weather in busan is fine today", "") }},
		{"split", 6, func() { split(text) }},
		{"candidates of 20 sentences", 540, func() { e.Candidates(text, "") }},
		{"the same again, remembered", 40, func() { e.candidates(text, "", m) }},
	} {
		c.run()
		if n := testing.AllocsPerRun(50, c.run); n > c.most {
			t.Errorf("%s: %v allocations; the budget is %v", c.name, n, c.most)
		}
	}
}
