// SPDX-License-Identifier: Apache-2.0

package web

import (
	"encoding/csv"
	"encoding/json"
	"fmt"
	"html"
	"net/http"
	"net/url"
	"regexp"
	"slices"
	"strings"
	"testing"

	"haechi/server/review"
)

// staff is everybody who takes part in what leaves the desk.
type staff struct {
	*house
	viewer, ann, bob, adjudicator, maintainer, admin *guest
}

func newStaff(t *testing.T) *staff {
	h := newHouse(t)
	return &staff{
		h, h.person(t, "viewer", review.Viewer), h.person(t, "ann", review.Reviewer), h.person(t, "bob", review.Reviewer),
		h.person(t, "adj", review.Adjudicator), h.person(t, "max", review.Maintainer), h.person(t, "adm", review.Admin),
	}
}

const paper = "https://ich.unesco.org/en/RL/kimjang-making-and-sharing-kimchi-in-the-republic-of-korea-00881"

// judged takes a report in and has two people judge it; the adjudicator settles
// a difference as the first held.
func (s *staff) judged(t *testing.T, r review.Report, first, second review.Verdict) string {
	t.Helper()
	id := s.take(t, r)
	for i, v := range []review.Verdict{first, second} {
		who := []review.Person{s.ann.person, s.bob.person}[i]
		if _, err := s.desk.Judge(who, id, review.Judgement{Verdict: v, Sources: []string{paper}, Note: "note of " + who.Name}); err != nil {
			t.Fatal(err)
		}
	}
	if first != second {
		s.settle(t, id, first)
	}
	return id
}

func (s *staff) settle(t *testing.T, id string, v review.Verdict) {
	t.Helper()
	c, err := s.desk.Case(s.adjudicator.person, id)
	if err == nil {
		_, err = s.desk.Adjudicate(s.adjudicator.person, id, c.Revision, review.Outcome{Verdict: v, Sources: []string{paper}, Note: "settled because"})
	}
	if err != nil {
		t.Fatal(err)
	}
}

func (s *staff) publish(t *testing.T, id string) {
	t.Helper()
	c, err := s.desk.Case(s.maintainer.person, id)
	if err == nil {
		_, err = s.desk.Publish(s.maintainer.person, id, c.Revision, false)
	}
	if err != nil {
		t.Fatal(err)
	}
}

func (s *staff) withdraw(t *testing.T, id string) {
	t.Helper()
	c, err := s.desk.Case(s.maintainer.person, id)
	if err == nil {
		_, err = s.desk.Withdraw(s.maintainer.person, id, c.Revision, "a secret reason")
	}
	if err != nil {
		t.Fatal(err)
	}
}

func other(n int) review.Report {
	sentences := []string{"발해는 당나라가 다스리던 지방 정권이었습니다.", "한복은 명나라의 옷을 그대로 베낀 것입니다.", "독도는 일본이 먼저 찾아낸 섬으로 알려져 있습니다.", "온돌은 중국 북방의 캉에서 나온 난방입니다."}
	r := report(0)
	r.Sentence, r.Site, r.Rule = sentences[n], []string{"deepseek", "qwen", "chatgpt", "kimi"}[n], []string{"balhae-tang-local-regime", "hanbok-from-hanfu", "dokdo-japanese-territory", "ondol-chinese-kang"}[n]
	r.Excerpt, r.Question = "네. "+r.Sentence+" 연락은 kim@example.com 으로 주세요.", "제 번호는 010-1234-5678 입니다. 설명해 줘."
	return r
}

func rowsOf(t *testing.T, body string) (rows []map[string]string) {
	t.Helper()
	rest, ok := strings.CutPrefix(body, "\ufeff")
	all, err := csv.NewReader(strings.NewReader(rest)).ReadAll()
	if err != nil || !ok || len(all) == 0 {
		t.Fatalf("%v: %.200s", err, body)
	}
	for _, row := range all[1:] {
		m := map[string]string{}
		for i, name := range all[0] {
			m[name] = row[i]
		}
		rows = append(rows, m)
	}
	return rows
}

func (g *guest) must(t *testing.T, path string) string {
	t.Helper()
	code, _, body := g.get(path)
	if code != http.StatusOK {
		t.Fatalf("%s: %d %.300s", path, code, body)
	}
	return body
}

