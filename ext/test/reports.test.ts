// SPDX-License-Identifier: Apache-2.0

import "fake-indexeddb/auto";
import assert from "node:assert/strict";
import { beforeEach, test } from "node:test";
import { draftOf, type Draft } from "../src/report/draft";
import { seedOf } from "../src/report/seed";
import { Reports } from "../src/store/reports";

const DAY = 86_400_000;
const NOW = 1_800_000_000_000;
const seed = seedOf({ rule: "kimchi-origin-china", proposition: "origin", verdict: "distortion", tier: "A", quote: "김치의 원산지는 중국이다.", question: "", rules: "abc", sequence: 3, model: "m" });
const draft = (id: string, inPrivate = false): Draft => draftOf(seed, id, NOW, inPrivate);
const sent = (code: string, time = NOW) => ({ code, expires: time + 180 * DAY, desk: "https://x.example/v1/reports", time, sentence: seed.sentence });

/** Session storage as the browser has it. */
let session: Record<string, unknown>;
Object.defineProperty(globalThis, "chrome", {
  value: {
    storage: {
      session: {
        get: async (key: string | null) => structuredClone(key === null ? session : key in session ? { [key]: session[key] } : {}),
        set: async (values: Record<string, unknown>) => void Object.assign(session, structuredClone(values)),
        remove: async (key: string) => void delete session[key],
      },
    },
  },
});

const reports = new Reports();

beforeEach(async () => {
  session = { retry: {} };
  for (const { id } of await reports.drafts()) await reports.dropDraft(id);
  for (const { code } of await reports.allSent(NOW)) await reports.dropSent(code);
});

test("a draft stays until it is sent or thrown away", async () => {
  await reports.saveDraft(draft("a"));
  await reports.saveDraft({ ...draft("a"), language: "en" });
  await reports.saveDraft({ ...draft("b"), created: NOW + 1 });
  assert.deepEqual((await reports.drafts()).map(({ id, language }) => [id, language]), [["b", "ko"], ["a", "en"]]);
  await reports.dropDraft("b");
  await reports.sent(draft("a"), sent("CODE-A"));
  assert.deepEqual(await reports.drafts(), []);
  assert.deepEqual(await reports.allSent(NOW), [sent("CODE-A")]);
});

test("receipts are listed until the server forgets the report", async () => {
  await reports.sent(draft("a"), sent("OLD", NOW - 200 * DAY));
  await reports.sent(draft("b"), sent("ONE", NOW - DAY));
  await reports.sent(draft("c"), sent("TWO"));
  assert.deepEqual((await reports.allSent(NOW)).map(({ code }) => code), ["TWO", "ONE"]);
  assert.deepEqual((await reports.allSent(0)).map(({ code }) => code), ["TWO", "ONE"], "the old one is gone for good");
});

test("what comes from a private window is on no disk, and neither is its receipt", async () => {
  await reports.saveDraft(draft("p", true));
  assert.equal((await reports.draft("p"))?.private, true);
  assert.deepEqual(Object.keys(session), ["retry", "draft p"]);
  assert.deepEqual((await reports.drafts()).map(({ id }) => id), ["p"]);
  await reports.sent(draft("p", true), sent("SECRET"));
  assert.equal(await reports.draft("p"), undefined);
  assert.deepEqual(await reports.allSent(NOW), []);
  assert.deepEqual(Object.keys(session), ["retry"]);
});

test("nobody can fill the disk with drafts, but those there can be written on", async () => {
  for (let i = 0; i < 100; i++) await reports.saveDraft(draft(`d${i}`));
  await assert.rejects(reports.saveDraft(draft("one more")), /too many/);
  await reports.saveDraft({ ...draft("d5"), language: "ja" });
  assert.equal((await reports.draft("d5"))?.language, "ja");
});
