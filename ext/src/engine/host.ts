// SPDX-License-Identifier: Apache-2.0

import type { RuleStore, StoredRules } from "../store/rules";
import type { Card, Checked, Site } from "./abi";
import type { Answered, CardRequest, CheckRequest, Engine, EngineState, RulesHead } from "./engine";
import { EngineError, openAnswer, type Op, type Ops } from "./ops";
import type { Bytes } from "./instance";
import type { FromWorker, ToWorker } from "./worker";

/** The part of a Worker that the host uses; tests give another. */
export interface Port {
  postMessage(message: ToWorker, transfer?: Transferable[]): void;
  terminate(): void;
  onmessage: ((event: MessageEvent<FromWorker>) => void) | null;
  onerror: ((event: ErrorEvent) => void) | null;
}

/** A pack's canonical bytes, and what an engine worked out of it earlier. */
export interface Packed {
  pack: Bytes;
  index?: Bytes;
}

/** What the host needs of the world. */
export interface Surroundings {
  spawn(): Port;
  store: RuleStore;
  /** Names this very engine: another's index is of no use to it. */
  engine: string;
  /** The packaged rules. */
  baseline(): Promise<Packed>;
  /** The keys a release must be signed with. */
  trust(): Promise<unknown>;
  files: { wasm: string; model: { name: string; url: string }[] };
  /** Lower-case hexadecimal SHA-256 of a pack. */
  hash(pack: string): Promise<string>;
  now(): number;
  limits: Limits;
}

export interface Limits {
  /** Compiling the wasm, loading a model and reading rules on a slow core. */
  bootMs: number;
  callMs: number;
  /** A boot that failed is not tried again before this has passed. */
  retryMs: number;
  /** An engine nobody asked for this long is let go: it holds tens of MB. */
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
      const got = openAnswer<"update">((await this.send(running.port, { id: ++this.ids, call }, this.around.limits.bootMs)).answer);
      const { pack, memory, sites, ...head } = got;
      try {
        if (update) await this.around.store.save({ ...head, pack, memory, index: await this.index(running.port) }, sites);
        // Over the packaged rules there is no pack in the store yet; an empty one stands for them.
        else if (head.sequence === 0) await this.around.store.save({ ...head, pack: "", memory }, []);
        else await this.around.store.remember(head, memory);
      } catch (error) {
        // The engine must not be ahead of what a restart would bring back.
        this.discard();
        throw new EngineError("storage", String(error));
      }
      running.state.head = head;
      // Working out new rules takes several times the memory that they need, and
      // a wasm gives none back: the next request starts anew from what is stored.
      if (update) this.discard();
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
    const stored = this.stored().catch(() => undefined); // read while the engine is compiled
    const baseline = stored.then((rules) => (rules?.pack ? undefined : this.around.baseline()));
    baseline.catch(() => undefined); // whoever needs it sees the error
    try {
      await this.send(port, { id: ++this.ids, boot: this.around.files }, this.around.limits.bootMs);
      const model = await this.loadModel(port);
      const head = await this.loadRules(port, await stored, await baseline);
      this.failed = undefined;
      this.running = { port, state: { head, model, degraded: model === "" } };
      return this.running;
    } catch (error) {
      port.terminate();
      this.failed = { at: this.around.now(), error: new EngineError("unavailable", String(error)) };
      throw this.failed.error;
    }
  }

  /**
   * What is stored. With an index the engine does not read the pack before a card
   * or an update needs it, so the index of a pack that was damaged is left out.
   */
  private async stored(): Promise<StoredRules | undefined> {
    const found = await this.around.store.load();
    if (!found?.pack || !found.index || (await this.around.hash(found.pack)) === found.hash) return found;
    const { index: _, ...rules } = found;
    return rules;
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

  /** The stored rules if the engine still reads them, else the packaged ones, which may be read already. */
  private async loadRules(port: Port, stored: StoredRules | undefined, baseline: Packed | undefined): Promise<RulesHead> {
    if (stored) {
      const { pack, memory, index, ...head } = stored;
      try {
        const packed = pack ? this.packed(pack, index) : (baseline ?? (await this.around.baseline()));
        const got = await this.useRules(port, packed, memory);
        // A newer extension brings newer packaged rules; what is known of the log stays true.
        if (pack === "") return { ...head, hash: got.hash, rules: got.rules };
        if (got.hash === head.hash) {
          if (!got.prepared) await this.keepIndex(port, stored);
          return head;
        }
      } catch (error) {
        if (isBroken(error)) throw error;
      }
      await this.around.store.clear().catch(() => undefined);
      baseline = undefined; // it was given to the engine
    }
    const got = await this.useRules(port, baseline ?? (await this.around.baseline()));
    return { ...PACKAGED, hash: got.hash, rules: got.rules };
  }

  private packed(pack: string, index: StoredRules["index"]): Packed {
    const bytes = new TextEncoder().encode(pack);
    return index?.engine === this.around.engine ? { pack: bytes, index: index.bytes } : { pack: bytes };
  }

  /** The rules in use as the engine reads them quickly. */
  private async index(port: Port): Promise<{ engine: string; bytes: Bytes }> {
    const given = await this.send(port, { id: ++this.ids, call: '{"op":"index"}' }, this.around.limits.bootMs);
    openAnswer<"index">(given.answer);
    if (!given.attached) throw new EngineError("invalid", "the engine gave no index");
    return { engine: this.around.engine, bytes: given.attached };
  }

  /** A newer engine makes its index of rules that are stored already, for its next start. */
  private async keepIndex(port: Port, { index: _, ...stored }: StoredRules): Promise<void> {
    try {
      await this.around.store.keep(stored.hash, await this.index(port));
    } catch (error) {
      if (isBroken(error)) throw error;
    }
  }

  /** The bytes are given away. Without an index the pack, which is JSON already, is put into the request as it is. */
  private async useRules(port: Port, { pack, index }: Packed, memory?: string): Promise<Ops["rules"]["answer"]> {
    const kept = memory === undefined ? "" : `,"memory":${JSON.stringify(memory)}`;
    const call = index
      ? `{"op":"rules","index":${index.length}${kept}}`
      : `{"op":"rules"${kept},"pack":${new TextDecoder().decode(pack).trimEnd()}}`;
    const message: ToWorker = { id: ++this.ids, call, ...(index ? { attached: [index, pack] } : {}) };
    return openAnswer<"rules">((await this.send(port, message, this.around.limits.bootMs)).answer);
  }

  private async ask<K extends Op>(
    port: Port,
    op: K,
    request: Ops[K]["request"],
    timeout = this.around.limits.callMs,
  ): Promise<Ops[K]["answer"]> {
    const call = JSON.stringify({ op, ...request });
    return openAnswer<K>((await this.send(port, { id: ++this.ids, call }, timeout)).answer);
  }

  /** Sends one message and waits; a trap or a hang costs the worker its life. */
  private async send(port: Port, message: ToWorker, timeout: number): Promise<{ answer: string; attached?: Bytes }> {
    let timer: ReturnType<typeof setTimeout> | undefined;
    try {
      return await new Promise((resolve, reject) => {
        timer = setTimeout(() => reject(new EngineError("timeout", `no answer in ${timeout} ms`)), timeout);
        port.onerror = (event) => reject(new EngineError("crashed", event.message));
        port.onmessage = ({ data }) => {
          if (data.id !== message.id) return;
          if ("broken" in data) reject(new EngineError("crashed", data.broken));
          else resolve(data);
        };
        port.postMessage(message, "call" in message ? message.attached?.map(({ buffer }) => buffer) : undefined);
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
