// SPDX-License-Identifier: Apache-2.0

package reference

import (
	"os"

	"github.com/gomlx/gomlx/backends"
	"github.com/gomlx/gomlx/backends/simplego"
)

// With its default parallelism the tensor backend can wait for ever: in a
// reactor, which has one thread, always; natively with graphs of many small
// operations, now and then. So operations run one after the other everywhere,
// which also makes the results the same everywhere.
func init() {
	backends.Register("go", func(string) (backends.Backend, error) {
		// It announces itself on standard output, where findings go.
		stdout := os.Stdout
		os.Stdout = nil
		defer func() { os.Stdout = stdout }()
		return simplego.New("ops_sequential,parallelism=0")
	})
}
