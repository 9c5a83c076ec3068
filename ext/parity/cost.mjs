// SPDX-License-Identifier: Apache-2.0

/**
 * What a sentence costs in Chromium for each model folder in a folder:
 * `node ext/parity/cost.mjs dist/study`, one thread, in the extension's Worker
 * and in onnxruntime-web, on the inputs.jsonl that study.py left in each.
 * Prints a Markdown table; a network that a runtime refuses is named as such.
 */

import { createReadStream } from "node:fs";
import { readdir } from "node:fs/promises";
import { createServer } from "node:http";
import { extname, join } from "node:path";
import { createInterface } from "node:readline";
import { Browser, newProfile } from "../e2e/browser.mjs";
import { DIST, TOP } from "../e2e/haechi.mjs";
import { withWorker } from "./worker.mjs";

const WARM = 64;
const TIMED = 512;
const ORT = join(TOP, "ext", "node_modules", "onnxruntime-web", "dist");
const TYPES = { ".html": "text/html", ".mjs": "text/javascript", ".wasm": "application/wasm" };

async function rows(folder) {
  const out = [];
  for await (const line of createInterface({ input: createReadStream(join(folder, "inputs.jsonl")) })) {
    out.push(JSON.parse(line));
    if (out.length === WARM + TIMED) break;
  }
  if (out.length < 2 * WARM) throw new Error(`too few inputs in ${folder}`);
  return out;
}

/** Milliseconds a sentence, one at a time and eight at a time; each input once, for the engine keeps what it judged. */
async function timed(time, all) {
  await time(all.slice(0, WARM), 1);
  await time(all.slice(0, WARM), 8);
  const rest = all.slice(WARM);
  const half = rest.length >> 1;
  return [(await time(rest.slice(0, half), 1)) / half, (await time(rest.slice(half), 8)) / (rest.length - half)];
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

async function inOrtWeb(page, base, name, all) {
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
  return timed((batch, size) => page.evaluate((tokens, n) => window.time(tokens, n), batch.map(({ tokens }) => tokens), size), all);
}

function cells(result) {
  return result instanceof Error ? `not run: ${result.message.split("\n")[0].slice(0, 90)} | ` : result.map((ms) => ms.toFixed(2)).join(" | ");
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
    console.log("| ms a sentence in Chromium, one thread | the engine, one at a time | eight | onnxruntime-web, one at a time | eight |\n|---|---|---|---|---|");
    for (const name of names) {
      const all = await rows(join(folder, name));
      const own = await withWorker(join(folder, name), (worker) => timed((batch, size) => worker.time(batch.map(({ input }) => input), size), all)).catch((error) => error);
      const peer = await inOrtWeb(page, base, name, all).catch((error) => error);
      console.log(`| ${name} | ${cells(own)} | ${cells(peer)} |`);
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
