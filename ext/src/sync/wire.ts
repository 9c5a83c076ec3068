// SPDX-License-Identifier: Apache-2.0

/**
 * The sync protocol between the server and its clients. Twin of the Go package
 * server/wire, where the protocol is specified; both read the golden frames in
 * server/wire/testdata. What an update says about rules is not looked at here:
 * the engine checks it, with the same code as the server. Here is only what
 * keeps nonsense from going further.
 */

export const PROTOCOL = 2;
/** The largest frame that is read, in characters: never more than in bytes. */
export const MAX_FRAME = 8 * 1024 * 1024;

export type Channel = "stable" | "preview";

export type ClientFrame =
  | { type: "hello"; protocol: typeof PROTOCOL; channel: Channel; sequence: number; pack: string; log: number }
  | { type: "since"; sequence: number; pack: string; to: number; log: number }
  | { type: "full"; to: number; log: number };

export interface HeadFrame {
  type: "head";
  /** The newest release of the channel, for `rollout` percent of its clients. */
  sequence: number;
  pack: string;
  rollout: number;
  /** The newest release for everyone. */
  settled: number;
  settled_pack: string;
  /** How many releases the log has. */
  log: number;
}

/** How the log stands, kept as it came: its raw text goes to the engine. */
export interface LogFrame {
  type: "log";
  /** It proves itself to one who saw so many releases. */
  from: number;
  raw: string;
}

/** A delta or a snapshot, kept as it came: its raw text goes to the engine. */
export interface UpdateFrame {
  type: "update";
  /** The sequence it leads to. */
  sequence: number;
  raw: string;
}

/** What a bye asks for: `restart` and `slow` reconnect, `limit` waits, `protocol` stops. */
export type ByeCode = "restart" | "slow" | "limit" | "protocol";

export interface ByeFrame {
  type: "bye";
  code: ByeCode;
  retry_ms: number;
}

/** `unknown` is a type of a newer server, to be passed over. */
export type ServerFrame = HeadFrame | LogFrame | UpdateFrame | ByeFrame | { type: "heartbeat" } | { type: "unknown" };

/** The other side does not speak this protocol: close, and wait before the next try. */
export class NonsenseError extends Error {
  override name = "NonsenseError";
}

export function encode(frame: ClientFrame): string {
  return JSON.stringify(frame);
}

export function decode(data: unknown): ServerFrame {
  if (typeof data !== "string") throw new NonsenseError("not a text frame");
  if (data.length > MAX_FRAME) throw new NonsenseError(`${data.length} characters in one frame`);
  const frame = object(parse(data), "frame");
  switch (frame["type"] ?? "") {
    case "heartbeat":
      return { type: "heartbeat" };
    case "head":
      return head(frame);
    case "log":
      if (text(frame, "key") === "" || text(frame, "checkpoint") === "") throw new NonsenseError("a log that nobody signed");
      return { type: "log", from: count(frame, "from"), raw: data };
    case "delta": {
      const sequence = count(frame, "to");
      if (count(frame, "from") >= sequence) throw new NonsenseError("a delta that leads nowhere");
      if (!Array.isArray(frame["changes"])) throw new NonsenseError("a delta without changes");
      release(frame, sequence);
      return { type: "update", sequence, raw: data };
    }
    case "snapshot": {
      const sequence = count(frame, "sequence");
      object(frame["pack"], "pack");
      release(frame, sequence);
      return { type: "update", sequence, raw: data };
    }
    case "bye": {
      const code = text(frame, "code");
      if (code === "") throw new NonsenseError("a bye without a code");
      return { type: "bye", code: byeCode(code), retry_ms: count(frame, "retry_ms") };
    }
  }
  if (typeof (frame["type"] ?? "") !== "string") throw new NonsenseError("type is not text");
  return { type: "unknown" };
}

/** What the code of a close asks for; undefined where it says nothing of the kind. */
export function byeOfClose(code: number): ByeCode | undefined {
  if (code < 4000) return undefined;
  if (code < 4100) return code === 4001 ? "slow" : "restart";
  return code >= 4200 && code < 4300 ? "protocol" : "limit";
}

function byeCode(code: string): ByeCode {
  return code === "restart" || code === "slow" || code === "protocol" ? code : "limit";
}

function parse(data: string): unknown {
  try {
    return JSON.parse(data);
  } catch {
    throw new NonsenseError("not JSON");
  }
}

function object(value: unknown, name: string): Record<string, unknown> {
  if (typeof value !== "object" || value === null || Array.isArray(value)) throw new NonsenseError(`${name} is not an object`);
  return value as Record<string, unknown>;
}

function count(frame: Record<string, unknown>, field: string): number {
  const value = frame[field];
  if (typeof value !== "number" || !Number.isSafeInteger(value) || value < 0) throw new NonsenseError(`${field} is not a count`);
  return value;
}

function text(frame: Record<string, unknown>, field: string): string {
  const value = frame[field];
  if (typeof value !== "string") throw new NonsenseError(`${field} is not text`);
  return value;
}

function hash(frame: Record<string, unknown>, field: string): string {
  const value = text(frame, field);
  if (!/^[0-9a-f]{64}$/.test(value)) throw new NonsenseError(`${field} is not a hash`);
  return value;
}

function head(frame: Record<string, unknown>): HeadFrame {
  const read: HeadFrame = {
    type: "head",
    sequence: count(frame, "sequence"),
    pack: hash(frame, "pack"),
    rollout: count(frame, "rollout"),
    settled: count(frame, "settled"),
    settled_pack: hash(frame, "settled_pack"),
    log: count(frame, "log"),
  };
  if (read.rollout > 100 || read.settled > read.sequence) throw new NonsenseError("a head that settles nothing");
  return read;
}

/** Only sequence 0, which nobody signs, has no release. */
function release(frame: Record<string, unknown>, sequence: number): void {
  if ((text(frame, "release") === "") !== (sequence === 0)) throw new NonsenseError("a release where none is, or none where one is");
}
