// SPDX-License-Identifier: Apache-2.0

package main

import (
	"bytes"
	"crypto/sha256"
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
	"strings"
	"time"

	"haechi/rules/trust"
	"haechi/server/hub"
	"haechi/server/publish"
	"haechi/server/store"
	"haechi/server/web"
	"haechi/server/wire"
)

// maxPushes is how many pushes may be read at once; each may be 8 MiB.
const maxPushes = 4

// api is the HTTP side of a node.
type api struct {
	publisher *publish.Publisher
	hub       *hub.Hub
	pushes    chan struct{} // holds one for each push under way; full when the node closes
	snapshots chan struct{} // holds one for each snapshot being made
	metrics   *metrics
	ready     func() error // why the node should get no requests, or nil
	log       *slog.Logger
}

// handler returns the handler of everything that a node serves, with the pages
// of the review desk and what it publishes. replica may be nil.
func (a *api) handler(replica fs.FS, desk http.Handler) http.Handler {
	mux := http.NewServeMux()
	mux.Handle("GET /v1/sync", a.hub)
	for _, channel := range []string{trust.Stable, trust.Preview} {
		mux.HandleFunc("GET /v1/"+channel+"/head.json", func(w http.ResponseWriter, r *http.Request) {
			serveFrame(w, r, wire.Encode(a.publisher.Head(channel)))
		})
	}
	mux.HandleFunc("GET /v1/log/{file}", a.evidence)
	mux.HandleFunc("GET /v1/delta/{file}", a.delta)
	mux.HandleFunc("GET /v1/snapshot/{file}", a.snapshot)
	mux.HandleFunc("GET /v1/release/{file}", a.published)
	mux.HandleFunc("POST /v1/releases", a.release)
	for _, path := range []string{"/review", "/review/", "/findings", "/findings/", "/v1/reports", "/v1/reports/{code}", "/v1/corpus.jsonl", "/v1/review/"} {
		mux.Handle(path, desk)
	}
	mux.HandleFunc("GET /healthz", a.health)
	mux.HandleFunc("GET /readyz", a.readiness)
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

func (a *api) evidence(w http.ResponseWriter, r *http.Request) {
	from, ok := number(r.PathValue("file"), ".json")
	if !ok || from > a.publisher.Head(trust.Preview).Log {
		http.NotFound(w, r)
		return
	}
	frame, err := a.publisher.Log(from)
	a.answer(w, r, frame, err)
}

func (a *api) delta(w http.ResponseWriter, r *http.Request) {
	first, second, _ := strings.Cut(r.PathValue("file"), "-")
	from, ok1 := number(first, "")
	to, ok2 := number(second, ".json")
	if !ok1 || !ok2 {
		http.NotFound(w, r)
		return
	}
	frame, err := a.publisher.Delta(from, to)
	a.answer(w, r, frame, err)
}

func (a *api) snapshot(w http.ResponseWriter, r *http.Request) {
	sequence, ok := number(r.PathValue("file"), ".json")
	if !ok {
		http.NotFound(w, r)
		return
	}
	// One that nobody is led to any more costs a walk through the store.
	select {
	case a.snapshots <- struct{}{}:
		defer func() { <-a.snapshots }()
	case <-r.Context().Done():
		return
	}
	frame, err := a.publisher.Snapshot(sequence)
	a.answer(w, r, frame, err)
}

func (a *api) published(w http.ResponseWriter, r *http.Request) {
	sequence, ok := number(r.PathValue("file"), ".json")
	if !ok || sequence == 0 {
		http.NotFound(w, r)
		return
	}
	record, err := a.publisher.Record(sequence)
	if err != nil {
		a.answer(w, r, nil, err)
		return
	}
	body, err := json.Marshal(record)
	a.answer(w, r, body, err)
}

// answer serves a frame; none, or one of a release that is not there, is 404.
func (a *api) answer(w http.ResponseWriter, r *http.Request, frame []byte, err error) {
	switch {
	case errors.Is(err, store.ErrNotFound) || errors.Is(err, trust.ErrLog) || err == nil && frame == nil:
		http.NotFound(w, r)
	case err != nil:
		a.fail(w, err)
	default:
		serveFrame(w, r, frame)
	}
}

// number reads the decimal that a file is named by, in the one spelling that a
// mirror has it under.
func number(file, suffix string) (uint64, bool) {
	text, ok := strings.CutSuffix(file, suffix)
	n, err := strconv.ParseUint(text, 10, 64)
	return n, ok && err == nil && n <= trust.MaxSequence && strconv.FormatUint(n, 10) == text
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
		w.Header().Set("Connection", "close") // the rest is not worth reading
		a.refuse(w, http.StatusRequestEntityTooLarge, &publish.Refusal{Code: "too-large", Message: fmt.Sprintf("a push has at most %d bytes", publish.MaxPush)})
		return
	}
	if err != nil {
		a.refuse(w, http.StatusBadRequest, &publish.Refusal{Code: "bad-request", Message: err.Error()})
		return
	}
	// Judging the rules may take longer than other answers.
	http.NewResponseController(w).SetWriteDeadline(time.Now().Add(pushWithin))
	start := time.Now()
	result, err := a.publisher.Publish(push)
	a.metrics.publish.Observe(time.Since(start).Seconds())
	var refusal *publish.Refusal
	if errors.As(err, &refusal) {
		a.log.Info("push refused", "code", refusal.Code, "reason", refusal.Message)
		a.metrics.refused.WithLabelValues(refusal.Code).Inc()
		a.refuse(w, refusal.Status(), refusal)
		return
	}
	if err != nil {
		a.metrics.refused.WithLabelValues("internal").Inc()
		a.fail(w, err)
		return
	}
	a.log.Info("published", "sequence", result.Sequence, "pack", result.Pack,
		"added", len(result.Added), "changed", len(result.Changed), "removed", len(result.Removed))
	web.AnswerJSON(w, http.StatusCreated, result)
}

