// SPDX-License-Identifier: Apache-2.0

/**
 * What our content script cost a page's main thread, read from a Chromium
 * trace. A task is ours in part when the profiler saw our script on its stack;
 * microtasks and forced layouts count with the script that caused them.
 */

export const CATEGORIES = ["toplevel", "devtools.timeline", "v8.execute", "disabled-by-default-v8.cpu_profiler", "disabled-by-default-v8.cpu_profiler.hires"];

/** Samples in one go further apart than this are two batches, in ms. */
const PAUSE_MS = 1;

/** @param {object[]} events of a trace; @param {string} script the end of our script's address. Times in ms of the thread. */
export function costs(events, script) {
  const main = mainThread(events, script);
  if (!main) return { batches: [], tasks: [], top: [], worst: [] };
  const samples = ours(events.filter(({ pid }) => pid === main.pid), script);
  const tasks = events.filter(({ name, ph, pid, tid, dur }) => ph === "X" && dur && pid === main.pid && tid === main.tid && /RunTask$/.test(name));
  const batches = [];
  const shared = [];
  const worst = [];
  for (const { ts, dur, tdur } of tasks) {
    const inside = samples.filter(({ at }) => at >= ts && at < ts + dur);
    if (inside.length === 0) continue;
    // The profiler counts the clock; how much of that the thread really ran is known for the task.
    const ran = Math.min(1, (tdur ?? dur) / dur);
    const ms = (ran * inside.reduce((sum, { took }) => sum + took, 0)) / 1000;
    batches.push(ms);
    worst.push({ ms, names: tally(inside) });
    shared.push({ wall: dur / 1000, cpu: (tdur ?? dur) / 1000 });
  }
  return { batches, tasks: shared, top: tally(samples), worst };
}

/** Milliseconds by function, the most first. */
function tally(samples) {
  const top = new Map();
  for (const { names, took } of samples) for (const name of names) top.set(name, (top.get(name) ?? 0) + took / 1000);
  return [...top].sort((a, b) => b[1] - a[1]);
}

/** The thread on which our script's functions are called. */
function mainThread(events, script) {
  return events.find(({ name, args }) => name === "FunctionCall" && args.data?.url?.endsWith(script));
}

/** Times at which our script was on the stack, and for how long until the next sample, in µs. */
function ours(events, script) {
  const profiles = new Map();
  const chunks = events.filter(({ name }) => name === "Profile" || name === "ProfileChunk").sort((a, b) => a.ts - b.ts);
  for (const { name, id, args: { data } } of chunks) {
    if (name === "Profile") profiles.set(id, { at: data.startTime, nodes: new Map(), samples: [] });
    const profile = profiles.get(id);
    if (!profile || name === "Profile") continue;
    for (const { id: node, parent, callFrame } of data.cpuProfile?.nodes ?? []) {
      const above = profile.nodes.get(parent);
      const own = callFrame.url?.endsWith(script);
      profile.nodes.set(node, {
        ours: own || above?.ours || false,
        names: own ? new Set([...(above?.names ?? []), callFrame.functionName || "(anonymous)"]) : (above?.names ?? new Set()),
      });
    }
    const ids = data.cpuProfile?.samples ?? [];
    ids.forEach((node, i) => {
      profile.at += data.timeDeltas[i];
      profile.samples.push({ at: profile.at, node });
    });
  }
  return [...profiles.values()].flatMap(({ nodes, samples }) =>
    samples
      .map(({ at, node }, i) => ({ at, node: nodes.get(node), took: Math.min((samples[i + 1]?.at ?? at) - at, PAUSE_MS * 1000) }))
      .filter(({ node }) => node?.ours)
      .map(({ at, took, node }) => ({ at, took, names: node.names })),
  );
}

export function percentile(values, share) {
  const sorted = [...values].sort((a, b) => a - b);
  return sorted[Math.min(sorted.length - 1, Math.floor(sorted.length * share))] ?? 0;
}
