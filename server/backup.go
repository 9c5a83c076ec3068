// SPDX-License-Identifier: Apache-2.0

package main

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"net/http"
	"os"
	"path/filepath"

	"haechi/server/store"
)

// storeDir is the part of a data directory that is a store.
const storeDir = "store"

const backupHelp = `
Writes everything that a data directory holds to one file: every release with
its signatures and rule files. If a server runs on the directory, it is asked
for the backup through admin.sock and goes on meanwhile; else the directory is
read itself. The file appears when it is whole and on disk, and was read back.

Example:
  haechi backup --data /var/lib/haechi --out haechi.backup`

// backupReport is what backup and restore say with --json.
type backupReport struct {
	store.Backup
	File   string `json:"file"`
	Bytes  int64  `json:"bytes"`
	Online bool   `json:"online,omitempty"` // from a running server
}

func runBackup(args []string, _ io.Reader, stdout, stderr io.Writer) int {
	o := newOptions("backup", "[--data DIR] --out FILE [--json]", backupHelp)
	dir := o.String("data", "./data", "back up the data in `DIR`")
	out := o.String("out", "", "write to `FILE`; a file that is there is replaced")
	asJSON := o.Bool("json", false, "print what was written as one JSON object")
	if _, code, ok := o.parse(args, 0, 0, stdout, stderr); !ok {
		return code
	}
	if *out == "" {
		return o.wrong(stderr, "--out is missing")
	}
	r := backupReport{File: *out}
	err := replaceFile(*out, 0o600, func(f *os.File) (err error) {
		r.Online, err = writeBackup(context.Background(), *dir, f)
		if err != nil {
			return err
		}
		r.Backup, err = store.CheckBackup(f.Name())
		return err
	})
	if err != nil {
		return o.failed(stderr, err)
	}
	r.print(stdout, *asJSON, "backed up")
	return exitDone
}

func (r backupReport) print(w io.Writer, asJSON bool, done string) {
	r.Bytes = r.Backup.Bytes
	if asJSON {
		json.NewEncoder(w).Encode(r)
		return
	}
	fmt.Fprintf(w, "%s sequence %d, pack %.16s…, %d bytes, %s\n", done, r.Sequence, r.Pack, r.Bytes, r.File)
}

// writeBackup writes a backup of a data directory. online says that it came
// from a running server.
func writeBackup(ctx context.Context, dir string, w io.Writer) (online bool, err error) {
	if c := dialAdmin(ctx, dir); c != nil {
		response, err := askAdmin(ctx, c, http.MethodGet, "/backup")
		if err != nil {
			return true, err
		}
		defer response.Body.Close()
		_, err = io.Copy(w, response.Body)
		if err != nil {
			err = fmt.Errorf("the running server's backup broke off: %w; its log says why", err)
		}
		return true, err
	}
	st, err := store.OpenExisting(filepath.Join(dir, storeDir), nil)
	if errors.Is(err, store.ErrLocked) {
		err = fmt.Errorf("%w, and its %s does not answer; stop it, and back up then", err, adminSocket)
	}
	if err != nil {
		return false, err
	}
	_, err = st.Backup(w)
	return false, errors.Join(err, st.Close())
}
