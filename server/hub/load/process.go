// SPDX-License-Identifier: Apache-2.0

package main

import (
	"bufio"
	"context"
	"errors"
	"fmt"
	"io"
	"os"
	"os/exec"
	"regexp"
	"strconv"
	"strings"
	"sync"
	"syscall"
	"time"
)

const (
	startWithin = 30 * time.Second
	stopWithin  = 30 * time.Second
)

// process is a server that runs for the measurement.
type process struct {
	cmd  *exec.Cmd
	addr string // HOST:PORT
	done chan struct{}

	mu        sync.Mutex // guards what the reader of the log writes
	last      string     // line of the log
	announced map[uint64]time.Time
}

// start runs a server and waits until a line of its standard error or output
// says where it listens: the first group of listening.
func start(ctx context.Context, listening *regexp.Regexp, name string, args ...string) (*process, error) {
	p := &process{cmd: exec.Command(name, args...), done: make(chan struct{}), announced: map[uint64]time.Time{}}
	logs, w, err := os.Pipe()
	if err != nil {
		return nil, err
	}
	p.cmd.Stdout, p.cmd.Stderr = w, w
	err = p.cmd.Start()
	w.Close()
	if err != nil {
		logs.Close()
		return nil, err
	}
	addr := make(chan string, 1)
	go func() {
		defer close(p.done)
		defer logs.Close()
		for lines := bufio.NewScanner(logs); lines.Scan(); {
			p.note(lines.Text())
			if m := listening.FindStringSubmatch(lines.Text()); m != nil {
				select {
				case addr <- m[1]:
				default:
				}
			}
		}
		io.Copy(io.Discard, logs) // after a line that is too long
		p.cmd.Wait()
	}()
	select {
	case p.addr = <-addr:
		return p, nil
	case <-p.done:
		return nil, fmt.Errorf("%s ended at once: %s", name, p.lastLine())
	case <-ctx.Done():
		err = ctx.Err()
	case <-time.After(startWithin):
		err = fmt.Errorf("%s does not listen after %v: %s", name, startWithin, p.lastLine())
	}
	p.cmd.Process.Kill()
	return nil, err
}

// announces is the line by which haechi says that a release is on disk and its
// head goes out now.
var announces = regexp.MustCompile(`^time=(\S+) .*msg=announcing sequence=(\d+)`)

func (p *process) note(line string) {
	p.mu.Lock()
	defer p.mu.Unlock()
	p.last = line
	if m := announces.FindStringSubmatch(line); m != nil {
		at, timeErr := time.Parse(time.RFC3339Nano, m[1])
		sequence, err := strconv.ParseUint(m[2], 10, 64)
		if timeErr == nil && err == nil {
			p.announced[sequence] = at
		}
	}
}

// announcedAt is when the server announced a sequence, to the millisecond
// before. The line may still be on its way.
func (p *process) announcedAt(sequence uint64) (time.Time, error) {
	for end := time.Now().Add(startWithin); time.Now().Before(end); time.Sleep(time.Millisecond) {
		p.mu.Lock()
		at, ok := p.announced[sequence]
		p.mu.Unlock()
		if ok {
			return at, nil
		}
	}
	return time.Time{}, fmt.Errorf("the server's log does not announce sequence %d", sequence)
}

func (p *process) lastLine() string {
	p.mu.Lock()
	defer p.mu.Unlock()
	return p.last
}

// stop asks the server to end, and ends it if it does not.
func (p *process) stop() error {
	p.cmd.Process.Signal(syscall.SIGTERM)
	select {
	case <-p.done:
		return nil
	case <-time.After(stopWithin):
		p.cmd.Process.Kill()
		<-p.done
		return errors.New("the server did not end after SIGTERM: " + p.lastLine())
	}
}

// resident is the memory of the process, in KiB.
func (p *process) resident() (int, error) {
	status, err := os.ReadFile(fmt.Sprintf("/proc/%d/status", p.cmd.Process.Pid))
	if err != nil {
		return 0, fmt.Errorf("memory is read from /proc, so this runs on Linux only: %w", err)
	}
	_, rest, _ := strings.Cut(string(status), "VmRSS:")
	rest, _, _ = strings.Cut(rest, "kB")
	kib, err := strconv.Atoi(strings.TrimSpace(rest))
	if err != nil {
		return 0, fmt.Errorf("no VmRSS of process %d", p.cmd.Process.Pid)
	}
	return kib, nil
}

// cpu is the processor time that the process has used. It is what a busy machine
// does not change much.
func (p *process) cpu() (time.Duration, error) {
	stat, err := os.ReadFile(fmt.Sprintf("/proc/%d/stat", p.cmd.Process.Pid))
	if err != nil {
		return 0, err
	}
	_, rest, _ := strings.Cut(string(stat), ") ") // after the name
	fields := strings.Fields(rest)
	if len(fields) < 13 {
		return 0, fmt.Errorf("no processor time of process %d", p.cmd.Process.Pid)
	}
	user, userErr := strconv.Atoi(fields[11])
	system, err := strconv.Atoi(fields[12])
	const tick = 10 * time.Millisecond // the unit of this file on Linux
	return time.Duration(user+system) * tick, errors.Join(userErr, err)
}

// allowFiles raises how many files this process, and with it the servers it
// starts, may have open.
func allowFiles(n int) error {
	var limit syscall.Rlimit
	if err := syscall.Getrlimit(syscall.RLIMIT_NOFILE, &limit); err != nil {
		return err
	}
	limit.Cur = max(limit.Cur, uint64(n))
	limit.Max = max(limit.Max, limit.Cur)
	if err := syscall.Setrlimit(syscall.RLIMIT_NOFILE, &limit); err != nil {
		return fmt.Errorf("%d open files are needed: %w; run \"ulimit -Hn %d\" as root first, or give fewer --clients", n, err, n)
	}
	return nil
}
