// SPDX-License-Identifier: Apache-2.0

package web

import (
	"fmt"
	"net/http"
	"slices"
	"strings"
	"testing"
	"time"

	"golang.org/x/net/html"

	"haechi/server/oidc"
	"haechi/server/oidc/oidctest"
	"haechi/server/review"
)

// hostile are texts that break out of each place where a text can stand: of an
// element, of an attribute with either quote or none, of what holds raw text, of
// a comment, of an address.
var hostile = []string{
	`<script>alert(1)</script><img src=x onerror=alert(2)>`,
	`"><svg onload=alert(3)><a href="javascript:alert(4)`,
	`'><b onmouseover=alert(5)>x</b><!--`,
	`</textarea></title></option></select></script></style><iframe src=//evil.example>`,
	`javascript:alert(6)//"onfocus=alert(7) autofocus x="`,
	`--><form action=//evil.example><input name=form>{{.Form}}&lt;script&gt;`,
}

// TestNoTextFromOutsideBecomesMarkup puts the same text into each field that can
// come from outside, harmless first and then hostile, and parses the pages as a
// browser does: their elements and attributes must be the same.
func TestNoTextFromOutsideBecomesMarkup(t *testing.T) {
	want := skeletons(t, play(t, "harmless"))
	for _, text := range hostile {
		pages := play(t, text)
		for name, is := range skeletons(t, pages) {
			if is != want[name] {
				t.Errorf("%s with %s: %s", name, text, firstDifference(want[name], is))
			}
		}
		if !strings.Contains(strings.Join(pages, "\n"), html.EscapeString(text)[:12]) {
			t.Errorf("no page showed %s at all", text)
		}
	}
}

func firstDifference(want, is string) string {
	a, b := strings.Split(want, "\n"), strings.Split(is, "\n")
	for i := range max(len(a), len(b)) {
		if i >= len(a) || i >= len(b) || a[i] != b[i] {
			return fmt.Sprintf("element %d is %q, want %q", i, append(b, "")[min(i, len(b))], append(a, "")[min(i, len(a))])
		}
	}
	return ""
}

// skeletons are the elements of pages with the names of their attributes.
func skeletons(t *testing.T, pages []string) map[string]string {
	t.Helper()
	out := map[string]string{}
	for i, page := range pages {
		root, err := html.Parse(strings.NewReader(page))
		if err != nil {
			t.Fatal(err)
		}
		var b strings.Builder
		for n := range root.Descendants() {
			if n.Type == html.CommentNode {
				b.WriteString("comment\n")
			}
			if n.Type != html.ElementNode {
				continue
			}
			var names []string
			for _, a := range n.Attr {
				names = append(names, a.Key)
				switch a.Key {
				case "href", "src", "action", "formaction":
					to := strings.ToLower(strings.TrimSpace(a.Val))
					if !strings.HasPrefix(to, "/") && !strings.HasPrefix(to, "#") && !strings.HasPrefix(to, "https://") && !strings.HasPrefix(to, "http://") || strings.HasPrefix(to, "//") {
						t.Errorf("page %d leads to %q", i, a.Val)
					}
				}
				if strings.HasPrefix(a.Key, "on") || a.Key == "style" {
					t.Errorf("page %d has the attribute %s=%q", i, a.Key, a.Val)
				}
			}
			slices.Sort(names)
			fmt.Fprintf(&b, "%s %v\n", n.Data, names)
		}
		out[fmt.Sprintf("page %d (%s)", i, title(root))] = b.String()
	}
	return out
}

func title(root *html.Node) string {
	for n := range root.Descendants() {
		if n.Data == "title" && n.FirstChild != nil {
			return n.FirstChild.Data
		}
	}
	return ""
}

