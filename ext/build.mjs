// SPDX-License-Identifier: Apache-2.0

/**
 * Builds the extension into dist/chrome: `node ext/build.mjs`.
 *
 *   --dev         dist/chrome-dev instead, which also reads the local replica
 *   --dist DIR    where the engine, model, rules and keys are, and where to write
 *
 * Everything that is shipped is named here or lies in a folder that is copied
 * whole; a part that is missing fails the build.
 */

import { cp, mkdir, readdir, readFile, rename, rm, stat, writeFile } from "node:fs/promises";
import { dirname, join, resolve } from "node:path";
import { fileURLToPath } from "node:url";
import { parseArgs } from "node:util";
import { build } from "esbuild";

const EXT = dirname(fileURLToPath(import.meta.url));
const TOP = dirname(EXT);

const SCRIPTS = {
  background: "background/background.ts",
  content: "content/content.ts",
  engine: "engine/worker.ts",
  offscreen: "offscreen/offscreen.ts",
  popup: "popup/popup.ts",
  selection: "content/selection.ts",
};
const PAGES = ["offscreen/offscreen.html", "popup/popup.html", "popup/popup.css", "content/highlight.css"];
const MADE = ["haechi.wasm", "model/model.onnx", "model/tokenizer.json", "model/config.json", "baseline.json", "trust.json"];

/** The replica's hosts: only the development build may read a local page. */
const LOCAL = ["http://127.0.0.1/*", "http://localhost/*"];

function manifest(source, dev) {
  if (!dev) return source;
  const [script] = source.content_scripts;
  return {
    ...source,
    content_scripts: [{ ...script, matches: [...script.matches, ...LOCAL] }],
    host_permissions: [...source.host_permissions, ...LOCAL],
  };
}

/** What content scripts go by until signed rules bring sites of their own. */
async function packagedSites() {
  const folder = join(TOP, "rules", "sites");
  const names = (await readdir(folder)).filter((name) => name.endsWith(".json")).sort();
  if (names.length === 0) throw new Error(`no sites in ${folder}`);
  return Promise.all(names.map(async (name) => JSON.parse(await readFile(join(folder, name), "utf8"))));
}

async function missing(dist) {
  const there = await Promise.all(MADE.map((name) => stat(join(dist, name)).then(() => true, () => false)));
  return MADE.filter((_, i) => !there[i]);
}

async function main() {
  const { values } = parseArgs({ options: { dev: { type: "boolean", default: false }, dist: { type: "string" } } });
  const dist = resolve(values.dist ?? join(TOP, "dist"));
  const lacking = await missing(dist);
  if (lacking.length > 0) throw new Error(`not built yet in ${dist}: ${lacking.join(", ")}`);

  const name = values.dev ? "chrome-dev" : "chrome";
  const out = join(dist, `.${name}.new`);
  await rm(out, { recursive: true, force: true });
  await mkdir(out, { recursive: true });
  await build({
    entryPoints: Object.fromEntries(Object.entries(SCRIPTS).map(([to, from]) => [to, join(EXT, "src", from)])),
    outdir: out,
    bundle: true,
    format: "iife",
    target: "chrome120",
    charset: "utf8",
    loader: { ".css": "text" },
    define: { DEV: String(values.dev), SITES: JSON.stringify(await packagedSites()) },
    minifySyntax: true, // drops what DEV rules out; names stay, so that reviewers can read it
    legalComments: "inline",
    logLevel: "warning",
  });
  for (const page of PAGES) await cp(join(EXT, "src", page), join(out, page.slice(page.lastIndexOf("/") + 1)));
  await cp(join(EXT, "_locales"), join(out, "_locales"), { recursive: true });
  await cp(join(EXT, "src", "icons"), join(out, "icons"), { recursive: true, filter: (path) => !/\.(svg|mjs)$/.test(path) });
  for (const file of MADE) await cp(join(dist, file), join(out, file));
  const source = JSON.parse(await readFile(join(TOP, "manifest.json"), "utf8"));
  await writeFile(join(out, "manifest.json"), `${JSON.stringify(manifest(source, values.dev), null, 2)}\n`);
  await rm(join(dist, name), { recursive: true, force: true });
  await rename(out, join(dist, name));
  console.log(join(dist, name));
}

try {
  await main();
} catch (error) {
  console.error(`ext/build.mjs: ${error.message}`);
  process.exitCode = 1;
}
