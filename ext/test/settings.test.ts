// SPDX-License-Identifier: Apache-2.0

import assert from "node:assert/strict";
import { test } from "node:test";
import { DEFAULT_SERVER, settings } from "../src/settings";

/** The browser's storage, with what is said in it. */
function store(stored: Record<string, unknown>): void {
  const get = async (defaults: object): Promise<object> => ({ ...defaults, ...stored });
  Object.assign(globalThis, { chrome: { storage: { local: { get } } } });
}

test("a setting of another kind gives way to the usual one, the rest stays", async () => {
  store({ on: "yes", sitesOff: { a: 1 }, dismissed: null, tiers: ["A"], sites: "x", keepDays: 7, language: "en", sensitivity: "x", alien: 1 });
  const { on, sitesOff, dismissed, tiers, sites, keepDays, language, sensitivity, server, ...rest } = await settings();
  assert.deepEqual([on, sitesOff, dismissed, tiers, sites, keepDays, language, sensitivity, server], [true, [], {}, "AB", [], 7, "en", "all", DEFAULT_SERVER]);
  assert.ok(!("alien" in rest));
});
