// SPDX-License-Identifier: Apache-2.0

package main

import (
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"os"
	"path/filepath"
	"time"

	"haechi/rules/trust"
	"haechi/server/wire"
)

// mirrorDeltas is from how many releases before the newest a mirror has deltas;
// clients that were away for longer fetch the snapshot.
const mirrorDeltas = 64

const mirrorHelp = `
Writes what a server serves over HTTP as static files, after verifying all of
it: any web server or CDN that serves DIR then serves the whole read path, and
clients verify it as they verify the server. Run it again after each release and
at least once a day, since clients take no statement about the log that is older
than seven days. Files are replaced one by one and whole, heads last. It can
also mirror a mirror.

Example:
  haechi mirror /srv/haechi --server https://rules.example`

func runMirror(args []string, _ io.Reader, stdout, stderr io.Writer) int {
	o := newOptions("mirror", "DIR [--server URL] [--trust FILE] [--json]", mirrorHelp)
	var from reading
	from.declare(o, "mirror the server")
	asJSON := o.Bool("json", false, "print the result as JSON")
	rest, code, ok := o.parse(args, 1, 1, stdout, stderr)
	if !ok {
		return code
	}
	at, root, code, ok := from.open(o, stderr)
	if !ok {
		return code
	}
	m := mirror{at: at, dir: rest[0]}
	if err := m.fill(root, time.Now()); err != nil {
		return o.failed(stderr, err)
	}
	if *asJSON {
		err := json.NewEncoder(stdout).Encode(map[string]uint64{"releases": m.releases, "files": m.files, "bytes": m.bytes})
		if err != nil {
			return o.failed(stderr, err)
		}
		return exitDone
	}
	fmt.Fprintf(stdout, "%d releases in %d files, %d bytes, in %s\n", m.releases, m.files, m.bytes, m.dir)
	return exitDone
}

// mirror copies a server's files into a folder.
type mirror struct {
	at                     *remote
	dir                    string
	releases, files, bytes uint64
}

// fill verifies the whole log and every pack that clients are led to, and then
// writes. On an error some files may be newer than others, which clients notice
// and mend by asking again.
func (m *mirror) fill(root trust.Root, now time.Time) error {
	h, err := audit(m.at, root, now, trust.Seen{})
	if err != nil {
		return err
	}
	m.releases = h.seen.Size
	heads := map[string]wire.Head{}
	targets := map[uint64]bool{0: true}
	for _, channel := range []string{trust.Stable, trust.Preview} {
		head, err := m.at.head(channel)
		if err != nil {
			return err
		}
		if head.Log != h.seen.Size {
			return errors.New("the server published while it was read; run it again")
		}
		heads[channel] = head
		targets[head.Sequence], targets[head.Settled] = true, true
	}
	evidence, err := m.at.evidence(0)
	if err != nil {
		return err
	}
	for target := range targets {
		if err := m.lead(root, evidence, target); err != nil {
			return fmt.Errorf("release %d: %w", target, err)
		}
	}
	for _, record := range h.records {
		if err := m.copy(fmt.Sprintf("/v1/release/%d.json", record.Sequence)); err != nil {
			return err
		}
	}
	for from := range h.seen.Size + 1 {
		if err := m.copy(fmt.Sprintf("/v1/log/%d.json", from)); err != nil {
			return err
		}
	}
	if err := m.copyLimited(precedentsPath, maxPrecedents); err != nil && !errors.Is(err, errMissing) { // a server of before has none
		return err
	}
	for channel, head := range heads {
		if err := m.write("/v1/"+channel+"/head.json", wire.Encode(head)); err != nil {
			return err
		}
	}
	return nil
}

// lead copies what leads clients to a release: its snapshot, verified, and the
// deltas from the releases before it.
func (m *mirror) lead(root trust.Root, log []byte, target uint64) error {
	frame, err := m.at.snapshot(target)
	if err != nil {
		return err
	}
	u, err := trust.ParseUpdate(frame)
	if err != nil {
		return err
	}
	if target > 0 {
		evidence, err := trust.ParseEvidence(log)
		if err != nil {
			return err
		}
		if _, err := trust.Accept(root, time.Time{}, trust.State{}, trust.Client{Channel: trust.Preview}, evidence, &u); err != nil {
			return err
		}
	}
	if err := m.write(fmt.Sprintf("/v1/snapshot/%d.json", target), frame); err != nil {
		return err
	}
	for from := max(target, mirrorDeltas) - mirrorDeltas; from < target; from++ {
		err := m.copy(fmt.Sprintf("/v1/delta/%d-%d.json", from, target))
		if err != nil && !errors.Is(err, errMissing) {
			return err
		}
	}
	return nil
}

func (m *mirror) copy(path string) error { return m.copyLimited(path, wire.MaxFrame) }

func (m *mirror) copyLimited(path string, limit int64) error {
	data, err := m.at.get(path, limit)
	if err != nil {
		return err
	}
	return m.write(path, data)
}

func (m *mirror) write(path string, data []byte) error {
	file := filepath.Join(m.dir, filepath.FromSlash(path))
	if err := os.MkdirAll(filepath.Dir(file), 0o755); err != nil {
		return err
	}
	m.files, m.bytes = m.files+1, m.bytes+uint64(len(data))
	return replaceWith(file, 0o644, data)
}
