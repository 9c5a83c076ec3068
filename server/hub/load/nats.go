// SPDX-License-Identifier: Apache-2.0

package main

import (
	"context"
	"fmt"
	"io"
	"net"
	"os"
	"path/filepath"
	"regexp"
	"strings"
	"sync"
)

var natsListens = regexp.MustCompile(`Listening for client connections on (\S+)`)

// startNATS starts the NATS servers of a cluster.
func startNATS(ctx context.Context, command, dir string) ([]*process, error) {
	command, err := filepath.Abs(command)
	if err != nil {
		return nil, err
	}
	ports, err := freeAddrs(2 * nodes)
	if err != nil {
		return nil, err
	}
	var routes []string
	for _, addr := range ports[nodes:] {
		routes = append(routes, fmt.Sprintf("%q", "nats://"+addr))
	}
	var servers []*process
	for i := range nodes {
		file := filepath.Join(dir, fmt.Sprintf("nats-%d.conf", i+1))
		text := fmt.Sprintf("server_name: nats-%d\nlisten: %q\nmax_payload: 8MB\njetstream { store_dir: %q, sync_interval: always }\ncluster { name: haechi, listen: %q, routes: [%s] }\n",
			i+1, ports[i], filepath.Join(dir, fmt.Sprintf("nats-%d", i+1)), ports[nodes+i], strings.Join(routes, ", "))
		if err := os.WriteFile(file, []byte(text), 0o600); err != nil {
			return servers, err
		}
		s, err := start(ctx, natsListens, command, "-c", file)
		if err != nil {
			return servers, err
		}
		servers = append(servers, s)
	}
	return servers, nil
}

// freeAddrs are addresses on which nobody listened just now.
func freeAddrs(n int) (addrs []string, err error) {
	for range n {
		l, err := net.Listen("tcp", "127.0.0.1:0")
		if err != nil {
			return nil, err
		}
		defer l.Close()
		addrs = append(addrs, l.Addr().String())
	}
	return addrs, nil
}

// line is a TCP line to a NATS server that can be cut.
type line struct {
	listener net.Listener
	at, to   string

	mu    sync.Mutex
	conns []net.Conn
}

func newLine(to string) (*line, error) {
	l := &line{at: "127.0.0.1:0", to: to}
	return l, l.heal()
}

func (l *line) addr() string { return l.at }

// heal lets connections through.
func (l *line) heal() error {
	listener, err := net.Listen("tcp", l.at)
	if err != nil {
		return err
	}
	l.listener, l.at = listener, listener.Addr().String()
	go func() {
		for {
			conn, err := listener.Accept()
			if err != nil {
				return
			}
			server, err := net.Dial("tcp", l.to)
			if err != nil {
				conn.Close()
				continue
			}
			l.mu.Lock()
			l.conns = append(l.conns, conn, server)
			l.mu.Unlock()
			go func() { io.Copy(conn, server); conn.Close() }()
			go func() { io.Copy(server, conn); server.Close() }()
		}
	}()
	return nil
}

// cut ends every connection and refuses new ones.
func (l *line) cut() {
	l.listener.Close()
	l.mu.Lock()
	defer l.mu.Unlock()
	for _, c := range l.conns {
		c.Close()
	}
	l.conns = nil
}
