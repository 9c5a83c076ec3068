// SPDX-License-Identifier: Apache-2.0

/** A browser's profile: a folder that outlives the browser. */

import { mkdir, mkdtemp, readdir, rm, writeFile } from "node:fs/promises";
import { tmpdir } from "node:os";
import { dirname, join } from "node:path";

export async function newProfile() {
  const dir = await mkdtemp(join(tmpdir(), "haechi-profile-"));
  return { dir, remove: () => rm(dir, { recursive: true, force: true, maxRetries: 5, retryDelay: 200 }) };
}

/** Fills every file in a folder with zeros, as a loss of power does, and says how many; the browser must be closed. */
export async function spoil(dir) {
  const files = (await readdir(dir, { recursive: true, withFileTypes: true })).filter((entry) => entry.isFile());
  for (const { parentPath, path, name } of files) await writeFile(join(parentPath ?? path, name), Buffer.alloc(16_384));
  return files.length;
}

/** Puts a file where a folder was, so that nothing can be stored there; the browser must be closed. Gives back how to undo it. */
export async function block(dir) {
  await rm(dir, { recursive: true, force: true });
  await mkdir(dirname(dir), { recursive: true });
  await writeFile(dir, "not a folder");
  return () => rm(dir, { force: true });
}
