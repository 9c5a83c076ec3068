// SPDX-License-Identifier: Apache-2.0

/** Bundles test/*.test.ts and runs them under node --test: `node ext/test.mjs [NAME…]`. */

import { spawnSync } from "node:child_process";
import { readdirSync, readFileSync, rmSync } from "node:fs";
import { dirname, join } from "node:path";
import { fileURLToPath } from "node:url";
import { build } from "esbuild";

const EXT = dirname(fileURLToPath(import.meta.url));
const OUT = join(EXT, "gen", "test");

const wanted = process.argv.slice(2);
const tests = readdirSync(join(EXT, "test")).filter((name) => name.endsWith(".test.ts") && wanted.every((word) => name.includes(word)));
if (tests.length === 0) throw new Error("no tests found");

const folder = join(dirname(EXT), "rules", "sites");
const sites = readdirSync(folder).filter((name) => name.endsWith(".json")).sort().map((name) => JSON.parse(readFileSync(join(folder, name), "utf8")));

rmSync(OUT, { recursive: true, force: true });
await build({
  entryPoints: tests.map((name) => join(EXT, "test", name)),
  outdir: OUT,
  outExtension: { ".js": ".mjs" },
  bundle: true,
  platform: "node",
  format: "esm",
  target: "node20",
  packages: "external",
  loader: { ".css": "text" },
  define: { DEV: "true", TOP: JSON.stringify(dirname(EXT)), SITES: JSON.stringify(sites) },
  sourcemap: "inline",
  logLevel: "warning",
});
const files = tests.map((name) => join(OUT, name.replace(/\.ts$/, ".mjs")));
process.exitCode = spawnSync(process.execPath, ["--enable-source-maps", "--test", "--test-force-exit", ...files], { stdio: "inherit" }).status ?? 1;
