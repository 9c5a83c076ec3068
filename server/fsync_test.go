// SPDX-License-Identifier: Apache-2.0

package main

import (
	"errors"
	"os"
	"os/exec"
	"path/filepath"
	"strconv"
	"strings"
	"sync"
	"syscall"
	"testing"
	"time"

	"haechi/server/publish"
)

// fsyncs is how often the disk fails; HAECHI_FSYNCS says another number.
const fsyncs = 3

// TestServerSurvivesFailedSyncs lets the kernel answer every msync, fsync and
// fdatasync of the built server with EIO, as a disk that fails does, while two
// publishers race and a client follows. The server must end by itself with an
// error: after a failed sync nobody knows what is on the disk. After each
// restart the same holds as after a kill.
func TestServerSurvivesFailedSyncs(t *testing.T) {
	if testing.Short() {
		t.Skip("builds the binary")
	}
	n := int(fromEnv(t, "HAECHI_FSYNCS", fsyncs))
	file, dir := binary(t), t.TempDir()
	c := newCrashes(t, dir)
	for failure := range n {
		p := serveBinary(t, file, dir)
		if err := c.inspect(p.url); err != nil {
			t.Fatalf("after failure %d: %v", failure, err)
		}
		if err := c.liveUntilSyncFails(t, p); err != nil {
			t.Fatalf("failure %d: %v", failure+1, err)
		}
		if code := p.cmd.ProcessState.ExitCode(); code != exitFailed {
			t.Fatalf("failure %d: the server ended with %d", failure+1, code)
		}
	}
	p := serveBinary(t, file, dir)
	if err := c.inspect(p.url); err != nil {
		t.Fatalf("after the last failure: %v", err)
	}
	p.end(t, syscall.SIGTERM)
	if err := c.inspectStore(filepath.Join(dir, "data", "store")); err != nil {
		t.Error(err)
	}
	if len(c.acknowledged) == 0 {
		t.Error("nothing was published before the disk failed")
	}
	t.Logf("%d releases, %d of them acknowledged, %d failures", c.releases, len(c.acknowledged), n)
}

// liveUntilSyncFails publishes to a server and follows it; once something was
// acknowledged its syncs begin to fail, and it returns when the server is gone.
func (c *crashes) liveUntilSyncFails(t *testing.T, p *process) error {
	t.Helper()
	before := len(c.acknowledged)
	var all sync.WaitGroup
	errs := make([]error, publishers+1)
	if err := c.client.connect(t.Context(), p.url); err != nil {
		return err
	}
	all.Go(func() { errs[publishers] = c.client.followUntilCut() })
	for i := range publishers {
		all.Go(func() { errs[i] = c.publish(p.url, "sync-"+strconv.Itoa(i)) })
	}
	published := func() bool {
		c.mu.Lock()
		defer c.mu.Unlock()
		return len(c.acknowledged) > before
	}
	for deadline := time.Now().Add(patience); !published() && time.Now().Before(deadline); {
		time.Sleep(10 * time.Millisecond)
	}
	detach := failSyncs(t, p.cmd.Process)
	select {
	case <-p.done:
	case <-time.After(patience):
		p.cmd.Process.Kill()
		errs = append(errs, errors.New("the server goes on although its disk takes nothing"))
	}
	detach()
	all.Wait()
	c.client.conn.Close()
	var refusal *publish.Refusal
	for i, err := range errs {
		if errors.As(err, &refusal) && refusal.Code == "broken" {
			errs[i] = nil // the publisher is told, and may push again
		}
	}
	return errors.Join(errs...)
}

// failSyncs makes every sync of a process fail from when it returns, and skips
// the test where that cannot be done.
func failSyncs(t *testing.T, p *os.Process) (detach func()) {
	t.Helper()
	strace, err := exec.LookPath("strace")
	if err != nil {
		t.Skip("needs strace, to let syncs fail")
	}
	const syncs = "msync,fsync,fdatasync"
	trace := filepath.Join(t.TempDir(), "trace")
	cmd := exec.Command(strace, "-f", "-o", trace, "-e", "trace="+syncs, "-e", "inject="+syncs+":error=EIO", "-p", strconv.Itoa(p.Pid))
	var said strings.Builder
	cmd.Stderr = &said
	if err := cmd.Start(); err != nil {
		t.Fatal(err)
	}
	ended := make(chan struct{})
	go func() { cmd.Wait(); close(ended) }()
	for deadline := time.Now().Add(patience); ; time.Sleep(10 * time.Millisecond) {
		if data, _ := os.ReadFile(trace); strings.Contains(string(data), "(INJECTED)") {
			break
		}
		select {
		case <-ended:
			if strings.Contains(said.String(), "not permitted") {
				t.Skipf("strace may not trace here: %s", said.String())
			}
			t.Fatalf("strace ended: %s", said.String())
		default:
		}
		if time.Now().After(deadline) {
			t.Fatal("no sync was traced")
		}
	}
	return func() {
		cmd.Process.Signal(os.Interrupt)
		<-ended
	}
}
