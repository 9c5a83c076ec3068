// SPDX-License-Identifier: Apache-2.0

package main

import (
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"io/fs"
	"os"
	"strings"
	"time"

	"golang.org/x/mod/sumdb/tlog"

	"haechi/rules/trust"
	"haechi/server/publish"
)

func runLog(args []string, stdin io.Reader, stdout, stderr io.Writer) int {
	return dispatch("haechi log", []subcommand{
		{"verify", "prove that nothing in the log of releases was forged, hidden or changed", runLogVerify},
		{"show", "list every release: when, by whom, what changed", runLogShow},
	}, args, stdin, stdout, stderr)
}

// history is a whole log, verified release by release.
type history struct {
	root     trust.Root // newest
	records  []publish.Record
	releases []trust.Release
	seen     trust.Seen
}

// audit fetches every release of a server and verifies it: the signatures under
// the root of its time, the chain of releases, that the log which they build is
// the one the server signed, and that the log seen before is a prefix of it. At
// now nothing may have expired that proves freshness; the zero time passes over.
func audit(at *remote, root trust.Root, now time.Time, seen trust.Seen) (history, error) {
	frame, err := at.evidence(seen.Size)
	if errors.Is(err, errMissing) {
		return history{}, fmt.Errorf("the server's log is shorter than the %d releases seen before: %w", seen.Size, trust.ErrFork)
	}
	if err != nil {
		return history{}, err
	}
	evidence, err := trust.ParseEvidence(frame)
	if err != nil {
		return history{}, err
	}
	state, err := trust.Accept(root, now, trust.State{Seen: seen}, trust.Client{}, evidence, nil)
	if err != nil {
		return history{}, err
	}
	h := history{root: root, seen: state.Seen}
	var log trust.Log
	previous := trust.NoPrevious
	for sequence := uint64(1); sequence <= state.Seen.Size; sequence++ {
		record, err := at.record(sequence)
		if err != nil {
			return history{}, err
		}
		r, err := trust.Open([]byte(record.Release), h.root)
		if err != nil {
			return history{}, fmt.Errorf("release %d: %w", sequence, err)
		}
		if r.Previous != previous {
			return history{}, fmt.Errorf("release %d does not follow the one before: %w", sequence, trust.ErrFork)
		}
		if err := log.Append(r); err != nil {
			return history{}, err
		}
		if r.Root != nil {
			h.root = *r.Root
		}
		previous = r.TextHash()
		h.records, h.releases = append(h.records, record), append(h.releases, r)
	}
	hash, err := log.Hash(log.Size())
	if err != nil {
		return history{}, err
	}
	if hash != state.Seen.Hash {
		return history{}, fmt.Errorf("the releases do not build the log that the server signed (%s, not %s): %w", hash, state.Seen.Hash, trust.ErrFork)
	}
	return h, nil
}

const logVerifyHelp = `
Fetches every release from a server or a mirror and verifies it: enough
signatures of the maintainers of its time, the chain of releases, and that
together they are the log that the server signed. With --seen it also proves
that the log of the last run is a prefix of this one, and remembers this one;
run it daily, and a server that shows you another history than yesterday is
caught. It ends with 1 when anything is wrong.

With --audit it verifies an exported audit log of the review desk instead: each
entry, and the chain of hashes from the first to the last. Only a head that you
kept from earlier, given with --head as NUMBER:HASH, shows that the end was cut
off or all of it written anew.

Examples:
  haechi log verify --server https://rules.example --seen haechi-log.json
  haechi log verify --audit haechi-audit.jsonl --head 311:9f2c…`

