// SPDX-License-Identifier: Apache-2.0

import assert from "node:assert/strict";
import { test } from "node:test";
import { Choice } from "../src/content/choice";
import type { Checked, Finding } from "../src/engine/abi";
import { serverAddress } from "../src/options/address";
import { siteNames } from "../src/options/sites";
import { dismissalKey } from "../src/store/dismissals";

const finding = (tier: Finding["tier"], score: number, quote = `${tier} ${score}`): Finding => ({
  quote,
  start: 0,
  end: quote.length,
  rule: "r",
  proposition: "p",
  verdict: "distortion",
  tier,
  score,
});
const checked = (findings: Finding[], degraded = false): Checked => ({ findings, model: "m", rules: "h", sequence: 1, degraded });
const all = checked([finding("A", 0.85), finding("A", 0.98), finding("B", 0.995), finding("C", 0.9)]);
const usual = { tiers: "AB", sensitivity: "all", dismissed: {} } as const;

async function kept(choice: Choice, of = all): Promise<string[]> {
  return (await choice.keep(of)).map(({ quote }) => quote);
}

test("tiers and sensitivity decide what is marked", async () => {
  const choice = new Choice();
  choice.use(usual);
  assert.deepEqual(await kept(choice), ["A 0.85", "A 0.98", "B 0.995"]);
  choice.use({ ...usual, tiers: "C" });
  assert.deepEqual(await kept(choice), ["C 0.9"]);
  choice.use({ ...usual, tiers: "" });
  assert.deepEqual(await kept(choice), []);
  choice.use({ ...usual, sensitivity: "sure" });
  assert.deepEqual(await kept(choice), ["A 0.98", "B 0.995"]);
  choice.use({ ...usual, sensitivity: "surest" });
  assert.deepEqual(await kept(choice), ["B 0.995"]);
});

test("without a model there are no scores, and no sensitivity hides what patterns found", async () => {
  const choice = new Choice();
  choice.use({ ...usual, sensitivity: "surest" });
  assert.deepEqual(await kept(choice, checked([finding("A", 0)], true)), ["A 0"]);
});

test("dismissed findings are left out, here or everywhere, until that is taken back", async () => {
  const choice = new Choice();
  choice.use({ ...usual, dismissed: { [await dismissalKey("r", "A 0.85")]: 1 } });
  assert.deepEqual(await kept(choice), ["A 0.98", "B 0.995"]);
  await choice.dismissHere(finding("B", 0.995));
  assert.deepEqual(await kept(choice), ["A 0.98"]);
  await choice.restoreHere(finding("B", 0.995));
  choice.use(usual);
  assert.deepEqual(await kept(choice), ["A 0.85", "A 0.98", "B 0.995"]);
});

test("only a real change makes a new edition: each one is judged again", () => {
  const choice = new Choice();
  choice.use(usual);
  const { edition } = choice;
  choice.use({ ...usual, dismissed: {} });
  assert.equal(choice.edition, edition);
  choice.use({ ...usual, tiers: "A" });
  assert.notEqual(choice.edition, edition);
});

test("a server is asked over TLS, or on this machine", () => {
  for (const good of ["https://rules.example/mirror", "http://127.0.0.1:8080/", "wss://rules.example/v1/sync", " wss://rules.example:8443/v1/sync ", "ws://127.0.0.1:8787/v1/sync", "ws://localhost/v1/sync", "ws://[::1]:1/"]) {
    assert.ok(serverAddress(good), good);
  }
  for (const bad of ["", "rules.example", "ws://rules.example/", "http://rules.example/", "wss://user:pw@rules.example/", "ws://127.0.0.1.example/", "javascript:1", "wss://rules.example/#x"]) {
    assert.equal(serverAddress(bad), undefined, bad);
  }
});

test("sites are the hosts of the manifest's patterns, each once", () => {
  assert.deepEqual(siteNames(["https://chatgpt.com/*", "https://chatgpt.com/g/*", "http://127.0.0.1/*", "<all_urls>"]), ["chatgpt.com", "127.0.0.1"]);
});
