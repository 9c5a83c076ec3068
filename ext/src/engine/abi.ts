// SPDX-License-Identifier: Apache-2.0

/**
 * The engine's requests and answers, as the module reads and writes them.
 * Twin of the Go package wasm/abi, ABI version 1: bytes of UTF-8 JSON go in
 * and come out, one object each.
 */

export const ABI_VERSION = 1;

export type Lang = "ko" | "en" | "ja" | "zh";
export type Tier = "A" | "B" | "C";
export type Verdict = "distortion" | "one-sided" | "framing";

/** Offsets are UTF-16 units of `text`: the extension always asks for those. */
export interface Finding {
  quote: string;
  start: number;
  end: number;
  rule: string;
  proposition: string;
  verdict: Verdict;
  tier: Tier;
  score: number;
}

export interface Checked {
  findings: Finding[];
  model: string;
  /** Hash of the pack that judged, so that an answer can be told stale. */
  rules: string;
  sequence: number;
  /** True while no model is loaded and only a rule's patterns flag. */
  degraded: boolean;
}

export interface Source {
  title: string;
  publisher: string;
  year: number;
  url: string;
  lang: string;
}

export interface Position {
  holder: string;
  text: string;
}

export interface CardText {
  rule: string;
  proposition: string;
  tier: Tier;
  verdict: Verdict;
  title: string;
  claim: string;
  correction: string;
  positions: Position[];
  sources: Source[];
  rules: string;
  sequence: number;
  model: string;
}

/** A frame from the server that changes the rules; the engine checks it. */
export interface DeltaFrame {
  type: "delta";
  from: number;
  to: number;
  release: string;
  changes: unknown[];
}

export interface SnapshotFrame {
  type: "snapshot";
  sequence: number;
  release: string;
  pack: unknown;
}

export interface Updated {
  sequence: number;
  release: string;
  hash: string;
  rules: number;
  /** The canonical pack: what a client stores, byte for byte. */
  pack: string;
}

/** Every operation, by name: what is asked and what comes back. */
export interface Ops {
  load: { request: { dir: string }; answer: { model: string; labels: string[] } };
  rules: {
    request: { pack: unknown; sequence: number; release: string };
    answer: { rules: number; hash: string };
  };
  update: {
    request: { trust: unknown; now: number; frame: DeltaFrame | SnapshotFrame };
    answer: Updated;
  };
  check: {
    request: { text: string; question?: string; lang?: Lang; tiers?: string; units: "utf16" };
    answer: Checked;
  };
  card: { request: { rule: string; proposition: string; lang: Lang }; answer: CardText };
  info: { request: Record<never, never>; answer: Record<string, unknown> };
}

export type Op = keyof Ops;

/**
 * An operation that did not happen. The codes of the engine say what the
 * caller does (`mismatch` and `gap`: ask for a snapshot once); those of the
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
