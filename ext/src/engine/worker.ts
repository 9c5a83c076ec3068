// SPDX-License-Identifier: Apache-2.0

/**
 * The engine's Worker: holds one instance, answers one request at a time.
 * It never recovers from a trap; it says so, and its host replaces it.
 */

import { Instance, type Bytes } from "./instance";

/** Host to worker: first one boot, then calls. */
export type ToWorker =
  | { id: number; boot: { wasm: string; model: { name: string; url: string }[] } }
  | { id: number; call: string; attached?: Bytes[] };

/** Worker to host: an answer, or why there is none and never will be. */
export type FromWorker = { id: number; answer: string; attached?: Bytes } | { id: number; broken: string };

interface Scope {
  onmessage: ((event: MessageEvent<ToWorker>) => void) | null;
  postMessage(message: FromWorker, transfer?: Transferable[]): void;
}

const scope = globalThis as unknown as Scope;
let instance: Instance | undefined;

async function compile(url: string): Promise<WebAssembly.Module> {
  const response = await fetch(url);
  if (!response.ok) throw new Error(`${url}: ${response.status}`);
  if (response.headers.get("content-type") === "application/wasm") return WebAssembly.compileStreaming(response);
  return WebAssembly.compile(await response.arrayBuffer());
}

/** A missing model file is left out: the engine then says what it lacks. */
async function file(entry: { name: string; url: string }): Promise<[string, Bytes] | undefined> {
  try {
    const response = await fetch(entry.url);
    return response.ok ? [entry.name, new Uint8Array(await response.arrayBuffer())] : undefined;
  } catch {
    return undefined;
  }
}

async function answer(message: ToWorker): Promise<{ answer: string; attached?: Bytes }> {
  if ("boot" in message) {
    const [module, ...files] = await Promise.all([compile(message.boot.wasm), ...message.boot.model.map(file)]);
    const model = new Map(files.filter((entry) => entry !== undefined));
    instance = await Instance.start(module, model, (line) => console.warn(line));
    return { answer: "" };
  }
  if (!instance) throw new Error("called before it was booted");
  return instance.call(message.call, message.attached);
}

scope.onmessage = async ({ data }) => {
  try {
    const given = await answer(data);
    scope.postMessage({ id: data.id, ...given }, given.attached ? [given.attached.buffer] : []);
  } catch (error) {
    instance = undefined;
    scope.postMessage({ id: data.id, broken: String(error) });
  }
};
