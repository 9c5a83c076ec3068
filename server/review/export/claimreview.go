// SPDX-License-Identifier: Apache-2.0

package export

import (
	"bufio"
	"encoding/json"
	"fmt"
	"io"
	"net/url"
	"strconv"
	"strings"
)

// Publisher is who answers for the published findings.
type Publisher struct {
	Name string
	URL  string // of the public page; a finding's own is this with "/" and its page
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
	Type       string    `json:"@type"`
	Author     *thing    `json:"author,omitempty"` // the company: schema.org takes no software as an author
	InLanguage string    `json:"inLanguage,omitempty"`
	Appearance *creative `json:"appearance,omitempty"`
}

type creative struct {
	Type          string    `json:"@type"`
	Name          string    `json:"name,omitempty"`
	Text          string    `json:"text,omitempty"`
	URL           string    `json:"url,omitempty"`
	InLanguage    string    `json:"inLanguage,omitempty"`
	DatePublished string    `json:"datePublished,omitempty"`
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

// ClaimReviews writes schema.org JSON-LD of the findings that are published and
// say something about their claim; others are left out. <, > and & are escaped,
// so that it may stand inside a script element.
func ClaimReviews(w io.Writer, findings Findings, by Publisher) error {
	if by.Name == "" || web(by.URL) == "" {
		return fmt.Errorf("export: claim reviews need the publisher's name and the http address of the public page")
	}
	out := bufio.NewWriter(w)
	out.WriteString("{\n  \"@context\": \"https://schema.org\",\n  \"@graph\": [")
	separator := "\n    "
	for f, err := range findings {
		if err != nil {
			return err
		}
		if rating[f.Verdict] == 0 || f.Published.IsZero() || f.Sentence == "" {
			continue
		}
		b, err := json.MarshalIndent(review(&f, by), "    ", "  ")
		if err != nil {
			return fmt.Errorf("export: claim reviews: %w", err)
		}
		out.WriteString(separator)
		out.Write(b)
		separator = ",\n    "
	}
	if separator[0] == ',' { // there was one
		out.WriteString("\n  ")
	}
	out.WriteString("]\n}\n")
	if err := out.Flush(); err != nil { // the first error of all that was written
		return fmt.Errorf("export: claim reviews: %w", err)
	}
	return nil
}

func review(f *Finding, by Publisher) claimReview {
	at := strings.TrimSuffix(by.URL, "/") + "/" + url.PathEscape(f.Page)
	id := at + "#" + url.PathEscape(f.Site)
	body, lang := f.Correction["ko"], "ko"
	if body == "" && f.Correction["en"] != "" {
		body, lang = f.Correction["en"], "en"
	}
	answer := &creative{Type: "CreativeWork", Text: f.Excerpt, URL: web(f.Link), InLanguage: f.Language}
	if answer.Text == "" {
		answer.Text = f.Sentence
	}
	if f.chatbot() != "" {
		answer.IsPartOf = &creative{Type: "WebApplication", Name: f.chatbot()}
	}
	r := claimReview{
		Type: "ClaimReview", ID: id, URL: at, DatePublished: day(f.Published), InLanguage: lang,
		Author:        thing{Type: "Organization", Name: by.Name, URL: by.URL},
		ClaimReviewed: f.Sentence,
		ItemReviewed:  claim{Type: "Claim", InLanguage: f.Language, Appearance: answer},
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
