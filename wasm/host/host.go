// SPDX-License-Identifier: Apache-2.0

// Package host runs the built wasm under wazero: call [Open] with the wasm and
// the model's folder, then use the [Engine] like the native one.
//
// It is the only package that imports wazero.
package host

import (
	"bytes"
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"os"
	"path/filepath"
	"slices"
	"sync"

	"github.com/tetratelabs/wazero"
	"github.com/tetratelabs/wazero/api"
	"github.com/tetratelabs/wazero/imports/wasi_snapshot_preview1"

	"haechi/rules"
	"haechi/wasm/abi"
	"haechi/wasm/detect"
)

// ModelDir is where the engine sees the model's folder.
const ModelDir = "/model"

// Engine is one instance of the wasm. One call runs at a time. After a trap
// the instance is gone and every call fails with [ErrTrap]; open a new one.
type Engine struct {
	mu      sync.Mutex
	runtime wazero.Runtime
	module  api.Module
	alloc   api.Function
	free    api.Function
	call    api.Function
	broken  error // under mu; the trap that ended the instance
}

// Open compiles and starts a wasm file, loads the model in the folder and the
// rules. Compiled code is kept in the cache folder, so that only the first
// start of a wasm takes seconds; an empty cache name keeps none. An empty model
// name gives a degraded engine. Options bound what the engine may do.
func Open(ctx context.Context, wasmFile, model, cache string, pack rules.Pack, options ...Option) (*Engine, error) {
	code, err := os.ReadFile(wasmFile)
	if err != nil {
		return nil, fmt.Errorf("engine wasm: %w; run ./build.sh build", err)
	}
	l := limits{pages: memoryPages, stderr: os.Stderr}
	for _, o := range options {
		o(&l)
	}
	config := wazero.NewRuntimeConfigCompiler().WithMemoryLimitPages(l.pages).WithCloseOnContextDone(l.interruptible)
	if cache != "" {
		kept, err := wazero.NewCompilationCacheWithDir(cache)
		if err != nil {
			return nil, fmt.Errorf("engine wasm: cache of compiled code: %w", err)
		}
		config = config.WithCompilationCache(kept)
	}
	e := &Engine{runtime: wazero.NewRuntimeWithConfig(ctx, config)}
	if err := e.start(ctx, code, model, pack, l.stderr); err != nil {
		return nil, errors.Join(err, e.runtime.Close(ctx))
	}
	return e, nil
}

// CacheDir is where compiled code is kept for the user.
func CacheDir() string {
	dir, err := os.UserCacheDir()
	if err != nil {
		return ""
	}
	return filepath.Join(dir, "haechi", "wazero")
}

func (e *Engine) start(ctx context.Context, code []byte, model string, pack rules.Pack, stderr io.Writer) error {
	if _, err := wasi_snapshot_preview1.Instantiate(ctx, e.runtime); err != nil {
		return fmt.Errorf("engine wasm: %w", err)
	}
	compiled, err := e.runtime.CompileModule(ctx, code)
	if err != nil {
		return fmt.Errorf("engine wasm: compile: %w", err)
	}
	config := wazero.NewModuleConfig().WithName("haechi").WithArgs("haechi").WithStartFunctions("_initialize").
		WithStderr(stderr).WithSysWalltime().WithSysNanotime()
	if model != "" {
		config = config.WithFSConfig(wazero.NewFSConfig().WithReadOnlyDirMount(model, ModelDir))
	}
	if e.module, err = e.runtime.InstantiateModule(ctx, compiled, config); err != nil {
		return fmt.Errorf("engine wasm: start: %w", err)
	}
	e.alloc, e.free, e.call = e.module.ExportedFunction("haechi_alloc"), e.module.ExportedFunction("haechi_free"), e.module.ExportedFunction("haechi_call")
	version := e.module.ExportedFunction("haechi_abi")
	if e.alloc == nil || e.free == nil || e.call == nil || version == nil {
		return errors.New("engine wasm: not a Haechi engine; run ./build.sh build")
	}
	if v, err := version.Call(ctx); err != nil || v[0] != abi.Version {
		return fmt.Errorf("engine wasm: ABI version %v, this program speaks %d; run ./build.sh build", v, abi.Version)
	}
	if model != "" {
		if err := e.Call(ctx, abi.Request{Op: "load", Dir: ModelDir}, &abi.Loaded{}); err != nil {
			return err
		}
	}
	return e.Call(ctx, abi.Request{Op: "rules", Pack: pack.Encode()}, &abi.Ruled{})
}