// errorBody is the JSON of every refusal.
type errorBody struct {
	Error *publish.Refusal `json:"error"`
}

func (a *api) refuse(w http.ResponseWriter, status int, refusal *publish.Refusal) {
	web.AnswerJSON(w, status, errorBody{refusal})
}

// failures are what a maintainer is told of the server's own faults.
var failures = []struct {
	err           error
	status        int
	code, message string
}{
	{store.ErrFull, http.StatusInsufficientStorage, "full", "the server's disk is full and nothing was changed; push again when its operator has made room"},
	{store.ErrBroken, http.StatusServiceUnavailable, "broken", "the server could not write and is starting anew; push again: it is published once at most"},
	{publish.ErrCutOff, http.StatusServiceUnavailable, "cut-off", "this server is cut off from its cluster and nothing was changed; push to another server of the cluster, or again later"},
	{publish.ErrUnsure, http.StatusServiceUnavailable, "unsure", "the cluster did not confirm in time, so the release may be published or not; look at the head, and push again if it is not there: it is published once at most"},
}

// fail answers what is the server's own fault, and logs it.
func (a *api) fail(w http.ResponseWriter, err error) {
	a.log.Error("request", "err", err)
	for _, f := range failures {
		if errors.Is(err, f.err) {
			a.refuse(w, f.status, &publish.Refusal{Code: f.code, Message: f.message})
			return
		}
	}
	a.refuse(w, http.StatusInternalServerError, &publish.Refusal{Code: "internal", Message: "the server failed; nothing was changed"})
}

// serveFrame answers with a frame, or 304 to a client that has it.
func serveFrame(w http.ResponseWriter, r *http.Request, frame []byte) {
	sum := sha256.Sum256(frame)
	w.Header().Set("Content-Type", "application/json")
	w.Header().Set("Cache-Control", "no-cache")
	w.Header().Set("X-Content-Type-Options", "nosniff")
	w.Header().Set("Access-Control-Allow-Origin", "*") // public, and verified by whoever reads it
	w.Header().Set("ETag", fmt.Sprintf(`"%x"`, sum[:16]))
	http.ServeContent(w, r, "", time.Time{}, bytes.NewReader(frame))
}
