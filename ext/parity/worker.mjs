// SPDX-License-Identifier: Apache-2.0

/** The extension's own Worker on a page of the extension in Chromium, with any model folder in it. */

import { readFile } from "node:fs/promises";
import { join } from "node:path";
import { Browser, newProfile } from "../e2e/browser.mjs";
import { DIST } from "../e2e/haechi.mjs";

const FILES = ["model.onnx", "tokenizer.json", "config.json"];

/** Runs `use(worker)`; worker.classify(inputs) gives rows of logits. */
export async function withWorker(model, use) {
  const profile = await newProfile();
  const browser = await Browser.launch(join(DIST, "chrome"), profile.dir);
  try {
    const page = await browser.own();
    const files = await Promise.all(FILES.map(async (name) => ({ name, content: (await readFile(join(model, name))).toString("base64") })));
    await page.evaluate(async (given) => {
      const worker = new Worker(chrome.runtime.getURL("engine.js"));
      let last = 0;
      const ask = (message) => new Promise((resolve, reject) => {
        worker.onmessage = ({ data }) => (data.broken === undefined ? resolve(data.answer) : reject(new Error(data.broken)));
        worker.onerror = (event) => reject(new Error(event.message));
        worker.postMessage({ id: (last += 1), ...message });
      });
      window.call = async (request) => {
        const { ok, error } = JSON.parse(await ask({ call: JSON.stringify(request) }));
        if (error) throw new Error(error.message);
        return ok;
      };
      const blob = (content) => URL.createObjectURL(new Blob([Uint8Array.from(atob(content), (c) => c.charCodeAt(0))]));
      const parts = given.map(({ name, content }) => ({ name, url: blob(content) }));
      await ask({ boot: { wasm: chrome.runtime.getURL("haechi.wasm"), model: parts } });
      await window.call({ op: "load", dir: "/model" });
    }, files);
    return await use({
      classify: (inputs) => page.evaluate(async (texts) => (await window.call({ op: "classify", inputs: texts })).logits, inputs),
      /** Milliseconds that the Worker takes for the inputs, batch by batch. */
      time: (inputs, batch) => page.evaluate(async (texts, size) => {
        const started = performance.now();
        for (let at = 0; at < texts.length; at += size) await window.call({ op: "classify", inputs: texts.slice(at, at + size) });
        return performance.now() - started;
      }, inputs, batch),
    });
  } finally {
    await browser.close();
    await profile.remove();
  }
}
