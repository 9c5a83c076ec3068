// SPDX-License-Identifier: Apache-2.0

/**
 * What a sentence costs in Chromium for each model folder in a folder:
 * `node ext/parity/cost.mjs dist/study`, one thread, in the extension's Worker
 * and in onnxruntime-web, on the inputs.jsonl that lies in each. The engine's
 * figure includes the message to the Worker and back, JSON and tokenising;
 * onnxruntime-web's is its run alone, on tokens. Both take short turns, now one
 * first and now the other, and the median of each turn's ratio counts: what
 * else the machine does hits both sides of a ratio alike. Prints a Markdown
 * table; a network that a runtime refuses is named as such.
 */

import { createReadStream } from "node:fs";
import { readdir } from "node:fs/promises";
import { createServer } from "node:http";
import { extname, join } from "node:path";
import { createInterface } from "node:readline";
import { Browser, newProfile } from "../e2e/browser.mjs";
import { DIST, TOP } from "../e2e/haechi.mjs";
import { withWorker } from "./worker.mjs";

const WARM = 8; // turns that do not count, of each size
const TURNS = 40;
const ENOUGH = 12; // turns of a network that has taken PATIENCE milliseconds
const PATIENCE = 60_000;
const SENTENCES = 8; // a turn
const NEEDED = 2 * (WARM + TURNS) * SENTENCES;
const SIZES = [1, 8];
/** The greatest ratio that is good enough, by the folder's name. */
const GOALS = [[/^haechi$/, 1], [/^bert-4x256/, 1.2]];
const ORT = join(TOP, "ext", "node_modules", "onnxruntime-web", "dist");
const TYPES = { ".html": "text/html", ".mjs": "text/javascript", ".wasm": "application/wasm" };

async function rows(folder) {
  const out = [];
  for await (const line of createInterface({ input: createReadStream(join(folder, "inputs.jsonl")) })) {
    out.push(JSON.parse(line));
    if (out.length === NEEDED) break;
  }
  if (out.length < NEEDED) throw new Error(`too few inputs in ${folder}`);
  return out;
}

function median(times) {
  return [...times].sort((a, b) => a - b)[times.length >> 1];
}

/**
 * Milliseconds a sentence of each runner and their ratio, by size, each the
 * median of turns. Each input counts once, for the engine keeps what it judged;
 * asked again it costs the messages alone.
 */
async function timed(own, peer, all) {
  const results = Object.fromEntries(SIZES.map((size) => [size, { own: [], peer: [], ratio: [], messages: [] }]));
  const started = performance.now();
  for (let turn = 0; turn < WARM + TURNS; turn += 1) {
    if (turn >= WARM + ENOUGH && performance.now() - started > PATIENCE) break;
    for (const [k, size] of SIZES.entries()) {
      const from = (turn * SIZES.length + k) * SENTENCES;
      const part = all.slice(from, from + SENTENCES);
      const ms = {};
      const runners = { own, peer };
      for (const name of turn % 2 ? ["own", "peer"] : ["peer", "own"]) ms[name] = (await runners[name](part, size)) / part.length;
      const messages = (await own(part, size)) / part.length;
      if (turn < WARM) continue;
      results[size].own.push(ms.own);
      results[size].peer.push(ms.peer);
      results[size].ratio.push(ms.own / ms.peer);
      results[size].messages.push(messages);
    }
  }
  return Object.entries(results).map(([size, r]) => ({ size, ...Object.fromEntries(Object.entries(r).map(([name, ms]) => [name, median(ms)])) }));
}

function serve(models) {
  const server = createServer((request, response) => {
    const { pathname } = new URL(request.url, "http://localhost");
    response.setHeader("content-type", TYPES[extname(pathname)] ?? "application/octet-stream");
    if (pathname === "/") return response.setHeader("content-type", "text/html").end("<!doctype html><title>cost</title>");
    const file = pathname.startsWith("/ort/") ? join(ORT, pathname.slice(5)) : join(models, pathname.slice(8));
    return createReadStream(file).on("error", () => response.writeHead(404).end()).pipe(response);
  });
  return new Promise((resolve) => server.listen(0, "127.0.0.1", () => resolve(server)));
}

async function loadOrtWeb(page, base, name) {
  await page.evaluate(async (url, model) => {
    const ort = await import(`${url}/ort/ort.min.mjs`);
    ort.env.wasm.numThreads = 1;
    ort.env.wasm.wasmPaths = `${url}/ort/`;
    const session = await ort.InferenceSession.create(`${url}/models/${model}/model.onnx`, { executionProviders: ["wasm"] });
    const run = async (batch) => {
      const width = Math.max(...batch.map((tokens) => tokens.length));
      const ids = new BigInt64Array(batch.length * width);
      const mask = new BigInt64Array(batch.length * width);
      batch.forEach((tokens, i) => tokens.forEach((id, k) => {
        ids[i * width + k] = BigInt(id);
        mask[i * width + k] = 1n;
      }));
      const shape = [batch.length, width];
      const given = { input_ids: ids, attention_mask: mask, token_type_ids: new BigInt64Array(ids.length) };
      await session.run(Object.fromEntries(session.inputNames.map((input) => [input, new ort.Tensor("int64", given[input], shape)])));
    };
    window.time = async (tokens, size) => {
      const started = performance.now();
      for (let at = 0; at < tokens.length; at += size) await run(tokens.slice(at, at + size));
      return performance.now() - started;
    };
  }, base, name);
  return (batch, size) => page.evaluate((tokens, n) => window.time(tokens, n), batch.map(({ tokens }) => tokens), size);
}

function table(name, results) {
  const goal = GOALS.find(([pattern]) => pattern.test(name))?.[1];
  const ms = (x) => x.toFixed(3);
  return results.map(({ size, own, messages, peer, ratio }) => {
    const verdict = goal === undefined ? "– | –" : `≤ ${goal.toFixed(1)} | ${ratio <= goal ? "yes" : "NO"}`;
    return `| ${name} | ${size} | ${ms(own)} | ${ms(messages)} | ${ms(peer)} | ${ratio.toFixed(2)} | ${verdict} |`;
  }).join("\n");
}

try {
  const folder = process.argv[2];
  if (!folder) throw new Error("which folder of model folders?");
  const names = (await readdir(folder)).sort();
  const server = await serve(folder);
  const profile = await newProfile();
  const browser = await Browser.launch(join(DIST, "chrome"), profile.dir);
  try {
    const base = `http://127.0.0.1:${server.address().port}`;
    const page = await browser.open(`${base}/`);
    console.log("| ms a sentence in Chromium, one thread | at once | the engine | of that messages | onnxruntime-web | ratio | goal | holds |\n|---|---|---|---|---|---|---|---|");
    for (const name of names) {
      try {
        const all = await rows(join(folder, name));
        const peer = await loadOrtWeb(page, base, name);
        const results = await withWorker(join(folder, name), (worker) => timed((batch, size) => worker.time(batch.map(({ input }) => input), size), peer, all));
        console.log(table(name, results));
      } catch (error) {
        console.log(`| ${name} | not run: ${error.message.split("\n")[0].slice(0, 120)} |`);
      }
    }
  } finally {
    await browser.close();
    await profile.remove();
    server.close();
  }
} catch (error) {
  console.error(`cost: ${error.message}`);
  process.exitCode = 1;
}
