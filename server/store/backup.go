// SPDX-License-Identifier: Apache-2.0

package store

import (
	"bufio"
	"bytes"
	"crypto/sha256"
	"encoding/binary"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"io/fs"
	"log/slog"
	"os"
	"path/filepath"
	"time"

	"github.com/dgraph-io/badger/v4"
)

// A backup file is
//
//	backupMagic
//	what Badger's own DB.Backup writes: one consistent view of the store
//	the Backup below as JSON
//	its length, 8 bytes, big-endian
//	SHA-256 of everything before, 32 bytes
//
// What is known of the view only once it was written stands behind it. The
// hash finds accidents; against malice, what was restored is checked under the
// trust root like any store, when a server starts on it.
const backupMagic = "haechi backup 1\n"

const (
	backupTail   = 8 + sha256.Size
	backupInfo   = 4 << 10   // bytes of the JSON at most
	loadsPending = 16        // batches that Badger writes at once
	backupMax    = 256 << 20 // bytes of one entry list; Badger makes them of about 4 MiB
)

// ErrBackup: this is no backup, or not a whole one. Use another file.
var ErrBackup = errors.New("not a whole haechi backup")

// Backup says what a backup file holds.
type Backup struct {
	Format   string    `json:"format"` // layout of the store's keys
	Writer   string    `json:"writer"` // version of the program that wrote the file
	Created  time.Time `json:"created"`
	Sequence uint64    `json:"sequence"` // of the head
	Pack     string    `json:"pack"`     // hash of the rules there
	Bytes    int64     `json:"-"`        // size of the whole file
}

// Backup writes the store as it is at this moment. Releases may be appended
// meanwhile; they are not in it.
func (s *Store) Backup(w io.Writer) (Backup, error) {
	sum := sha256.New()
	out := &counter{w: io.MultiWriter(w, sum)}
	b, err := s.backup(out)
	if err != nil {
		return Backup{}, fmt.Errorf("store: backup: %w", err)
	}
	if _, err := w.Write(sum.Sum(nil)); err != nil {
		return Backup{}, fmt.Errorf("store: backup: %w", err)
	}
	b.Bytes = out.n + sha256.Size
	return b, nil
}

func (s *Store) backup(w io.Writer) (Backup, error) {
	if _, err := s.Head(); err != nil { // broken: nobody knows what is on disk
		return Backup{}, err
	}
	if _, err := io.WriteString(w, backupMagic); err != nil {
		return Backup{}, err
	}
	newest, err := s.db.Backup(w, 0)
	if err != nil {
		return Backup{}, err
	}
	b := Backup{Format: layouts[len(layouts)-1].name, Writer: version(), Created: time.Now().UTC().Truncate(time.Second)}
	if b.Sequence, b.Pack, err = s.headAt(newest); err != nil {
		return Backup{}, err
	}
	info, err := json.Marshal(b)
	if err != nil {
		return Backup{}, err
	}
	_, err = w.Write(binary.BigEndian.AppendUint64(info, uint64(len(info))))
	return b, err
}

// headAt is the newest release that a view of Badger's version at holds. A
// release's keys are written once, so their version says when.
func (s *Store) headAt(at uint64) (sequence uint64, pack string, err error) {
	err = s.db.View(func(txn *badger.Txn) error {
		var head Head
		if err := getJSON(txn, keyHead, &head); err != nil {
			return err
		}
		for sequence = head.Sequence; ; sequence-- {
			item, err := txn.Get(releaseKey(sequence, ""))
			if err != nil {
				return err
			}
			if item.Version() <= at {
				var n note
				err := getJSON(txn, releaseKey(sequence, ""), &n)
				pack = n.Pack
				return err
			}
			if sequence == 0 {
				return fmt.Errorf("no release at version %d: %w", at, ErrDamaged)
			}
		}
	})
	return sequence, pack, err
}

// counter counts what goes through it.
type counter struct {
	w io.Writer
	n int64
}

func (c *counter) Write(p []byte) (int, error) {
	n, err := c.w.Write(p)
	c.n += int64(n)
	return n, err
}

// CheckBackup reads a whole backup file and returns what it says of itself, or
// ErrBackup.
func CheckBackup(file string) (Backup, error) {
	f, err := os.Open(file)
	if err != nil {
		return Backup{}, fmt.Errorf("store: %w", err)
	}
	defer f.Close()
	b, _, err := readBackup(f)
	if err != nil {
		return Backup{}, fmt.Errorf("store: %s: %w", file, err)
	}
	return b, nil
}

