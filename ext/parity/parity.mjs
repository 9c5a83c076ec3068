// SPDX-License-Identifier: Apache-2.0

/**
 * Holds the engine in Chromium and onnxruntime-node to what hugot gave
 * natively: `node ext/parity/parity.mjs dist/parity.jsonl [MODEL]`, a file that
 * `./build.sh parity` writes first, of the model in a folder. Fails where a logit differs by more than
 * the file's tolerance or a decision differs.
 */

import { createReadStream } from "node:fs";
import { join } from "node:path";
import { createInterface } from "node:readline";
import ort from "onnxruntime-node";
import { DIST, TOP } from "../e2e/haechi.mjs";
import { withWorker } from "./worker.mjs";

const BATCH = 64;
const MODEL = process.argv[3] ?? join(TOP, "wasm", "model");

async function read(file) {
  const rows = [];
  for await (const line of createInterface({ input: createReadStream(file) })) rows.push(JSON.parse(line));
  const { temperature, tolerance } = rows.shift();
  return { rows, temperature, tolerance };
}

function asserts(logits, temperature) {
  const top = Math.max(...logits);
  const powers = logits.map((x) => Math.exp((x - top) / temperature));
  return powers[0] / powers.reduce((a, b) => a + b);
}

/** Compares one runtime's logits, which come batch by batch, and returns what is wrong. */
async function compare(name, { rows, temperature, tolerance }, classify) {
  let furthest = 0;
  let decisions = 0;
  let wrong = 0;
  for (let at = 0; at < rows.length; at += BATCH) {
    const batch = rows.slice(at, at + BATCH);
    const logits = await classify(batch);
    if (logits.length !== batch.length) throw new Error(`${name}: ${logits.length} rows of logits for ${batch.length} inputs`);
    batch.forEach((row, i) => {
      const off = Math.max(...row.logits.map((x, k) => Math.abs(x - logits[i][k])));
      furthest = Math.max(furthest, off);
      if (!(off <= tolerance)) wrong += 1;
      if (asserts(logits[i], temperature) >= row.threshold !== row.score >= row.threshold) decisions += 1;
    });
  }
  console.log(`${name}: ${rows.length} inputs, logits within ${furthest.toExponential(1)} of hugot, ${decisions} decisions differ`);
  return wrong + decisions;
}

async function inNode(set) {
  const session = await ort.InferenceSession.create(join(MODEL, "model.onnx"), { intraOpNumThreads: 1, interOpNumThreads: 1 });
  return compare("onnxruntime-node", set, async (batch) => {
    const width = Math.max(...batch.map(({ tokens }) => tokens.length));
    const ids = new BigInt64Array(batch.length * width);
    const mask = new BigInt64Array(batch.length * width);
    batch.forEach(({ tokens }, i) => tokens.forEach((id, k) => {
      ids[i * width + k] = BigInt(id);
      mask[i * width + k] = 1n;
    }));
    const shape = [batch.length, width];
    const given = { input_ids: ids, attention_mask: mask, token_type_ids: new BigInt64Array(ids.length) };
    const { logits } = await session.run(Object.fromEntries(session.inputNames.map((name) => [name, new ort.Tensor("int64", given[name], shape)])));
    const labels = logits.dims[1];
    return batch.map((_, i) => [...logits.data.slice(i * labels, (i + 1) * labels)]);
  });
}

function inChromium(set) {
  return withWorker(MODEL, (worker) => compare("the engine in Chromium", set, (batch) => worker.classify(batch.map(({ input }) => input))));
}

try {
  const set = await read(process.argv[2] ?? join(DIST, "parity.jsonl"));
  if (set.rows.length === 0) throw new Error("nothing to compare; run ./build.sh parity");
  const wrong = (await inNode(set)) + (await inChromium(set));
  if (wrong > 0) throw new Error(`${wrong} logits or decisions differ`);
} catch (error) {
  console.error(`parity: ${error.message}`);
  process.exitCode = 1;
}
