// SPDX-License-Identifier: Apache-2.0

package review

import (
	"bufio"
	"bytes"
	"encoding/csv"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"strconv"
	"strings"
)

// Limits of a collection that a class brings in one file.
const (
	MaxCollection = 4 << 20 // bytes
	MaxLines      = 5000
)

// Line is one answer of a collection, with the line that it begins on.
type Line struct {
	Number int
	Report Report
	Err    error // an *Invalid: it is not even readable
}

// columns names the fields of a report as teachers name the columns of a table.
var columns = map[string]string{
	"excerpt": "excerpt", "answer": "excerpt", "답변": "excerpt", "응답": "excerpt",
	"sentence": "sentence", "문장": "sentence",
	"question": "question", "질문": "question",
	"site": "site", "chatbot": "site", "챗봇": "site", "사이트": "site",
	"language": "language", "lang": "language", "언어": "language",
	"rule": "rule", "규칙": "rule",
	"proposition": "proposition", "verdict": "verdict", "score": "score", "model": "model", "모델": "model",
}

// ReadCollection reads answers from JSONL, where each line is a Report, or from
// CSV, whose first line names the columns. Which it is the first character
// says. Site and language stand for those that a line does not name.
func ReadCollection(data []byte, site, language string) ([]Line, error) {
	if len(data) > MaxCollection {
		return nil, invalid("file", "large", "at most 4 MiB")
	}
	data = bytes.TrimSpace(bytes.TrimPrefix(data, []byte("\uFEFF")))
	if len(data) == 0 {
		return nil, invalid("file", "empty", "it is empty")
	}
	read := readCSV
	if data[0] == '{' {
		read = readJSONL
	}
	lines, err := read(data)
	for i := range lines {
		if r := &lines[i].Report; r.Site == "" {
			r.Site = site
		}
		if r := &lines[i].Report; r.Language == "" {
			r.Language = language
		}
	}
	return lines, err
}

func readJSONL(data []byte) (out []Line, err error) {
	in := bufio.NewScanner(bytes.NewReader(data))
	in.Buffer(nil, MaxCollection+1)
	for n := 1; in.Scan(); n++ {
		if len(bytes.TrimSpace(in.Bytes())) == 0 {
			continue
		}
		if len(out) == MaxLines {
			return nil, invalid("file", "lines", "at most 5000 answers")
		}
		l := Line{Number: n}
		var fields struct {
			Report
			Answer string `json:"answer"` // as teachers call the excerpt
		}
		if err := json.Unmarshal(in.Bytes(), &fields); err != nil {
			l.Err = invalid("line", "json", "no JSON object with the fields of a report")
		}
		l.Report = fields.Report
		if l.Report.Excerpt == "" {
			l.Report.Excerpt = fields.Answer
		}
		out = append(out, l)
	}
	return out, in.Err()
}

func readCSV(data []byte) (out []Line, err error) {
	in := csv.NewReader(bytes.NewReader(data))
	in.FieldsPerRecord = -1
	in.LazyQuotes = true
	head, err := in.Read()
	if err != nil {
		return nil, invalid("file", "csv", "the first line names no columns")
	}
	if len(head) == 1 && strings.ContainsAny(head[0], ";\t") { // as spreadsheets write it in some countries
		in = csv.NewReader(bytes.NewReader(data))
		in.FieldsPerRecord, in.LazyQuotes, in.Comma = -1, true, ';'
		if strings.Contains(head[0], "\t") {
			in.Comma = '\t'
		}
		if head, err = in.Read(); err != nil {
			return nil, invalid("file", "csv", "the first line names no columns")
		}
	}
	fields := make([]string, len(head))
	known := false
	for i, h := range head {
		fields[i] = columns[strings.ToLower(strings.TrimSpace(h))]
		known = known || fields[i] == "excerpt" || fields[i] == "sentence"
	}
	if !known {
		return nil, invalid("file", "columns", "no column is named excerpt, answer or sentence")
	}
	for {
		record, err := in.Read()
		if errors.Is(err, io.EOF) {
			return out, nil
		}
		if err != nil {
			return nil, invalid("file", "csv", fmt.Sprint(err))
		}
		if len(out) == MaxLines {
			return nil, invalid("file", "lines", "at most 5000 answers")
		}
		number, _ := in.FieldPos(0)
		l := Line{Number: number}
		for i, value := range record {
			if i < len(fields) {
				l.set(fields[i], value)
			}
		}
		out = append(out, l)
	}
}

func (l *Line) set(field, value string) {
	r := &l.Report
	into := map[string]*string{
		"excerpt": &r.Excerpt, "sentence": &r.Sentence, "question": &r.Question, "site": &r.Site, "language": &r.Language,
		"rule": &r.Rule, "proposition": &r.Proposition, "verdict": &r.Verdict, "model": &r.Model,
	}
	if p := into[field]; p != nil {
		*p = value
	}
	if field == "score" && strings.TrimSpace(value) != "" {
		score, err := strconv.ParseFloat(strings.TrimSpace(value), 64)
		if err != nil {
			l.Err = invalid("score", "range", "give a number from 0 to 1")
		}
		r.Score = score
	}
}
