// SPDX-License-Identifier: Apache-2.0

package main

import (
	"errors"
	"io/fs"
	"os"
	"path/filepath"
)

// replaceFile puts a file with a mode in place once write has filled it and it
// is on disk: a reader sees the old one or the new one. After a failure what
// was there is there still.
func replaceFile(file string, mode fs.FileMode, write func(*os.File) error) error {
	dir := filepath.Dir(file)
	f, err := os.CreateTemp(dir, ".haechi-*")
	if err != nil {
		return err
	}
	defer os.Remove(f.Name()) // gone already if all went well
	err = errors.Join(write(f), f.Chmod(mode))
	if err == nil {
		err = f.Sync()
	}
	if err := errors.Join(err, f.Close()); err != nil {
		return err
	}
	if err := os.Rename(f.Name(), file); err != nil {
		return err
	}
	d, err := os.Open(dir)
	if err != nil {
		return err
	}
	return errors.Join(d.Sync(), d.Close())
}

// replaceWith is replaceFile for content that is at hand.
func replaceWith(file string, mode fs.FileMode, data []byte) error {
	return replaceFile(file, mode, func(f *os.File) error {
		_, err := f.Write(data)
		return err
	})
}
