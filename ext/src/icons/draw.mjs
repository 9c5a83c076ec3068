// SPDX-License-Identifier: Apache-2.0

/** Draws the PNG icons from haechi.svg; run by hand after changing it: `node ext/src/icons/draw.mjs`. */

import { readFile } from "node:fs/promises";
import { dirname, join } from "node:path";
import { fileURLToPath } from "node:url";
import puppeteer from "puppeteer-core";

const HERE = dirname(fileURLToPath(import.meta.url));
const svg = await readFile(join(HERE, "haechi.svg"), "utf8");
const browser = await puppeteer.launch({
  executablePath: process.env.CHROMIUM ?? "/usr/bin/chromium",
  args: ["--no-sandbox", "--disable-gpu"],
});
try {
  const page = await browser.newPage();
  for (const size of [16, 32, 48, 128]) {
    await page.setViewport({ width: size, height: size });
    await page.setContent(`<style>body{margin:0}svg{display:block;width:${size}px}</style>${svg}`);
    await page.screenshot({ path: join(HERE, `${size}.png`), omitBackground: true });
  }
} finally {
  await browser.close();
}
