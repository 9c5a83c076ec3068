// SPDX-License-Identifier: Apache-2.0

package main

import (
	"crypto/tls"
	"fmt"
	"log/slog"
	"os"
	"sync"
	"time"
)

// certificate is a TLS certificate in two files that somebody else renews. It
// is read again when one of the files has changed, at the next handshake, so
// that a renewal needs no restart and drops no socket.
type certificate struct {
	certFile, keyFile string
	log               *slog.Logger

	mu      sync.Mutex // held while the files are looked at and read
	current *tls.Certificate
	seen    [2]fileStamp // of what current, or the last failure, was read from
}

type fileStamp struct {
	at   time.Time
	size int64
}

// openCertificate reads the files once, so that a mistake shows at the start.
func openCertificate(certFile, keyFile string, log *slog.Logger) (*certificate, error) {
	c := &certificate{certFile: certFile, keyFile: keyFile, log: log}
	c.seen = c.stamps()
	if err := c.load(); err != nil {
		return nil, err
	}
	return c, nil
}

func (c *certificate) load() error {
	pair, err := tls.LoadX509KeyPair(c.certFile, c.keyFile)
	if err != nil {
		return fmt.Errorf("certificate %s with key %s: %w", c.certFile, c.keyFile, err)
	}
	c.current = &pair
	return nil
}

// stamps is zero for a file that cannot be looked at.
func (c *certificate) stamps() (s [2]fileStamp) {
	for i, file := range []string{c.certFile, c.keyFile} {
		if info, err := os.Stat(file); err == nil {
			s[i] = fileStamp{info.ModTime(), info.Size()}
		}
	}
	return s
}

// get is tls.Config.GetCertificate. Files that do not fit together, as in the
// middle of a renewal, leave the certificate that was good.
func (c *certificate) get(*tls.ClientHelloInfo) (*tls.Certificate, error) {
	c.mu.Lock()
	defer c.mu.Unlock()
	if now := c.stamps(); now != c.seen {
		c.seen = now
		c.reload()
	}
	return c.current, nil
}

// refresh reads the files now, changed or not.
func (c *certificate) refresh() {
	c.mu.Lock()
	defer c.mu.Unlock()
	c.seen = c.stamps()
	c.reload()
}

// reload is called with mu held.
func (c *certificate) reload() {
	if err := c.load(); err != nil {
		c.log.Error("keeping the old certificate", "err", err)
		return
	}
	c.log.Info("certificate read", "expires", c.current.Leaf.NotAfter)
}

func (c *certificate) config() *tls.Config {
	return &tls.Config{MinVersion: tls.VersionTLS12, GetCertificate: c.get}
}
