// SPDX-License-Identifier: Apache-2.0

/**
 * What a sentence costs in Chromium for each model folder in a folder:
 * `node ext/parity/cost.mjs dist/study`, one thread, in the extension's Worker
 * and in onnxruntime-web, on the inputs.jsonl that lies in each. The engine's
 * figure includes the message to the Worker and back, and tokenising;
 * onnxruntime-web's is its run alone, on tokens. Both take turns, and the
 * median turn counts. Prints a Markdown table; a network that a runtime refuses
 * is named as such.
 */

import { createReadStream } from "node:fs";
import { readdir } from "node:fs/promises";
import { createServer } from "node:http";
import { extname, join } from "node:path";
import { createInterface } from "node:readline";
import { Browser, newProfile } from "../e2e/browser.mjs";
import { DIST, TOP } from "../e2e/haechi.mjs";
import { withWorker } from "./worker.mjs";

const WARM = 128;
const TURNS = 12;
const SENTENCES = 32; // a turn
const NEEDED = WARM + 2 * TURNS * SENTENCES;
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
 * Milliseconds a sentence for each runner, one at a time and eight at a time:
 * the median of turns. Each input counts once, for the engine keeps what it
 * judged. A runner that fails gives its error.
 */
async function timed(runners, all) {
  const results = runners.map(() => ({ 1: [], 8: [] }));
  const turn = async (part, size, keep) => {
    for (const [k, time] of runners.entries()) {
      if (results[k] instanceof Error) continue;
      try {
        const ms = (await time(part, size)) / part.length;
        if (keep) results[k][size].push(ms);
      } catch (error) {
        results[k] = error;
      }
    }
  };
  await turn(all.slice(0, WARM / 2), 1, false);
  await turn(all.slice(WARM / 2, WARM), 8, false);
  for (let at = WARM; at < NEEDED; at += 2 * SENTENCES) {
    await turn(all.slice(at, at + SENTENCES), 1, true);
    await turn(all.slice(at + SENTENCES, at + 2 * SENTENCES), 8, true);
  }
  return results.map((r) => (r instanceof Error ? r : [median(r[1]), median(r[8])]));
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
      await session.run({ input_ids: new ort.Tensor("int64", ids, shape), attention_mask: new ort.Tensor("int64", mask, shape) });
    };
    window.time = async (tokens, size) => {
      const started = performance.now();
      for (let at = 0; at < tokens.length; at += size) await run(tokens.slice(at, at + size));
      return performance.now() - started;
    };
  }, base, name);
  return (batch, size) => page.evaluate((tokens, n) => window.time(tokens, n), batch.map(({ tokens }) => tokens), size);
}

function cells(result) {
  return result instanceof Error ? `not run: ${result.message.split("\n")[0].slice(0, 90)} | ` : result.map((ms) => ms.toFixed(3)).join(" | ");
}

function ratios(own, peer) {
  return own instanceof Error || peer instanceof Error ? " | " : own.map((ms, i) => (ms / peer[i]).toFixed(2)).join(" | ");
}

/** What a page that cannot load a network does with every turn. */
const failing = (error) => () => Promise.reject(error);

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
    console.log("| ms a sentence in Chromium, one thread | the engine, one at a time | eight | onnxruntime-web, one at a time | eight | ratio, one | eight |\n|---|---|---|---|---|---|---|");
    for (const name of names) {
      const all = await rows(join(folder, name));
      const ort = await loadOrtWeb(page, base, name).catch(failing);
      const both = (own) => timed([own, ort], all);
      const [own, peer] = await withWorker(join(folder, name), (worker) => both((batch, size) => worker.time(batch.map(({ input }) => input), size))).catch((error) => both(failing(error)));
      console.log(`| ${name} | ${cells(own)} | ${cells(peer)} | ${ratios(own, peer)} |`);
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