// Use gives the engine other rules: a prepared index, see [detect.Engine.Prepared],
// and the pack that it was made of. It takes a fraction of the time that the
// pack alone takes. The engine must have a model.
func (e *Engine) Use(ctx context.Context, index []byte, pack rules.Pack) error {
	request, err := json.Marshal(abi.Request{Op: "rules", Index: len(index)})
	if err != nil {
		return fmt.Errorf("engine wasm: %w", err)
	}
	var got abi.Ruled
	if err := e.send(ctx, slices.Concat(request, []byte("\n"), index, pack.Encode()), &got); err != nil {
		return err
	}
	if !got.Prepared {
		return errors.New("engine wasm: it did not take the index; is it of the same build? Run ./build.sh build")
	}
	return nil
}

// Call sends one request and decodes the answer into ok. An error that the
// engine itself gave is an [abi.Error].
func (e *Engine) Call(ctx context.Context, q abi.Request, ok any) error {
	request, err := json.Marshal(q)
	if err != nil {
		return fmt.Errorf("engine wasm: %w", err)
	}
	return e.send(ctx, request, ok)
}

func (e *Engine) send(ctx context.Context, request []byte, ok any) error {
	answer, err := e.Exchange(ctx, request)
	if err != nil {
		return err
	}
	var a struct {
		OK    json.RawMessage `json:"ok"`
		Error *abi.Error      `json:"error"`
	}
	if err := json.Unmarshal(answer, &a); err != nil {
		return fmt.Errorf("engine wasm: answer: %w", err)
	}
	if a.Error != nil {
		return a.Error
	}
	return json.Unmarshal(a.OK, ok)
}

// Exchange sends the bytes of one request as they are and returns those of the
// answer.
func (e *Engine) Exchange(ctx context.Context, request []byte) (answer []byte, err error) {
	e.mu.Lock()
	defer e.mu.Unlock()
	if e.broken != nil {
		return nil, fmt.Errorf("engine wasm: stopped earlier: %w: %w", ErrTrap, e.broken)
	}
	run := func(f api.Function, args ...uint64) uint64 {
		if err != nil {
			return 0
		}
		var out []uint64
		if out, err = f.Call(ctx, args...); err != nil {
			e.broken = err
			return 0
		}
		if len(out) == 0 {
			return 0
		}
		return out[0]
	}
	ptr := run(e.alloc, uint64(len(request)))
	if err != nil {
		return nil, fmt.Errorf("engine wasm: %w: %w", ErrTrap, err)
	}
	if ptr == 0 || !e.module.Memory().Write(uint32(ptr), request) {
		return nil, errors.New("engine wasm: no memory for the request")
	}
	packed := run(e.call, ptr, uint64(len(request)))
	run(e.free, ptr)
	if err != nil {
		return nil, fmt.Errorf("engine wasm: %w: %w", ErrTrap, err)
	}
	view, ok := e.module.Memory().Read(uint32(packed>>32), uint32(packed))
	if !ok {
		return nil, errors.New("engine wasm: the answer lies outside its memory")
	}
	answer = bytes.Clone(view)
	run(e.free, packed>>32)
	return answer, err
}

// Check judges one answer, as [detect.Engine.Check] does.
func (e *Engine) Check(ctx context.Context, q detect.Request) ([]abi.Finding, error) {
	var out abi.Checked
	if err := e.Call(ctx, abi.Request{Op: "check", Text: q.Text, Question: q.Question, Tiers: q.Tiers}, &out); err != nil {
		return nil, err
	}
	return out.Findings, nil
}

// Close frees the instance.
func (e *Engine) Close(ctx context.Context) error { return e.runtime.Close(ctx) }
