// SPDX-License-Identifier: Apache-2.0

import assert from "node:assert/strict";
import { mock, test, type TestContext } from "node:test";
import type { Answered, RulesHead } from "../src/engine/engine";
import { EngineError } from "../src/engine/ops";
import {
  ANSWER_MS,
  BEHIND_MS,
  FRESH_MS,
  GREETING_MS,
  POLL_MS,
  SILENCE_MS,
  SyncClient,
  type Around,
  type Identity,
  type Retry,
  type Socket,
} from "../src/sync/client";

const hash = (letter: string): string => letter.repeat(64);

class FakeSocket implements Socket {
  sent: Record<string, unknown>[] = [];
  closed = false;
  onopen: Socket["onopen"] = null;
  onmessage: Socket["onmessage"] = null;
  onclose: Socket["onclose"] = null;

  send(data: string): void {
    this.sent.push(JSON.parse(data) as Record<string, unknown>);
  }

  close(): void {
    this.closed = true;
  }
}

/** A client with everything around it in the test's hands. */
class World implements Around {
  sockets: FakeSocket[] = [];
  have: RulesHead = { ...at(3, "a"), release: hash("e") };
  retry: Retry | undefined;
  wakes: number[] = [];
  told: RulesHead[] = [];
  answers: Answered[] = [];
  who: Identity = { channel: "stable", bucket: 50 };
  /** The files of the server, by path; a path that is not there is 404. */
  files: Record<string, object | string> = {};
  fetched: string[] = [];
  socketsWork = true;
  /** What the engine answers to the next update: a head, or a code to refuse with. */
  verdicts: (RulesHead | string)[] = [];
  readonly client = new SyncClient(this);

  async connect(): Promise<Socket | undefined> {
    if (!this.socketsWork) return undefined;
    const socket = new FakeSocket();
    this.sockets.push(socket);
    return socket;
  }

  async head(): Promise<RulesHead> {
    return this.have;
  }

  async fetch(path: string): Promise<string | undefined> {
    this.fetched.push(path);
    const file = this.files[path];
    if (file instanceof Error) throw file;
    return typeof file === "object" ? JSON.stringify(file) : file;
  }

  async identity(): Promise<Identity> {
    return this.who;
  }

  async apply(answered: Answered): Promise<RulesHead> {
    this.answers.push(answered);
    const verdict = this.verdicts.shift();
    if (typeof verdict === "object") return (this.have = verdict);
    throw new EngineError(verdict ?? "invalid", "no");
  }

  async applied(head: RulesHead): Promise<void> {
    this.told.push(head);
  }

  async loadRetry(): Promise<Retry | undefined> {
    return this.retry;
  }

  async saveRetry(retry: Retry): Promise<void> {
    this.retry = retry;
  }

  wakeAt(time: number): void {
    this.wakes.push(time);
  }

  changed(): void {}
  now = (): number => Date.now();
  random = (): number => 1;

  get socket(): FakeSocket {
    const socket = this.sockets.at(-1);
    assert.ok(socket);
    return socket;
  }

  async hear(...frames: (object | string)[]): Promise<void> {
    for (const frame of frames) {
      this.socket.onmessage?.({ data: typeof frame === "string" ? frame : JSON.stringify(frame) });
      await settle();
    }
  }
}

/** Lets every promise that can go on do so. */
async function settle(): Promise<void> {
  for (let i = 0; i < 60; i++) await Promise.resolve();
}

async function connected(t: TestContext): Promise<World> {
  mock.timers.enable({ apis: ["setTimeout", "Date"], now: 1_000_000 });
  t.after(() => mock.timers.reset());
  const world = new World();
  await world.client.wake();
  world.socket.onopen?.();
  return world;
}

function at(sequence: number, letter = "b", checked = 1_000_000): RulesHead {
  return { sequence, release: hash("f"), hash: hash(letter), rules: 3, created: "", expires: "", checked: new Date(checked).toISOString(), log: sequence };
}

const delta = (from: number, to: number): object => ({ type: "delta", from, to, release: "note", changes: [] });
const snapshot = (sequence: number): object => ({ type: "snapshot", sequence, release: "note", pack: { format: 1, rules: [] } });
const head = (sequence: number, letter = "b", more: object = {}): object => ({
  type: "head", sequence, pack: hash(letter), rollout: 100, settled: sequence, settled_pack: hash(letter), log: sequence, ...more,
});
const log = (from: number): object => ({ type: "log", from, key: "key", checkpoint: "checkpoint" });
const rules = (sequence: number): RulesHead => at(sequence);
const since = (sequence: number, letter: string, to: number): object => ({ type: "since", sequence, pack: hash(letter), to, log: sequence });

