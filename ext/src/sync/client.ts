// SPDX-License-Identifier: Apache-2.0

import type { RulesHead } from "../engine/engine";
import { EngineError } from "../engine/ops";
import { asked, backoff, LIMIT_MS, STOPPED_MS } from "./backoff";
import { byeOfClose, decode, encode, NonsenseError, PROTOCOL, type ByeCode, type ClientFrame, type HeadFrame, type UpdateFrame } from "./wire";

/** How things stand with the server, in a word the popup can show. */
export type Phase =
  | "off" // not started
  | "connecting"
  | "current" // connected, nothing newer to be had
  | "updating" // asked for rules, or checking them
  | "refused" // connected, but what the server offers did not pass the check
  | "waiting" // not connected; tries again later
  | "stopped"; // the server does not speak with this version

export interface SyncState {
  phase: Phase;
  /** Why it is not current: an error code of the engine, or the client's own. */
  reason: string;
  /** When it tries again, in ms since 1970; 0 while connected. */
  next: number;
}

/** The part of a WebSocket that the client uses. */
export interface Socket {
  send(data: string): void;
  close(code?: number, reason?: string): void;
  onopen: (() => void) | null;
  onmessage: ((event: { data: unknown }) => void) | null;
  onclose: ((event: { code: number }) => void) | null;
}

/** What survives the background's death: tries must not start over with it. */
export interface Retry {
  failures: number;
  notBefore: number;
  reason: string;
  stopped: boolean;
}

export interface Around {
  connect(): Promise<Socket>;
  /** Where the rules in use stand. */
  head(): Promise<RulesHead>;
  /** Verify, use and store; rejects with an EngineError. */
  apply(frame: UpdateFrame): Promise<RulesHead>;
  /** New rules are in use and stored: tell everyone. */
  applied(head: RulesHead): Promise<void>;
  loadRetry(): Promise<Retry | undefined>;
  saveRetry(retry: Retry): Promise<void>;
  /** Wakes the client (`wake`) at a time, even if all of this is gone by then. */
  wakeAt(time: number): void;
  changed(state: SyncState): void;
  now(): number;
  random(): number;
}

/** Three heartbeats missed: the line is dead, whatever the socket believes. */
export const SILENCE_MS = 60_000;
/** A server that accepts and says nothing, or nothing that answers the knock. */
export const GREETING_MS = 20_000;
/** A server that beats but does not bring what it was asked for. */
export const ANSWER_MS = 60_000;

/** Codes that mean "what I was given does not fit what I have", not "it is bad". */
const REPAIRABLE = new Set(["mismatch", "gap"]);
/** Codes that mean the engine failed, not the frame: worth another connection later. */
const ENGINE = new Set(["crashed", "timeout", "unavailable", "storage", "internal"]);

/** One connection and what was said on it. */
interface Line {
  socket: Socket;
  watch: ReturnType<typeof setTimeout> | undefined;
  /** When rules were asked for, 0 when nothing is awaited. */
  asked: number;
  /** The newest head that came while rules were awaited. */
  latest: HeadFrame | undefined;
  /** A snapshot has been asked for because a delta did not fit: once is enough. */
  repaired: boolean;
  /** The highest sequence that was offered and refused; not asked for again. */
  refused: number;
}

/**
 * Keeps the rules up to date from one server. It holds no rules: it asks for
 * what is newer and hands every frame to the engine, which alone decides. It
 * is safe to call `wake` at any time and as often as one likes.
 */
export class SyncClient {
  private line: Line | undefined;
  private state: SyncState = { phase: "off", reason: "", next: 0 };
  private starting: Promise<void> | undefined;

  constructor(private readonly around: Around) {}

  current(): SyncState {
    return this.state;
  }

  /** Connects unless it is connected, connecting, or told to wait. */
  wake(): Promise<void> {
    this.starting ??= this.start().finally(() => (this.starting = undefined));
    return this.starting;
  }

  /** Forgets all waiting and connects anew; for a changed address or a user's wish. */
  async reconnect(): Promise<void> {
    await this.starting;
    this.hangUp();
    await this.around.saveRetry(FRESH);
    await this.wake();
  }

  private async start(): Promise<void> {
    if (this.line) return;
    const retry = (await this.around.loadRetry()) ?? FRESH;
    if (retry.notBefore > this.around.now()) {
      this.show(retry.stopped ? "stopped" : "waiting", retry.reason, retry.notBefore);
      this.around.wakeAt(retry.notBefore);
      return;
    }
    this.show("connecting", "");
    try {
      const head = await this.around.head();
      this.attach(await this.around.connect(), head);
    } catch (error) {
      await this.fail(undefined, String(error));
    }
  }

  private attach(socket: Socket, head: RulesHead): void {
    const line: Line = { socket, watch: undefined, asked: 0, latest: undefined, repaired: false, refused: 0 };
    this.line = line;
    this.listen(line, GREETING_MS);
    socket.onopen = () => this.send(line, { type: "hello", protocol: PROTOCOL, sequence: head.sequence, pack: head.hash });
    socket.onclose = ({ code }) => void this.onClose(line, code);
    // Frames are handled one after another: a head may come while a delta is checked.
    let turn: Promise<void> = Promise.resolve();
    socket.onmessage = ({ data }) => {
      turn = turn.then(() => this.receive(line, data)).catch((error: unknown) => this.fail(line, String(error)));
    };
  }

