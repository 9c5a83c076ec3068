// SPDX-License-Identifier: Apache-2.0

import { readdirSync, readFileSync } from "node:fs";
import { join } from "node:path";

/** The top of the repository; set by test.mjs. */
declare const TOP: string;

/** Where a file of the repository is. */
export function at(path: string): string {
  return join(TOP, path);
}

export function read(...path: string[]): string {
  return readFileSync(join(TOP, ...path), "utf8");
}

/** The files of a folder that end so; none at all is a mistake, not an empty test. */
export function list(folder: string, end: string): string[] {
  const names = readdirSync(join(TOP, folder)).filter((name) => name.endsWith(end));
  if (names.length === 0) throw new Error(`no *${end} in ${folder}`);
  return names;
}
