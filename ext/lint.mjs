// SPDX-License-Identifier: Apache-2.0

/** Checks dist/firefox as addons.mozilla.org does: `node ext/lint.mjs`. Whatever it finds fails, but for what is explained here. */

import { spawnSync } from "node:child_process";
import { dirname, join } from "node:path";
import { fileURLToPath } from "node:url";

const EXT = dirname(fileURLToPath(import.meta.url));
const SOURCE = join(process.env.HAECHI_DIST ?? join(dirname(EXT), "dist"), "firefox");

/** Code of a finding: why it stands. */
const EXPLAINED = {
  UNSUPPORTED_API: "the popup asks whether there is a sidePanel, and opens Firefox's sidebar where there is none",
  KEY_FIREFOX_ANDROID_UNSUPPORTED_BY_MIN_VERSION: "Haechi is not offered for Android; desktop Firefox 140 knows data_collection_permissions",
};

const { stdout, error } = spawnSync(
  process.execPath,
  [join(EXT, "node_modules", "web-ext", "bin", "web-ext.js"), "lint", "--no-config-discovery", "--output=json", `--source-dir=${SOURCE}`],
  { encoding: "utf8", maxBuffer: 1 << 26, stdio: ["ignore", "pipe", "inherit"] },
);
if (error) throw error;
const { errors, warnings, notices } = JSON.parse(stdout);
const found = [...errors, ...warnings, ...notices];
for (const { _type: type, code, message, file } of found) console.log(`${type} ${code} ${file ?? ""}: ${EXPLAINED[code] ?? message}`);
if (found.some(({ code }) => !Object.hasOwn(EXPLAINED, code))) {
  console.error("ext/lint.mjs: mend these, or explain them here");
  process.exitCode = 1;
}
