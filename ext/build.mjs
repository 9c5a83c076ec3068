// SPDX-License-Identifier: Apache-2.0

/**
 * Builds the extension into dist/chrome and dist/firefox: `node ext/build.mjs`.
 *
 *   --dev          dist/chrome-dev and dist/firefox-dev instead, which also read the local replica
 *   --target NAME  only that browser
 *   --dist DIR     where the engine, model, rules and keys are, and where to write
 *
 * Everything that is shipped is named here or lies in a folder that is copied
 * whole; a part that is missing fails the build.
 */

import { createHash } from "node:crypto";
import { cp, mkdir, readdir, readFile, rename, rm, stat, writeFile } from "node:fs/promises";
import { dirname, join, resolve } from "node:path";
import { fileURLToPath } from "node:url";
import { parseArgs } from "node:util";
import { build } from "esbuild";

const EXT = dirname(fileURLToPath(import.meta.url));
const TOP = dirname(EXT);
/** Firefox keeps storage and updates by this name: it never changes. */
const GECKO_ID = "haechi@haechi.example";

/** What every browser gets. */
const SCRIPTS = {
  background: "background/background.ts",
  content: "content/content.ts",
  engine: "engine/worker.ts",
  options: "options/options.ts",
  panel: "panel/panel.ts",
  popup: "popup/popup.ts",
  print: "print/print.ts",
  report: "report/report.ts",
  selection: "content/selection.ts",
  welcome: "welcome/welcome.ts",
};
const VIEWS = ["options", "panel", "popup", "print", "report", "welcome"];
const PAGES = ["page.css", "content/highlight.css", ...VIEWS.flatMap((view) => [`${view}/${view}.html`, `${view}/${view}.css`])];
/** Shown as text: the browser would download Markdown. */
const TEXTS = { "MODEL_CARD.txt": "wasm/model/MODEL_CARD.md", "LICENSE.txt": "LICENSE" };
const MADE = ["haechi.wasm", "model/model.onnx", "model/tokenizer.json", "model/config.json", "baseline.json", "baseline.index", "trust.json"];

/** What differs: where the engine's Worker can live, and what the manifest says of that. */
const TARGETS = {
  chrome: {
    esbuild: "chrome120",
    scripts: { offscreen: "offscreen/offscreen.ts" },
    pages: ["offscreen/offscreen.html"],
    manifest: (source) => source,
  },
  firefox: {
    esbuild: "firefox140",
    scripts: {},
    pages: [],
    manifest: firefoxManifest,
  },
};

/** The replica's hosts: only the development build may read a local page. */
const LOCAL = ["http://127.0.0.1/*", "http://localhost/*"];

/**
 * Firefox has an event page in place of a service worker and an offscreen
 * document. 140 is the first with CSS highlights and with the question about
 * data, which must be answered: nothing is collected or sent.
 */
function firefoxManifest({ minimum_chrome_version: _, background, permissions, side_panel: panel, ...source }) {
  return {
    ...source,
    background: { scripts: [background.service_worker] },
    permissions: permissions.filter((name) => name !== "offscreen" && name !== "sidePanel"),
    sidebar_action: { default_panel: panel.default_path, default_title: "__MSG_name__", default_icon: source.icons, open_at_install: false },
    browser_specific_settings: {
      gecko: { id: GECKO_ID, strict_min_version: "140.0", data_collection_permissions: { required: ["none"] } },
    },
  };
}

function withLocal(source) {
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

/** SHA-256 of a part as a string of JavaScript: an engine's name, a pack's hash. */
async function hashOf(dist, name) {
  return JSON.stringify(createHash("sha256").update(await readFile(join(dist, name))).digest("hex"));
}

async function missing(dist) {
  const there = await Promise.all(MADE.map((name) => stat(join(dist, name)).then(() => true, () => false)));
  return MADE.filter((_, i) => !there[i]);
}

async function buildFor(target, { dist, dev }) {
  const { esbuild, scripts, pages, manifest } = TARGETS[target];
  const name = dev ? `${target}-dev` : target;
  const out = join(dist, `.${name}.new`);
  await rm(out, { recursive: true, force: true });
  await mkdir(out, { recursive: true });
  await build({
    absWorkingDir: EXT, // paths in the bundles' comments are the same wherever it is started
    entryPoints: Object.fromEntries(Object.entries({ ...SCRIPTS, ...scripts }).map(([to, from]) => [to, join(EXT, "src", from)])),
    outdir: out,
    bundle: true,
    format: "iife",
    target: esbuild,
    charset: "utf8",
    loader: { ".css": "text" },
    define: { DEV: String(dev), ENGINE: await hashOf(dist, "haechi.wasm"), BASELINE: await hashOf(dist, "baseline.json"), TARGET: JSON.stringify(target), SITES: JSON.stringify(await packagedSites()) },
    minifySyntax: true, // drops what DEV and TARGET rule out; names stay, so that reviewers can read it
    legalComments: "inline",
    logLevel: "warning",
  });
  for (const page of [...PAGES, ...pages]) await cp(join(EXT, "src", page), join(out, page.slice(page.lastIndexOf("/") + 1)));
  await cp(join(EXT, "_locales"), join(out, "_locales"), { recursive: true });
  await cp(join(EXT, "src", "icons"), join(out, "icons"), { recursive: true, filter: (path) => !/\.(svg|mjs)$/.test(path) });
  for (const [to, from] of Object.entries(TEXTS)) await writeFile(join(out, to), `\uFEFF${await readFile(join(TOP, from), "utf8")}`); // the mark says UTF-8
  for (const file of MADE) await cp(join(dist, file), join(out, file));
  const source = manifest(JSON.parse(await readFile(join(TOP, "manifest.json"), "utf8")));
  await writeFile(join(out, "manifest.json"), `${JSON.stringify(dev ? withLocal(source) : source, null, 2)}\n`);
  await rm(join(dist, name), { recursive: true, force: true });
  await rename(out, join(dist, name));
  console.log(join(dist, name));
}

async function main() {
  const { values } = parseArgs({
    options: { dev: { type: "boolean", default: false }, target: { type: "string" }, dist: { type: "string" } },
  });
  if (values.target !== undefined && !Object.hasOwn(TARGETS, values.target)) throw new Error(`--target is one of: ${Object.keys(TARGETS).join(", ")}`);
  const dist = resolve(values.dist ?? join(TOP, "dist"));
  const lacking = await missing(dist);
  if (lacking.length > 0) throw new Error(`not built yet in ${dist}: ${lacking.join(", ")}`);
  for (const target of values.target ? [values.target] : Object.keys(TARGETS)) await buildFor(target, { dist, dev: values.dev });
}

try {
  await main();
} catch (error) {
  console.error(`ext/build.mjs: ${error.message}`);
  process.exitCode = 1;
}
