// SPDX-License-Identifier: Apache-2.0

import type { RuleStore } from "../store/rules";
import type { Card, Checked, Site } from "./abi";
import type { Answered, CardRequest, CheckRequest, Engine, EngineState, RulesHead } from "./engine";
import { EngineError, openAnswer, type Op, type Ops } from "./ops";
import type { FromWorker, ToWorker } from "./worker";

/** The part of a Worker that the host uses; tests give another. */
export interface Port {
  postMessage(message: ToWorker): void;
  terminate(): void;
  onmessage: ((event: MessageEvent<FromWorker>) => void) | null;
  onerror: ((event: ErrorEvent) => void) | null;
}

/** What the host needs of the world. */
export interface Surroundings {
  spawn(): Port;
  store: RuleStore;
  /** The packaged rules' canonical text. */
  baseline(): Promise<string>;
  /** The keys a release must be signed with. */
  trust(): Promise<unknown>;
  files: { wasm: string; model: { name: string; url: string }[] };
  now(): number;
  limits: Limits;
}

export interface Limits {
  /** Compiling 30 MB of wasm and loading a model on a slow core. */
  bootMs: number;
  callMs: number;
  /** A boot that failed is not tried again before this has passed. */
  retryMs: number;
  /** An engine nobody asked for this long is let go: it holds 100 MB or more. */
  idleMs: number;
  cached: number;
}

export const LIMITS: Limits = { bootMs: 90_000, callMs: 20_000, retryMs: 5_000, idleMs: 600_000, cached: 300 };

/** Where the rules that came with the extension stand. */
export const PACKAGED: Omit<RulesHead, "hash" | "rules"> = { sequence: 0, release: "", created: "", expires: "", checked: "", log: 0 };

/** One living engine: its Worker and the state it was brought to. */
interface Running {
  port: Port;
  state: EngineState;
}

/**
 * Owns the engine's Worker, starts it when first asked, feeds it the last good
 * rules, and replaces it when it traps or hangs. Requests run one after
 * another, as the engine does, so `running` is only touched by the request
 * whose turn it is.
 */
export class EngineHost implements Engine {
  private turn: Promise<unknown> = Promise.resolve();
  private running: Running | undefined;
  private failed: { at: number; error: EngineError } | undefined;
  private idle: ReturnType<typeof setTimeout> | undefined;
  private ids = 0;
  private readonly cache = new Map<string, Checked>();

  constructor(private readonly around: Surroundings) {}

  check(request: CheckRequest): Promise<Checked> {
    return this.exclusive(async () => {
      const running = await this.boot();
      const key = `${request.tiers ?? ""}\0${request.question ?? ""}\0${request.text}`;
      const known = this.cache.get(key);
      if (known) {
        this.cache.delete(key); // to the young end: the map's order is the cache's age
        this.cache.set(key, known);
        return known;
      }
      const checked = await this.ask(running.port, "check", {
        text: request.text,
        ...(request.question ? { question: request.question } : {}),
        ...(request.tiers ? { tiers: request.tiers } : {}),
        units: "utf16",
      });
      this.cache.set(key, checked);
      for (const oldest of this.cache.keys()) {
        if (this.cache.size <= this.around.limits.cached) break;
        this.cache.delete(oldest);
      }
      return checked;
    });
  }

  card(request: CardRequest): Promise<Card> {
    return this.exclusive(async () => {
      const { rule, proposition, lang } = request;
      return this.ask((await this.boot()).port, "card", { rule, proposition, lang });
    });
  }

  update({ client, log, update }: Answered): Promise<RulesHead> {
    return this.exclusive(async () => {
      const running = await this.boot();
      const now = Math.floor(this.around.now() / 1000);
      const trust = JSON.stringify(await this.around.trust());
      // The frames are JSON already, and the engine shall see the very bytes that came.
      const frame = update ? `,"frame":${update.raw}` : "";
      const call = `{"op":"update","now":${now},"trust":${trust},"client":${JSON.stringify(client)},"log":${log.raw}${frame}}`;
      const got = openAnswer<"update">(await this.send(running.port, { id: ++this.ids, call }, this.around.limits.bootMs));
      const { pack, memory, sites, ...head } = got;
      try {
        if (update) await this.around.store.save({ ...head, pack, memory }, sites);
        // Over the packaged rules there is no pack in the store yet; an empty one stands for them.
        else if (head.sequence === 0) await this.around.store.save({ ...head, pack: "", memory }, []);
        else await this.around.store.remember(head, memory);
      } catch (error) {
        // The engine must not be ahead of what a restart would bring back.
        this.discard();
        throw new EngineError("storage", String(error));
      }
      running.state.head = head;
      if (update) this.cache.clear();
      return head;
    });
  }

