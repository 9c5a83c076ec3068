// SPDX-License-Identifier: Apache-2.0

package main

import (
	"bytes"
	"fmt"
	"os"
	"path/filepath"
	"strings"
	"testing"
	"time"

	desklog "haechi/server/review/audit"
)

func TestAnExportedAuditLogIsVerified(t *testing.T) {
	var lines [][]byte
	var head desklog.Head
	for i := range 5 {
		e, line, err := head.Next(time.Unix(int64(i), 0), "R001", "judged", fmt.Sprint("case", i), nil)
		if err != nil {
			t.Fatal(err)
		}
		lines, head = append(lines, line), e.Head()
	}
	whole := string(bytes.Join(lines, []byte("\n"))) + "\n"
	known := fmt.Sprintf("%d:%s", head.Sequence, head.Hash)
	file := filepath.Join(t.TempDir(), "audit.jsonl")
	for name, c := range map[string]struct {
		content, head string
		code          int
		says          string
	}{
		"intact":             {whole, "", exitDone, "5 entries, none changed, taken out or put in; head " + known},
		"intact with a head": {whole, known, exitDone, "5 entries"},
		"changed":            {strings.Replace(whole, "case2", "case9", 1), "", exitFailed, "audit.jsonl: line 3: "},
		"one taken out":      {strings.Replace(whole, string(lines[1])+"\n", "", 1), "", exitFailed, "audit.jsonl: line 2: "},
		"cut off":            {strings.TrimSuffix(whole, string(lines[4])+"\n"), known, exitFailed, "line 5: the log ends before entry 5"},
		"cut off unnoticed":  {strings.TrimSuffix(whole, string(lines[4])+"\n"), "", exitDone, "4 entries"},
		"torn":               {whole[:len(whole)-9], "", exitFailed, "export the log again"},
		"no head":            {whole, "5", exitUsage, "NUMBER:HASH"},
	} {
		if err := os.WriteFile(file, []byte(c.content), 0o600); err != nil {
			t.Fatal(err)
		}
		args := []string{"verify", "--audit", file}
		if c.head != "" {
			args = append(args, "--head", c.head)
		}
		var out bytes.Buffer
		if code := runLog(args, nil, &out, &out); code != c.code || !strings.Contains(out.String(), c.says) {
			t.Errorf("%s: %d %s", name, code, out.String())
		}
	}
	var out bytes.Buffer
	for _, args := range [][]string{{"verify", "--head", known}, {"verify", "--audit", file, "--seen", file}} {
		if code := runLog(args, nil, &out, &out); code != exitUsage {
			t.Errorf("%v: %d", args, code)
		}
	}
}
