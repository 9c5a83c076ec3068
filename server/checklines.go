// SPDX-License-Identifier: Apache-2.0

package main

import (
	"bufio"
	"bytes"
	"cmp"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"math"
	"runtime"
	"sync"
	"unicode/utf8"

	"haechi/wasm/abi"
	"haechi/wasm/detect"
)

// lineIn and lineOut are the JSONL contract.
type lineIn struct {
	ID       json.RawMessage `json:"id"`
	Text     *string         `json:"text"`
	Question string          `json:"question"`
}

type lineOut struct {
	ID       json.RawMessage `json:"id"`
	Findings []abi.Finding   `json:"findings"`
}

type lineError struct {
	ID    json.RawMessage `json:"id"`
	Error string          `json:"error"`
}

// maxAhead is how many lines are read while earlier ones are judged.
const maxAhead = 256

// lineJob is one line on its way to its answer.
type lineJob struct {
	line    []byte
	tooLong bool
	answer  chan any
}

// checkLines answers each line in order, a bad one with its error, and judges
// as many at once as there are cores.
func checkLines(c checker, tiers string, in io.Reader, out io.Writer) error {
	jobs, inOrder := make(chan *lineJob), make(chan *lineJob, maxAhead)
	var workers sync.WaitGroup
	defer workers.Wait()
	work := func(c checker) {
		for j := range jobs {
			j.answer <- checkLine(c, tiers, j.line, j.tooLong)
		}
	}
	workers.Go(func() { work(c) })
	for range runtime.GOMAXPROCS(0) - 1 {
		if more := c.fork(); more != nil {
			workers.Go(func() { defer more.close(); work(more) })
		}
	}
	written := make(chan error, 1)
	go func() { written <- writeLines(inOrder, out) }()
	read := readLines(in, func(j *lineJob) {
		inOrder <- j
		jobs <- j
	})
	close(jobs)
	close(inOrder)
	if err := <-written; err != nil {
		return fmt.Errorf("write: %w", err)
	}
	if read != nil {
		return fmt.Errorf("read: %w", read)
	}
	return nil
}

// readLines passes each line on that is not empty.
func readLines(in io.Reader, pass func(*lineJob)) error {
	r := bufio.NewReaderSize(in, 1<<16)
	for {
		line, tooLong, err := readLine(r)
		if len(bytes.TrimSpace(line)) > 0 || tooLong {
			pass(&lineJob{line, tooLong, make(chan any, 1)})
		}
		if errors.Is(err, io.EOF) {
			return nil
		}
		if err != nil {
			return err
		}
	}
}

// writeLines writes the answers as they come. After an error it only takes
// the rest, so that nobody waits for it.
func writeLines(jobs <-chan *lineJob, out io.Writer) error {
	w := bufio.NewWriter(out)
	e := json.NewEncoder(w)
	e.SetEscapeHTML(false)
	var failed error
	for j := range jobs {
		answer := <-j.answer
		if failed != nil {
			continue
		}
		failed = e.Encode(answer)
		if failed == nil && len(jobs) == 0 { // whoever feeds us line by line waits for this
			failed = w.Flush()
		}
	}
	return cmp.Or(failed, w.Flush())
}

// readLine reads to the end of a line and keeps at most maxLine of it.
func readLine(r *bufio.Reader) (line []byte, tooLong bool, err error) {
	for {
		part, err := r.ReadSlice('\n')
		if len(line)+len(part) > maxLine {
			tooLong = true
		} else {
			line = append(line, part...)
		}
		if !errors.Is(err, bufio.ErrBufferFull) {
			return line, tooLong, err
		}
	}
}

func checkLine(c checker, tiers string, line []byte, tooLong bool) any {
	null := json.RawMessage("null")
	if tooLong {
		return lineError{null, fmt.Sprintf("line of more than %d bytes", maxLine)}
	}
	if !utf8.Valid(line) {
		return lineError{null, "line is not UTF-8"}
	}
	in := lineIn{}
	if err := json.Unmarshal(line, &in); err != nil {
		return lineError{orNull(in.ID), "not a JSON object of the form {\"id\",\"text\",\"question\"?}: " + err.Error()}
	}
	if in.Text == nil {
		return lineError{orNull(in.ID), "text is missing"}
	}
	fs, err := c.check(detect.Request{Text: *in.Text, Question: in.Question, Tiers: tiers})
	if err != nil {
		return lineError{orNull(in.ID), err.Error()}
	}
	for i := range fs {
		fs[i].Score = math.Round(fs[i].Score*1e4) / 1e4
		for k, p := range fs[i].Stance {
			fs[i].Stance[k] = math.Round(p*1e4) / 1e4
		}
	}
	if fs == nil {
		fs = []abi.Finding{}
	}
	return lineOut{orNull(in.ID), fs}
}

func orNull(id json.RawMessage) json.RawMessage {
	if len(id) == 0 {
		return json.RawMessage("null")
	}
	return id
}
