// SPDX-License-Identifier: Apache-2.0

package main

import (
	"bufio"
	"context"
	"encoding/json"
	"fmt"
	"os"
	"os/exec"
	"path/filepath"
	"regexp"
	"strings"
	"sync"
	"syscall"
	"testing"
	"time"

	"golang.org/x/mod/sumdb/note"

	"haechi/rules"
	"haechi/rules/trust"
	"haechi/rules/trust/trusttest"
)

// binary builds the command as a user would.
func binary(t *testing.T) string {
	t.Helper()
	file := filepath.Join(t.TempDir(), "haechi")
	if out, err := exec.Command("go", "build", "-o", file, ".").CombinedOutput(); err != nil {
		t.Fatalf("go build: %v\n%s", err, out)
	}
	return file
}

// process is a running "haechi serve".
type process struct {
	cmd  *exec.Cmd
	url  string
	done chan error // gets what Wait returned

	mu   sync.Mutex
	said []string // the last lines of its log
}

// note keeps a line for whoever asks why a test failed.
func (p *process) note(line string) {
	p.mu.Lock()
	defer p.mu.Unlock()
	if p.said = append(p.said, line); len(p.said) > 40 {
		p.said = p.said[1:]
	}
}

func (p *process) lastWords() string {
	p.mu.Lock()
	defer p.mu.Unlock()
	return strings.Join(p.said, "\n")
}

var listening = regexp.MustCompile(`msg=listening addr=(\S+)`)

// serveBinary starts the command in dir, with more flags.
func serveBinary(t *testing.T, file, dir string, flags ...string) *process {
	t.Helper()
	p := &process{cmd: exec.Command(file, append([]string{"serve", "--addr", "127.0.0.1:0", "--no-gate"}, flags...)...), done: make(chan error, 1)}
	p.cmd.Dir = dir
	logs, err := p.cmd.StderrPipe()
	if err != nil {
		t.Fatal(err)
	}
	if err := p.cmd.Start(); err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { p.cmd.Process.Kill() })
	addr := make(chan string, 1)
	go func() {
		for lines := bufio.NewScanner(logs); lines.Scan(); {
			p.note(lines.Text())
			if m := listening.FindStringSubmatch(lines.Text()); m != nil {
				addr <- m[1]
			}
		}
		p.done <- p.cmd.Wait()
	}()
	select {
	case a := <-addr:
		p.url = "http://" + a
	case err := <-p.done:
		t.Fatalf("the server ended: %v\n%s", err, p.lastWords())
	case <-time.After(patience):
		t.Fatal("the server does not listen")
	}
	return p
}

// end signals the process and returns its exit code, -1 for a killed one.
func (p *process) end(t *testing.T, signal os.Signal) int {
	t.Helper()
	if err := p.cmd.Process.Signal(signal); err != nil {
		t.Fatal(err)
	}
	select {
	case <-p.done:
	case <-time.After(patience):
		t.Fatal("the server does not end")
	}
	return p.cmd.ProcessState.ExitCode()
}

// TestBinaryServesAndPushes is the whole way as its users go it: keys, serve,
// push, a client, SIGTERM. What SIGKILL does is in crash_test.go.
func TestBinaryServesAndPushes(t *testing.T) {
	if testing.Short() {
		t.Skip("builds the binary")
	}
	file, dir := binary(t), t.TempDir()
	haechi := func(args ...string) (string, error) {
		ctx, cancel := context.WithTimeout(context.Background(), patience)
		defer cancel()
		cmd := exec.CommandContext(ctx, file, args...)
		cmd.Dir = dir
		out, err := cmd.CombinedOutput()
		return string(out), err
	}
	must := func(args ...string) string {
		t.Helper()
		out, err := haechi(args...)
		if err != nil {
			t.Fatalf("haechi %s: %v\n%s", strings.Join(args, " "), err, out)
		}
		return out
	}
	write := func(name string, data []byte) {
		t.Helper()
		if err := os.WriteFile(filepath.Join(dir, name), data, 0o600); err != nil {
			t.Fatal(err)
		}
	}
	root3 := []string{"keys", "root"}
	for i := range 3 {
		name := fmt.Sprintf("maintainer-%d", i+1)
		root3 = append(root3, strings.TrimSpace(must("keys", "new", "--out", "dist/keys/"+name+".key", "--name", name)))
	}
	write("dist/trust.json", []byte(must(root3...)))
	online := strings.TrimSpace(must("keys", "new", "--out", "dist/keys/online.key", "--name", "online"))
	write("dist/keys/online.note", []byte(must("keys", "lend", online, "--key", "dist/keys/maintainer-1.key", "--key", "dist/keys/maintainer-3.key")))
	rootFile, err := os.ReadFile(filepath.Join(dir, "dist/trust.json"))
	if err != nil {
		t.Fatal(err)
	}
	root, err := trust.ParseRoot(rootFile)
	if err != nil {
		t.Fatal(err)
	}
	write("x.json", rules.Format(trusttest.Rule("x")))
	baseline, err := rules.ParsePack([]byte(must("rules", "pack")))
	if err != nil {
		t.Fatal(err)
	}

	p := serveBinary(t, file, dir)
	c := &citizen{root: root, now: time.Now, state: trust.State{Pack: baseline}}
	if err := c.connect(t.Context(), p.url); err != nil {
		t.Fatal(err)
	}
	if err := p.cmd.Process.Signal(syscall.SIGHUP); err != nil { // asks for new certificates; here there are none
		t.Fatal(err)
	}
	if out := must("rules", "push", "x.json", "--server", p.url); !strings.Contains(out, "published sequence 1") || !strings.Contains(out, "+ x") {
		t.Errorf("push: %s", out)
	}
	if err := c.follow(1); err != nil || c.state.Pack.Rule("x") == nil {
		t.Errorf("the client: %v", err)
	}
	if code := p.end(t, syscall.SIGTERM); code != 0 {
		t.Errorf("SIGTERM: exit code %d", code)
	}
	if err := c.follow(2); err == nil || err.Error() != "bye restart" {
		t.Errorf("SIGTERM: the client got %v, want bye restart", err)
	}
}

// The key that "keys new" writes is a note key, and the root holds its verifier.
func TestKeysFitTogether(t *testing.T) {
	dir := t.TempDir()
	var out, errs strings.Builder
	file := filepath.Join(dir, "k")
	if code := runKeysNew([]string{"--out", file}, nil, &out, &errs); code != exitDone {
		t.Fatalf("%d %s", code, errs.String())
	}
	signer, err := readSigner(file)
	if err != nil {
		t.Fatal(err)
	}
	root, _ := json.Marshal(trust.Root{Version: 1, Threshold: 1, Keys: []string{strings.TrimSpace(out.String())}})
	parsed, err := trust.ParseRoot(root)
	if err != nil {
		t.Fatal(err)
	}
	msg, err := trust.Sign(trusttest.Release(1, nil, trusttest.Pack(t, "a")), []note.Signer{signer}...)
	if err != nil {
		t.Fatal(err)
	}
	if _, err := trust.Open(msg, parsed); err != nil {
		t.Error(err)
	}
}