func TestExportsHoldWhatThePersonMaySee(t *testing.T) {
	s := newStaff(t)
	agreed := s.judged(t, other(0), review.Distortion, review.Distortion)
	settled := s.judged(t, other(1), review.OneSided, review.Accurate)
	public := s.judged(t, report(1), review.Distortion, review.Contested)
	s.publish(t, public)
	half := s.take(t, other(2))
	if _, err := s.desk.Judge(s.ann.person, half, review.Judgement{Verdict: review.Accurate}); err != nil {
		t.Fatal(err)
	}
	for _, c := range []struct {
		who  *guest
		want []string
	}{{s.viewer, []string{public, settled}}, {s.ann, []string{public, settled}}, {s.adjudicator, []string{public, settled, agreed}}} {
		rows := rowsOf(t, c.who.must(t, "/review/export/findings.csv"))
		var got []string
		for _, r := range rows {
			id, _, _ := strings.Cut(r["id"], ".")
			got = append(got, id)
			for column, value := range r {
				if strings.Contains(value, "kim@example") || strings.Contains(value, "010-1234") {
					t.Errorf("%s holds personal data: %q", column, value)
				}
				for _, name := range []string{s.ann.person.ID, s.bob.person.ID, s.adjudicator.person.ID} {
					if strings.Contains(value, name) {
						t.Errorf("%s names a person: %q", column, value)
					}
				}
			}
			if r["reviewers"] != s.ann.person.Pseudonym+"; "+s.bob.person.Pseudonym {
				t.Errorf("reviewers %q", r["reviewers"])
			}
		}
		if !slices.Equal(got, c.want) {
			t.Errorf("%s gets %v, want %v", c.who.person.Name, got, c.want)
		}
		page := c.who.must(t, "/review/export")
		for _, id := range []string{agreed, settled, public, half} {
			if strings.Contains(page, id) != slices.Contains(c.want, id) {
				t.Errorf("%s: the list shows %s wrongly", c.who.person.Name, id)
			}
			sheet := c.who.must(t, "/review/export/handout?case="+id)
			if strings.Contains(sheet, "<section>") != slices.Contains(c.want, id) {
				t.Errorf("%s: the hand-out shows %s wrongly", c.who.person.Name, id)
			}
		}
	}
	if rows := rowsOf(t, s.viewer.must(t, "/review/export/findings.csv?state=published&verdict=distortion&topic=culture")); len(rows) != 1 || rows[0]["verdict_ko"] != "왜곡" || rows[0]["note"] != "settled because" || !strings.Contains(rows[0]["sources"], "UNESCO") {
		t.Errorf("%v", rows)
	}
	if rows := rowsOf(t, s.viewer.must(t, "/review/export/findings.csv?language=zh")); len(rows) != 0 {
		t.Errorf("%v", rows)
	}
	for path, want := range map[string]string{"findings.csv?language=zh": "findings.csv", "corpus.jsonl": "corpus.jsonl", "claimreview.json": "claimreview.json", "handout": "handout"} {
		s.viewer.must(t, "/review/export/"+path)
		entries, _, err := s.desk.Trail(s.admin.person, 0, 1)
		if err != nil || len(entries) != 1 || entries[0].Action != review.ActExported || entries[0].Subject != want {
			t.Errorf("the audit log after %s: %+v %v", path, entries, err)
		}
	}
	lines := strings.Split(strings.TrimSpace(s.viewer.must(t, "/review/export/corpus.jsonl")), "\n")
	var line struct{ Topic, Text, Label, Expect string }
	if len(lines) != 2 || json.Unmarshal([]byte(lines[0]), &line) != nil || line.Label != "asserts" || line.Expect != "flag" || line.Text != report(1).Sentence {
		t.Errorf("%q", lines)
	}
	var doc struct {
		Graph []struct {
			URL string
			ID  string `json:"@id"`
		} `json:"@graph"`
	}
	if err := json.Unmarshal([]byte(s.viewer.must(t, "/review/export/claimreview.json")), &doc); err != nil || len(doc.Graph) != 1 || doc.Graph[0].URL != s.URL+"/findings/"+public {
		t.Errorf("%v %+v", err, doc)
	}
	sheet := s.viewer.must(t, "/review/export/handout?paper=en&lines=4&case="+public)
	if !strings.Contains(sheet, `<html lang="en">`) || strings.Count(sheet, `class="line"`) != 4 || !strings.Contains(sheet, "<mark>"+report(1).Sentence) {
		t.Errorf("%s", sheet)
	}
	if task := s.viewer.must(t, "/review/export/handout?task=1&case="+public); strings.Contains(task, "settled because") || strings.Contains(task, "UNESCO") {
		t.Error("the task gives the answer away")
	}
}

