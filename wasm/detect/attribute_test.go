// SPDX-License-Identifier: Apache-2.0

package detect

import "testing"

func TestAttributedHeadings(t *testing.T) {
	for heading, want := range map[string]bool{
		"중국 측 입장": true, "일본 정부의 주장:": true, "Japan's position": true, "What Chinese scholars argue": true, "The Chinese view:": true,
		"日本側の主張": true, "中国学界的主要观点": true, "Beijing argues that:": true, "北朝鮮の言い分": true,
		"고구려의 역사": false, "Korea, Japan and the 1965 Claims Agreement": false, "Common misconceptions about the Sea of Japan": false,
		"端午节": false, "中国の島": false, "한국의 주장은 사실일까?": false, "常被误认为韩国的食物": false, "": false,
	} {
		if got := attributed(fold(heading).text); got != want {
			t.Errorf("attributed(%q) = %v, want %v", heading, got, want)
		}
	}
}

func TestLabelledLines(t *testing.T) {
	for line, want := range map[string]bool{
		"Claim: Goguryeo was Chinese.": true, "**Myth 1:** kimchi is Chinese": true, "오해: 김치는 중국 음식이다.": true, "俗説①：…": true,
		"- 网传：端午节是韩国的": true, "주장 2: 독도는 일본 땅이다": true, "흔한 오해: 김치는": true,
		"Claims that kimchi is Chinese: wrong": false, "Fact: kimchi is Korean": false, "주장하는 바는 다음과 같다": false, "김치: 중국 음식": false,
	} {
		if got := labelled.MatchString(fold(line).text); got != want {
			t.Errorf("labelled %q: %v, want %v", line, got, want)
		}
	}
}

func TestQuotedSentences(t *testing.T) {
	for s, want := range map[string]bool{
		"“김치는 중국 음식이다.”": true, "「独島は日本の領土だ。」": true, `"Kimchi is Chinese food."`: true,
		"“김치”는 중국의 “음식”": false, "김치는 “중국 음식”이다.": false, "“김치”": false,
	} {
		if got := quoted(fold(s).text); got != want {
			t.Errorf("quoted(%q) = %v, want %v", s, got, want)
		}
	}
}

// TestWhatTheAnswerSaysElsewhere: a party's section, a claim's label, a
// quotation and a table's columns are not the writer's own assertions.
func TestWhatTheAnswerSaysElsewhere(t *testing.T) {
	e := New(testPack(t), stub{MarkText})
	for text, want := range map[string]int{
		"## 중국 측 입장\n- 김치는 중국 음식이다.":                              0,
		"## 김치의 역사\n- 김치는 중국 음식이다.":                               1,
		"오해: 김치는 중국 음식이다.":                                        0,
		"“김치는 중국 음식이다.” 이 말은 틀렸다.":                                0,
		"| 김치 | 파오차이 |\n|---|---|\n| 매운맛 | 중국 |":                  0,
		"| 음식 | 나라 |\n|---|---|\n| 김치 | 중국 |":                     1,
		"# 김치\n| 항목 | 내용 |\n|---|---|\n| 기원 | 중국 |":               1,
		"| 김치에 대한 중국의 주장 | 비고 |\n|---|---|\n| 김치는 중국 음식 | 2021 |": 0,
	} {
		fs, err := e.Check(Request{Text: text})
		if err != nil || len(fs) != want {
			t.Errorf("%q: %d findings, want %d (%v)", text, len(fs), want, err)
		}
	}
}

// careful asserts with a score of about .9, refutes where 않 stands.
type careful struct{ stub }

func (c careful) Model() Model {
	m := c.stub.Model()
	m.Answer = 0.95
	return m
}

func (c careful) Classify(inputs []string) ([]Logits, error) {
	out := make([]Logits, len(inputs))
	for i := range inputs {
		out[i][Asserts] = 4
	}
	return out, nil
}

// TestWholeAnswersAreReadMoreStrictly: the same sentence needs a surer score
// in a long answer than alone.
func TestWholeAnswersAreReadMoreStrictly(t *testing.T) {
	e := New(testPack(t), careful{stub{MarkText}})
	for text, want := range map[string]int{
		"김치는 중국 음식이다.":                  1,
		"안녕. 김치는 중국 음식이다. 네. 그래요. 좋아요.": 0,
	} {
		fs, err := e.Check(Request{Text: text})
		if err != nil || len(fs) != want {
			t.Errorf("%q: %d findings, want %d (%v)", text, len(fs), want, err)
		}
	}
}

// TestOneWhoRefutesRarelyAsserts: where an answer refutes a rule's claim, another sentence must be sure.
func TestOneWhoRefutesRarelyAsserts(t *testing.T) {
	judged := []Judgement{
		{Candidate: Candidate{Rule: "kimchi", Start: 0, Whole: true}, Score: 0.96, Threshold: 0.95},
		{Candidate: Candidate{Rule: "kimchi", Start: 50, Whole: true}, Score: 0.1, Threshold: 0.95, Stance: Stance{Refutes: 0.9}},
		{Candidate: Candidate{Rule: "radish", Start: 50, Whole: true}, Score: 0.96, Threshold: 0.95},
	}
	surer(judged)
	if judged[0].Flags() || !judged[2].Flags() || judged[1].Threshold != 0.95 {
		t.Errorf("thresholds %v, %v, %v", judged[0].Threshold, judged[1].Threshold, judged[2].Threshold)
	}
}

// TestOneWhoRefutesDoesNotAssertInPassing: where an answer refutes a rule's
// claim, one other sentence alone is taken for misread, however sure the score.
func TestOneWhoRefutesDoesNotAssertInPassing(t *testing.T) {
	at := func(start int, score, refutes float64) Judgement {
		return Judgement{Candidate: Candidate{Rule: "kimchi", Start: start, Whole: true}, Score: score, Threshold: 0.95, Stance: Stance{Refutes: refutes}}
	}
	for name, c := range map[string]struct {
		judged []Judgement
		flags  int
	}{
		"refuted":       {[]Judgement{at(0, 0.999, 0), at(50, 0.1, 0.9)}, 0},
		"said twice":    {[]Judgement{at(0, 0.999, 0), at(50, 0.1, 0.9), at(90, 0.999, 0)}, 2},
		"not that sure": {[]Judgement{at(0, 0.999, 0), at(50, 0.1, 0.9), at(90, 0.96, 0)}, 0},
		"not refuted":   {[]Judgement{at(0, 0.999, 0), at(50, 0.1, 0.2)}, 1},
	} {
		if got := len(Decide(c.judged)); got != c.flags {
			t.Errorf("%s: %d findings, want %d", name, got, c.flags)
		}
	}
}
