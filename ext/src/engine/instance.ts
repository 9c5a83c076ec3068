// SPDX-License-Identifier: Apache-2.0

import { ConsoleStdout, Directory, Fd, File, OpenFile, PreopenDirectory, WASI } from "@bjorn3/browser_wasi_shim";
import { ABI_VERSION } from "./abi";

/** What the module exports, once its ABI version has been checked. */
interface Exports {
  memory: WebAssembly.Memory;
  haechi_abi(): number;
  haechi_alloc(n: number): number;
  haechi_free(ptr: number): void;
  haechi_call(ptr: number, len: number): bigint;
}

/** Bytes of a buffer that may be given away. */
export type Bytes = Uint8Array<ArrayBuffer>;

/** Behind a request's or an answer's JSON when bytes follow it; JSON itself has none. */
const LINE_FEED = 10;

/** The files the module sees under /model, by name. */
export type ModelFiles = Map<string, Bytes>;

/**
 * One instance of the engine. It knows nothing of operations: a request's text
 * goes in, an answer's text comes out. After any exception the instance is
 * broken and must be dropped, since Go's heap may be half changed.
 */
export class Instance {
  private readonly encoder = new TextEncoder();
  private readonly decoder = new TextDecoder();

  private constructor(private readonly exports: Exports) {}

  static async start(
    module: WebAssembly.Module,
    model: ModelFiles,
    log: (line: string) => void,
  ): Promise<Instance> {
    const files = new Map([...model].map(([name, data]) => [name, new File(data, { readonly: true })]));
    const fds: Fd[] = [
      new OpenFile(new File([])),
      ConsoleStdout.lineBuffered(log),
      ConsoleStdout.lineBuffered(log),
      new PreopenDirectory("/model", new Map<string, File | Directory>(files)),
    ];
    // argv[0] must be set: klog, inside the model's library, panics without it.
    const wasi = new WASI(["haechi"], [], fds);
    const imports = { wasi_snapshot_preview1: wasi.wasiImport as WebAssembly.ModuleImports };
    const instance = await WebAssembly.instantiate(module, imports);
    wasi.initialize(instance as unknown as { exports: { memory: WebAssembly.Memory } });
    const exports = instance.exports as unknown as Exports;
    const version = exports.haechi_abi();
    if (version !== ABI_VERSION) throw new Error(`engine speaks ABI ${version}, this extension ${ABI_VERSION}`);
    return new Instance(exports);
  }

  /** `attached` follows the request, what follows the answer comes back beside it. */
  call(request: string, attached: readonly Bytes[] = []): { answer: string; attached?: Bytes } {
    const parts = [this.encoder.encode(attached.length > 0 ? `${request}\n` : request), ...attached];
    const size = parts.reduce((sum, part) => sum + part.length, 0);
    const ptr = this.exports.haechi_alloc(size);
    // A view lives only until the next call: growing memory detaches it.
    const memory = new Uint8Array(this.exports.memory.buffer);
    let to = ptr >>> 0;
    for (const part of parts) {
      memory.set(part, to);
      to += part.length;
    }
    const packed = BigInt.asUintN(64, this.exports.haechi_call(ptr, size));
    this.exports.haechi_free(ptr);
    const at = Number(packed >> 32n);
    const bytes = new Uint8Array(this.exports.memory.buffer, at, Number(packed & 0xffff_ffffn));
    const line = bytes.indexOf(LINE_FEED);
    const answer = this.decoder.decode(line < 0 ? bytes : bytes.subarray(0, line));
    const rest = line < 0 || line + 1 === bytes.length ? {} : { attached: bytes.slice(line + 1) };
    this.exports.haechi_free(at | 0);
    return { answer, ...rest };
  }
}