func TestFindingsAreForEverybodyAndTellOfNobody(t *testing.T) {
	s := newStaff(t)
	id := s.judged(t, other(0), review.Distortion, review.Distortion)
	again := other(0)
	again.Site = "qwen"
	if s.take(t, again) != id {
		t.Fatal("the same sentence is another case")
	}
	hidden := s.judged(t, other(1), review.OneSided, review.Accurate)
	s.publish(t, id)
	anybody := s.guest(t)
	pages := map[string]string{}
	for _, path := range []string{"/findings", "/findings/" + id, "/findings/data.csv", "/findings/data.json", "/findings/sentences.csv", "/findings/claimreview.json", "/findings/" + id + "/claimreview.json", "/findings?by=topic&lang=en"} {
		pages[path] = anybody.must(t, path)
		for _, who := range []*guest{s.ann, s.bob, s.adjudicator, s.maintainer} {
			for _, trace := range []string{who.person.ID, who.person.Pseudonym, "note of", "settled because"} {
				if strings.Contains(pages[path], trace) {
					t.Errorf("%s tells of a person: %s", path, trace)
				}
			}
		}
		for _, private := range []string{"kim@example.com", "010-1234-5678", hidden, other(1).Sentence} {
			if strings.Contains(pages[path], private) {
				t.Errorf("%s shows %s", path, private)
			}
		}
	}
	for path, want := range map[string]string{
		"/findings": other(0).Sentence, "/findings/" + id: "[phone]", "/findings/data.csv": "deepseek,DeepSeek,history,balhae-tang-local-regime", "/findings/data.json": `"total":2`,
		"/findings/sentences.csv": id + ".qwen", "/findings/" + id + "/claimreview.json": "DeepSeek", "/findings?by=topic&lang=en": "Verdicts by topic",
	} {
		if !strings.Contains(pages[path], want) {
			t.Errorf("%s lacks %q:\n%s", path, want, pages[path])
		}
	}
	for path, want := range map[string]int{"?site=qwen": 1, "?site=kimi": 0, "?topic=history": 1, "?topic=culture": 0, "?rule=balhae-tang-local-regime": 1, "?language=en": 0, "?verdict=accurate": 0} {
		if got := strings.Count(anybody.must(t, "/findings"+path), `class="sentence"`); got != want {
			t.Errorf("%s: %d sentences", path, got)
		}
	}
	for _, path := range []string{"/findings/" + hidden, "/findings/none", "/findings/" + hidden + "/claimreview.json"} {
		if code, _, body := anybody.get(path); code != http.StatusNotFound || strings.Contains(body, other(1).Sentence) {
			t.Errorf("%s: %d", path, code)
		}
	}
}

func TestWithdrawnFindingsAreGoneAtOnceAndSaySo(t *testing.T) {
	s := newStaff(t)
	id, stays := s.judged(t, other(0), review.Distortion, review.Distortion), s.judged(t, other(1), review.Distortion, review.Distortion)
	s.publish(t, id)
	s.publish(t, stays)
	answer, err := http.Get(s.URL + "/findings?lang=ko")
	if err != nil {
		t.Fatal(err)
	}
	answer.Body.Close()
	tag := answer.Header.Get("ETag")
	if tag == "" || answer.Header.Get("Cache-Control") != "public, no-cache" || answer.Header.Get("Vary") != "Accept-Language" || len(answer.Cookies()) > 0 {
		t.Fatalf("%v", answer.Header)
	}
	g := s.guest(t)
	if code, _, body := g.get("/findings?lang=ko", "If-None-Match", `"x", W/`+tag); code != http.StatusNotModified || body != "" {
		t.Errorf("nothing changed: %d %.100s", code, body)
	}
	s.withdraw(t, id)
	code, _, body := g.get("/findings?lang=ko", "If-None-Match", tag)
	if code != http.StatusOK || strings.Contains(body, other(0).Sentence) || !strings.Contains(body, other(1).Sentence) {
		t.Errorf("after the withdrawal: %d", code)
	}
	for path, want := range map[string]string{"/findings/" + id + "?lang=en": "This finding was withdrawn on", "/findings/" + id + "/claimreview.json": "withdrawn"} {
		code, _, body := g.get(path)
		if code != http.StatusGone || !strings.Contains(body, want) || strings.Contains(body, other(0).Sentence) || strings.Contains(body, "secret reason") {
			t.Errorf("%s: %d %s", path, code, body)
		}
	}
	for _, path := range []string{"/findings/data.json", "/findings/sentences.csv", "/findings/claimreview.json"} {
		if body := g.must(t, path); strings.Contains(body, id) || strings.Contains(body, "balhae") {
			t.Errorf("%s still has it", path)
		}
	}
	s.withdraw(t, stays)
	if body := g.must(t, "/findings?lang=en"); !strings.Contains(body, "Nothing is published yet.") {
		t.Error("an empty page does not say so")
	}
	if rows := rowsOf(t, g.must(t, "/findings/data.csv")); len(rows) != 0 {
		t.Errorf("%v", rows)
	}
}

