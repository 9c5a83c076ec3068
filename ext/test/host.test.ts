// SPDX-License-Identifier: Apache-2.0

import assert from "node:assert/strict";
import { mock, test, type TestContext } from "node:test";
import { EngineHost, LIMITS, PACKAGED, type Port } from "../src/engine/host";
import type { FromWorker, ToWorker } from "../src/engine/worker";
import type { Site } from "../src/engine/abi";
import type { RuleStore, StoredRules } from "../src/store/rules";

type Answer = object | "trap" | "hang";

/** A worker whose every answer the test decides. */
class FakePort implements Port {
  onmessage: ((event: MessageEvent<FromWorker>) => void) | null = null;
  onerror: ((event: ErrorEvent) => void) | null = null;
  terminated = false;

  constructor(private readonly world: World) {}

  postMessage(message: ToWorker): void {
    const asked = "boot" in message ? { op: "boot" } : (JSON.parse(message.call) as Record<string, unknown>);
    if ("call" in message && message.attached) asked["attached"] = message.attached.map((bytes) => new TextDecoder().decode(bytes));
    this.world.asked.push(asked);
    const answer = this.world.answer(asked);
    if (answer === "hang") return;
    const data: FromWorker = answer === "trap" ? { id: message.id, broken: "unreachable" } : { id: message.id, answer: JSON.stringify(answer), ...(asked["op"] === "index" ? { attached: INDEX } : {}) };
    queueMicrotask(() => !this.terminated && this.onmessage?.({ data } as MessageEvent<FromWorker>));
  }

  terminate(): void {
    this.terminated = true;
  }
}

class World {
  ports: FakePort[] = [];
  asked: Record<string, unknown>[] = [];
  /** Overrides of the usual answers, by op. */
  answers: Record<string, Answer[]> = {};
  stored: StoredRules | undefined;
  sites: Site[] = [];
  saving: Error | undefined;
  now = 0;
  packagedIndex = false;

  readonly store: RuleStore = {
    head: async () => this.stored,
    load: async () => this.stored,
    save: async (rules, sites) => {
      if (this.saving) throw this.saving;
      this.stored = rules;
      this.sites = sites;
    },
    remember: async (head, memory) => {
      if (this.saving) throw this.saving;
      if (this.stored) this.stored = { ...this.stored, ...head, memory };
    },
    sites: async () => this.sites,
    keep: async (hash, index) => {
      if (this.stored?.hash === hash) this.stored = { ...this.stored, index };
    },
    clear: async () => void (this.stored = undefined),
  };

  readonly host = new EngineHost({
    spawn: () => {
      const port = new FakePort(this);
      this.ports.push(port);
      return port;
    },
    store: this.store,
    engine: "this",
    baseline: async () => ({ pack: bytes('{"format":1,"rules":["baseline"]}'), ...(this.packagedIndex ? { index: bytes("ready") } : {}) }),
    trust: async () => ({ threshold: 1, keys: [] }),
    files: { wasm: "haechi.wasm", model: [] },
    hash: async (pack) => hashOf(pack),
    now: () => this.now,
    limits: LIMITS,
  });

  answer(asked: Record<string, unknown>): Answer {
    const op = String(asked["op"]);
    const next = this.answers[op]?.shift();
    if (next) return next;
    switch (op) {
      case "boot":
        return {};
      case "load":
        return { ok: { model: "haechi-stance-1", labels: [] } };
      case "rules":
        return { ok: { rules: 1, hash: hashOf(JSON.stringify(asked["pack"] ?? asked["attached"])), prepared: "attached" in asked } };
      case "index":
        return { ok: { index: INDEX.length } };
      case "update":
        return {
          ok: asked["frame"]
            ? { ...AT4, pack: '{"format":1,"rules":["four"]}', memory: "m4", sites: [SITE] }
            : { ...head3, checked: "later", pack: "", memory: "m3b", sites: [] },
        };
      default:
        return { ok: { findings: [], model: "haechi-stance-1", rules: "base", sequence: 0, degraded: false } };
    }
  }

  count(op: string): number {
    return this.asked.filter((asked) => asked["op"] === op).length;
  }
}

function bytes(text: string): Uint8Array<ArrayBuffer> {
  return new Uint8Array(new TextEncoder().encode(text));
}

/** The hash that the engine under test says a pack has. */
function hashOf(pack: string): string {
  return pack.includes("baseline") ? "base" : pack.includes("four") ? "h4" : "stored";
}

