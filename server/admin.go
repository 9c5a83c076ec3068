// SPDX-License-Identifier: Apache-2.0

package main

import (
	"context"
	"errors"
	"fmt"
	"io"
	"io/fs"
	"log/slog"
	"net"
	"net/http"
	"os"
	"path/filepath"
	"time"

	"haechi/server/review"
	"haechi/server/store"
)

// adminSocket is the operator's door, in the data directory: who may open it
// may read the store's files as well, so it needs no secret, and no network
// leads to it.
const adminSocket = "admin.sock"

// adminWithin bounds one answer of the door. A backup is some megabytes.
const adminWithin = 10 * time.Minute

// openAdmin serves the door of a data directory whose store the caller has
// open, so that a socket which lies there is a dead server's.
func openAdmin(dir string, st *store.Store, desk *review.Desk, m *metrics, log *slog.Logger) (*http.Server, error) {
	file := filepath.Join(dir, adminSocket)
	if err := os.Remove(file); err != nil && !errors.Is(err, fs.ErrNotExist) {
		return nil, err
	}
	l, err := net.Listen("unix", file)
	if err != nil {
		return nil, err
	}
	// The directory is its owner's alone (store.Open makes it so); where it is
	// not, the umask keeps others from writing until here.
	if err := os.Chmod(file, 0o600); err != nil {
		l.Close()
		return nil, err
	}
	mux := http.NewServeMux()
	mux.Handle("GET /metrics", m.handler())
	mux.HandleFunc("GET /backup", func(w http.ResponseWriter, _ *http.Request) {
		w.Header().Set("Content-Type", "application/octet-stream")
		b, err := st.Backup(w)
		if err != nil {
			log.Error("backup", "err", err)
			panic(http.ErrAbortHandler) // the reader sees a file without an end
		}
		log.Info("backed up", "sequence", b.Sequence, "bytes", b.Bytes)
	})
	mux.HandleFunc("POST /review/invite", func(w http.ResponseWriter, r *http.Request) {
		token, err := desk.InviteByOperator(review.Role(r.FormValue("role")))
		if err != nil {
			log.Error("invite", "err", err)
			http.Error(w, err.Error(), http.StatusUnprocessableEntity)
			return
		}
		log.Info("invited", "role", r.FormValue("role"))
		io.WriteString(w, token)
	})
	s := &http.Server{
		Handler: mux, ReadHeaderTimeout: 10 * time.Second, WriteTimeout: adminWithin,
		ErrorLog: slog.NewLogLogger(log.Handler(), slog.LevelDebug),
	}
	go s.Serve(l) // ends with Close; nobody depends on it
	return s, nil
}

// dialAdmin returns a client of the door in dir, or nil if no server is there.
func dialAdmin(ctx context.Context, dir string) *http.Client {
	file := filepath.Join(dir, adminSocket)
	dial := func(ctx context.Context, _, _ string) (net.Conn, error) {
		return new(net.Dialer).DialContext(ctx, "unix", file)
	}
	conn, err := dial(ctx, "", "")
	if err != nil {
		return nil
	}
	conn.Close()
	return &http.Client{Transport: &http.Transport{DialContext: dial}, Timeout: adminWithin}
}

// askAdmin asks the door for a path. The caller closes the body.
func askAdmin(ctx context.Context, c *http.Client, method, path string) (*http.Response, error) {
	r, err := http.NewRequestWithContext(ctx, method, "http://haechi"+path, nil)
	if err != nil {
		return nil, err
	}
	response, err := c.Do(r)
	if err != nil {
		return nil, err
	}
	if response.StatusCode != http.StatusOK {
		response.Body.Close()
		return nil, fmt.Errorf("the running server answers %s", response.Status)
	}
	return response, nil
}
