// SPDX-License-Identifier: Apache-2.0

/**
 * Builds the development extension and runs the tests in a real browser:
 * `node ext/e2e/run.mjs chromium|firefox [--file NAME] [WORDS of test names]`,
 * where NAME is that of a file without `.test.mjs`.
 */

import { spawnSync } from "node:child_process";
import { dirname, join } from "node:path";
import { fileURLToPath } from "node:url";
import { parseArgs } from "node:util";
import { DIST } from "./haechi.mjs";

const HERE = dirname(fileURLToPath(import.meta.url));

function node(...args) {
  const { status } = spawnSync(process.execPath, args, { stdio: "inherit" });
  if (status !== 0) process.exit(status ?? 1);
}

/** What is tested in both browsers; what one cannot be driven to do, the test says. */
const NAMES = ["haechi", "stream", "sites", "pages", "attack", "report", "private", "hostile", "review"];
/** Pages of the desk that only one browser's tests print and measure. */
const CHROMIUM = ["outcome", "rights"];

/** The build for each browser. */
const TARGETS = { chromium: "chrome", firefox: "firefox" };

const USAGE = "usage: node ext/e2e/run.mjs chromium|firefox [--file NAME] [WORDS of test names]";
const { values, positionals } = parseArgs({ allowPositionals: true, options: { file: { type: "string", multiple: true } } });
const [browser, ...rest] = positionals;
if (!Object.hasOwn(TARGETS, browser ?? "")) {
  console.error(USAGE);
  process.exit(2);
}
process.env.HAECHI_BROWSER = browser;
node(join(dirname(HERE), "build.mjs"), "--dev", "--target", TARGETS[browser], "--dist", DIST);
const words = rest.join(" ");
const pattern = words ? [`--test-name-pattern=${words}`] : [];
const all = browser === "chromium" ? [...NAMES, ...CHROMIUM] : NAMES;
const names = values.file ?? all;
const unknown = names.filter((name) => !all.includes(name));
if (unknown.length > 0) {
  console.error(`no such tests in ${browser}: ${unknown.join(", ")}; there are ${all.join(", ")}\n${USAGE}`);
  process.exit(2);
}
// One file after the other: each has a browser of its own.
node("--test", "--test-reporter=spec", "--test-concurrency=1", "--test-timeout=1500000", ...pattern, ...names.map((name) => join(HERE, `${name}.test.mjs`)));
