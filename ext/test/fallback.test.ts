// SPDX-License-Identifier: Apache-2.0

import assert from "node:assert/strict";
import { mock, test } from "node:test";
import type { Site } from "../src/engine/abi";
import { DISK_AGAIN_MS, FallbackRules } from "../src/store/fallback";
import type { RuleStore, StoredIndex, StoredRules } from "../src/store/rules";

class Disk implements RuleStore {
  broken = true;
  stored: StoredRules | undefined;
  kept: Site[] = [];

  private touch(): void {
    if (this.broken) throw new DOMException("Internal error opening backing store", "UnknownError");
  }

  async head(): Promise<StoredRules | undefined> {
    this.touch();
    return this.stored;
  }

  load = this.head;

  async save(rules: StoredRules, sites: Site[]): Promise<void> {
    this.touch();
    this.stored = rules;
    this.kept = sites;
  }

  async remember(): Promise<void> {
    this.touch();
  }

  async keep(_hash: string, index: StoredIndex): Promise<void> {
    this.touch();
    if (this.stored) this.stored = { ...this.stored, index };
  }

  async sites(): Promise<Site[]> {
    this.touch();
    return this.kept;
  }

  async clear(): Promise<void> {
    this.touch();
    this.stored = undefined;
  }
}

const rules = (sequence: number): StoredRules => ({
  sequence, release: "r", hash: `h${sequence}`, rules: 1, created: "", expires: "", checked: "", log: sequence, pack: `{"n":${sequence}}`, memory: "m",
});
const SITES: Site[] = [{ id: "s", name: "S", verified: "2030-01-01", matches: [], answer: [".a"], body: [":scope"] }];

test("with a disk that cannot be opened, rules are held, and used again by an engine that starts anew", async () => {
  const store = new FallbackRules(new Disk());
  await assert.rejects(store.load(), { name: "UnknownError" });
  await store.save(rules(3), SITES);
  assert.equal((await store.head())?.sequence, 3);
  assert.equal((await store.head() as object as StoredRules).pack, undefined, "a head is small");
  assert.deepEqual(await store.load(), rules(3));
  assert.deepEqual(await store.sites(), SITES);
  await store.remember({ ...rules(3), log: 4 }, "more");
  assert.deepEqual(await store.load(), { ...rules(3), log: 4, memory: "more" });
  const index = { engine: "e", bytes: new Uint8Array([1]) };
  await store.keep("of another pack", index);
  assert.equal((await store.load())?.index, undefined);
  await store.keep("h3", index);
  assert.deepEqual((await store.load())?.index, index, "an index is held with its pack");
  assert.equal((await store.head() as object as StoredRules).index, undefined);
});

test("what is held is written once the disk takes it", async () => {
  mock.timers.enable({ apis: ["setTimeout"] });
  try {
    const disk = new Disk();
    const store = new FallbackRules(disk);
    await store.save(rules(3), SITES);
    mock.timers.tick(DISK_AGAIN_MS);
    await store.head();
    assert.equal(disk.stored, undefined);
    disk.broken = false;
    mock.timers.tick(DISK_AGAIN_MS);
    await Promise.resolve();
    assert.deepEqual(disk.stored, rules(3));
    assert.deepEqual(disk.kept, SITES);
    disk.stored = rules(5);
    assert.equal((await store.head())?.sequence, 5, "from then on the disk is asked");
  } finally {
    mock.timers.reset();
  }
});

test("rules that a disk refuses give way to newer ones, and are not written later", async () => {
  mock.timers.enable({ apis: ["setTimeout"] });
  try {
    const disk = new Disk();
    const store = new FallbackRules(disk);
    await store.save(rules(3), []);
    disk.broken = false;
    await store.save(rules(4), []);
    mock.timers.tick(2 * DISK_AGAIN_MS);
    await Promise.resolve();
    assert.equal(disk.stored?.sequence, 4);
    await store.clear();
    assert.equal(await store.load(), undefined);
  } finally {
    mock.timers.reset();
  }
});

test("a statement about the log whose pack lies on a broken disk is not said to be stored", async () => {
  await assert.rejects(new FallbackRules(new Disk()).remember(rules(3), "m"), { name: "UnknownError" });
});