test("says hello with what it has, and is content with an equal head", async (t) => {
  const world = await connected(t);
  assert.deepEqual(world.socket.sent, [{ type: "hello", protocol: 2, channel: "stable", sequence: 3, pack: hash("a"), log: 3 }]);
  await world.hear(head(3, "a"));
  assert.equal(world.client.current().phase, "current");
  assert.equal(world.socket.sent.length, 1);
});

test("fetches what is newer, has it checked, and tells", async (t) => {
  const world = await connected(t);
  world.verdicts = [rules(4)];
  await world.hear(head(4));
  assert.deepEqual(world.socket.sent[1], since(3, "a", 4));
  await world.hear(log(3), delta(3, 4));
  assert.deepEqual(world.told.map(({ sequence }) => sequence), [4]);
  assert.equal(world.client.current().phase, "current");
});

test("a head that comes meanwhile is fetched after, from the new place", async (t) => {
  const world = await connected(t);
  world.verdicts = [rules(4), rules(5)];
  await world.hear(head(4));
  await world.hear(head(5));
  assert.equal(world.socket.sent.length, 2);
  await world.hear(log(3), delta(3, 4));
  assert.deepEqual(world.socket.sent[2], since(4, "b", 5));
  await world.hear(log(4), delta(4, 5));
  assert.equal(world.have.sequence, 5);
});

for (const code of ["mismatch", "gap", "log"]) {
  test(`after ${code} it asks for a snapshot once`, async (t) => {
    const world = await connected(t);
    world.verdicts = [code, code];
    await world.hear(head(4));
    await world.hear(log(3), delta(3, 4));
    assert.deepEqual(world.socket.sent[2], { type: "full", to: 4, log: 3 });
    await world.hear(log(3), snapshot(4));
    assert.equal(world.socket.sent.length, 3);
    assert.deepEqual(world.client.current(), { phase: "refused", reason: code, next: 0 });
    await world.hear(head(4));
    assert.equal(world.socket.sent.length, 3, "not the same head again on this connection");
    assert.equal(world.have.sequence, 3);
  });
}

for (const code of ["unsigned", "fork", "expired", "rollback", "others", "invalid", "too-large"]) {
  test(`after ${code} it keeps what it has and the connection`, async (t) => {
    const world = await connected(t);
    world.verdicts = [code, rules(5)];
    await world.hear(head(4));
    await world.hear(log(3), delta(3, 4));
    assert.deepEqual(world.client.current(), { phase: "refused", reason: code, next: 0 });
    assert.equal(world.socket.closed, false);
    await world.hear(head(5));
    await world.hear(log(3), delta(3, 5));
    assert.equal(world.client.current().phase, "current");
  });
}

test("an engine that fails is tried again on another connection", async (t) => {
  const world = await connected(t);
  world.verdicts = ["crashed"];
  await world.hear(head(4));
  await world.hear(log(3), delta(3, 4));
  assert.equal(world.socket.closed, true);
  assert.deepEqual(world.client.current(), { phase: "waiting", reason: "crashed", next: 1_001_000 });
});

test("a server that is behind for a moment, as one of several may be, alarms nobody", async (t) => {
  const world = await connected(t);
  await world.hear(head(2));
  assert.deepEqual([world.client.current().phase, world.client.current().reason], ["current", ""]);
  mock.timers.tick(20_000);
  await world.hear({ type: "heartbeat" }); // it has not caught up: another connection may lead to another server
  assert.equal(world.socket.closed, true);
  assert.deepEqual([world.client.current().phase, world.client.current().reason], ["waiting", "behind"]);
  mock.timers.setTime(world.client.current().next);
  await world.client.wake();
  await world.hear(head(3, "a"));
  assert.equal(world.client.current().phase, "current");
  assert.equal(world.retry?.behind ?? 0, 0);
});

test("servers that stay behind have lost history, and that is told, over reconnections", async (t) => {
  const world = await connected(t);
  const begun = Date.now();
  await world.hear(head(2));
  while (Date.now() - begun < BEHIND_MS) {
    assert.notEqual(world.client.current().phase, "refused");
    if (world.socket.closed) {
      mock.timers.setTime(world.client.current().next);
      await world.client.wake();
      await world.hear(head(2));
    } else {
      mock.timers.tick(20_000);
      await world.hear({ type: "heartbeat" });
    }
  }
  assert.deepEqual([world.client.current().phase, world.client.current().reason], ["refused", "behind"]);
  assert.equal(world.have.sequence, 3);
});

