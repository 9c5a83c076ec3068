// SPDX-License-Identifier: Apache-2.0

import type { Channel, LogFrame, UpdateFrame } from "../sync/wire";
import type { Card, Checked, Lang, Site } from "./abi";

export interface CheckRequest {
  text: string;
  question?: string;
  /** The tiers to report, such as "AB"; without it those that are usual. */
  tiers?: string;
}

export interface CardRequest {
  rule: string;
  proposition: string;
  lang: Lang;
}

/** Where the rules in use stand. Sequence 0 is the pack that came with the extension. */
export interface RulesHead {
  sequence: number;
  /** Hash of the release's text; empty for the packaged rules. */
  release: string;
  /** Hash of the canonical pack. */
  hash: string;
  rules: number;
  /** When the release was made and runs out, RFC 3339; empty for the packaged rules. */
  created: string;
  expires: string;
  /** When the newest statement about the log that was believed was signed; empty for none. */
  checked: string;
  /** How many releases of the log have been seen. */
  log: number;
}

/** What a server answered: how the log stands, and what leads to newer rules, if anything. */
export interface Answered {
  client: { channel: Channel; bucket: number };
  log: LogFrame;
  update?: UpdateFrame;
}

export interface EngineState {
  head: RulesHead;
  model: string;
  degraded: boolean;
}

/**
 * The engine as the rest of the extension sees it. EngineHost is it, next to
 * its Worker; RemoteEngine reaches one in another document. Every method
 * rejects with an EngineError, and a broken engine has already been replaced
 * when the caller sees the error.
 */
export interface Engine {
  check(request: CheckRequest): Promise<Checked>;
  card(request: CardRequest): Promise<Card>;
  /** Verifies what a server answered, uses it and stores it; resolves only when all three are done. */
  update(answered: Answered): Promise<RulesHead>;
  state(): Promise<EngineState>;
  /** The sites of the rules in use, as they are stored; for when the caller cannot read the store. */
  sites(): Promise<Site[]>;
}
