// SPDX-License-Identifier: Apache-2.0

import assert from "node:assert/strict";
import { test } from "node:test";
import { asked, backoff, LONGEST_MS } from "../src/sync/backoff";

test("waits double, spread, and have a ceiling", () => {
  assert.equal(backoff(1, () => 0), 500);
  assert.equal(backoff(1, () => 1), 1000);
  assert.equal(backoff(4, () => 1), 8000);
  assert.equal(backoff(1000, () => 1), LONGEST_MS);
});

test("a server is never called sooner than it asked", () => {
  assert.equal(asked(5000, () => 0), 5000);
  assert.equal(asked(5000, () => 1), 6250);
  assert.equal(asked(0, () => 0), 1000);
  assert.equal(asked(3_600_000, () => 0), 3_600_000);
});
