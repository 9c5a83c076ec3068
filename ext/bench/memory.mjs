// SPDX-License-Identifier: Apache-2.0

/** What the extension holds at rest: the heaps of its documents and workers, and the memory of its wasm. */

import { until } from "../e2e/until.mjs";

/** JavaScript's heap of a page or worker after a collection, and what its objects hold beside it, in bytes. */
async function heapOf(client) {
  await client.send("HeapProfiler.enable");
  await client.send("HeapProfiler.collectGarbage");
  const { usedSize, embedderHeapUsedSize = 0, backingStorageSize = 0 } = await client.send("Runtime.getHeapUsage");
  return { heap: usedSize + embedderHeapUsedSize, buffers: backingStorageSize };
}

/** The bytes of every WebAssembly memory that a worker holds, asked of the worker's own objects. */
async function wasmOf(client) {
  const { result } = await client.send("Runtime.evaluate", { expression: "WebAssembly.Memory.prototype" });
  const { objects } = await client.send("Runtime.queryObjects", { prototypeObjectId: result.objectId });
  const { result: sum } = await client.send("Runtime.callFunctionOn", {
    objectId: objects.objectId,
    functionDeclaration: "function () { return this.reduce((sum, memory) => sum + memory.buffer.byteLength, 0); }",
    returnByValue: true,
  });
  return sum.value;
}

/**
 * Bytes by owner. The engine must run. A wasm's memory may be among what its
 * worker's objects hold beside the heap, so of the two the larger one counts.
 */
export async function restingMemory(browser) {
  const find = (end) => browser.browser.targets().find((target) => target.url().endsWith(end));
  const background = await (await until("the service worker", () => browser.worker())).createCDPSession();
  const target = await until("the engine's document", () => find("/offscreen.html"));
  const offscreen = await target.asPage();
  const engine = await until("the engine's Worker", () => offscreen.workers()[0]);
  const wasm = await wasmOf(engine.client);
  const parts = { background: await heapOf(background), document: await heapOf(await target.createCDPSession()), worker: await heapOf(engine.client) };
  const sum = (one) => one.heap + one.buffers;
  return {
    "service worker": sum(parts.background),
    "offscreen document": sum(parts.document),
    "engine's Worker": parts.worker.heap + Math.max(0, parts.worker.buffers - wasm),
    "the wasm's memory": wasm,
  };
}
