// SPDX-License-Identifier: Apache-2.0

/**
 * What the goals of the whole engine cost in Chromium, as JSON on standard
 * output: `node ext/bench/engine.mjs FOLDER`, which `./build.sh bench goals`
 * fills first: inputs.json and an index of a small and of a large set of rules.
 *
 * The extension's own Worker runs on a page of the extension, with the files
 * of the package; a time reaches from the message to the Worker to its answer.
 */

import { readFile } from "node:fs/promises";
import { join } from "node:path";
import { Browser, newProfile } from "../e2e/browser.mjs";
import { DIST } from "../e2e/haechi.mjs";
import { restingMemory } from "./memory.mjs";
import { busySince, workersBusy } from "./busy.mjs";

const COLD_STARTS = 9;
/** Characters by which a streamed answer grows between two looks at the page: 60 tokens a second, seven looks. */
const GROWTH = 18;

/** Runs in the page: what starts an engine's Worker and what times it. */
function equip() {
  const url = (path) => chrome.runtime.getURL(path);
  const bytes = async (path) => new Uint8Array(await (await fetch(path)).arrayBuffer());
  const model = ["model.onnx", "tokenizer.json", "config.json"].map((name) => ({ name, url: url(`model/${name}`) }));

  function worker() {
    const one = new Worker(url("engine.js"));
    let last = 0;
    const ask = (message) => new Promise((resolve, reject) => {
      one.onmessage = ({ data }) => (data.broken === undefined ? resolve(data) : reject(new Error(data.broken)));
      one.onerror = (event) => reject(new Error(event.message));
      one.postMessage({ id: (last += 1), ...message });
    });
    const call = async (request, attached) => {
      const { answer } = await ask({ call: JSON.stringify(request), ...(attached ? { attached } : {}) });
      const { ok, error } = JSON.parse(answer);
      if (error) throw new Error(error.message);
      return ok;
    };
    return { ask, call, end: () => one.terminate() };
  }

  /** Starts one as the extension does and says when each stage was done, in ms from the start. */
  window.start = async (text, index) => {
    const started = performance.now();
    const at = {};
    const done = (stage) => (at[stage] = performance.now() - started);
    const read = index ? Promise.resolve([Uint8Array.from(atob(index), (c) => c.charCodeAt(0)), new Uint8Array([123, 125])]) : Promise.all([bytes(url("baseline.index")), bytes(url("baseline.json"))]);
    const one = worker();
    await one.ask({ boot: { wasm: url("haechi.wasm"), model } });
    done("compiled and initialised");
    await one.call({ op: "load", dir: "/model" });
    done("model loaded");
    const [prepared, pack] = await read;
    const ruled = await one.call({ op: "rules", index: prepared.length }, [prepared, pack]);
    if (!ruled.prepared) throw new Error("the engine did not use the index of the rules");
    done("rules loaded");
    await one.call({ op: "check", text, units: "utf16" });
    done("first verdict");
    window.engine = one;
    return at;
  };

  window.timed = async (one, text) => {
    const started = performance.now();
    const { findings } = await one.call({ op: "check", text, units: "utf16" });
    return { ms: performance.now() - started, findings: findings.length };
  };

  /** Milliseconds of each text in turn. */
  window.each = async (texts) => {
    const out = [];
    for (const text of texts) out.push(await window.timed(window.engine, text));
    return out.map(({ ms }) => ms);
  };
}

/** Each state of an answer that is being written. */
function growing(text) {
  const characters = [...text];
  const out = [];
  for (let n = GROWTH; n < characters.length; n += GROWTH) out.push(characters.slice(0, n).join(""));
  return [...out, text];
}

/** Milliseconds of each text in turn, and those that the Worker's thread was on a core: what a machine with nothing else to do would take. */
async function withBusy(page, texts) {
  const out = { ms: [], busy: [] };
  for (const text of texts) {
    const before = await workersBusy();
    const [ms] = await page.evaluate((one) => window.each([one]), text);
    out.ms.push(ms);
    out.busy.push(await busySince(before));
  }
  return out;
}

async function coldStarts(page, texts) {
  const out = [];
  for (const text of texts.slice(0, COLD_STARTS)) {
    const before = await workersBusy();
    const stages = await page.evaluate((given) => window.start(given), text);
    out.push({ ...stages, busy: await busySince(before) });
    await page.evaluate(() => window.engine.end());
  }
  return out;
}

/** The same texts with few rules and with many, in turn. */
async function twoSets(page, folder, texts) {
  for (const name of ["few", "many"]) {
    const index = (await readFile(join(folder, `${name}.index`))).toString("base64");
    await page.evaluate(async (given, as) => {
      await window.start("독도", given);
      window[as] = window.engine;
    }, index, name);
  }
  const times = await page.evaluate(async (given) => {
    const out = { few: [], many: [] };
    for (const [i, text] of given.entries()) {
      for (const name of i % 2 ? ["few", "many"] : ["many", "few"]) out[name].push((await window.timed(window[name], text)).ms);
    }
    window.few.end();
    window.many.end();
    return out;
  }, texts);
  return times;
}

/** From the service worker's first message to the verdict, when no engine's document is there. */
async function wholePath(page, texts) {
  const out = [];
  for (const text of texts) {
    out.push(await page.evaluate(async (given) => {
      await chrome.offscreen.closeDocument().catch(() => undefined);
      const started = performance.now();
      const reply = await chrome.runtime.sendMessage({ to: "background", type: "check", request: { text: given } });
      if (reply.error) throw new Error(reply.error.message);
      return performance.now() - started;
    }, text));
  }
  return out;
}

try {
  const folder = process.argv[2];
  if (!folder) throw new Error("which folder?");
  const inputs = JSON.parse(await readFile(join(folder, "inputs.json"), "utf8"));
  const profile = await newProfile();
  const browser = await Browser.launch(join(DIST, "chrome"), profile.dir);
  try {
    const page = await browser.own();
    await page.evaluate(equip);
    const [warm, measured] = [inputs.answers.slice(0, 20), inputs.answers.slice(20)];
    const cold = await coldStarts(page, warm);
    await page.evaluate((text) => window.start(text), warm[0]);
    await page.evaluate((texts) => window.each(texts), warm);
    const answers = await withBusy(page, measured);
    const doubles = await page.evaluate((pairs) => window.each(pairs.flat()), inputs.doubles);
    const streams = await withBusy(page, inputs.streams.flatMap(growing));
    const singles = (await page.evaluate((texts) => window.each(texts), inputs.singles)).slice(100);
    await page.evaluate(() => window.engine.end());
    const rules = await twoSets(page, folder, inputs.answers);
    const path = await wholePath(page, inputs.answers.slice(0, 5));
    const memory = await restingMemory(browser);
    const version = await browser.browser.version();
    console.log(JSON.stringify({ version, cold, answers: answers.ms, answersBusy: answers.busy, doubles: { once: doubles.filter((_, i) => i % 2 === 0), twice: doubles.filter((_, i) => i % 2) }, streams: streams.ms, streamsBusy: streams.busy, singles, rules, path, memory }));
  } finally {
    await browser.close();
    await profile.remove();
  }
} catch (error) {
  console.error(`ext/bench/engine.mjs: ${error.stack}`);
  process.exitCode = 1;
}