const INDEX = bytes("made");
const SITE: Site = { id: "s", name: "S", verified: "2026-01-01", matches: [], answer: [".a"], body: [":scope"] };
const head3 = { sequence: 3, release: "r3", hash: "stored", rules: 1, created: "c3", expires: "e3", checked: "k3", log: 3 };
const AT4 = { sequence: 4, release: "r4", hash: "h4", rules: 2, created: "2026-11-24T08:00:00Z", expires: "e4", checked: "k4", log: 4 };
const stored: StoredRules = { ...head3, pack: '{"format":1,"rules":["three"]}', memory: "m3" };
const log = { type: "log" as const, from: 3, raw: '{"type":"log"}' };
const client = { channel: "stable" as const, bucket: 7 };
const frame = { client, log, update: { type: "update" as const, sequence: 4, raw: '{"type":"delta"}' } };

function world(t: TestContext): World {
  mock.timers.enable({ apis: ["setTimeout"] });
  t.after(() => mock.timers.reset());
  return new World();
}

test("starts when first asked, once, with the packaged rules", async (t) => {
  const w = world(t);
  assert.equal(w.ports.length, 0);
  await Promise.all([w.host.check({ text: "가" }), w.host.check({ text: "나" })]);
  assert.equal(w.ports.length, 1);
  assert.deepEqual((await w.host.state()).head, { ...PACKAGED, hash: "base", rules: 1 });
});

test("starts with the stored rules when there are any", async (t) => {
  const w = world(t);
  w.stored = stored;
  assert.equal((await w.host.state()).head.sequence, 3);
  assert.deepEqual(w.asked.find(({ op }) => op === "rules"), { op: "rules", memory: "m3", pack: { format: 1, rules: ["three"] } });
});

test("stored rules that the engine cannot read, or that were changed, give way to the packaged ones", async (t) => {
  for (const answer of [{ error: { code: "invalid", message: "format 9" } }, { ok: { rules: 1, hash: "other" } }]) {
    const w = world(t);
    w.stored = stored;
    w.answers["rules"] = [answer];
    assert.equal((await w.host.state()).head.sequence, 0);
    assert.equal(w.stored, undefined);
    mock.timers.reset();
  }
});

test("a damaged pack is noticed although the engine has an index of it", async (t) => {
  const w = world(t);
  w.stored = { ...stored, pack: '{"format":1,"rules":["baseline of old"]}', index: { engine: "this", bytes: INDEX } };
  w.answers["rules"] = [{ error: { code: "invalid", message: "no JSON" } }];
  assert.equal((await w.host.state()).head.sequence, 0);
  assert.equal(w.stored, undefined);
});

test("the same text is judged once, until the rules change", async (t) => {
  const w = world(t);
  await w.host.check({ text: "가", question: "나" });
  await w.host.check({ text: "가", question: "나" });
  assert.equal(w.count("check"), 1);
  await w.host.check({ text: "가", question: "다" });
  assert.equal(w.count("check"), 2);
  await w.host.update(frame);
  await w.host.check({ text: "가", question: "나" });
  assert.equal(w.count("check"), 3);
});

test("a trap costs one answer: the next comes from a new worker", async (t) => {
  const w = world(t);
  w.answers["check"] = ["trap"];
  const [first, second] = await Promise.allSettled([w.host.check({ text: "가" }), w.host.check({ text: "나" })]);
  assert.equal(first?.status === "rejected" && (first.reason as { code: string }).code, "crashed");
  assert.equal(second?.status, "fulfilled");
  assert.deepEqual(w.ports.map(({ terminated }) => terminated), [true, false]);
});

test("a hang costs one answer too", async (t) => {
  const w = world(t);
  await w.host.state();
  w.answers["check"] = ["hang"];
  const hung = assert.rejects(w.host.check({ text: "가" }), { code: "timeout" });
  await new Promise(setImmediate);
  mock.timers.tick(LIMITS.callMs);
  await hung;
  assert.equal(w.ports[0]?.terminated, true);
  await w.host.check({ text: "가" });
  assert.equal(w.ports.length, 2);
});

test("an engine that does not start is not tried at every request", async (t) => {
  const w = world(t);
  w.answers["boot"] = ["trap"];
  await assert.rejects(w.host.check({ text: "가" }), { code: "unavailable" });
  await assert.rejects(w.host.check({ text: "가" }), { code: "unavailable" });
  assert.equal(w.ports.length, 1);
  w.now += LIMITS.retryMs;
  await w.host.check({ text: "가" });
  assert.equal(w.ports.length, 2);
});

