// SPDX-License-Identifier: Apache-2.0

/** What came in the package beside the code: engine, model, first rules, keys. */

import { FallbackRules } from "../store/fallback";
import { IndexedRules } from "../store/rules";
import { EngineHost, LIMITS } from "./host";

const MODEL = ["model.onnx", "tokenizer.json", "config.json"];

/** The packaged rules' canonical text; its hash is the pack's. */
export async function baseline(): Promise<string> {
  return (await (await fetch(chrome.runtime.getURL("baseline.json"))).text()).trimEnd();
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
    baseline,
    trust,
    files: { wasm: url("haechi.wasm"), model: MODEL.map((name) => ({ name, url: url(`model/${name}`) })) },
    now: () => Date.now(),
    limits: LIMITS,
  });
}
