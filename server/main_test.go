// SPDX-License-Identifier: Apache-2.0

package main

import (
	"context"
	"fmt"
	"log/slog"
	"net/http"
	"net/http/httptest"
	"os"
	"path/filepath"
	"testing"
	"time"

	"github.com/rogpeppe/go-internal/testscript"

	"haechi/rules"
	"haechi/rules/trust/trusttest"
)

// patience bounds every wait of these tests. It is no measure of speed: the
// machine may be busy.
const patience = 60 * time.Second

func TestMain(m *testing.M) {
	testscript.Main(m, map[string]func(){"haechi": main})
}

// TestScripts runs the command lines in testdata/script. Beside the commands of
// testscript they have:
//
//	rule ID FILE   writes a valid rule file
//	node TRUST     (re)starts a server on the data in ./data with the baseline
//	               a, b and the online key and note in dist/keys; its address
//	               is in $SERVER
//	nodeoff        stops it
//	static DIR     serves files as any web server does; its address is in $MIRROR
func TestScripts(t *testing.T) {
	testscript.Run(t, testscript.Params{
		Dir:                 "testdata/script",
		RequireExplicitExec: true,
		RequireUniqueNames:  true,
		Condition: func(name string) (bool, error) {
			if name == "race" {
				return trusttest.RaceDetector(), nil
			}
			return false, fmt.Errorf("no condition %q", name)
		},
		Setup: func(env *testscript.Env) error {
			env.Values[nodeKey{}] = &holder{}
			// The race detector makes each process sleep a second at its end.
			env.Setenv("GORACE", "atexit_sleep_ms=0")
			for name, path := range map[string]string{"MODEL": "../wasm/model", "WASM": "../dist/haechi.wasm", "RULES": "../rules/data"} {
				abs, err := filepath.Abs(path)
				if err != nil {
					return err
				}
				env.Setenv(name, abs)
			}
			if cache, err := os.UserCacheDir(); err == nil { // compiled wasm is kept there
				env.Setenv("XDG_CACHE_HOME", cache)
			}
			return nil
		},
		Cmds: map[string]func(ts *testscript.TestScript, neg bool, args []string){
			"rule": func(ts *testscript.TestScript, _ bool, args []string) {
				ts.Check(os.WriteFile(ts.MkAbs(args[1]), rules.Format(trusttest.Rule(args[0])), 0o644))
			},
			"node": func(ts *testscript.TestScript, _ bool, args []string) {
				h := ts.Value(nodeKey{}).(*holder)
				h.stop(ts)
				root, err := readRoot(ts.MkAbs(args[0]))
				ts.Check(err)
				online, err := readSigner(ts.MkAbs("dist/keys/online.key"))
				ts.Check(err)
				n, err := openNode(nodeConfig{
					addr: "127.0.0.1:0", dir: ts.MkAbs("data"), root: root,
					online: online, lent: ts.ReadFile("dist/keys/online.note"),
					baseline: []rules.Rule{trusttest.Rule("a"), trusttest.Rule("b")},
					log:      slog.New(slog.DiscardHandler),
				})
				ts.Check(err)
				h.node = n
				ts.Setenv("SERVER", "http://"+n.addr().String())
				ts.Defer(func() { h.stop(ts) })
			},
			"static": func(ts *testscript.TestScript, _ bool, args []string) {
				server := httptest.NewServer(http.FileServer(http.Dir(ts.MkAbs(args[0]))))
				ts.Defer(server.Close)
				ts.Setenv("MIRROR", server.URL)
			},
			"nodeoff": func(ts *testscript.TestScript, _ bool, _ []string) {
				ts.Value(nodeKey{}).(*holder).stop(ts)
			},
		},
	})
	files, err := filepath.Glob("testdata/script/*.txtar")
	if err != nil || len(files) == 0 {
		t.Errorf("no scripts: %v", err)
	}
}

// holder is the node of one script.
type holder struct{ node *node }

type nodeKey struct{}

func (h *holder) stop(ts *testscript.TestScript) {
	if h.node == nil {
		return
	}
	ctx, cancel := context.WithTimeout(context.Background(), patience)
	defer cancel()
	n := h.node
	h.node = nil
	ts.Check(n.close(ctx))
}
