// SPDX-License-Identifier: Apache-2.0

/**
 * Zip archives that depend on names and contents alone: the same files give
 * the same bytes on every machine, in every time zone and by every zlib.
 */

import { readdir, readFile, stat } from "node:fs/promises";
import { join, relative, sep } from "node:path";
import { zipSync } from "fflate";

/** Noon, so that no zone's summer time moves it; the year is the first that a zip can hold. */
const TIME = new Date(1980, 0, 1, 12);
const UNIX = 3;
const FILE = 0o100644;
const PROGRAM = 0o100755;

/**
 * Every file below a folder, by its path with slashes. Anything but files and
 * folders fails: a link would mean something else elsewhere.
 * @param {string} folder
 * @returns {Promise<Record<string, Uint8Array>>}
 */
export async function filesIn(folder) {
  const entries = await readdir(folder, { recursive: true, withFileTypes: true });
  /** @type {[string, Uint8Array][]} */
  const files = [];
  for (const entry of entries) {
    if (entry.isDirectory()) continue;
    const path = join(entry.parentPath ?? entry.path, entry.name);
    if (!entry.isFile()) throw new Error(`${path} is neither a file nor a folder`);
    files.push([relative(folder, path).split(sep).join("/"), await readFile(path)]);
  }
  if (files.length === 0) throw new Error(`no files in ${folder}`);
  return Object.fromEntries(files);
}

/**
 * The names of the files that may be run, for archives of source.
 * @param {string} folder
 * @param {string[]} names
 * @returns {Promise<Set<string>>}
 */
export async function programsIn(folder, names) {
  const modes = await Promise.all(names.map(async (name) => (await stat(join(folder, name))).mode));
  return new Set(names.filter((_, i) => ((modes[i] ?? 0) & 0o100) !== 0));
}

/**
 * @param {Record<string, Uint8Array>} files
 * @param {ReadonlySet<string>} [programs] files that may be run once they are unpacked
 * @returns {Uint8Array}
 */
export function archive(files, programs = new Set()) {
  const names = Object.keys(files).sort();
  const entry = (name) => [files[name], { level: 9, mtime: TIME, os: UNIX, attrs: (programs.has(name) ? PROGRAM : FILE) << 16 }];
  return zipSync(Object.fromEntries(names.map((name) => [name, entry(name)])));
}
