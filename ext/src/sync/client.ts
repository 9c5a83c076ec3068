// SPDX-License-Identifier: Apache-2.0

import type { Answered, RulesHead } from "../engine/engine";
import { EngineError } from "../engine/ops";
import { asked, backoff, LIMIT_MS, STOPPED_MS } from "./backoff";
import { fetchAnswer } from "./http";
import {
  byeOfClose,
  decode,
  encode,
  NonsenseError,
  PROTOCOL,
  type ByeCode,
  type Channel,
  type ClientFrame,
  type HeadFrame,
  type LogFrame,
  type UpdateFrame,
} from "./wire";

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
  /** What is shown until then, with its reason. */
  phase: Phase;
  reason: string;
  /** When rules were last fetched because the socket failed. */
  polled: number;
  /** Since when every server that answered had fewer releases than were seen; 0 if the last one had not. */
  behind?: number;
}

/** Which releases are for this client: see the client specification. */
export interface Identity {
  channel: Channel;
  /** 0 to 99, drawn once; it never leaves the machine. */
  bucket: number;
}

export interface Around {
  /** Undefined where the address has no sockets: a mirror, which is only fetched from. */
  connect(): Promise<Socket | undefined>;
  /** The text of a file of the server or mirror, undefined where there is none. */
  fetch(path: string, signal: AbortSignal): Promise<string | undefined>;
  identity(): Promise<Identity>;
  /** Where the rules in use stand. */
  head(): Promise<RulesHead>;
  /** Verify, use and store; rejects with an EngineError. */
  apply(answered: Answered): Promise<RulesHead>;
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
/** How old the newest believed statement about the log may become before a newer one is asked for. */
export const FRESH_MS = 6 * 3_600_000;
/** From then on people are told: someone may be hiding newer rules. */
export const STALE_MS = 7 * 24 * 3_600_000;
/**
 * One server of several may be behind the one that answered before: it catches
 * up, or the next connection leads to another. What stays behind for so long
 * has lost history, and people are told.
 */
export const BEHIND_MS = 45_000;
/** After so many failures in a row of its socket a server is fetched from instead. */
export const SOCKET_TRIES = 3;
/** Between two fetches. */
export const POLL_MS = 15 * 60_000;

/** Codes that mean "what I was given does not fit what I have", not "it is bad". */
const REPAIRABLE = new Set(["mismatch", "gap", "log"]);
/** Codes that mean the engine failed, not the frame: worth another connection later. */
const ENGINE = new Set(["crashed", "timeout", "unavailable", "storage", "internal"]);
/** What a fetch may end with that says nothing about the server's rules. */
const UNREACHED = new Set(["closed", "nonsense", "silent", ...ENGINE]);

/** One connection and what was said on it. */
interface Line {
  socket: Socket;
  watch: ReturnType<typeof setTimeout> | undefined;
  /** When rules were asked for, 0 when nothing is awaited. */
  asked: number;
  /** What was asked for leads to this sequence. */
  to: number;
  /** How the log stands, the first half of an answer. */
  log: LogFrame | undefined;
  /** The newest head that came. */
  latest: HeadFrame | undefined;
  /** A snapshot has been asked for because a delta did not fit: once is enough. */
  repaired: boolean;
  /** The highest sequence that was offered and refused; not asked for again. */
  refused: number;
  /** A statement about the log was refused; not asked for again on this line. */
  doubted: boolean;
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
  /** The fetch under way. */
  private polling: AbortController | undefined;

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
    this.polling?.abort(); // a server that takes its time must not hold up the next
    await this.starting;
    this.hangUp();
    await this.around.saveRetry(FRESH);
    await this.wake();
  }

  private async start(): Promise<void> {
    if (this.line) return;
    const retry = (await this.around.loadRetry()) ?? FRESH;
    if (retry.notBefore > this.around.now()) {
      if (this.state.next !== retry.notBefore) this.show(retry.phase, retry.reason, retry.notBefore);
      this.around.wakeAt(retry.notBefore);
      return;
    }
    this.show("connecting", "");
    try {
      // First what is said, then the socket: it may open before the next await is over.
      const [head, identity] = [await this.around.head(), await this.around.identity()];
      const socket = await this.around.connect();
      if (socket) this.attach(socket, head, identity);
      else await this.mirror(retry);
    } catch (error) {
      await this.fail(undefined, String(error));
    }
  }

