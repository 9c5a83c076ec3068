// SPDX-License-Identifier: Apache-2.0

/**
 * The engine's Worker: holds one instance, answers one request at a time.
 * It never recovers from a trap; it says so, and its host replaces it.
 */

import { Instance } from "./instance";

/** Host to worker: first one boot, then calls. */
export type ToWorker =
  | { id: number; boot: { wasm: string; model: { name: string; url: string }[] } }
  | { id: number; call: string };

/** Worker to host: an answer, or why there is none and never will be. */
export type FromWorker = { id: number; answer: string } | { id: number; broken: string };

interface Scope {
  onmessage: ((event: MessageEvent<ToWorker>) => void) | null;
  postMessage(message: FromWorker): void;
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
async function file(entry: { name: string; url: string }): Promise<[string, Uint8Array<ArrayBuffer>] | undefined> {
  try {
    const response = await fetch(entry.url);
    return response.ok ? [entry.name, new Uint8Array(await response.arrayBuffer())] : undefined;
  } catch {
    return undefined;
  }
}

async function answer(message: ToWorker): Promise<string> {
  if ("boot" in message) {
    const files = await Promise.all(message.boot.model.map(file));
    const model = new Map(files.filter((entry) => entry !== undefined));
    instance = await Instance.start(await compile(message.boot.wasm), model, (line) => console.warn(line));
    return "";
  }
  if (!instance) throw new Error("called before it was booted");
  return instance.call(message.call);
}

scope.onmessage = async ({ data }) => {
  try {
    scope.postMessage({ id: data.id, answer: await answer(data) });
  } catch (error) {
    instance = undefined;
    scope.postMessage({ id: data.id, broken: String(error) });
  }
};