  private async receive(line: Line, data: unknown): Promise<void> {
    if (line !== this.line) return;
    try {
      const frame = decode(data);
      if (frame.type === "unknown") return; // of a newer server; it does not count as speaking sense
      this.listen(line, SILENCE_MS);
      if (frame.type === "head") await this.onHead(line, frame);
      else if (frame.type === "heartbeat") await this.onHeartbeat(line);
      else if (frame.type === "bye") await this.part(line, frame.code, frame.retry_ms);
      else await this.onUpdate(line, frame);
    } catch (error) {
      if (!(error instanceof NonsenseError)) throw error;
      await this.fail(line, "nonsense");
    }
  }

  private async onHeartbeat(line: Line): Promise<void> {
    if (line.asked !== 0 && this.around.now() - line.asked > ANSWER_MS) return this.fail(line, "silent");
    // Only a line that has lasted ends a row of failures, so that a server
    // which greets well and then fails is not called once a second.
    await this.around.saveRetry(FRESH);
  }

  private async onHead(line: Line, frame: HeadFrame): Promise<void> {
    if (line.asked !== 0) {
      line.latest = frame;
      return;
    }
    const have = await this.around.head();
    if (frame.sequence > have.sequence) {
      if (frame.sequence <= line.refused) return;
      line.repaired = false;
      this.ask(line, { type: "since", sequence: have.sequence, pack: have.hash });
    } else if (frame.sequence < have.sequence) {
      this.show("refused", "behind"); // a server that lost history: what is here stays
    } else if (frame.pack !== have.hash && frame.sequence > 0) {
      this.show("refused", "diverged"); // two releases of one number: what is here stays
    } else {
      this.show("current", "");
    }
  }

  private async onUpdate(line: Line, frame: UpdateFrame): Promise<void> {
    if (line.asked === 0) throw new NonsenseError("an update nobody asked for");
    line.asked = 0;
    this.listen(line, undefined); // the engine may take longer than a silence may last
    const code = await this.apply(frame);
    if (line !== this.line) return;
    this.listen(line, SILENCE_MS);
    if (ENGINE.has(code)) return this.fail(line, code);
    if (REPAIRABLE.has(code) && !line.repaired) {
      line.repaired = true;
      this.ask(line, { type: "full" });
      return;
    }
    if (code !== "") line.refused = Math.max(line.refused, frame.sequence);
    this.show(code === "" ? "current" : "refused", code);
    const latest = line.latest;
    line.latest = undefined;
    if (latest) await this.onHead(line, latest);
  }

  /** Empty when the rules are in use, else the code of what hindered it. */
  private async apply(frame: UpdateFrame): Promise<string> {
    try {
      await this.around.applied(await this.around.apply(frame));
      return "";
    } catch (error) {
      return error instanceof EngineError ? error.code : "internal";
    }
  }

  private async onClose(line: Line, code: number): Promise<void> {
    const bye = byeOfClose(code);
    if (bye === "limit" || bye === "protocol") await this.part(line, bye, LIMIT_MS);
    else await this.fail(line, "closed");
  }

  /** Leaves as the server asked. */
  private async part(line: Line, code: ByeCode, wait: number): Promise<void> {
    if (line !== this.line) return;
    const stopped = code === "protocol";
    await this.rest(stopped ? STOPPED_MS : asked(wait, this.around.random), { failures: 0, reason: code, stopped });
  }

  private async fail(line: Line | undefined, reason: string): Promise<void> {
    if (line !== this.line) return;
    this.hangUp(); // first, so that a second failure of this line is not counted
    const failures = ((await this.around.loadRetry())?.failures ?? 0) + 1;
    await this.rest(backoff(failures, this.around.random), { failures, reason, stopped: false });
  }

  /** Hangs up and remembers, outside this process too, when to come back. */
  private async rest(wait: number, retry: Omit<Retry, "notBefore">): Promise<void> {
    this.hangUp();
    const notBefore = this.around.now() + wait;
    this.show(retry.stopped ? "stopped" : "waiting", retry.reason, notBefore);
    await this.around.saveRetry({ ...retry, notBefore });
    this.around.wakeAt(notBefore);
  }

  private hangUp(): void {
    const line = this.line;
    this.line = undefined;
    if (!line) return;
    this.listen(line, undefined);
    line.socket.onopen = line.socket.onmessage = line.socket.onclose = null;
    line.socket.close(1000);
  }

  /** Starts the watch on silence over; undefined ends it. */
  private listen(line: Line, ms: number | undefined): void {
    clearTimeout(line.watch);
    if (ms !== undefined) line.watch = setTimeout(() => void this.fail(line, "silent"), ms);
  }

  private ask(line: Line, frame: ClientFrame): void {
    line.asked = this.around.now();
    this.show("updating", "");
    this.send(line, frame);
  }

  private send(line: Line, frame: ClientFrame): void {
    line.socket.send(encode(frame));
  }

  private show(phase: Phase, reason: string, next = 0): void {
    this.state = { phase, reason, next };
    this.around.changed(this.state);
  }
}

const FRESH: Retry = { failures: 0, notBefore: 0, reason: "", stopped: false };
