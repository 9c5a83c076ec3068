// SPDX-License-Identifier: Apache-2.0

/**
 * A picture of every surface in every language, light and dark, wide and at
 * 320 px, into dist/shots: `npm run shots [-- --lang ko --only panel]`.
 */

import { mkdir, rm } from "node:fs/promises";
import { join } from "node:path";
import { parseArgs } from "node:util";
import { Browser, newProfile } from "./e2e/browser.mjs";
import { DIST } from "./e2e/haechi.mjs";
import { Surfaces } from "./e2e/surfaces.mjs";
import { serveReplica } from "./e2e/static.mjs";

const LANGS = ["ko", "en", "ja", "zh"];
const THEMES = ["light", "dark"];
const SIZES = [
  { width: 1280, height: 900 },
  { width: 320, height: 720 },
];

async function main() {
  const { values } = parseArgs({ options: { lang: { type: "string" }, only: { type: "string" } } });
  const out = join(DIST, "shots");
  if (!values.lang && !values.only) await rm(out, { recursive: true, force: true });
  await mkdir(out, { recursive: true });
  const profile = await newProfile();
  const replica = await serveReplica();
  const browser = await Browser.launch(join(DIST, "chrome-dev"), profile.dir);
  try {
    const surfaces = new Surfaces(browser, replica.url);
    for (const lang of LANGS.filter((one) => !values.lang || one === values.lang)) {
      for (const theme of THEMES) {
        for (const size of SIZES) {
          for (const name of Surfaces.NAMES.filter((one) => !values.only || one === values.only)) {
            const { page, whole } = await surfaces.open(name, { lang, theme, size });
            await page.screenshot({ path: join(out, `${name}-${lang}-${theme}-${size.width}.png`), fullPage: whole });
            await page.close();
          }
        }
      }
    }
    console.log(out);
  } finally {
    await browser.close();
    await replica.close();
    await profile.remove();
  }
}

await main();