func runLogVerify(args []string, _ io.Reader, stdout, stderr io.Writer) int {
	o := newOptions("log verify", "[--server URL] [--trust FILE] [--seen FILE] [--json] | --audit FILE [--head NUMBER:HASH] [--json]", logVerifyHelp)
	var from reading
	from.declare(o, "verify the server or mirror")
	seenFile := o.String("seen", "", "hold it against the log remembered in `FILE`, and remember this one there")
	auditFile := o.String("audit", "", "verify the exported audit log in `FILE` and nothing else")
	head := o.String("head", "", "the audit log must contain the entry `NUMBER:HASH`")
	asJSON := o.Bool("json", false, "print the result as JSON")
	if _, code, ok := o.parse(args, 0, 0, stdout, stderr); !ok {
		return code
	}
	switch {
	case *auditFile != "" && *seenFile != "":
		return o.wrong(stderr, "--audit and --seen: one of them; of an audit log give the --head")
	case *auditFile != "":
		return verifyAudit(o, *auditFile, *head, *asJSON, stdout, stderr)
	case *head != "":
		return o.wrong(stderr, "--head is for --audit")
	}
	at, root, code, ok := from.open(o, stderr)
	if !ok {
		return code
	}
	seen, err := readSeen(*seenFile)
	if err != nil {
		return o.failed(stderr, err)
	}
	h, err := audit(at, root, time.Now(), seen)
	if err != nil {
		return o.failed(stderr, err)
	}
	if err := writeSeen(*seenFile, h.seen); err != nil {
		return o.failed(stderr, err)
	}
	if *asJSON {
		err = json.NewEncoder(stdout).Encode(struct {
			Releases uint64     `json:"releases"`
			Hash     tlog.Hash  `json:"hash"`
			Signed   time.Time  `json:"signed"`
			Root     trust.Root `json:"root"`
			Before   uint64     `json:"before"`
		}{h.seen.Size, h.seen.Hash, h.seen.Created, h.root, seen.Size})
		if err != nil {
			return o.failed(stderr, err)
		}
		return exitDone
	}
	fmt.Fprintf(stdout, "%d releases, all signed and in the log; log %s, signed %s\n", h.seen.Size, h.seen.Hash, h.seen.Created.UTC().Format("2006-01-02 15:04 UTC"))
	if seen.Size > 0 {
		fmt.Fprintf(stdout, "the %d seen before are its beginning\n", seen.Size)
	}
	return exitDone
}

func readSeen(file string) (trust.Seen, error) {
	if file == "" {
		return trust.Seen{}, nil
	}
	data, err := os.ReadFile(file)
	if errors.Is(err, fs.ErrNotExist) {
		return trust.Seen{}, nil
	}
	if err != nil {
		return trust.Seen{}, err
	}
	var seen trust.Seen
	if err := json.Unmarshal(data, &seen); err != nil {
		return trust.Seen{}, fmt.Errorf("%s is not what \"haechi log verify --seen\" wrote: %w", file, err)
	}
	return seen, nil
}

func writeSeen(file string, seen trust.Seen) error {
	if file == "" {
		return nil
	}
	data, err := json.MarshalIndent(seen, "", "  ")
	if err != nil {
		return err
	}
	return replaceWith(file, 0o644, append(data, '\n'))
}

const logShowHelp = `
Lists the releases of a server or mirror, after verifying all of them: number,
date, channel, how far it was rolled out, who signed, and which rules it added
(+), changed (~) and removed (-).

Example:
  haechi log show --after 40`

func runLogShow(args []string, _ io.Reader, stdout, stderr io.Writer) int {
	o := newOptions("log show", "[--after SEQUENCE] [--server URL] [--trust FILE] [--json]", logShowHelp)
	after := o.Uint64("after", 0, "only releases after `SEQUENCE`")
	var from reading
	from.declare(o, "read the server or mirror")
	asJSON := o.Bool("json", false, "print a JSON object a line")
	if _, code, ok := o.parse(args, 0, 0, stdout, stderr); !ok {
		return code
	}
	at, root, code, ok := from.open(o, stderr)
	if !ok {
		return code
	}
	h, err := audit(at, root, time.Time{}, trust.Seen{})
	if err != nil {
		return o.failed(stderr, err)
	}
	for i, r := range h.releases {
		signers := trust.Signers([]byte(h.records[i].Release), root)
		if r.Sequence > *after {
			if err := printRelease(stdout, r, h.records[i], signers, *asJSON); err != nil {
				return o.failed(stderr, err)
			}
		}
		if r.Root != nil {
			root = *r.Root
		}
	}
	return exitDone
}

func printRelease(w io.Writer, r trust.Release, record publish.Record, signers []string, asJSON bool) error {
	if asJSON {
		return json.NewEncoder(w).Encode(struct {
			publish.Record
			Created time.Time   `json:"created"`
			Expires time.Time   `json:"expires"`
			Channel string      `json:"channel"`
			Rollout int         `json:"rollout"`
			Signers []string    `json:"signers"`
			Root    *trust.Root `json:"root,omitempty"`
		}{record, r.Created, r.Expires, r.Channel, r.Rollout, signers, r.Root})
	}
	fmt.Fprintf(w, "%d  %s  %s %d %%  signed by %s\n", r.Sequence, r.Created.Format("2006-01-02 15:04"), r.Channel, r.Rollout, names(signers))
	if r.Root != nil {
		fmt.Fprintf(w, "  new root %d: %d of %s\n", r.Root.Version, r.Root.Threshold, strings.Join(r.Root.Keys, " "))
	}
	printChanges(w, record.Result)
	return nil
}
