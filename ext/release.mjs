// SPDX-License-Identifier: Apache-2.0

/**
 * The archives for the stores; `./build.sh release` calls it:
 *
 *   node ext/release.mjs source FOLDER OUT   OUT/haechi-VERSION-source.zip, all that lies in the folder
 *   node ext/release.mjs packages DIST OUT   OUT/haechi-VERSION-chrome.zip and -firefox.zip, of DIST/chrome and DIST/firefox
 *   node ext/release.mjs sums OUT            OUT/SHA256SUMS, and the same on the terminal
 */

import { createHash } from "node:crypto";
import { mkdir, readdir, readFile, writeFile } from "node:fs/promises";
import { join } from "node:path";
import { archive, filesIn, programsIn } from "./release/archive.mjs";
import { complaints } from "./release/limits.mjs";

const STORES = ["chrome", "firefox"];

const version = (files) => JSON.parse(new TextDecoder().decode(files["manifest.json"])).version;

async function write(out, name, bytes) {
  await mkdir(out, { recursive: true });
  await writeFile(join(out, name), bytes);
  console.log(`${join(out, name)} (${bytes.length} bytes)`);
}

async function source(folder, out) {
  const files = await filesIn(folder);
  const programs = await programsIn(folder, Object.keys(files));
  await write(out, `haechi-${version(files)}-source.zip`, archive(files, programs));
}

async function packages(dist, out) {
  for (const store of STORES) {
    const files = await filesIn(join(dist, store));
    const bytes = archive(files);
    const wrong = complaints(store, files, bytes.length);
    if (wrong.length > 0) throw new Error(`the store for ${store} would refuse this:\n  ${wrong.join("\n  ")}`);
    await write(out, `haechi-${version(files)}-${store}.zip`, bytes);
  }
}

async function sums(out) {
  const names = (await readdir(out)).filter((name) => name.endsWith(".zip")).sort();
  if (names.length === 0) throw new Error(`no archives in ${out}`);
  const lines = await Promise.all(names.map(async (name) => `${createHash("sha256").update(await readFile(join(out, name))).digest("hex")}  ${name}\n`));
  await writeFile(join(out, "SHA256SUMS"), lines.join(""));
  process.stdout.write(lines.join(""));
}

const COMMANDS = { source, packages, sums };
const [command = "", ...paths] = process.argv.slice(2);
if (!Object.hasOwn(COMMANDS, command) || paths.length !== COMMANDS[command].length) {
  console.error("usage: node ext/release.mjs source FOLDER OUT | packages DIST OUT | sums OUT");
  process.exit(2);
}
try {
  await COMMANDS[command](...paths);
} catch (error) {
  console.error(`ext/release.mjs: ${error.message}`);
  process.exitCode = 1;
}
