// SPDX-License-Identifier: Apache-2.0

package export

import (
	"encoding/json"
	"net/url"
	"regexp"
	"slices"
	"strings"
	"testing"
	"time"
)

// property is what schema.org defines for a property: the types of its values
// (Text, URL, Date, Number or a type of vocabulary) and whether several may
// stand. required is what a consumer of fact checks cannot do without.
type property struct {
	types    []string
	many     bool
	required bool
}

// vocabulary is the part of schema.org (release 29) that fact checks use, with
// what the types inherit: ClaimReview is a Review and a CreativeWork, Claim a
// CreativeWork, Rating an Intangible.
var vocabulary = map[string]map[string]property{
	"ClaimReview": {
		"url":           {types: []string{"URL"}, required: true},
		"datePublished": {types: []string{"Date"}, required: true},
		"inLanguage":    {types: []string{"Text"}},
		"author":        {types: []string{"Organization", "Person"}, required: true},
		"claimReviewed": {types: []string{"Text"}, required: true},
		"itemReviewed":  {types: []string{"Claim"}, required: true},
		"reviewRating":  {types: []string{"Rating"}, required: true},
		"reviewBody":    {types: []string{"Text"}},
		"citation":      {types: []string{"CreativeWork", "Text"}, many: true},
	},
	"Claim": {
		"author":          {types: []string{"Organization", "Person"}},
		"datePublished":   {types: []string{"Date"}},
		"inLanguage":      {types: []string{"Text"}},
		"appearance":      {types: []string{"CreativeWork"}, many: true, required: true},
		"firstAppearance": {types: []string{"CreativeWork"}},
	},
	"Rating": {
		"ratingValue":   {types: []string{"Number", "Text"}, required: true},
		"bestRating":    {types: []string{"Number", "Text"}, required: true},
		"worstRating":   {types: []string{"Number", "Text"}, required: true},
		"alternateName": {types: []string{"Text"}, many: true, required: true},
	},
	"CreativeWork": {
		"name": {types: []string{"Text"}}, "text": {types: []string{"Text"}}, "url": {types: []string{"URL"}},
		"inLanguage": {types: []string{"Text"}}, "datePublished": {types: []string{"Date"}}, "dateCreated": {types: []string{"Date"}},
		"publisher": {types: []string{"Organization", "Person"}}, "isPartOf": {types: []string{"CreativeWork", "URL"}},
	},
	"WebApplication": {"name": {types: []string{"Text"}, required: true}, "url": {types: []string{"URL"}}},
	"Organization":   {"name": {types: []string{"Text"}, required: true}, "url": {types: []string{"URL"}}},
}

// parents of the types that stand in for another.
var parents = map[string]string{"WebApplication": "CreativeWork"}

var date = regexp.MustCompile(`^\d{4}(-\d\d-\d\d)?$`)

func validateReviews(t *testing.T, b []byte) []map[string]any {
	t.Helper()
	var doc struct {
		Context string           `json:"@context"`
		Graph   []map[string]any `json:"@graph"`
	}
	if err := json.Unmarshal(b, &doc); err != nil || doc.Context != "https://schema.org" {
		t.Fatalf("%v, context %q", err, doc.Context)
	}
	for _, r := range doc.Graph {
		if r["@type"] != "ClaimReview" {
			t.Errorf("a %v in the graph", r["@type"])
		}
		for _, p := range problems(r, "ClaimReview") {
			t.Error(p)
		}
	}
	return doc.Graph
}