  private attach(socket: Socket, head: RulesHead, { channel }: Identity): void {
    const line: Line = { socket, watch: undefined, asked: 0, to: 0, log: undefined, latest: undefined, repaired: false, refused: 0, doubted: false };
    this.line = line;
    this.listen(line, GREETING_MS);
    socket.onopen = () => this.send(line, { type: "hello", protocol: PROTOCOL, channel, sequence: head.sequence, pack: head.hash, log: head.log });
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
      else if (frame.type === "log") await this.onLog(line, frame);
      else if (frame.type === "heartbeat") await this.onHeartbeat(line);
      else if (frame.type === "bye") await this.part(line, frame.code, frame.retry_ms);
      else await this.onUpdate(line, frame);
    } catch (error) {
      if (!(error instanceof NonsenseError)) throw error;
      await this.fail(line, "nonsense");
    }
  }

  private async onHeartbeat(line: Line): Promise<void> {
    if (line.asked !== 0 && line.log) return this.finish(line, line.log); // it had nothing newer to bring
    if (line.asked !== 0 && this.around.now() - line.asked > ANSWER_MS) return this.fail(line, "silent");
    // Only a line that has lasted ends a row of failures, so that a server
    // which greets well and then fails is not called once a second.
    const { behind = 0 } = (await this.around.loadRetry()) ?? FRESH;
    await this.around.saveRetry(behind > 0 ? { ...FRESH, behind } : FRESH);
    if (behind > 0 && this.around.now() - behind < BEHIND_MS) return this.rest(backoff(1, this.around.random), { ...FRESH, reason: "behind", behind });
    if (line.asked === 0) await this.consider(line);
  }

  private async onHead(line: Line, frame: HeadFrame): Promise<void> {
    line.latest = frame;
    if (line.asked === 0) await this.consider(line);
  }

  /** Asks for what the newest head promises, or for a fresh statement about the log. */
  private async consider(line: Line): Promise<void> {
    const frame = line.latest;
    if (!frame) return;
    const have = await this.around.head();
    const { sequence: to, pack } = target(frame, await this.around.identity());
    const behind = frame.log < have.log || frame.log < have.sequence;
    const lost = await this.lost(behind);
    if (to > have.sequence) {
      if (to <= line.refused) return;
      line.repaired = false;
      this.ask(line, to, { type: "since", sequence: have.sequence, pack: have.hash, to, log: have.log });
    } else if (behind) {
      this.show(lost ? "refused" : "current", lost ? "behind" : ""); // what is here stays
    } else if (to === have.sequence && pack !== have.hash && to > 0) {
      this.show("refused", "diverged"); // two releases of one number: what is here stays
    } else if (!line.doubted && (frame.log > have.log || !(this.around.now() - Date.parse(have.checked) < FRESH_MS))) {
      this.ask(line, have.sequence, { type: "since", sequence: have.sequence, pack: have.hash, to: have.sequence, log: have.log });
    } else if (!line.doubted) {
      this.show("current", "");
    }
  }

  /** Notes whether a server is behind, and says whether they have been for so long that history was lost. */
  private async lost(behind: boolean): Promise<boolean> {
    const retry = (await this.around.loadRetry()) ?? FRESH;
    const since = behind ? retry.behind || this.around.now() : 0;
    if (since !== (retry.behind ?? 0)) await this.around.saveRetry({ ...retry, behind: since });
    return behind && this.around.now() - since >= BEHIND_MS;
  }

  private async onLog(line: Line, frame: LogFrame): Promise<void> {
    if (line.asked === 0) throw new NonsenseError("a log nobody asked for");
    line.log = frame;
    if (line.to === (await this.around.head()).sequence) await this.finish(line, frame);
  }

  private async onUpdate(line: Line, frame: UpdateFrame): Promise<void> {
    if (line.asked === 0 || !line.log) throw new NonsenseError("an update nobody asked for");
    await this.finish(line, line.log, frame);
  }

  /** Has an answer checked, and goes on with the newest head. */
  private async finish(line: Line, log: LogFrame, update?: UpdateFrame): Promise<void> {
    line.asked = 0;
    line.log = undefined;
    this.listen(line, undefined); // the engine may take longer than a silence may last
    const code = await this.apply(log, update);
    if (line !== this.line) return;
    this.listen(line, SILENCE_MS);
    if (ENGINE.has(code)) return this.fail(line, code);
    if (REPAIRABLE.has(code) && update && !line.repaired) {
      line.repaired = true;
      this.ask(line, update.sequence, { type: "full", to: update.sequence, log: (await this.around.head()).log });
      return;
    }
    if (code !== "" && update) line.refused = Math.max(line.refused, update.sequence);
    if (code !== "" && !update) line.doubted = true;
    // An older statement about the same log: of a server that lags. How old the newest one is, is told anyway.
    if (code === "rollback" && !update) return this.show("current", "");
    this.show(code === "" ? "current" : "refused", code);
    await this.consider(line);
  }

  /** Empty when all of it is believed and in use, else the code of what hindered it. */
  private async apply(log: LogFrame, update?: UpdateFrame): Promise<string> {
    try {
      const client = await this.around.identity();
      const head = await this.around.apply({ client, log, ...(update ? { update } : {}) });
      if (update) await this.around.applied(head);
      return "";
    } catch (error) {
      return error instanceof EngineError ? error.code : "internal";
    }
  }

  /** An address without sockets is fetched from now and then. */
  private async mirror({ failures }: Retry): Promise<void> {
    const code = await this.poll();
    if (code === undefined) return;
    if (UNREACHED.has(code)) {
      await this.rest(backoff(failures + 1, this.around.random), { ...FRESH, failures: failures + 1, reason: code });
    } else {
      const early = code === "behind" && !(await this.lost(true));
      const behind = code === "behind" ? (await this.around.loadRetry())?.behind : 0;
      const least = early ? BEHIND_MS : POLL_MS;
      const wait = least + Math.round((least / 4) * this.around.random());
      await this.rest(wait, { ...FRESH, phase: early ? "waiting" : found(code), reason: code, ...(behind ? { behind } : {}) });
    }
  }

  /** Where sockets are blocked the same server's files may not be; the socket is tried on all the same. */
  private async substitute(): Promise<void> {
    if (this.polling && !this.polling.signal.aborted) return; // a slow server is asked for one file at a time
    const code = await this.poll();
    if (code === undefined) return;
    const early = code === "behind" && !(await this.lost(true));
    const retry = (await this.around.loadRetry()) ?? FRESH;
    const again = early || code === "closed" || ENGINE.has(code); // nothing came: the next try is as good as the first
    const next: Retry = { ...retry, phase: early ? "waiting" : found(code), reason: code, polled: again ? retry.polled : this.around.now() };
    await this.around.saveRetry(next);
    if (!this.line) this.show(next.phase, code, next.notBefore);
  }

  /** Fetches what is newer and has it checked. Empty when all is well, else what hindered; undefined when given up. */
  private async poll(): Promise<string | undefined> {
    const polling = new AbortController();
    this.polling = polling;
    let code = "";
    try {
      const identity = await this.around.identity();
      for (const whole of [false, true]) {
        const have = await this.around.head();
        const answer = await fetchAnswer((path) => this.around.fetch(path, polling.signal), have, identity, whole);
        code = answer.log ? await this.apply(answer.log, answer.update) : answer.code;
        if (!REPAIRABLE.has(code)) break; // else once more, with the whole pack
      }
    } catch (error) {
      code = error instanceof NonsenseError ? "nonsense" : isTimeout(error) ? "silent" : "closed";
    } finally {
      if (this.polling === polling) this.polling = undefined;
    }
    return polling.signal.aborted ? undefined : code; // whoever aborted it starts anew
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
    await this.rest(stopped ? STOPPED_MS : asked(wait, this.around.random), { ...FRESH, phase: stopped ? "stopped" : "waiting", reason: code });
  }

  private async fail(line: Line | undefined, reason: string): Promise<void> {
    if (line !== this.line) return;
    this.hangUp(); // first, so that a second failure of this line is not counted
    const { failures: before, polled, behind = 0, ...last } = (await this.around.loadRetry()) ?? FRESH;
    const failures = before + 1;
    // What the files said goes on to hold: a socket that fails again takes no warning away.
    const shown = polled > 0 && last.phase !== "waiting" ? { phase: last.phase, reason: last.reason } : { phase: "waiting" as const, reason };
    await this.rest(backoff(failures, this.around.random), { failures, polled, ...shown, ...(behind ? { behind } : {}) });
    if (failures >= SOCKET_TRIES && this.around.now() - polled >= POLL_MS) void this.substitute();
  }

  /** Hangs up and remembers, outside this process too, when to come back. */
  private async rest(wait: number, retry: Omit<Retry, "notBefore">): Promise<void> {
    this.hangUp();
    const notBefore = this.around.now() + wait;
    this.show(retry.phase, retry.reason, notBefore);
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

  private ask(line: Line, to: number, frame: ClientFrame): void {
    line.asked = this.around.now();
    line.to = to;
    line.log = undefined;
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

const FRESH: Retry = { failures: 0, notBefore: 0, phase: "waiting", reason: "", polled: 0 };

/** How things stand after rules were fetched, by the code of what hindered them. */
function found(code: string): Phase {
  if (code === "") return "current";
  return UNREACHED.has(code) ? "waiting" : "refused";
}

function isTimeout(error: unknown): boolean {
  return error instanceof Error && error.name === "TimeoutError";
}

/** The release of a head that is for a client. */
export function target(head: HeadFrame, { bucket }: Identity): { sequence: number; pack: string } {
  return bucket < head.rollout ? { sequence: head.sequence, pack: head.pack } : { sequence: head.settled, pack: head.settled_pack };
}
