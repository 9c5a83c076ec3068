// SPDX-License-Identifier: Apache-2.0

package main

import (
	"bytes"
	"context"
	"fmt"
	"io"
	"net"
	"net/http"
	"net/http/httputil"
	"net/url"
	"os"
	"os/exec"
	"path/filepath"
	"regexp"
	"strings"
	"sync/atomic"
	"time"

	"github.com/gorilla/websocket"

	"haechi/rules"
	"haechi/rules/data"
	"haechi/rules/trust"
	"haechi/server/wire"
)

// citizen is the dialect of server/wire.
type citizen struct {
	head  wire.Head   // that a client says it has
	fetch atomic.Bool // ask for what leads to a head, and count that
	last  atomic.Pointer[heard]
}

// heard remembers how the newest head reads, because all clients get the same.
type heard struct {
	text string
	head wire.Head
}

func (d *citizen) greet() []byte {
	return wire.Encode(wire.Hello{Protocol: wire.Protocol, Channel: trust.Stable, Sequence: d.head.Sequence, Pack: d.head.Pack, Log: d.head.Log})
}

func (d *citizen) hear(c *client, message []byte) (uint64, []byte) {
	if bytes.HasPrefix(message, []byte(`{"type":"delta"`)) {
		var from, to uint64
		fmt.Sscanf(string(message[:min(len(message), 100)]), `{"type":"delta","from":%d,"to":%d`, &from, &to)
		return to, nil
	}
	last := d.last.Load()
	if last == nil || last.text != string(message) {
		frame, err := wire.Decode(message)
		head, ok := frame.(wire.Head)
		if err != nil || !ok {
			return 0, nil // a heartbeat, or a bye before the connection ends
		}
		last = &heard{string(message), head}
		d.last.Store(last)
	}
	before := c.pack
	c.pack = last.head.Pack
	if d.fetch.Load() && last.head.Sequence > c.newest.Load() {
		return 0, wire.Encode(wire.Since{Sequence: c.newest.Load(), Pack: before, To: last.head.Sequence, Log: c.newest.Load()})
	}
	return last.head.Sequence, nil
}

// site is a server with its keys, and the way by which rules are pushed to it.
type site struct {
	*process
	command, dir, addr string
	data               string     // its store, in dir
	flags              []string   // more of them for "haechi serve"
	rule               rules.Rule // what every push changes
	sequence           uint64     // of the last push
	round              atomic.Pointer[round]
	proxy              *http.Server
	proxyAddr          string
}

var haechiListens = regexp.MustCompile(`msg=listening addr=(\S+)`)

func openSite(ctx context.Context, command, dir string) (*site, error) {
	s, err := newSite(ctx, command, dir)
	if err != nil {
		return nil, err
	}
	if err := s.serve(ctx); err != nil {
		return nil, err
	}
	return s, s.listen()
}

// newSite makes the keys of a server that is not started yet.
func newSite(ctx context.Context, command, dir string) (*site, error) {
	command, err := filepath.Abs(command)
	if err != nil {
		return nil, err
	}
	all, err := data.Rules()
	if err != nil {
		return nil, err
	}
	s := &site{command: command, dir: dir, addr: "127.0.0.1:0", data: "data", rule: all[0]}
	public, err := s.run(ctx, "keys", "new", "--out", "maintainer.key")
	if err != nil {
		return nil, err
	}
	root, err := s.run(ctx, "keys", "root", "--threshold", "1", strings.TrimSpace(public))
	if err != nil {
		return nil, err
	}
	if err := os.WriteFile(filepath.Join(dir, "trust.json"), []byte(root), 0o600); err != nil {
		return nil, err
	}
	online, err := s.run(ctx, "keys", "new", "--out", "online.key", "--name", "online")
	if err != nil {
		return nil, err
	}
	note, err := s.run(ctx, "keys", "lend", strings.TrimSpace(online), "--key", "maintainer.key")
	if err != nil {
		return nil, err
	}
	return s, os.WriteFile(filepath.Join(dir, "online.note"), []byte(note), 0o600)
}

// beside is another server under the same keys, which is not started yet.
func (s *site) beside(data string) *site {
	return &site{command: s.command, dir: s.dir, addr: "127.0.0.1:0", data: data, rule: s.rule}
}

// run runs one subcommand.
func (s *site) run(ctx context.Context, args ...string) (string, error) {
	ctx, cancel := context.WithTimeout(ctx, time.Minute)
	defer cancel()
	var out, errs bytes.Buffer
	cmd := exec.CommandContext(ctx, s.command, args...)
	cmd.Dir, cmd.Stdout, cmd.Stderr = s.dir, &out, &errs
	if err := cmd.Run(); err != nil {
		return "", fmt.Errorf("haechi %s: %w: %s", strings.Join(args, " "), err, errs.String())
	}
	return out.String(), nil
}