// problems lists how a node differs from what the vocabulary allows.
func problems(node map[string]any, path string) []string {
	var out []string
	name, _ := node["@type"].(string)
	known, ok := vocabulary[name]
	if !ok {
		return []string{path + ": unknown type " + name}
	}
	for p, def := range known {
		if _, has := node[p]; def.required && !has {
			out = append(out, path+": "+p+" is missing")
		}
	}
	for p, value := range node {
		if strings.HasPrefix(p, "@") {
			continue
		}
		def, ok := known[p]
		if !ok {
			out = append(out, path+": "+name+" has no property "+p)
			continue
		}
		values, list := value.([]any)
		if !list {
			values = []any{value}
		} else if !def.many {
			out = append(out, path+"."+p+" has several values")
		}
		for _, v := range values {
			if node, nested := v.(map[string]any); nested {
				kind, _ := node["@type"].(string)
				if !slices.Contains(def.types, kind) && !slices.Contains(def.types, parents[kind]) {
					out = append(out, path+"."+p+" must not be a "+kind)
				}
				out = append(out, problems(node, path+"."+p)...)
			} else if !slices.ContainsFunc(def.types, func(want string) bool { return is(v, want) }) {
				out = append(out, path+"."+p+" has a wrong value")
			}
		}
	}
	return out
}

// is reports whether a plain value is of a type of schema.org.
func is(v any, want string) bool {
	s, text := v.(string)
	switch want {
	case "Text":
		return text && s != ""
	case "URL":
		u, err := url.Parse(s)
		return text && err == nil && u.Host != ""
	case "Date":
		return text && date.MatchString(s)
	case "Number":
		_, number := v.(float64)
		return number
	}
	return false
}

func TestClaimReviewsAreValid(t *testing.T) {
	contested, cannot, private, bare := kimchi(), kimchi(), kimchi(), kimchi()
	contested.Page, contested.Verdict = "a b/ㄱ", Contested
	cannot.Verdict = CannotJudge
	private.Published = time.Time{}
	bare = Finding{Page: "bare", Verdict: Accurate, Sentence: "김치는 한국 음식이다.", Published: at}
	by := Publisher{Name: "해치", URL: "https://haechi.example/findings"}
	b, err := claimReviews(by, kimchi(), contested, cannot, private, bare)
	if err != nil {
		t.Fatal(err)
	}
	graph := validateReviews(t, b)
	if len(graph) != 3 {
		t.Fatalf("%d reviews, want those of the kimchi, contested and bare findings", len(graph))
	}
	text, _ := json.Marshal(graph[0])
	for _, want := range []string{
		`"alternateName":["왜곡","Distortion"]`, `"ratingValue":1`, `"url":"https://haechi.example/findings/f-1"`,
		`"claimReviewed":"Kimchi is a branch of Chinese paocai."`, `"datePublished":"2026-04-04"`, `"name":"Qwen"`, `"name":"Alibaba Cloud"`,
	} {
		if !strings.Contains(string(text), want) {
			t.Errorf("%s is missing in %s", want, text)
		}
	}
	if graph[1]["@id"] != "https://haechi.example/findings/a%20b%2F%E3%84%B1#qwen" {
		t.Errorf("%v", graph[1]["@id"])
	}
	for _, p := range []Publisher{{}, {Name: "x"}, {Name: "x", URL: "ftp://x.example"}, {Name: "x", URL: "javascript:alert(1)"}} {
		if _, err := claimReviews(p); err == nil {
			t.Errorf("%+v passes", p)
		}
	}
}

// The validator itself must be able to fail.
func TestValidatorFindsWhatIsWrong(t *testing.T) {
	good, err := claimReviews(Publisher{Name: "해치", URL: "https://haechi.example/"}, kimchi())
	if err != nil {
		t.Fatal(err)
	}
	for _, c := range [][2]string{
		{`"claimReviewed"`, `"claimReview"`}, {`"@type": "Rating"`, `"@type": "Claim"`}, {`"ratingValue": 1`, `"ratingValue": true`},
		{`"2026-04-04"`, `"4 April"`}, {`"@type": "Organization"`, `"@type": "WebApplication"`}, {`"https://haechi.example/f-1"`, `"f-1"`},
	} {
		var doc struct {
			Graph []map[string]any `json:"@graph"`
		}
		text := strings.ReplaceAll(string(good), c[0], c[1])
		if err := json.Unmarshal([]byte(text), &doc); err != nil || text == string(good) {
			t.Fatalf("%v: %v", c, err)
		}
		if len(problems(doc.Graph[0], "ClaimReview")) == 0 {
			t.Errorf("%s in place of %s passes", c[1], c[0])
		}
	}
}
