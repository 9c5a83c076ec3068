// SPDX-License-Identifier: Apache-2.0

/**
 * The same frames over HTTP, from the server or from a static mirror, for
 * networks that block sockets. Paths are those of the client specification.
 */

import type { RulesHead } from "../engine/engine";
import { target, type Identity } from "./client";
import { decode, NonsenseError, type LogFrame, type UpdateFrame } from "./wire";

/** What was fetched: a log with or without an update, or why neither is worth the engine's time. */
export interface Fetched {
  code: "" | "behind" | "diverged";
  log?: LogFrame;
  update?: UpdateFrame;
}

/** Where the files of a server lie: at the mirror's address, or beside the socket's. */
export function filesOf(server: string): string {
  return server.replace(/^ws/, "http").replace(/\/v1\/sync$/, "").replace(/\/$/, "");
}

/** Fetches what leads from `have` to the newest rules; `whole` takes the snapshot in place of a delta. */
export async function fetchAnswer(
  fetch: (path: string) => Promise<string | undefined>,
  have: RulesHead,
  identity: Identity,
  whole: boolean,
): Promise<Fetched> {
  const head = decode(await fetch(`/v1/${identity.channel}/head.json`));
  if (head.type !== "head") throw new NonsenseError("no head");
  if (head.log < have.log || head.log < have.sequence) return { code: "behind" };
  const { sequence: to, pack } = target(head, identity);
  if (to === have.sequence && pack !== have.hash && to > 0) return { code: "diverged" };
  let update: UpdateFrame | undefined;
  if (to > have.sequence) {
    const delta = whole ? undefined : await fetch(`/v1/delta/${have.sequence}-${to}.json`);
    const frame = decode(delta ?? (await fetch(`/v1/snapshot/${to}.json`)));
    if (frame.type !== "update") throw new NonsenseError("no update");
    update = frame;
  }
  const log = decode(await fetch(`/v1/log/${have.log}.json`));
  if (log.type !== "log") throw new NonsenseError("no log");
  return { code: "", log, ...(update ? { update } : {}) };
}
