// SPDX-License-Identifier: Apache-2.0

import type { Card, Checked, Indexed, Info, Lang, Loaded, Ruled, Updated } from "./abi";

/** Every operation of the engine, by name: what is asked and what comes back. */
export interface Ops {
  load: { request: { dir: string }; answer: Loaded };
  rules: { request: { pack: unknown; memory?: string } | { index: number; memory?: string }; answer: Ruled };
  index: { request: Record<never, never>; answer: Indexed };
  update: { request: { trust: unknown; now: number; client: unknown; log: unknown; frame?: unknown }; answer: Updated };
  /** The engine counts offsets in UTF-16 units, as JavaScript does, only when told to. */
  check: { request: { text: string; question?: string; tiers?: string; units: "utf16" }; answer: Checked };
  card: { request: { rule: string; proposition: string; lang: Lang }; answer: Card };
  info: { request: Record<never, never>; answer: Info };
}

export type Op = keyof Ops;

/**
 * An operation that did not happen. The codes of the engine say what the
 * caller does (`mismatch`, `gap` and `log`: ask for a snapshot once); those of the
 * host say where it broke: `crashed` and `timeout` (that instance is gone, ask
 * again), `unavailable` (no engine could be started), `storage`.
 */
export class EngineError extends Error {
  constructor(
    readonly code: string,
    message: string,
  ) {
    super(message);
    this.name = "EngineError";
  }
}

/** Reads an answer of the module; throws what the engine refused. */
export function openAnswer<K extends Op>(text: string): Ops[K]["answer"] {
  const answer = JSON.parse(text) as { ok?: Ops[K]["answer"]; error?: { code: string; message: string } };
  if (answer.error) throw new EngineError(answer.error.code, answer.error.message);
  if (answer.ok === undefined) throw new EngineError("invalid", "the engine answered neither ok nor error");
  return answer.ok;
}
