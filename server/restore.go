// SPDX-License-Identifier: Apache-2.0

package main

import (
	"io"
	"path/filepath"

	"haechi/server/store"
)

const restoreHelp = `
Makes a data directory from a file that "haechi backup" wrote. A file that was
cut off or altered is refused before anything is changed, and nothing is ever
overwritten: DIR must hold no store. The result is opened and checked before it
is moved into place. Under which trust root its releases count, "haechi serve"
checks when it starts.

Example:
  haechi restore --data ./restored haechi.backup`

func runRestore(args []string, _ io.Reader, stdout, stderr io.Writer) int {
	o := newOptions("restore", "--data DIR [--json] FILE", restoreHelp)
	dir := o.String("data", "", "make the data directory `DIR`")
	asJSON := o.Bool("json", false, "print what was restored as one JSON object")
	files, code, ok := o.parse(args, 1, 1, stdout, stderr)
	if !ok {
		return code
	}
	if *dir == "" {
		return o.wrong(stderr, "--data is missing")
	}
	b, err := store.Restore(filepath.Join(*dir, storeDir), files[0], nil)
	if err != nil {
		return o.failed(stderr, err)
	}
	backupReport{Backup: b, File: files[0]}.print(stdout, *asJSON, "restored")
	return exitDone
}
