// SPDX-License-Identifier: Apache-2.0

package main

import (
	"bytes"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"io/fs"
	"log/slog"
	"mime"
	"net/http"
	"os"
	"strconv"
	"time"

	"haechi/rules/trust"
	"haechi/server/hub"
	"haechi/server/publish"
	"haechi/server/wire"
)

// maxPushes is how many pushes may be read at once; each may be 8 MiB.
const maxPushes = 4

// api is the HTTP side of a node.
type api struct {
	publisher *publish.Publisher
	hub       *hub.Hub
	pushes    chan struct{} // holds one for each push under way
	log       *slog.Logger
}

// newAPI returns the handler of everything that a node serves. replica may be
// nil.
func newAPI(p *publish.Publisher, h *hub.Hub, replica fs.FS, log *slog.Logger) http.Handler {
	a := &api{publisher: p, hub: h, pushes: make(chan struct{}, maxPushes), log: log}
	mux := http.NewServeMux()
	mux.Handle("GET /v1/sync", h)
	mux.HandleFunc("GET /v1/head", a.head)
	mux.HandleFunc("GET /v1/delta", a.delta)
	mux.HandleFunc("GET /v1/snapshot", a.snapshot)
	mux.HandleFunc("POST /v1/releases", a.release)
	mux.HandleFunc("GET /healthz", a.health)
	if replica != nil {
		mux.Handle("GET /replica/", http.StripPrefix("/replica/", http.FileServerFS(replica)))
	}
	return mux
}

// openReplica opens the folder of the demonstration, or nil for none. Links
// out of the folder are not followed.
func openReplica(dir string) (fs.FS, error) {
	if dir == "" {
		return nil, nil
	}
	root, err := os.OpenRoot(dir)
	if err != nil {
		return nil, fmt.Errorf("replica: %w", err)
	}
	return root.FS(), nil
}

func (a *api) head(w http.ResponseWriter, r *http.Request) {
	head := a.publisher.Head()
	serveFrame(w, r, etag("h", head), wire.Encode(head))
}

func (a *api) snapshot(w http.ResponseWriter, r *http.Request) {
	// The head first: if a release comes in between, the tag is too old and
	// the next request is answered in full.
	tag := etag("s", a.publisher.Head())
	serveFrame(w, r, tag, a.publisher.Snapshot())
}

func (a *api) delta(w http.ResponseWriter, r *http.Request) {
	query := r.URL.Query()
	from, err := strconv.ParseUint(query.Get("from"), 10, 64)
	pack := query.Get("pack")
	if err != nil || from > trust.MaxSequence || !trust.IsHash(pack) {
		a.refuse(w, http.StatusBadRequest, &publish.Refusal{Code: "bad-request", Message: "give from=SEQUENCE&pack=HASH, the sequence you have and the hash of your pack"})
		return
	}
	head := a.publisher.Head()
	if from == head.Sequence && pack == head.Pack {
		w.WriteHeader(http.StatusNoContent)
		return
	}
	frame, err := a.publisher.Since(from, pack)
	if err != nil {
		a.fail(w, err)
		return
	}
	serveFrame(w, r, etag("d"+strconv.FormatUint(from, 10)+"-"+pack[:16], head), frame)
}

// release takes a push. Browsers cannot send one: a page would need leave to
// send JSON to another origin, and none is given.
func (a *api) release(w http.ResponseWriter, r *http.Request) {
	kind, _, _ := mime.ParseMediaType(r.Header.Get("Content-Type"))
	if kind != "application/json" || r.Header.Get("Origin") != "" {
		a.refuse(w, http.StatusUnsupportedMediaType, &publish.Refusal{Code: "bad-request", Message: "send application/json, from a program that is no browser"})
		return
	}
	select {
	case a.pushes <- struct{}{}:
		defer func() { <-a.pushes }()
	default:
		w.Header().Set("Retry-After", "5")
		a.refuse(w, http.StatusServiceUnavailable, &publish.Refusal{Code: "busy", Message: "other pushes are under way; try again"})
		return
	}
	var push publish.Push
	d := json.NewDecoder(http.MaxBytesReader(w, r.Body, publish.MaxPush))
	d.DisallowUnknownFields()
	err := d.Decode(&push)
	if err == nil {
		if _, end := d.Token(); !errors.Is(end, io.EOF) {
			err = errors.New("text after the end")
		}
	}
	var tooLarge *http.MaxBytesError
	if errors.As(err, &tooLarge) {
		a.refuse(w, http.StatusRequestEntityTooLarge, &publish.Refusal{Code: "too-large", Message: fmt.Sprintf("a push has at most %d bytes", publish.MaxPush)})
		return
	}
	if err != nil {
		a.refuse(w, http.StatusBadRequest, &publish.Refusal{Code: "bad-request", Message: err.Error()})
		return
	}
	result, err := a.publisher.Publish(push)
	var refusal *publish.Refusal
	if errors.As(err, &refusal) {
		a.log.Warn("push refused", "remote", r.RemoteAddr, "code", refusal.Code, "reason", refusal.Message)
		a.refuse(w, refusal.Status(), refusal)
		return
	}
	if err != nil {
		a.fail(w, err)
		return
	}
	a.log.Info("published", "sequence", result.Sequence, "pack", result.Pack,
		"added", len(result.Added), "changed", len(result.Changed), "removed", len(result.Removed))
	serveJSON(w, http.StatusCreated, result)
}

func (a *api) health(w http.ResponseWriter, _ *http.Request) {
	head := a.publisher.Head()
	serveJSON(w, http.StatusOK, map[string]any{
		"status": "ok", "sequence": head.Sequence, "pack": head.Pack, "clients": a.hub.Clients(),
	})
}

// errorBody is the JSON of every refusal.
type errorBody struct {
	Error *publish.Refusal `json:"error"`
}

func (a *api) refuse(w http.ResponseWriter, status int, refusal *publish.Refusal) {
	serveJSON(w, status, errorBody{refusal})
}

// fail answers what is the server's own fault, and logs it.
func (a *api) fail(w http.ResponseWriter, err error) {
	a.log.Error("request", "err", err)
	a.refuse(w, http.StatusInternalServerError, &publish.Refusal{Code: "internal", Message: "the server failed; nothing was changed"})
}

func serveJSON(w http.ResponseWriter, status int, value any) {
	body, err := json.Marshal(value)
	if err != nil {
		panic(err) // plain structs and strings: cannot fail
	}
	w.Header().Set("Content-Type", "application/json")
	w.Header().Set("Cache-Control", "no-store")
	w.Header().Set("X-Content-Type-Options", "nosniff")
	w.WriteHeader(status)
	w.Write(append(body, '\n'))
}

// serveFrame answers with a frame, or 304 to a client that has it.
func serveFrame(w http.ResponseWriter, r *http.Request, tag string, frame []byte) {
	w.Header().Set("Content-Type", "application/json")
	w.Header().Set("Cache-Control", "no-cache")
	w.Header().Set("X-Content-Type-Options", "nosniff")
	w.Header().Set("ETag", tag)
	http.ServeContent(w, r, "", time.Time{}, bytes.NewReader(frame))
}

// etag names a frame by its kind and the head it leads to.
func etag(kind string, head wire.Head) string {
	return fmt.Sprintf(`"%s-%d-%s"`, kind, head.Sequence, head.Pack[:16])
}