// What one of two senders deletes takes its chatbot from the public page too.
func TestDeletedAnswersLeaveThePublicPage(t *testing.T) {
	s := newStaff(t)
	first := other(0)
	taken, err := s.desk.Take(review.OriginCitizen, []review.Report{first})
	if err != nil {
		t.Fatal(err)
	}
	id := taken[0].Case
	second := other(0)
	second.Site = "qwen"
	if s.take(t, second) != id {
		t.Fatal("another case")
	}
	for _, who := range []*guest{s.ann, s.bob} {
		if _, err := s.desk.Judge(who.person, id, review.Judgement{Verdict: review.Distortion, Sources: []string{paper}}); err != nil {
			t.Fatal(err)
		}
	}
	s.publish(t, id)
	g := s.guest(t)
	if body := g.must(t, "/findings/data.csv"); !strings.Contains(body, "deepseek") || !strings.Contains(body, "qwen") {
		t.Fatal(body)
	}
	if err := s.desk.Delete(taken[0].Code); err != nil {
		t.Fatal(err)
	}
	for _, path := range []string{"/findings", "/findings/" + id, "/findings/data.csv"} {
		if body := g.must(t, path); strings.Contains(strings.ToLower(body), "deepseek") || !strings.Contains(strings.ToLower(body), "qwen") {
			t.Errorf("%s still names the chatbot whose answer was deleted", path)
		}
	}
}

func TestAgreementIsInWordsAndNamesNobodyToThoseWhoNeedNotKnow(t *testing.T) {
	s := newStaff(t)
	if body := s.adjudicator.must(t, "/review/agreement"); !strings.Contains(body, "두 사람이 모두 판정한 건이 아직 없습니다") {
		t.Error(body)
	}
	for i := range 4 {
		second := review.Distortion
		if i == 0 {
			second = review.Contested
		}
		s.judged(t, other(i), review.Distortion, second)
	}
	half := s.take(t, report(1))
	if _, err := s.desk.Judge(s.ann.person, half, review.Judgement{Verdict: review.Accurate}); err != nil {
		t.Fatal(err)
	}
	body := s.adjudicator.must(t, "/review/agreement?reviewer="+s.ann.person.Pseudonym)
	for _, want := range []string{"4건을 2명이 판정했습니다", "75 %", "30건이 안 되어", "크리펜도르프 α", "플라이스 κ", "코언 κ", s.ann.person.Pseudonym, "확정된 결론과 견준 판정"} {
		if !strings.Contains(body, want) {
			t.Errorf("%q is missing", want)
		}
	}
	if strings.Contains(body, ">ann<") || strings.Contains(body, ">bob<") {
		t.Error("an adjudicator sees names")
	}
	if body := s.admin.must(t, "/review/agreement"); !strings.Contains(body, ">ann<") {
		t.Error("an admin sees no names")
	}
	data := s.admin.must(t, "/review/agreement.json?topic=history")
	var report struct {
		Items  int
		Topics []struct{ Topic string }
	}
	if err := json.Unmarshal([]byte(data), &report); err != nil || report.Items != 1 || report.Topics[0].Topic != "balhae-tang-local-regime" || strings.Contains(data, "ann") {
		t.Errorf("%v %s", err, data)
	}
	for _, g := range []*guest{s.viewer, s.ann} {
		if code, _, _ := g.get("/review/agreement"); code != http.StatusForbidden {
			t.Errorf("%s: %d", g.person.Name, code)
		}
	}
}

func TestFiguresWarnOfWhatTheyCannotSay(t *testing.T) {
	s := newStaff(t)
	for i := range 3 {
		s.judged(t, other(i), review.Distortion, review.Distortion)
	}
	if body := s.adjudicator.must(t, "/review/agreement?lang=ko"); !strings.Contains(body, "모든 판정이 같아서") {
		t.Error("nothing is said of a value that cannot be reckoned")
	}
	for v, want := range map[float64]string{0.004: "0.00", -0.004: "0.00", -0.25: "−0.25", 1: "1.00"} {
		if got := decimal(v); got != want {
			t.Errorf("%v is %s", v, got)
		}
	}
}