// readBackup checks a file and returns the part that Badger reads.
func readBackup(f *os.File) (Backup, *io.SectionReader, error) {
	broken := func(why string) error { return fmt.Errorf("%w: %s", ErrBackup, why) }
	st, err := f.Stat()
	if err != nil {
		return Backup{}, nil, err
	}
	size := st.Size()
	if !st.Mode().IsRegular() || size < int64(len(backupMagic)+backupTail) {
		return Backup{}, nil, broken("too short")
	}
	magic := make([]byte, len(backupMagic))
	if _, err := f.ReadAt(magic, 0); err != nil {
		return Backup{}, nil, err
	}
	if string(magic) != backupMagic {
		return Backup{}, nil, broken("it begins otherwise")
	}
	sum := sha256.New()
	if _, err := io.Copy(sum, io.NewSectionReader(f, 0, size-sha256.Size)); err != nil {
		return Backup{}, nil, err
	}
	tail := make([]byte, backupTail)
	if _, err := f.ReadAt(tail, size-backupTail); err != nil {
		return Backup{}, nil, err
	}
	if !bytes.Equal(sum.Sum(nil), tail[8:]) {
		return Backup{}, nil, broken("it was cut off or altered")
	}
	length := binary.BigEndian.Uint64(tail)
	if length > backupInfo || int64(length) > size-int64(len(backupMagic)+backupTail) {
		return Backup{}, nil, broken("its end makes no sense")
	}
	end := size - backupTail - int64(length)
	info := make([]byte, length)
	if _, err := f.ReadAt(info, end); err != nil {
		return Backup{}, nil, err
	}
	b := Backup{Bytes: size}
	if err := json.Unmarshal(info, &b); err != nil {
		return Backup{}, nil, broken("its end makes no sense")
	}
	return b, io.NewSectionReader(f, int64(len(backupMagic)), end-int64(len(backupMagic))), nil
}

// checkLists looks at the lengths that Badger would take as they stand, so that
// a forged file cannot ask for all memory.
func checkLists(r io.Reader) error {
	in := bufio.NewReader(r)
	for {
		var length uint64
		switch err := binary.Read(in, binary.LittleEndian, &length); {
		case errors.Is(err, io.EOF):
			return nil
		case err != nil:
			return fmt.Errorf("%w: %w", ErrBackup, err)
		}
		if length > backupMax {
			return fmt.Errorf("%w: an entry of %d bytes", ErrBackup, length)
		}
		if _, err := io.CopyN(io.Discard, in, int64(length)); err != nil {
			return fmt.Errorf("%w: %w", ErrBackup, err)
		}
	}
}

// Restore makes a store in dir from a backup file. dir must be missing or
// empty: nothing is ever overwritten. The store is built beside dir, checked
// as Open checks it, and moved into place last, so that a failure or a crash
// leaves dir as it was.
func Restore(dir, file string, log *slog.Logger) (Backup, error) {
	f, err := os.Open(file)
	if err != nil {
		return Backup{}, fmt.Errorf("store: %w", err)
	}
	defer f.Close()
	b, lists, err := readBackup(f)
	if err == nil {
		err = checkLists(io.NewSectionReader(f, int64(len(backupMagic)), lists.Size()))
	}
	if err != nil {
		return Backup{}, fmt.Errorf("store: %s: %w", file, err)
	}
	if err := restore(dir, b, lists, log); err != nil {
		return Backup{}, fmt.Errorf("store: restore to %s: %w", dir, err)
	}
	return b, nil
}

func restore(dir string, b Backup, lists io.Reader, log *slog.Logger) (err error) {
	entries, err := os.ReadDir(dir)
	if err != nil && !errors.Is(err, fs.ErrNotExist) {
		return err
	}
	if len(entries) > 0 {
		return errors.New("it is not empty, and nothing is overwritten; move it away or give another directory")
	}
	parent := filepath.Dir(dir)
	if err := os.MkdirAll(parent, 0o700); err != nil {
		return err
	}
	if err := roomFor(parent, Reserve+2*uint64(b.Bytes)); err != nil {
		return err
	}
	building, err := os.MkdirTemp(parent, ".restoring-*")
	if err != nil {
		return err
	}
	defer os.RemoveAll(building)
	db, err := badger.Open(badgerOptions(building, log))
	if err != nil {
		return err
	}
	if err := errors.Join(db.Load(lists, loadsPending), db.Close()); err != nil {
		return err
	}
	s, err := OpenExisting(building, log)
	if err != nil {
		return err
	}
	head, err := s.Head()
	if err := errors.Join(err, s.Close()); err != nil {
		return err
	}
	if head.Sequence != b.Sequence || head.Pack != b.Pack {
		return fmt.Errorf("its head is %d, not %d as the file says: %w", head.Sequence, b.Sequence, ErrDamaged)
	}
	if err := os.Remove(dir); err != nil && !errors.Is(err, fs.ErrNotExist) { // it is empty
		return err
	}
	if err := os.Rename(building, dir); err != nil {
		return err
	}
	return syncDir(parent)
}

// syncDir makes what was moved in a directory survive a power cut.
func syncDir(dir string) error {
	d, err := os.Open(dir)
	if err != nil {
		return err
	}
	return errors.Join(d.Sync(), d.Close())
}