test("an older statement about the same log is passed over", async (t) => {
  const world = await connected(t);
  world.have = { ...world.have, checked: new Date(Date.now() - FRESH_MS - 1).toISOString() };
  world.verdicts = ["rollback"];
  await world.hear(head(3, "a"));
  await world.hear(log(3));
  assert.deepEqual([world.client.current().phase, world.client.current().reason], ["current", ""]);
  assert.equal(world.socket.sent.length, 2);
});

test("a server that has another edition of the same number changes nothing", async (t) => {
  const world = await connected(t);
  await world.hear(head(3, "c"));
  assert.equal(world.client.current().reason, "diverged");
  assert.equal(world.socket.sent.length, 1);
});

test("nonsense closes the connection, and each further time waits longer", async (t) => {
  const world = await connected(t);
  const waits: number[] = [];
  for (let i = 0; i < 4; i++) {
    await world.hear(head(3, "a"));
    await world.hear(["<html>", "[1]", '{"type":"head"}', JSON.stringify(delta(3, 4))][i] ?? "");
    assert.equal(world.client.current().reason, "nonsense");
    waits.push(world.client.current().next - Date.now());
    mock.timers.setTime(world.client.current().next);
    await world.client.wake();
  }
  assert.deepEqual(waits, [1000, 2000, 4000, 8000]);
});

test("types it does not know are passed over", async (t) => {
  const world = await connected(t);
  await world.hear({ type: "poll", rounds: 3 });
  await world.hear(head(3, "a"));
  assert.equal(world.client.current().phase, "current");
});

test("a heartbeat ends a row of failures", async (t) => {
  const world = await connected(t);
  await world.hear("nonsense");
  mock.timers.setTime(world.client.current().next);
  await world.client.wake();
  await world.hear({ type: "heartbeat" });
  await world.hear("nonsense");
  assert.equal(world.retry?.failures, 1);
});

test("a dead worker's successor keeps waiting as long as it would have", async (t) => {
  const world = await connected(t);
  await world.hear("nonsense");
  const successor = new World();
  successor.retry = world.retry;
  await successor.client.wake();
  assert.equal(successor.sockets.length, 0);
  assert.deepEqual(successor.wakes, [1_001_000]);
  mock.timers.setTime(1_001_000);
  await successor.client.wake();
  assert.equal(successor.sockets.length, 1);
});

test("silence ends a connection: before the first head, after it, and when an answer does not come", async (t) => {
  const world = await connected(t);
  mock.timers.tick(GREETING_MS);
  await settle();
  assert.equal(world.client.current().reason, "silent");
  await world.client.reconnect();
  await world.hear(head(3, "a"));
  mock.timers.tick(SILENCE_MS);
  await settle();
  assert.equal(world.client.current().reason, "silent");
  await world.client.reconnect();
  await world.hear(head(4));
  for (let waited = 0; waited <= ANSWER_MS; waited += 20_000) {
    mock.timers.tick(20_000);
    await world.hear({ type: "heartbeat" });
  }
  assert.equal(world.client.current().reason, "silent");
});

test("bye is obeyed: reconnect, wait, stop", async (t) => {
  const world = await connected(t);
  await world.hear({ type: "bye", code: "restart", retry_ms: 1000 });
  assert.deepEqual(world.client.current(), { phase: "waiting", reason: "restart", next: 1_001_250 });
  await world.client.reconnect();
  await world.hear({ type: "bye", code: "limit", retry_ms: 60_000 });
  assert.deepEqual(world.client.current(), { phase: "waiting", reason: "limit", next: 1_075_000 });
  await world.client.reconnect();
  world.socket.onclose?.({ code: 4200 });
  await settle();
  assert.equal(world.client.current().phase, "stopped");
  mock.timers.tick(24 * 3_600_000);
  await world.client.wake();
  assert.equal(world.client.current().phase, "stopped");
});

test("many wakes make one connection", async (t) => {
  const world = await connected(t);
  await Promise.all([world.client.wake(), world.client.wake(), world.client.wake()]);
  assert.equal(world.sockets.length, 1);
});

test("a closed socket's late frames do nothing", async (t) => {
  const world = await connected(t);
  const first = world.socket;
  const late = first.onmessage;
  first.onclose?.({ code: 1006 });
  await settle();
  late?.({ data: JSON.stringify(head(9)) });
  await settle();
  assert.equal(first.sent.length, 1);
});

