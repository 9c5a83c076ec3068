// SPDX-License-Identifier: Apache-2.0

/** How long the Workers of this user's browsers have been on a core: Linux counts it by thread. */

import { readdir, readFile } from "node:fs/promises";

/** The names that Chromium gives a Worker's thread; Linux keeps 15 characters. */
const WORKER = /^(DedicatedWorker|WebWorker)/;

const threads = new Map(); // path → whether it is a Worker's

async function isWorker(path) {
  if (!threads.has(path)) threads.set(path, WORKER.test(await readFile(`${path}/comm`, "utf8").catch(() => "")));
  return threads.get(path);
}

/** Processes below this one. */
async function descendants() {
  const parents = new Map();
  for (const pid of (await readdir("/proc")).filter((name) => /^\d+$/.test(name))) {
    const stat = await readFile(`/proc/${pid}/stat`, "utf8").catch(() => "");
    parents.set(pid, stat.slice(stat.lastIndexOf(")") + 2).split(" ")[1]);
  }
  const below = new Set([String(process.pid)]);
  for (let size = 0; size !== below.size; ) {
    size = below.size;
    for (const [pid, parent] of parents) if (below.has(parent)) below.add(pid);
  }
  return [...below];
}

let processes = [];
let listed = 0;

/** Milliseconds of each Worker by its thread; none where the system does not say. */
export async function workersBusy() {
  if (Date.now() - listed > 2_000) {
    processes = await descendants().catch(() => []);
    listed = Date.now();
  }
  const out = new Map();
  for (const pid of processes) {
    for (const thread of await readdir(`/proc/${pid}/task`).catch(() => [])) {
      const path = `/proc/${pid}/task/${thread}`;
      if (await isWorker(path)) out.set(path, Number((await readFile(`${path}/schedstat`, "utf8").catch(() => "0")).split(" ")[0]) / 1e6);
    }
  }
  return out;
}

/** Milliseconds that Workers which still live were busy since then. */
export async function busySince(before) {
  return [...(await workersBusy())].reduce((sum, [path, ms]) => sum + ms - (before.get(path) ?? 0), 0);
}