test("without a model it works by patterns; a trap in loading is no model's fault", async (t) => {
  const w = world(t);
  w.answers["load"] = [{ error: { code: "model", message: "no file" } }];
  assert.deepEqual([(await w.host.state()).model, (await w.host.state()).degraded], ["", true]);
  mock.timers.reset();
  const v = world(t);
  v.answers["load"] = ["trap"];
  await assert.rejects(v.host.state(), { code: "unavailable" });
});

test("an update is stored with the engine's own bytes, and survives the worker", async (t) => {
  const w = world(t);
  const head = await w.host.update(frame);
  assert.deepEqual(head, AT4);
  assert.equal(w.stored?.pack, '{"format":1,"rules":["four"]}');
  assert.equal(w.stored?.memory, "m4");
  const asked = w.asked.find(({ op }) => op === "update");
  assert.deepEqual([asked?.["client"], asked?.["log"], asked?.["frame"]], [client, { type: "log" }, { type: "delta" }]);
  assert.deepEqual(w.sites, [SITE]);
  w.answers["check"] = ["trap"];
  await assert.rejects(w.host.check({ text: "가" }));
  assert.equal((await w.host.state()).head.sequence, 4);
});

test("a statement about the log alone is remembered and judges nothing anew", async (t) => {
  const w = world(t);
  w.stored = stored;
  await w.host.check({ text: "가" });
  assert.equal((await w.host.update({ client, log })).checked, "later");
  assert.deepEqual(w.stored, { ...stored, checked: "later", memory: "m3b", index: { engine: "this", bytes: INDEX } });
  await w.host.check({ text: "가" });
  assert.equal(w.count("check"), 1);
});

test("what is known of the log outlives newer packaged rules", async (t) => {
  const w = world(t);
  w.stored = { ...stored, ...PACKAGED, log: 3, pack: "", memory: "m0" };
  const { head } = await w.host.state();
  assert.deepEqual([head.sequence, head.log, head.hash], [0, 3, "base"]);
  assert.equal(w.asked.find(({ op }) => op === "rules")?.["memory"], "m0");
});

test("a refused update changes nothing", async (t) => {
  const w = world(t);
  w.stored = stored;
  w.answers["update"] = [{ error: { code: "unsigned", message: "no" } }];
  await assert.rejects(w.host.update(frame), { code: "unsigned" });
  assert.deepEqual(w.stored, { ...stored, index: { engine: "this", bytes: INDEX } });
  assert.equal((await w.host.state()).head.sequence, 3);
});

test("an update that cannot be stored is not used either", async (t) => {
  const w = world(t);
  w.stored = stored;
  w.saving = new Error("disk full");
  await assert.rejects(w.host.update(frame), { code: "storage" });
  assert.equal(w.ports[0]?.terminated, true);
  assert.equal((await w.host.state()).head.sequence, 3);
});

test("after long quiet the worker is let go, and comes back", async (t) => {
  const w = world(t);
  await w.host.check({ text: "가" });
  await new Promise(setImmediate);
  mock.timers.tick(LIMITS.idleMs);
  await new Promise(setImmediate);
  assert.equal(w.ports[0]?.terminated, true);
  await w.host.check({ text: "가" });
  assert.equal(w.ports.length, 2);
});

test("packaged rules come with the engine's index of them", async (t) => {
  const w = world(t);
  w.packagedIndex = true;
  assert.equal((await w.host.state()).head.hash, "base");
  assert.deepEqual(w.asked.find(({ op }) => op === "rules"), { op: "rules", index: 5, attached: ["ready", '{"format":1,"rules":["baseline"]}'] });
});

test("the index of an update is stored with it, and the next start uses it", async (t) => {
  const w = world(t);
  await w.host.update(frame);
  assert.deepEqual(w.stored?.index, { engine: "this", bytes: INDEX });
  assert.equal(w.ports[0]?.terminated, true, "what new rules took of memory is given back");
  assert.equal((await w.host.state()).head.sequence, 4);
  assert.deepEqual(w.asked.findLast(({ op }) => op === "rules"), { op: "rules", index: INDEX.length, memory: "m4", attached: ["made", '{"format":1,"rules":["four"]}'] });
});

test("another engine's index is not used, and this one's takes its place", async (t) => {
  const w = world(t);
  w.stored = { ...stored, index: { engine: "older", bytes: bytes("old") } };
  assert.equal((await w.host.state()).head.sequence, 3);
  assert.deepEqual(w.asked.find(({ op }) => op === "rules"), { op: "rules", memory: "m3", pack: { format: 1, rules: ["three"] } });
  assert.deepEqual(w.stored?.index, { engine: "this", bytes: INDEX });
});