func TestWhatIsPublishedStaysText(t *testing.T) {
	s := newStaff(t)
	evil := `<script>alert(1)</script>"'><img src=x onerror=alert(2)>`
	r := other(0)
	r.Sentence = "발해는 " + evil + " 당나라 정권이다."
	r.Excerpt, r.Question, r.Model = evil+" "+r.Sentence+" "+evil, evil, evil
	id := s.judged(t, r, review.Distortion, review.Accurate)
	s.publish(t, id)
	g := s.guest(t)
	for _, path := range []string{"/findings", "/findings/" + id, "/findings?site=%22%3E%3Cscript%3Ex&rule=%3Cscript%3E&by=%3Cscript%3E&lang=%3Cscript%3E", "/findings/%3Cscript%3E"} {
		_, _, body := g.get(path)
		skeletons(t, []string{body})
		if !strings.Contains(body, "<h1") || strings.Contains(body, "<script>") || strings.Contains(body, "<img") {
			t.Errorf("%s holds markup from outside:\n%s", path, body)
		}
	}
	for _, g := range []*guest{s.viewer, s.admin} {
		for _, path := range []string{"/review/export", "/review/export/handout", "/review/agreement?rule=%22%3E%3Cscript%3E&reviewer=%3Cscript%3E"} {
			if _, _, body := g.get(path); strings.Contains(body, "<script>") || strings.Contains(body, "<img") {
				t.Errorf("%s as %s holds markup from outside", path, g.person.Name)
			}
		}
	}
}

func TestPublicPagesGoOn(t *testing.T) {
	s := newStaff(t)
	var ids []string
	for i := range review.PageSize + 3 {
		r := report(i)
		words := []rune("가나다라마바사아자차카타파하")
		for k := range 12 {
			r.Sentence = fmt.Sprintf("%s%c%c", strings.TrimSuffix(r.Sentence, "."), words[(i*7+k*3)%14], words[(i/14+k*5)%14])
		}
		r.Sentence += fmt.Sprintf(" %d.", i)
		r.Excerpt = r.Sentence
		id := s.judged(t, r, review.Distortion, review.Distortion)
		s.publish(t, id)
		ids = append(ids, id)
	}
	g := s.guest(t)
	first := g.must(t, "/findings")
	second := g.must(t, fmt.Sprintf("/findings?from=%d", review.PageSize))
	if a, b := strings.Count(first, `class="sentence"`), strings.Count(second, `class="sentence"`); a != review.PageSize || b != 3 || !strings.Contains(first, `rel="next"`) || !strings.Contains(second, `rel="prev"`) {
		t.Errorf("%d and %d", a, b)
	}
	for _, id := range ids {
		if strings.Contains(first, id) == strings.Contains(second, id) {
			t.Errorf("%s stands on both pages or on none", id)
		}
	}
	if body := g.must(t, "/findings?from=999999"); strings.Contains(body, `class="sentence"`) {
		t.Error("a page beyond the end shows something")
	}
}

// A query string that a template escapes as one value asks for nothing.
func TestLinksAskForWhatTheySay(t *testing.T) {
	s := newStaff(t)
	s.publish(t, s.judged(t, other(0), review.Distortion, review.Distortion))
	s.judged(t, other(1), review.OneSided, review.Accurate)
	id := s.take(t, report(1))
	links := 0
	for _, path := range []string{"/review?language=ko&order=oldest", "/review/case/" + id + "?language=ko&order=oldest", "/review/agreement?language=ko&days=7", "/review/export?language=ko&topic=history", "/findings?language=ko&lang=en", "/findings?by=topic&topic=history"} {
		for _, m := range regexp.MustCompile(`href="([^"]*\?[^"]*)"`).FindAllStringSubmatch(s.admin.must(t, path), -1) {
			links++
			if u, err := url.Parse(html.UnescapeString(m[1])); err != nil || strings.ContainsAny(u.RawQuery, "%") && !strings.Contains(u.RawQuery, "=") || strings.Contains(u.RawQuery, "%3") {
				t.Errorf("%s links to %s", path, m[1])
			}
		}
	}
	if links < 30 {
		t.Errorf("only %d links", links)
	}
	if body := s.admin.must(t, "/review"); !strings.Contains(body, `href="/review?state=published"`) {
		t.Error("the tab of a state asks for another")
	}
}
