// SPDX-License-Identifier: Apache-2.0

package export

import (
	"encoding/csv"
	"fmt"
	"io"
	"strconv"
	"strings"
	"unicode"

	"haechi/rules"
)

// column is one of the CSV's, with what it holds. The order is a promise: new
// columns go to the end.
type column struct {
	Name, Holds string
	of          func(*Finding) string
}

// Columns documents the CSV: RFC 4180 in UTF-8 with a byte order mark, so that
// spreadsheets read Hangul; times in UTC.
var Columns = []column{
	{"id", "identifies the finding", func(f *Finding) string { return f.ID }},
	{"verdict", "distortion, one-sided, contested, accurate or cannot-judge", func(f *Finding) string { return string(f.Verdict) }},
	{"verdict_ko", "the verdict in Korean", func(f *Finding) string { return f.Verdict.Name("ko") }},
	{"verdict_en", "the verdict in English", func(f *Finding) string { return f.Verdict.Name("en") }},
	{"rule", "id of the rule, which is the topic", func(f *Finding) string { return f.Rule }},
	{"title_ko", "the topic in Korean", func(f *Finding) string { return f.Title["ko"] }},
	{"title_en", "the topic in English", func(f *Finding) string { return f.Title["en"] }},
	{"site", "id of the chatbot's site", func(f *Finding) string { return f.Site }},
	{"chatbot", "name of the chatbot", func(f *Finding) string { return f.Chatbot }},
	{"model", "the chatbot's model, as its site called it", func(f *Finding) string { return f.Model }},
	{"language", "of the answer: ko, en, zh or ja", func(f *Finding) string { return f.Language }},
	{"question", "what the user asked", func(f *Finding) string { return f.Question }},
	{"sentence", "the sentence that was judged", func(f *Finding) string { return f.Sentence }},
	{"excerpt", "the part of the answer around it", func(f *Finding) string { return f.Excerpt }},
	{"correction_ko", "what the evidence says, in Korean", func(f *Finding) string { return f.Correction["ko"] }},
	{"correction_en", "what the evidence says, in English", func(f *Finding) string { return f.Correction["en"] }},
	{"note", "the reviewers' reason", func(f *Finding) string { return f.Note }},
	{"sources", "one a line: title | publisher | year | address", func(f *Finding) string { return sources(f.Sources) }},
	{"reviewers", "pseudonyms, separated by \"; \"", func(f *Finding) string { return strings.Join(f.Reviewers, "; ") }},
	{"received", "when the answer was sent in", func(f *Finding) string { return moment(f.Received) }},
	{"judged", "when the verdict was settled", func(f *Finding) string { return moment(f.Judged) }},
	{"published", "when it was published", func(f *Finding) string { return moment(f.Published) }},
	{"link", "where the answer can be seen", func(f *Finding) string { return f.Link }},
	{"rules_sequence", "sequence of the rule release", func(f *Finding) string { return number(f.RulesSequence) }},
	{"rules_hash", "hash of that release's pack", func(f *Finding) string { return f.RulesHash }},
	{"classifier", "version of the classifier", func(f *Finding) string { return f.Classifier }},
}

// byteOrderMark tells spreadsheets that the file is UTF-8.
const byteOrderMark = "\ufeff"

// CSV writes one row a finding under a row of names, which is there without
// findings too. Cells that a spreadsheet would run as a formula begin with an
// apostrophe; the JSONL has every text as it was.
func CSV(w io.Writer, findings Findings) error {
	t, err := newTable(w)
	if err != nil {
		return err
	}
	row := make([]string, len(Columns))
	for i, c := range Columns {
		row[i] = c.Name
	}
	if err := t.write(row); err != nil {
		return err
	}
	for f, err := range findings {
		if err != nil {
			return err
		}
		for i, c := range Columns {
			row[i] = c.of(&f)
		}
		if err := t.write(row); err != nil {
			return err
		}
	}
	return t.end()
}

// table writes rows whose cells are guarded.
type table struct{ csv *csv.Writer }

func newTable(w io.Writer) (*table, error) {
	if _, err := io.WriteString(w, byteOrderMark); err != nil {
		return nil, fmt.Errorf("export: csv: %w", err)
	}
	c := csv.NewWriter(w)
	c.UseCRLF = true
	return &table{c}, nil
}

// write spoils the row.
func (t *table) write(row []string) error {
	for i, cell := range row {
		row[i] = guard(cell)
	}
	if err := t.csv.Write(row); err != nil {
		return fmt.Errorf("export: csv: %w", err)
	}
	return nil
}

func (t *table) end() error {
	t.csv.Flush()
	if err := t.csv.Error(); err != nil {
		return fmt.Errorf("export: csv: %w", err)
	}
	return nil
}

// guard keeps a cell from being a formula: what begins with = + - @ or | (their
// full-width forms too, which East Asian spreadsheets take), behind any blanks
// and apostrophes, gets one apostrophe more. Taking one off such a cell gives the
// text again. Control characters, which no text needs, are dropped.
func guard(cell string) string {
	cell = strings.ReplaceAll(strings.ToValidUTF8(cell, "\ufffd"), "\r\n", "\n")
	cell = strings.Map(func(r rune) rune {
		switch {
		case r == '\r':
			return '\n'
		case r == '\n' || r == '\t':
			return r
		case unicode.IsControl(r) || r == '\ufeff':
			return -1
		}
		return r
	}, cell)
	rest := strings.TrimLeftFunc(cell, func(r rune) bool { return unicode.IsSpace(r) || r == '\'' || unicode.Is(unicode.Cf, r) })
	for _, r := range rest {
		if strings.ContainsRune("=+-@|＝＋－＠｜−﹢﹣﹦﹫", r) {
			return "'" + cell
		}
		break
	}
	if strings.HasPrefix(cell, "\t") || strings.HasPrefix(cell, "\n") {
		return "'" + cell
	}
	return cell
}

func sources(all []rules.Source) string {
	lines := make([]string, len(all))
	for i, s := range all {
		parts := []string{s.Title}
		if s.Publisher != "" {
			parts = append(parts, s.Publisher)
		}
		if s.Year != 0 {
			parts = append(parts, strconv.Itoa(s.Year))
		}
		if s.URL != "" {
			parts = append(parts, s.URL)
		}
		lines[i] = strings.Join(parts, " | ")
	}
	return strings.Join(lines, "\n")
}

func number(n uint64) string {
	if n == 0 {
		return ""
	}
	return strconv.FormatUint(n, 10)
}
