// SPDX-License-Identifier: Apache-2.0

import assert from "node:assert/strict";
import { test } from "node:test";
import { say, speak } from "../src/words";

test("one of a thing is not called by the word for many", () => {
  speak("en");
  assert.equal(say("announce", 1), "Haechi marked 1 sentence.");
  assert.equal(say("announce", 2), "Haechi marked 2 sentences.");
  assert.equal(say("edition", 12, 1), "Edition 12 · 1 rule");
  speak("ko");
  assert.equal(say("announce", 1), "해치가 문장 1개를 표시했습니다.");
});
