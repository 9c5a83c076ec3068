// SPDX-License-Identifier: Apache-2.0

import assert from "node:assert/strict";
import { mock, test, type TestContext } from "node:test";
import type { RulesHead } from "../src/engine/engine";
import { EngineError } from "../src/engine/ops";
import { ANSWER_MS, GREETING_MS, SILENCE_MS, SyncClient, type Around, type Retry, type Socket } from "../src/sync/client";
import type { UpdateFrame } from "../src/sync/wire";

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
  have: RulesHead = { sequence: 3, release: hash("e"), hash: hash("a"), rules: 2, created: "" };
  retry: Retry | undefined;
  wakes: number[] = [];
  told: RulesHead[] = [];
  updates: UpdateFrame[] = [];
  /** What the engine answers to the next update: a head, or a code to refuse with. */
  verdicts: (RulesHead | string)[] = [];
  readonly client = new SyncClient(this);

  async connect(): Promise<Socket> {
    const socket = new FakeSocket();
    this.sockets.push(socket);
    return socket;
  }

  async head(): Promise<RulesHead> {
    return this.have;
  }

  async apply(frame: UpdateFrame): Promise<RulesHead> {
    this.updates.push(frame);
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

  async hear(frame: object | string): Promise<void> {
    this.socket.onmessage?.({ data: typeof frame === "string" ? frame : JSON.stringify(frame) });
    await settle();
  }
}

/** Lets every promise that can go on do so. */
async function settle(): Promise<void> {
  for (let i = 0; i < 30; i++) await Promise.resolve();
}

async function connected(t: TestContext): Promise<World> {
  mock.timers.enable({ apis: ["setTimeout", "Date"], now: 1_000_000 });
  t.after(() => mock.timers.reset());
  const world = new World();
  await world.client.wake();
  world.socket.onopen?.();
  return world;
}

const delta = (from: number, to: number): object => ({ type: "delta", from, to, release: "note", changes: [] });
const snapshot = (sequence: number): object => ({ type: "snapshot", sequence, release: "note", pack: { format: 1, rules: [] } });
const head = (sequence: number, letter = "b"): object => ({ type: "head", sequence, pack: hash(letter) });
const rules = (sequence: number): RulesHead => ({ sequence, release: hash("f"), hash: hash("b"), rules: 3, created: "" });

test("says hello with what it has, and is content with an equal head", async (t) => {
  const world = await connected(t);
  assert.deepEqual(world.socket.sent, [{ type: "hello", protocol: 1, sequence: 3, pack: hash("a") }]);
  await world.hear(head(3, "a"));
  assert.equal(world.client.current().phase, "current");
  assert.equal(world.socket.sent.length, 1);
});

test("fetches what is newer, has it checked, and tells", async (t) => {
  const world = await connected(t);
  world.verdicts = [rules(4)];
  await world.hear(head(4));
  assert.deepEqual(world.socket.sent[1], { type: "since", sequence: 3, pack: hash("a") });
  await world.hear(delta(3, 4));
  assert.deepEqual(world.told.map(({ sequence }) => sequence), [4]);
  assert.equal(world.client.current().phase, "current");
});

test("a head that comes meanwhile is fetched after, from the new place", async (t) => {
  const world = await connected(t);
  world.verdicts = [rules(4), rules(5)];
  await world.hear(head(4));
  await world.hear(head(5));
  assert.equal(world.socket.sent.length, 2);
  await world.hear(delta(3, 4));
  assert.deepEqual(world.socket.sent[2], { type: "since", sequence: 4, pack: hash("b") });
  await world.hear(delta(4, 5));
  assert.equal(world.have.sequence, 5);
});

for (const code of ["mismatch", "gap"]) {
  test(`after ${code} it asks for a snapshot once`, async (t) => {
    const world = await connected(t);
    world.verdicts = [code, code];
    await world.hear(head(4));
    await world.hear(delta(3, 4));
    assert.deepEqual(world.socket.sent[2], { type: "full" });
    await world.hear(snapshot(4));
    assert.equal(world.socket.sent.length, 3);
    assert.deepEqual(world.client.current(), { phase: "refused", reason: code, next: 0 });
    await world.hear(head(4));
    assert.equal(world.socket.sent.length, 3, "not the same head again on this connection");
    assert.equal(world.have.sequence, 3);
  });
}

for (const code of ["unsigned", "expired", "rollback", "invalid", "too-large"]) {
  test(`after ${code} it keeps what it has and the connection`, async (t) => {
    const world = await connected(t);
    world.verdicts = [code, rules(5)];
    await world.hear(head(4));
    await world.hear(delta(3, 4));
    assert.deepEqual(world.client.current(), { phase: "refused", reason: code, next: 0 });
    assert.equal(world.socket.closed, false);
    await world.hear(head(5));
    await world.hear(delta(3, 5));
    assert.equal(world.client.current().phase, "current");
  });
}

test("an engine that fails is tried again on another connection", async (t) => {
  const world = await connected(t);
  world.verdicts = ["crashed"];
  await world.hear(head(4));
  await world.hear(delta(3, 4));
  assert.equal(world.socket.closed, true);
  assert.deepEqual(world.client.current(), { phase: "waiting", reason: "crashed", next: 1_001_000 });
});

test("a server that is behind, or has another edition of the same number, changes nothing", async (t) => {
  const world = await connected(t);
  await world.hear(head(2));
  assert.equal(world.client.current().reason, "behind");
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
