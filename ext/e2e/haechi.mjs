// SPDX-License-Identifier: Apache-2.0

/** The real `haechi` command: a server to sync with, and a maintainer who pushes rules. */

import { execFile, spawn } from "node:child_process";
import { mkdtemp, readFile, rm, writeFile } from "node:fs/promises";
import { tmpdir } from "node:os";
import { dirname, join } from "node:path";
import { fileURLToPath } from "node:url";
import { promisify } from "node:util";
import { REPLICA } from "./static.mjs";
import { PATIENCE_MS } from "./until.mjs";

export const TOP = dirname(dirname(dirname(fileURLToPath(import.meta.url))));
export const DIST = process.env.HAECHI_DIST ?? join(TOP, "dist");
const HAECHI = join(DIST, "haechi");
const run = promisify(execFile);

/** The keys that the extension under test trusts. */
const own = (name) => join(DIST, "keys", name);
export const MAINTAINER = {
  keys: [own("maintainer-1.key"), own("maintainer-2.key")],
  trust: join(DIST, "trust.json"),
  online: { key: own("online.key"), note: own("online.note") },
};

/** Keys of somebody else. */
export async function stranger(dir) {
  const key = join(dir, "stranger.key");
  const { stdout } = await run(HAECHI, ["keys", "new", "--out", key, "--name", "stranger"]);
  const root = await run(HAECHI, ["keys", "root", "--threshold", "1", stdout.trim()]);
  const trust = join(dir, "stranger.json");
  await writeFile(trust, root.stdout);
  const online = { key: join(dir, "stranger-online.key"), note: join(dir, "stranger-online.note") };
  const lent = await run(HAECHI, ["keys", "new", "--out", online.key, "--name", "online"]);
  await writeFile(online.note, (await run(HAECHI, ["keys", "lend", lent.stdout.trim(), "--key", key])).stdout);
  return { keys: [key], trust, online };
}

/** New maintainers who take over: what to push with whose keys, and the keys that count from then on. */
export async function successors(dir) {
  const files = ["four", "five"].map((name) => join(dir, `${name}.key`));
  const newcomers = await Promise.all(files.map(async (file, i) => (await run(HAECHI, ["keys", "new", "--out", file, "--name", `new-${i}`])).stdout.trim()));
  const root = join(dir, "next.json");
  const staying = (await readFile(own("maintainer-3.pub"), "utf8")).trim();
  await writeFile(root, (await run(HAECHI, ["keys", "root", "--after", MAINTAINER.trust, staying, ...newcomers])).stdout);
  const note = join(dir, "next-online.note");
  const lent = (await readFile(own("online.pub"), "utf8")).trim();
  const version = 1 + Number(/^version (\d+)$/m.exec(await readFile(MAINTAINER.online.note, "utf8"))?.[1]);
  const signed = files.flatMap((file) => ["--key", file]);
  await writeFile(note, (await run(HAECHI, ["keys", "lend", lent, "--version", String(version), ...signed])).stdout);
  return { rotation: ["--root", root, "--online", note], keys: files };
}

/** What the command finds in answers; each as "rule: words", by id. */
export async function checkNatively(cases) {
  const lines = cases.map(({ id, answer, question }) => JSON.stringify({ id, text: answer, question }));
  const child = run(HAECHI, ["check", "--jsonl"], { maxBuffer: 1 << 26 });
  child.child.stdin.end(`${lines.join("\n")}\n`);
  const { stdout } = await child;
  const results = stdout.trim().split("\n").map((line) => JSON.parse(line));
  return results.map(({ id, findings, error }) => ({ id, error, found: findings?.map(finding).sort() }));
}

/** A finding without the marks of Markdown, which a page does not show. */
export function finding({ rule, quote }) {
  return `${rule}: ${quote.replace(/[*_`|#\s]+/g, "")}`;
}

export class Server {
  /** Starts on a free port, or on the port it had before, with more flags. */
  static async start({ keys = MAINTAINER, data, port = 0, flags = [] } = {}) {
    const server = new Server();
    server.keys = keys;
    server.data = data ?? (await mkdtemp(join(tmpdir(), "haechi-data-")));
    // Rules are pushed by the dozen here; what the gate says of them is tested where it lives.
    const args = ["serve", "--addr", `127.0.0.1:${port}`, "--data", server.data, "--trust", keys.trust, "--replica", REPLICA, "--no-gate"];
    args.push("--online-key", keys.online.key, "--online-note", keys.online.note, ...flags);
    server.process = spawn(HAECHI, args, { stdio: ["ignore", "inherit", "pipe"] });
    server.port = await listening(server.process);
    return server;
  }

  get url() {
    return `http://127.0.0.1:${this.port}`;
  }

  get sync() {
    return `ws://127.0.0.1:${this.port}/v1/sync`;
  }

  /** Publishes rule files and removals, as a maintainer does. */
  async push(...what) {
    const keys = this.keys.keys.flatMap((key) => ["--key", key]);
    const { stdout } = await run(HAECHI, ["rules", "push", ...what, "--server", this.url, ...keys, "--trust", this.keys.trust]);
    return stdout;
  }

  /** Writes all it serves as static files. */
  async mirror(dir) {
    await run(HAECHI, ["mirror", dir, "--server", this.url, "--trust", this.keys.trust]);
  }

  async stop() {
    if (this.process.exitCode !== null) return;
    const ended = new Promise((resolve) => this.process.once("exit", resolve));
    this.process.kill("SIGTERM");
    const late = setTimeout(() => this.process.kill("SIGKILL"), PATIENCE_MS);
    await ended;
    clearTimeout(late);
  }

  async remove() {
    await this.stop();
    await rm(this.data, { recursive: true, force: true });
  }
}

/** The port in the server's own log line. */
function listening(child) {
  return new Promise((resolve, reject) => {
    let log = "";
    const late = setTimeout(() => reject(new Error(`haechi serve does not listen: ${log}`)), PATIENCE_MS);
    child.stderr.setEncoding("utf8").on("data", (text) => {
      log += text;
      const found = /listening addr=127\.0\.0\.1:(\d+)/.exec(log);
      if (!found) return;
      clearTimeout(late);
      resolve(Number(found[1]));
    });
    child.once("exit", (code) => reject(new Error(`haechi serve ended with ${code}: ${log}`)));
  });
}