// play goes through the desk with a text in every field that takes one, and
// returns the pages, the same ones each time.
func play(t *testing.T, text string) (pages []string) {
	t.Helper()
	provider := oidctest.New(t, time.Now)
	client, err := oidc.New(oidc.Config{Issuer: provider.URL, ClientID: oidctest.ClientID, ClientSecret: oidctest.ClientSecret, Name: "학교"})
	if err != nil {
		t.Fatal(err)
	}
	h := newHouseWith(t, client)
	provider.Redirect = h.URL + callbackPath
	show := func(code int, location, body string) {
		t.Helper()
		if !strings.Contains(body, "<h1") {
			t.Fatalf("page %d is none: %d %s %.300s", len(pages), code, location, body)
		}
		pages = append(pages, body)
	}
	must := func(code int, location, body string) {
		t.Helper()
		if code != http.StatusSeeOther {
			t.Fatalf("%d %s %.2000s", code, location, body)
		}
	}
	ann, bob := h.person(t, "ann", review.Reviewer), h.person(t, "bob", review.Reviewer)
	adj, adm := h.person(t, "adj", review.Adjudicator), h.person(t, "adm", review.Admin)
	dense := strings.ReplaceAll(text, " ", "/")
	take := func(r review.Report) string {
		r.Question, r.Model, r.Language = text, text, "ko"
		if r.Site == "" {
			r.Site = "chatgpt"
		}
		return h.take(t, r)
	}
	sentence := text + " 하나의 문장입니다."
	id := take(review.Report{Excerpt: text + " 앞. " + sentence + " 뒤. " + text, Sentence: sentence, Rule: "kimchi-origin-china", Verdict: "framing"})
	take(review.Report{Excerpt: sentence + " 다른 답변. " + text, Sentence: sentence, Rule: "kimchi-origin-china", Site: "deepseek", Verdict: "framing"})
	show(ann.get("/review/case/" + id))
	show(ann.send("/review/case/"+id+"/judge", "verdict", "distortion", "sources", dense, "note", text, "wording", text, "filter", "rule="+dense+"&state="+dense))
	if code, _, body := ann.send("/review/case/"+id+"/draft", "note", text, "wording", text, "sources", dense); code != http.StatusNoContent {
		t.Fatal(code, body)
	}
	show(ann.get("/review/case/" + id + "?skip=" + query("a", text)[2:] + "&done=" + id + "&did=judged"))
	must(ann.send("/review/case/"+id+"/judge", "verdict", "distortion", "sources", "https://example.org/?q="+dense, "note", text, "wording", text))
	must(bob.send("/review/case/"+id+"/judge", "verdict", "accurate", "note", text, "wording", text))
	show(ann.get("/review/case/" + id + "?done=" + id + "&did=judged"))
	show(adj.get("/review/case/" + id))
	show(adj.send("/review/case/"+id+"/adjudicate", "verdict", "one-sided", "sources", dense, "note", text, "wording", text, "revision", "4"))
	revision := func() string {
		c, err := h.desk.Case(adm.person, id)
		if err != nil {
			t.Fatal(err)
		}
		return fmt.Sprint(c.Revision)
	}
	must(adj.send("/review/case/"+id+"/adjudicate", "verdict", "one-sided", "sources", "https://example.org/?q="+dense, "note", text, "wording", text, "revision", revision()))
	must(adm.send("/review/case/"+id+"/publish", "revision", revision()))
	show(adm.get("/review/corpus"))
	show(adm.send("/review/case/"+id+"/sign-off", "revision", revision(), "topic", text, "kind", text, "stage", text))
	must(adm.send("/review/case/"+id+"/decline", "revision", revision(), "note", text))
	show(adm.get("/review/corpus?" + query("stage", "declined", "done", text)))
	must(adm.send("/review/case/"+id+"/sign-off", "revision", revision(), "topic", "kimchi-origin-china", "kind", "asserts/hedged", "question", "1"))
	show(adm.get("/review/corpus?stage=taken"))
	for _, g := range []*guest{ann, adj, adm} {
		show(g.get("/review"))
		show(g.get("/review?" + query("rule", "kimchi-origin-china", "order", text, "mine", "", "assigned", text, "empty", text, "done", id, "did", "published")))
		show(g.get("/review/case/" + id))
	}
	show(adm.get("/review?" + query("rule", text, "state", text, "site", text, "topic", text, "language", text, "outcome", text, "days", text, "from", text)))
	must(adm.send("/review/case/"+id+"/withdraw", "revision", revision(), "reason", text))
	show(ann.get("/review/case/" + id))
	show(ann.send("/review/import", "what", "one", "excerpt", text+text, "sentence", "elsewhere", "question", text, "model", text, "site", text, "language", text, "rule", text))
	show(ann.send("/review/import", "what", "many", "text", "answer,site\n\""+strings.ReplaceAll(text, `"`, `""`)+"\",\"!"+strings.ReplaceAll(text, `"`, `""`)+"\"\n"))
	show(h.guest(t).post("/review/sign-in", "name", text, "password", text, "to", text))
	show(h.guest(t).get("/review/sign-in?" + query("to", "/review?x="+text)))
	show(h.guest(t).post("/review/receipt", "code", text))
	show(adm.send("/review/people/invite", "role", "viewer", "email", text))
	show(adm.send("/review/people/invite", "role", text))
	invitation, err := h.desk.InviteByOperator(review.Viewer)
	if err != nil {
		t.Fatal(err)
	}
	show(h.guest(t).post("/review/join/"+invitation, "name", text, "password", text))
	show(ann.send("/review/me/token", "label", text+strings.Repeat("a", 60), "role", text, "days", text))
	label := []rune(text)[:min(60, len([]rune(text)))]
	code, location, body := ann.send("/review/me/token", "label", string(label), "role", "viewer", "days", "1")
	show(code, location, body)
	show(ann.get("/review/me"))
	show(ann.get("/review/nothing/" + strings.ReplaceAll(query("a", text)[2:], "+", "%20")))
	// What the provider calls somebody, and what comes back with him.
	provider.SignIn(&oidctest.Account{Subject: text, Name: "zz" + text, Email: text, Verified: true})
	guest := h.guest(t)
	show(guest.through(t, "/review/oidc/start?invitation="+invitation))
	show(guest.get("/review/guide?new=1"))
	guest = h.guest(t)
	guest.get("/review/oidc/start")
	show(guest.get(callbackPath + "?" + query("state", text, "code", text, "error", text, "iss", text)))
	show(adm.get("/review/people"))
	show(adm.get("/review/rules"))
	show(adm.get("/review/audit?" + query("last", text, "check", text)))
	return pages
}
