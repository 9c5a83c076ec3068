// SPDX-License-Identifier: Apache-2.0

//go:build linux || darwin

package store

import (
	"fmt"
	"syscall"
)

// freeBytes is how much an ordinary user may still write on the disk of dir.
func freeBytes(dir string) (uint64, error) {
	var st syscall.Statfs_t
	if err := syscall.Statfs(dir, &st); err != nil {
		return noLimit, fmt.Errorf("free space of %s: %w", dir, err)
	}
	return uint64(st.Bavail) * uint64(st.Bsize), nil
}