// serve starts the server, at the same address as before if there was one.
func (s *site) serve(ctx context.Context) (err error) {
	s.process, err = start(ctx, haechiListens, s.command, append([]string{"serve", "--addr", s.addr,
		"--data", filepath.Join(s.dir, s.data), "--trust", filepath.Join(s.dir, "trust.json"),
		"--online-key", filepath.Join(s.dir, "online.key"), "--online-note", filepath.Join(s.dir, "online.note")}, s.flags...)...)
	if err == nil {
		s.addr = s.process.addr
	}
	return err
}

// listen opens a door in front of the server through which releases are
// pushed. It sees the moment at which a signed release reaches the server.
func (s *site) listen() error {
	listener, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		return err
	}
	forward := httputil.NewSingleHostReverseProxy(&url.URL{Scheme: "http", Host: s.addr})
	s.proxyAddr = listener.Addr().String()
	s.proxy = &http.Server{ReadHeaderTimeout: 10 * time.Second, Handler: http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		if r.Method == http.MethodPost {
			if round := s.round.Load(); round != nil {
				round.begin()
			}
		}
		forward.ServeHTTP(w, r)
	})}
	go s.proxy.Serve(listener)
	return nil
}

func (s *site) close() error {
	s.proxy.Close()
	return s.stop()
}

// push changes one rule: as a maintainer would, with "haechi rules push".
func (s *site) push(ctx context.Context, r *round) error {
	s.round.Store(r)
	defer s.round.Store(nil)
	rule := s.rule
	rule.Title = rules.Text{}
	for lang, title := range s.rule.Title {
		rule.Title[lang] = title
	}
	s.sequence++
	rule.Title["en"] += fmt.Sprintf(" (%d)", s.sequence)
	if err := os.WriteFile(filepath.Join(s.dir, rule.ID+".json"), rules.Format(rule), 0o600); err != nil {
		return err
	}
	_, err := s.run(ctx, "rules", "push", rule.ID+".json", "--server", "http://"+s.proxyAddr, "--key", "maintainer.key", "--trust", "trust.json")
	return err
}

func (s *site) head(ctx context.Context) (wire.Head, error) {
	request, err := http.NewRequestWithContext(ctx, http.MethodGet, "http://"+s.addr+"/v1/stable/head.json", nil)
	if err != nil {
		return wire.Head{}, err
	}
	response, err := http.DefaultClient.Do(request)
	if err != nil {
		return wire.Head{}, err
	}
	defer response.Body.Close()
	body, err := io.ReadAll(io.LimitReader(response.Body, wire.MaxRequest))
	if err != nil {
		return wire.Head{}, err
	}
	frame, err := wire.Decode(body)
	if err != nil {
		return wire.Head{}, err
	}
	head, ok := frame.(wire.Head)
	if !ok {
		return wire.Head{}, fmt.Errorf("the head is %T", frame)
	}
	return head, nil
}

// counted counts what a connection reads.
type counted struct {
	net.Conn
	read *atomic.Int64
}

func (c counted) Read(p []byte) (int, error) {
	n, err := c.Conn.Read(p)
	c.read.Add(int64(n))
	return n, err
}

// weigh fetches what leads from one head to the newest as a browser would, with
// compression, and returns its bytes as JSON and on the wire. It must be of a
// kind: a delta or a snapshot.
func (s *site) weigh(ctx context.Context, from wire.Head, kind string) (size, onWire int, err error) {
	var read atomic.Int64
	dialer := websocket.Dialer{
		EnableCompression: true, HandshakeTimeout: dialWithin,
		NetDialContext: func(ctx context.Context, network, addr string) (net.Conn, error) {
			conn, err := (&net.Dialer{}).DialContext(ctx, network, addr)
			return counted{conn, &read}, err
		},
	}
	conn, _, err := dialer.DialContext(ctx, "ws://"+s.addr+"/v1/sync", nil)
	if err != nil {
		return 0, 0, err
	}
	defer conn.Close()
	conn.SetReadLimit(maxMessage)
	conn.SetReadDeadline(time.Now().Add(hearWithin))
	say := func(f wire.Frame) error { return conn.WriteMessage(websocket.TextMessage, wire.Encode(f)) }
	if err := say(wire.Hello{Protocol: wire.Protocol, Channel: trust.Stable, Sequence: from.Sequence, Pack: from.Pack, Log: from.Log}); err != nil {
		return 0, 0, err
	}
	_, text, err := conn.ReadMessage()
	if err != nil {
		return 0, 0, err
	}
	frame, err := wire.Decode(text)
	newest, ok := frame.(wire.Head)
	if err != nil || !ok {
		return 0, 0, fmt.Errorf("no head but %T: %w", frame, err)
	}
	before := read.Load()
	if err := say(wire.Since{Sequence: from.Sequence, Pack: from.Pack, To: newest.Sequence, Log: from.Log}); err != nil {
		return 0, 0, err
	}
	_, log, err := conn.ReadMessage() // which belongs to it
	if err != nil {
		return 0, 0, err
	}
	_, message, err := conn.ReadMessage()
	if err != nil {
		return 0, 0, err
	}
	if !bytes.HasPrefix(message, fmt.Appendf(nil, `{"type":%q`, kind)) {
		return 0, 0, fmt.Errorf("the answer to since is no %s", kind)
	}
	return len(log) + len(message), int(read.Load() - before), nil
}