test("a release that is rolled out to others leads to the one that is for everyone", async (t) => {
  const world = await connected(t);
  await world.hear(head(6, "c", { rollout: 50, settled: 3, settled_pack: hash("a"), log: 3 }));
  assert.equal(world.socket.sent.length, 1, "its bucket is 50, and the release for those below");
  await world.hear(head(6, "c", { rollout: 50, settled: 5, settled_pack: hash("b") }));
  assert.deepEqual(world.socket.sent[1], since(3, "a", 5));
  world.verdicts = [{ ...rules(5), log: 6 }];
  await world.hear(log(3), delta(3, 5));
  assert.equal(world.client.current().phase, "current");
});

test("a log that has grown, or was last checked long ago, is asked for alone", async (t) => {
  const world = await connected(t);
  world.verdicts = [{ ...world.have, log: 4 }, { ...at(3, "a", 1_000_000 + FRESH_MS), log: 4 }];
  await world.hear(head(3, "a", { log: 4 }));
  assert.deepEqual(world.socket.sent[1], since(3, "a", 3));
  await world.hear(log(3));
  assert.deepEqual(world.answers[0], { client: world.who, log: { type: "log", from: 3, raw: JSON.stringify(log(3)) } });
  assert.equal(world.told.length, 0, "no page is judged anew for it");
  assert.equal(world.client.current().phase, "current");
  mock.timers.setTime(1_000_000 + FRESH_MS);
  await world.hear({ type: "heartbeat" });
  assert.deepEqual(world.socket.sent[2], { ...since(3, "a", 3), log: 4 });
  await world.hear(log(4));
  await world.hear({ type: "heartbeat" });
  assert.equal(world.socket.sent.length, 3);
});

test("a log that is refused is told, and not asked for again on this connection", async (t) => {
  const world = await connected(t);
  world.verdicts = ["fork"];
  await world.hear(head(3, "a", { log: 4 }), log(3), { type: "heartbeat" }, head(3, "a", { log: 4 }));
  assert.deepEqual(world.client.current(), { phase: "refused", reason: "fork", next: 0 });
  assert.equal(world.socket.sent.length, 2);
});

test("an answer that brings only a log, since the release was superseded, ends with a heartbeat", async (t) => {
  const world = await connected(t);
  world.verdicts = [world.have, rules(5)];
  await world.hear(head(4), head(5), log(3), { type: "heartbeat" });
  assert.deepEqual(world.socket.sent[2], since(3, "a", 5));
  await world.hear(log(3), delta(3, 5));
  assert.equal(world.have.sequence, 5);
});

test("a log or an update that nobody asked for is nonsense", async (t) => {
  for (const frames of [[log(3)], [delta(3, 4)], [head(4), delta(3, 4)]]) {
    const world = await connected(t);
    await world.hear(...frames);
    assert.equal(world.client.current().reason, "nonsense");
    mock.timers.reset();
  }
});

const site = (files: Record<string, object | string>): Record<string, object | string> => ({ "/v1/stable/head.json": head(4), "/v1/log/3.json": log(3), ...files });

async function polling(t: TestContext, files: Record<string, object | string>, ...verdicts: (RulesHead | string)[]): Promise<World> {
  mock.timers.enable({ apis: ["setTimeout", "Date"], now: 1_000_000 });
  t.after(() => mock.timers.reset());
  const world = new World();
  world.socketsWork = false;
  world.files = files;
  world.verdicts = verdicts;
  await world.client.wake();
  return world;
}

test("a mirror without sockets is fetched from, and again after a while", async (t) => {
  const world = await polling(t, site({ "/v1/delta/3-4.json": delta(3, 4) }), rules(4));
  assert.equal(world.have.sequence, 4);
  assert.deepEqual(world.told.map(({ sequence }) => sequence), [4]);
  assert.deepEqual(world.client.current(), { phase: "current", reason: "", next: 1_000_000 + POLL_MS * 1.25 });
  await world.client.wake();
  assert.equal(world.fetched.length, 3, "not before its time");
  assert.equal(world.client.current().phase, "current");
});

test("fetched: the snapshot where there is no delta, and once where the delta does not fit", async (t) => {
  const world = await polling(t, site({ "/v1/snapshot/4.json": snapshot(4) }), rules(4));
  assert.equal(world.have.sequence, 4);
  mock.timers.reset();
  const other = await polling(t, site({ "/v1/delta/3-4.json": delta(3, 4), "/v1/snapshot/4.json": snapshot(4) }), "mismatch", rules(4));
  assert.equal(other.have.sequence, 4);
  assert.equal(other.fetched.filter((path) => path.startsWith("/v1/snapshot")).length, 1);
});

