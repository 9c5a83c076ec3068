// SPDX-License-Identifier: Apache-2.0

package classify

import (
	"github.com/gomlx/gomlx/backends"
	"github.com/gomlx/gomlx/backends/simplego"
)

// A reactor has one thread: with its default parallelism the tensor backend
// waits for workers that never run.
func init() {
	backends.Register("go", func(string) (backends.Backend, error) {
		return simplego.New("ops_sequential,parallelism=0")
	})
}
