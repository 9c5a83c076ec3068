// SPDX-License-Identifier: Apache-2.0

package main

import (
	"bytes"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"net/http"
	"net/url"
	"strings"
	"time"

	"haechi/server/publish"
	"haechi/server/wire"
)

// Bounds of one request to a server, body included. A push is judged first,
// which takes longer the more rules change.
const (
	remoteWithin = 60 * time.Second
	pushWithin   = 15 * time.Minute
)

// remote is a server as a maintainer's command line reaches it.
type remote struct {
	base string // without a slash at the end
	http http.Client
}

func newRemote(address string) (*remote, error) {
	u, err := url.Parse(address)
	if err != nil || (u.Scheme != "http" && u.Scheme != "https") || u.Host == "" {
		return nil, fmt.Errorf("--server %q is no http or https address", address)
	}
	return &remote{base: strings.TrimRight(address, "/"), http: http.Client{Timeout: remoteWithin}}, nil
}

// errMissing is a file that the server does not have.
var errMissing = errors.New("the server does not have it")

// get returns the file at a path, not verified.
func (r *remote) get(path string, limit int64) ([]byte, error) {
	response, err := r.http.Get(r.base + path)
	if err != nil {
		return nil, err
	}
	if response.StatusCode == http.StatusNotFound {
		response.Body.Close()
		return nil, fmt.Errorf("%s%s: %w", r.base, path, errMissing)
	}
	return body(response, http.StatusOK, limit)
}

// snapshot returns the frame with the whole pack at a sequence, not verified.
func (r *remote) snapshot(sequence uint64) ([]byte, error) {
	return r.get(fmt.Sprintf("/v1/snapshot/%d.json", sequence), wire.MaxFrame)
}

// evidence returns the log frame for one who saw from releases, not verified.
func (r *remote) evidence(from uint64) ([]byte, error) {
	return r.get(fmt.Sprintf("/v1/log/%d.json", from), wire.MaxFrame)
}

// record returns one release of the log, not verified.
func (r *remote) record(sequence uint64) (publish.Record, error) {
	data, err := r.get(fmt.Sprintf("/v1/release/%d.json", sequence), wire.MaxFrame)
	if err != nil {
		return publish.Record{}, err
	}
	var record publish.Record
	if err := json.Unmarshal(data, &record); err != nil {
		return publish.Record{}, fmt.Errorf("release %d: %w", sequence, err)
	}
	return record, nil
}

// head returns what the server says is newest on a channel, not verified.
func (r *remote) head(channel string) (wire.Head, error) {
	data, err := r.get("/v1/"+channel+"/head.json", wire.MaxRequest)
	if err != nil {
		return wire.Head{}, err
	}
	frame, err := wire.Decode(data)
	if err != nil {
		return wire.Head{}, err
	}
	head, ok := frame.(wire.Head)
	if !ok {
		return wire.Head{}, fmt.Errorf("%s: the head is %T", r.base, frame)
	}
	return head, nil
}

// publish sends a push. A refusal by the server is a *publish.Refusal.
func (r *remote) publish(push publish.Push) (publish.Result, error) {
	data, err := json.Marshal(push)
	if err != nil {
		return publish.Result{}, err
	}
	if len(data) > publish.MaxPush {
		return publish.Result{}, fmt.Errorf("a push of %d bytes; at most %d: push fewer files at once", len(data), publish.MaxPush)
	}
	patient := r.http
	patient.Timeout = pushWithin
	response, err := patient.Post(r.base+"/v1/releases", "application/json", bytes.NewReader(data))
	if err != nil {
		return publish.Result{}, err
	}
	data, err = body(response, http.StatusCreated, publish.MaxPush)
	if err != nil {
		return publish.Result{}, err
	}
	var result publish.Result
	if err := json.Unmarshal(data, &result); err != nil {
		return publish.Result{}, fmt.Errorf("the server's answer: %w", err)
	}
	return result, nil
}

// body reads and closes a response. A status other than want is an error: the
// server's own refusal where it gave one.
func body(response *http.Response, want int, limit int64) ([]byte, error) {
	defer response.Body.Close()
	data, err := io.ReadAll(io.LimitReader(response.Body, limit+1))
	if err != nil {
		return nil, err
	}
	if int64(len(data)) > limit {
		return nil, fmt.Errorf("%s answers more than %d bytes", response.Request.URL, limit)
	}
	if response.StatusCode == want {
		return data, nil
	}
	var refused errorBody
	if json.Unmarshal(data, &refused) == nil && refused.Error != nil && refused.Error.Code != "" {
		return nil, refused.Error
	}
	return nil, errors.New(response.Request.URL.String() + " answers " + response.Status)
}
