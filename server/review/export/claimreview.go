// SPDX-License-Identifier: Apache-2.0

package export

import (
	"encoding/json"
	"fmt"
	"net/url"
	"strconv"
)

// Publisher is who answers for the published findings.
type Publisher struct {
	Name string
	URL  string // of the public page; a finding's own is this with "#" and its id
}

// rating is a verdict on the scale 1 (worst) to 5. A verdict without one is no
// review of a claim.
var rating = map[Verdict]int{Distortion: 1, OneSided: 2, Contested: 3, Accurate: 5}

// The types of schema.org that are used, with the properties that it defines.

type claimReview struct {
	Type          string     `json:"@type"`
	ID            string     `json:"@id,omitempty"`
	URL           string     `json:"url,omitempty"`
	DatePublished string     `json:"datePublished"`
	InLanguage    string     `json:"inLanguage,omitempty"`
	Author        thing      `json:"author"`
	ClaimReviewed string     `json:"claimReviewed"`
	ItemReviewed  claim      `json:"itemReviewed"`
	ReviewRating  reviewMark `json:"reviewRating"`
	ReviewBody    string     `json:"reviewBody,omitempty"`
	Citation      []creative `json:"citation,omitempty"`
}

type claim struct {
	Type          string    `json:"@type"`
	Author        *thing    `json:"author,omitempty"` // the company: schema.org takes no software as an author
	DatePublished string    `json:"datePublished,omitempty"`
	InLanguage    string    `json:"inLanguage,omitempty"`
	Appearance    *creative `json:"appearance,omitempty"`
}

type creative struct {
	Type          string    `json:"@type"`
	Name          string    `json:"name,omitempty"`
	Text          string    `json:"text,omitempty"`
	URL           string    `json:"url,omitempty"`
	InLanguage    string    `json:"inLanguage,omitempty"`
	DatePublished string    `json:"datePublished,omitempty"`
	DateCreated   string    `json:"dateCreated,omitempty"`
	Publisher     *thing    `json:"publisher,omitempty"`
	IsPartOf      *creative `json:"isPartOf,omitempty"`
}

type thing struct {
	Type string `json:"@type"`
	Name string `json:"name"`
	URL  string `json:"url,omitempty"`
}

type reviewMark struct {
	Type          string   `json:"@type"`
	RatingValue   int      `json:"ratingValue"`
	BestRating    int      `json:"bestRating"`
	WorstRating   int      `json:"worstRating"`
	AlternateName []string `json:"alternateName"` // Korean, English
}

// ClaimReviews is schema.org JSON-LD of the findings that are published and say
// something about their claim; others are left out. <, > and & are escaped, so
// that it may stand inside a script element.
func ClaimReviews(findings []Finding, by Publisher) ([]byte, error) {
	if by.Name == "" || web(by.URL) == "" {
		return nil, fmt.Errorf("export: claim reviews need the publisher's name and the http address of the public page")
	}
	graph := []claimReview{}
	for i := range findings {
		f := &findings[i]
		if rating[f.Verdict] == 0 || f.Published.IsZero() || f.Sentence == "" {
			continue
		}
		graph = append(graph, review(f, by))
	}
	b, err := json.MarshalIndent(struct {
		Context string        `json:"@context"`
		Graph   []claimReview `json:"@graph"`
	}{"https://schema.org", graph}, "", "  ")
	if err != nil {
		return nil, fmt.Errorf("export: claim reviews: %w", err)
	}
	return append(b, '\n'), nil
}

func review(f *Finding, by Publisher) claimReview {
	at := by.URL + "#" + url.PathEscape(f.ID)
	body, lang := f.Correction["ko"], "ko"
	if body == "" && f.Correction["en"] != "" {
		body, lang = f.Correction["en"], "en"
	}
	answer := &creative{Type: "CreativeWork", Text: f.Excerpt, URL: web(f.Link), InLanguage: f.Language, DateCreated: day(f.Asked)}
	if answer.Text == "" {
		answer.Text = f.Sentence
	}
	if f.chatbot() != "" {
		answer.IsPartOf = &creative{Type: "WebApplication", Name: f.chatbot()}
	}
	r := claimReview{
		Type: "ClaimReview", ID: at, URL: at, DatePublished: day(f.Published), InLanguage: lang,
		Author:        thing{Type: "Organization", Name: by.Name, URL: by.URL},
		ClaimReviewed: f.Sentence,
		ItemReviewed:  claim{Type: "Claim", DatePublished: day(f.Asked), InLanguage: f.Language, Appearance: answer},
		ReviewRating: reviewMark{
			Type: "Rating", RatingValue: rating[f.Verdict], BestRating: 5, WorstRating: 1,
			AlternateName: []string{f.Verdict.Name("ko"), f.Verdict.Name("en")},
		},
		ReviewBody: body,
	}
	if f.Maker != "" {
		r.ItemReviewed.Author = &thing{Type: "Organization", Name: f.Maker}
	}
	for _, s := range f.Sources {
		c := creative{Type: "CreativeWork", Name: s.Title, URL: web(s.URL), InLanguage: s.Lang}
		if s.Year != 0 {
			c.DatePublished = fmt.Sprintf("%04s", strconv.Itoa(s.Year))
		}
		if s.Publisher != "" {
			c.Publisher = &thing{Type: "Organization", Name: s.Publisher}
		}
		r.Citation = append(r.Citation, c)
	}
	return r
}

// web returns an address if it is a whole http or https one, else nothing.
func web(address string) string {
	u, err := url.Parse(address)
	if err != nil || u.Host == "" || u.Scheme != "https" && u.Scheme != "http" {
		return ""
	}
	return address
}
