// SPDX-License-Identifier: Apache-2.0

/**
 * Builds the development extension and runs the tests in a real browser:
 * `node ext/e2e/run.mjs chromium|firefox [WORDS of test names]`.
 */

import { spawnSync } from "node:child_process";
import { dirname, join } from "node:path";
import { fileURLToPath } from "node:url";
import { DIST } from "./haechi.mjs";

const HERE = dirname(fileURLToPath(import.meta.url));

function node(...args) {
  const { status } = spawnSync(process.execPath, args, { stdio: "inherit" });
  if (status !== 0) process.exit(status ?? 1);
}

/** The build for each browser. */
const TARGETS = { chromium: "chrome", firefox: "firefox" };

const [browser, ...rest] = process.argv.slice(2);
if (!Object.hasOwn(TARGETS, browser ?? "")) {
  console.error("usage: node ext/e2e/run.mjs chromium|firefox [WORDS of test names]");
  process.exit(2);
}
process.env.HAECHI_BROWSER = browser;
node(join(dirname(HERE), "build.mjs"), "--dev", "--target", TARGETS[browser], "--dist", DIST);
const words = rest.join(" ");
const pattern = words ? [`--test-name-pattern=${words}`] : [];
// The review desk is no part of the extension, so one browser's tests of it are enough.
const desk = browser === "chromium" ? ["review", "outcome", "rights"].map((name) => join(HERE, `${name}.test.mjs`)) : [];
// One file after the other: each has a browser of its own.
// Sites, pages and attacks are driven by what only Chromium's protocol can do.
const names = browser === "chromium" ? ["haechi", "sites", "pages", "attack"] : ["haechi"];
names.push("report", "private", "hostile");
const files = names.map((name) => join(HERE, `${name}.test.mjs`));
node("--test", "--test-reporter=spec", "--test-concurrency=1", "--test-timeout=600000", ...pattern, ...files, ...desk);
