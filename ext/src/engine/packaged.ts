// SPDX-License-Identifier: Apache-2.0

/** What came in the package beside the code: engine, model, first rules, keys. */

import { sha256 } from "../store/dismissals";
import { FallbackRules } from "../store/fallback";
import { IndexedRules } from "../store/rules";
import { EngineHost, LIMITS, type Packed } from "./host";
import type { Bytes } from "./instance";

const MODEL = ["model.onnx", "tokenizer.json", "config.json"];

/** Names the engine in the package; build.mjs says it. */
declare const ENGINE: string;

/** The hash of the rules in the package, likewise. */
declare const BASELINE: string;
export const BASELINE_HASH = BASELINE;

async function bytes(path: string): Promise<Bytes> {
  return new Uint8Array(await (await fetch(chrome.runtime.getURL(path))).arrayBuffer());
}

/** The packaged rules' canonical bytes, and what the engine made of them. */
async function baseline(): Promise<Packed> {
  const [pack, index] = await Promise.all([bytes("baseline.json"), bytes("baseline.index").catch(() => undefined)]);
  return { pack, ...(index ? { index } : {}) };
}

async function trust(): Promise<unknown> {
  return (await fetch(chrome.runtime.getURL("trust.json"))).json();
}

/** The engine next to its Worker; needs a document (offscreen, or an event page). */
export function packagedEngine(): EngineHost {
  const url = (path: string): string => chrome.runtime.getURL(path);
  return new EngineHost({
    spawn: () => new Worker(url("engine.js")),
    store: new FallbackRules(new IndexedRules()),
    engine: ENGINE,
    baseline,
    trust,
    files: { wasm: url("haechi.wasm"), model: MODEL.map((name) => ({ name, url: url(`model/${name}`) })) },
    hash: sha256,
    now: () => Date.now(),
    limits: LIMITS,
  });
}