  state(): Promise<EngineState> {
    return this.exclusive(async () => structuredClone((await this.boot()).state));
  }

  sites(): Promise<Site[]> {
    return this.exclusive(() => this.around.store.sites());
  }

  private exclusive<T>(work: () => Promise<T>): Promise<T> {
    const result = this.turn.then(work);
    this.turn = result.catch(() => undefined);
    clearTimeout(this.idle);
    void this.turn.then(() => this.rest());
    return result;
  }

  /** The timer starts over at each request, so it fires only after real quiet. */
  private rest(): void {
    clearTimeout(this.idle);
    this.idle = setTimeout(() => void this.exclusiveDiscard(), this.around.limits.idleMs);
  }

  private exclusiveDiscard(): void {
    this.turn = this.turn.then(() => this.discard());
  }

  private discard(): void {
    this.running?.port.terminate();
    this.running = undefined;
    this.cache.clear();
  }

  private async boot(): Promise<Running> {
    if (this.running) return this.running;
    if (this.failed && this.around.now() - this.failed.at < this.around.limits.retryMs) throw this.failed.error;
    const port = this.around.spawn();
    try {
      await this.send(port, { id: ++this.ids, boot: this.around.files }, this.around.limits.bootMs);
      const model = await this.loadModel(port);
      const head = await this.loadRules(port);
      this.failed = undefined;
      this.running = { port, state: { head, model, degraded: model === "" } };
      return this.running;
    } catch (error) {
      port.terminate();
      this.failed = { at: this.around.now(), error: new EngineError("unavailable", String(error)) };
      throw this.failed.error;
    }
  }

  /** Without a model the engine still works by patterns, so a refusal is no failure. */
  private async loadModel(port: Port): Promise<string> {
    try {
      return (await this.ask(port, "load", { dir: "/model" }, this.around.limits.bootMs)).model;
    } catch (error) {
      if (isBroken(error)) throw error;
      console.warn(`haechi: no model: ${String(error)}`);
      return "";
    }
  }

  /** The stored rules if the engine still reads them, else the packaged ones. */
  private async loadRules(port: Port): Promise<RulesHead> {
    const stored = await this.around.store.load().catch(() => undefined);
    if (stored) {
      const { pack, memory, ...head } = stored;
      try {
        const got = await this.useRules(port, pack || (await this.around.baseline()), memory);
        // A newer extension brings newer packaged rules; what is known of the log stays true.
        if (pack === "") return { ...head, hash: got.hash, rules: got.rules };
        if (got.hash === head.hash) return head;
      } catch (error) {
        if (isBroken(error)) throw error;
      }
      await this.around.store.clear().catch(() => undefined);
    }
    const got = await this.useRules(port, await this.around.baseline());
    return { ...PACKAGED, hash: got.hash, rules: got.rules };
  }

  /** The pack is already JSON: it is put into the request as it is, not parsed here. */
  private async useRules(port: Port, pack: string, memory?: string): Promise<Ops["rules"]["answer"]> {
    const kept = memory === undefined ? "" : `"memory":${JSON.stringify(memory)},`;
    const call = `{"op":"rules",${kept}"pack":${pack}}`;
    return openAnswer<"rules">(await this.send(port, { id: ++this.ids, call }, this.around.limits.bootMs));
  }

  private async ask<K extends Op>(
    port: Port,
    op: K,
    request: Ops[K]["request"],
    timeout = this.around.limits.callMs,
  ): Promise<Ops[K]["answer"]> {
    const call = JSON.stringify({ op, ...request });
    return openAnswer<K>(await this.send(port, { id: ++this.ids, call }, timeout));
  }

  /** Sends one message and waits; a trap or a hang costs the worker its life. */
  private async send(port: Port, message: ToWorker, timeout: number): Promise<string> {
    let timer: ReturnType<typeof setTimeout> | undefined;
    try {
      return await new Promise<string>((resolve, reject) => {
        timer = setTimeout(() => reject(new EngineError("timeout", `no answer in ${timeout} ms`)), timeout);
        port.onerror = (event) => reject(new EngineError("crashed", event.message));
        port.onmessage = ({ data }) => {
          if (data.id !== message.id) return;
          if ("broken" in data) reject(new EngineError("crashed", data.broken));
          else resolve(data.answer);
        };
        port.postMessage(message);
      });
    } catch (error) {
      port.terminate();
      if (this.running?.port === port) this.discard();
      throw error;
    } finally {
      clearTimeout(timer);
    }
  }
}

function isBroken(error: unknown): boolean {
  return error instanceof EngineError && (error.code === "crashed" || error.code === "timeout");
}
