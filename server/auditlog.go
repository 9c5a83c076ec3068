// SPDX-License-Identifier: Apache-2.0

package main

import (
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"os"
	"regexp"
	"strconv"
	"strings"

	desklog "haechi/server/review/audit"
)

var headShape = regexp.MustCompile(`^[1-9][0-9]{0,15}:[0-9a-f]{64}$`)

// verifyAudit verifies an export of the review desk's audit log.
func verifyAudit(o *options, file, head string, asJSON bool, stdout, stderr io.Writer) int {
	var known desklog.Head
	if head != "" {
		if !headShape.MatchString(head) {
			return o.wrong(stderr, "--head %q: give NUMBER:HASH as the desk's page shows it", head)
		}
		number, hash, _ := strings.Cut(head, ":")
		known.Hash = hash
		known.Sequence, _ = strconv.ParseUint(number, 10, 64) // the shape says that it is one
	}
	f, err := os.Open(file)
	if err != nil {
		return o.failed(stderr, err)
	}
	defer f.Close()
	is, err := desklog.VerifyJSONL(f, known)
	var broken *desklog.Broken
	if errors.As(err, &broken) {
		err = fmt.Errorf("%s: line %d: %s; the lines before it are intact", file, broken.Sequence, broken.Reason)
	}
	if err != nil {
		return o.failed(stderr, err)
	}
	if asJSON {
		if err := json.NewEncoder(stdout).Encode(is); err != nil {
			return o.failed(stderr, err)
		}
		return exitDone
	}
	fmt.Fprintf(stdout, "%d entries, none changed, taken out or put in; head %d:%s\n", is.Sequence, is.Sequence, is.Hash)
	if known.Sequence == 0 {
		fmt.Fprintln(stdout, "keep that head elsewhere: with --head it shows later whether the log was cut off or written anew")
	}
	return exitDone
}
