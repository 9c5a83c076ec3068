// SPDX-License-Identifier: Apache-2.0

package main

import (
	"errors"
	"fmt"
	"io"
	"net"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"sync"
	"syscall"
	"testing"
	"time"
)

// natsBinary builds the server of the version that go.mod names. It is a
// program beside ours and never linked into it.
var natsBinary = sync.OnceValues(func() (string, error) {
	file, err := filepath.Abs(filepath.Join("..", "dist", "nats-server"))
	if err != nil {
		return "", err
	}
	out, err := exec.Command("go", "build", "-o", file, "github.com/nats-io/nats-server/v2").CombinedOutput()
	if err != nil {
		return "", fmt.Errorf("go build nats-server: %w\n%s", err, out)
	}
	return file, nil
})

// natsServer is a real nats-server process with JetStream.
type natsServer struct {
	name, file, config string
	addr               string // where clients connect
	cmd                *exec.Cmd
	done               chan struct{}
}

// startNATS starts servers that are one JetStream cluster.
func startNATS(t *testing.T, n int) []*natsServer {
	t.Helper()
	file, err := natsBinary()
	if err != nil {
		t.Fatal(err)
	}
	dir := t.TempDir()
	ports := freePorts(t, 2*n)
	var routes []string
	for _, port := range ports[n:] {
		routes = append(routes, fmt.Sprintf("%q", "nats://127.0.0.1:"+port))
	}
	var out []*natsServer
	for i := range n {
		s := &natsServer{name: fmt.Sprintf("nats-%d", i+1), file: file, addr: "127.0.0.1:" + ports[i]}
		s.config = filepath.Join(dir, s.name+".conf")
		text := fmt.Sprintf("server_name: %s\nlisten: %q\nmax_payload: 8MB\njetstream { store_dir: %q, sync_interval: always }\n", s.name, s.addr, filepath.Join(dir, s.name))
		if n > 1 {
			text += fmt.Sprintf("cluster { name: haechi, listen: \"127.0.0.1:%s\", no_advertise: true, routes: [%s] }\n", ports[n+i], strings.Join(routes, ", "))
		}
		if err := os.WriteFile(s.config, []byte(text), 0o600); err != nil {
			t.Fatal(err)
		}
		s.start(t)
		t.Cleanup(s.kill)
		out = append(out, s)
	}
	return out
}

// freePorts are ports of this machine that nobody listened on just now.
func freePorts(t *testing.T, n int) (ports []string) {
	t.Helper()
	for range n {
		l, err := net.Listen("tcp", "127.0.0.1:0")
		if err != nil {
			t.Fatal(err)
		}
		defer l.Close()
		_, port, _ := net.SplitHostPort(l.Addr().String())
		ports = append(ports, port)
	}
	return ports
}

func (s *natsServer) start(t *testing.T) {
	t.Helper()
	s.cmd, s.done = exec.Command(s.file, "-c", s.config), make(chan struct{})
	if err := s.cmd.Start(); err != nil {
		t.Fatal(err)
	}
	cmd, done := s.cmd, s.done
	go func() { cmd.Wait(); close(done) }()
}

// kill is SIGKILL, which works on a stopped process too.
func (s *natsServer) kill() {
	s.cmd.Process.Kill()
	<-s.done
}

// signal stops and continues a server: SIGSTOP and SIGCONT.
func (s *natsServer) signal(t *testing.T, sig syscall.Signal) {
	t.Helper()
	if err := s.cmd.Process.Signal(sig); err != nil {
		t.Fatal(err)
	}
}

// natsLine is a TCP line between a node and one NATS server, which can be cut.
type natsLine struct {
	listener net.Listener
	to       string

	mu    sync.Mutex
	cut   bool
	dumb  bool // while cut, it takes connections and says nothing, as a firewall does
	conns map[net.Conn]bool
}

func newLine(t *testing.T, to string) *natsLine {
	t.Helper()
	listener, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	l := &natsLine{listener: listener, to: to, conns: map[net.Conn]bool{}}
	go l.serve()
	t.Cleanup(func() { listener.Close(); l.set(true, false) })
	return l
}

func (l *natsLine) serve() {
	for {
		conn, err := l.listener.Accept()
		if errors.Is(err, net.ErrClosed) {
			return
		}
		if err != nil {
			continue
		}
		if !l.keep(conn) {
			conn.Close()
			continue
		}
		go l.carry(conn)
	}
}

// keep remembers a connection, so that it ends with the line.
func (l *natsLine) keep(conn net.Conn) bool {
	l.mu.Lock()
	defer l.mu.Unlock()
	if l.cut && !l.dumb {
		return false
	}
	l.conns[conn] = true
	return true
}

func (l *natsLine) carry(conn net.Conn) {
	defer conn.Close()
	l.mu.Lock()
	cut := l.cut
	l.mu.Unlock()
	if cut { // dumb: until it is healed
		io.Copy(io.Discard, conn)
		return
	}
	server, err := net.DialTimeout("tcp", l.to, 5*time.Second)
	if err != nil {
		return
	}
	defer server.Close()
	if !l.keep(server) {
		return
	}
	var both sync.WaitGroup
	for _, way := range [][2]net.Conn{{conn, server}, {server, conn}} {
		both.Go(func() {
			buf := make([]byte, 32<<10)
			for {
				n, err := way[0].Read(buf)
				if err != nil || l.swallows() {
					break
				}
				if _, err := way[1].Write(buf[:n]); err != nil {
					break
				}
			}
			if !l.swallows() {
				conn.Close()
				server.Close()
			}
		})
	}
	both.Wait()
}

// swallows says that nothing may pass, not even the end of a connection.
func (l *natsLine) swallows() bool {
	l.mu.Lock()
	defer l.mu.Unlock()
	return l.cut
}

// set cuts the line or heals it. A dumb cut leaves connections open.
func (l *natsLine) set(cut, dumb bool) {
	l.mu.Lock()
	defer l.mu.Unlock()
	l.cut, l.dumb = cut, dumb
	if !dumb {
		for conn := range l.conns {
			conn.Close()
		}
		clear(l.conns)
	}
}