test("fetched: a refusal is told and the rules stay; a server that lost history is told", async (t) => {
  const world = await polling(t, site({ "/v1/delta/3-4.json": delta(3, 4) }), "unsigned");
  assert.deepEqual([world.client.current().phase, world.client.current().reason, world.have.sequence], ["refused", "unsigned", 3]);
  mock.timers.reset();
  const behind = await polling(t, site({ "/v1/stable/head.json": head(2) }));
  assert.deepEqual([behind.client.current().phase, behind.client.current().reason], ["waiting", "behind"]);
  mock.timers.setTime(behind.client.current().next);
  await behind.client.wake();
  assert.deepEqual([behind.client.current().phase, behind.client.current().reason], ["refused", "behind"]);
});

test("where sockets fail three times the files are fetched, and the socket is tried on", async (t) => {
  const world = await connected(t);
  world.files = site({ "/v1/delta/3-4.json": delta(3, 4) });
  world.verdicts = [rules(4)];
  for (let i = 0; i < 3; i++) {
    world.socket.onclose?.({ code: 1006 });
    await settle();
    if (i < 2) assert.equal(world.have.sequence, 3);
    mock.timers.setTime(world.client.current().next);
    await world.client.wake();
  }
  assert.equal(world.have.sequence, 4);
  assert.equal(world.sockets.length, 4);
  const fetched = world.fetched.length;
  world.socket.onclose?.({ code: 1006 });
  await settle();
  assert.equal(world.fetched.length, fetched, "not fetched again so soon");
  assert.equal(world.client.current().phase, "current", "a socket that fails takes nothing away from what the files said");
  mock.timers.tick(POLL_MS);
  world.files = {};
  await world.client.wake();
  world.socket.onclose?.({ code: 1006 });
  await settle();
  assert.equal(world.client.current().phase, "waiting", "neither is there now");
});

test("where sockets fail, a refusal of what was fetched is told until it is fetched again, also by a dead worker's successor", async (t) => {
  const world = await connected(t);
  world.files = site({ "/v1/delta/3-4.json": delta(3, 4) });
  world.verdicts = ["fork"];
  for (let i = 0; i < 4; i++) {
    world.socket.onclose?.({ code: 1006 });
    await settle();
    if (i === 3) break;
    mock.timers.setTime(world.client.current().next);
    await world.client.wake();
  }
  const told = world.client.current();
  assert.deepEqual([told.phase, told.reason], ["refused", "fork"]);
  assert.ok(told.next > Date.now());
  const successor = new World();
  successor.retry = world.retry;
  await successor.client.wake();
  assert.deepEqual(successor.client.current(), told);
});

test("a server whose files take their time is asked for one at a time, and given up", async (t) => {
  const world = await connected(t);
  let stop: (reason: Error) => void = () => undefined;
  world.fetch = (path) => (world.fetched.push(path), new Promise((_, reject) => (stop = reject)));
  for (let i = 0; i < 5; i++) {
    world.socket.onclose?.({ code: 1006 });
    await settle();
    mock.timers.setTime(world.client.current().next);
    await world.client.wake();
  }
  assert.equal(world.fetched.length, 1);
  world.socket.onclose?.({ code: 1006 });
  await settle();
  stop(new DOMException("out of time", "TimeoutError"));
  await settle();
  assert.deepEqual([world.client.current().phase, world.client.current().reason], ["waiting", "silent"]);
  mock.timers.setTime(world.client.current().next);
  await world.client.wake();
  world.socket.onclose?.({ code: 1006 });
  await settle();
  assert.equal(world.fetched.length, 1, "nor at each try of the socket");
});

test("what an address answers that is no longer asked is not told", async (t) => {
  const world = await connected(t);
  let answer: (text: string) => void = () => undefined;
  world.fetch = () => new Promise((resolve) => (answer = resolve));
  for (let i = 0; i < 3; i++) {
    world.socket.onclose?.({ code: 1006 });
    await settle();
    if (i < 2) mock.timers.setTime(world.client.current().next);
    await world.client.wake();
  }
  await world.client.reconnect();
  answer(JSON.stringify(head(2))); // "behind"
  await settle();
  assert.equal(world.client.current().phase, "connecting");
  assert.equal(world.retry?.polled, 0);
});

test("a mirror that is away is tried again", async (t) => {
  const away = await polling(t, {});
  assert.deepEqual(away.client.current(), { phase: "waiting", reason: "nonsense", next: 1_001_000 });
});
