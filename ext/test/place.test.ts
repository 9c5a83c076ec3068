// SPDX-License-Identifier: Apache-2.0

import assert from "node:assert/strict";
import { test } from "node:test";
import { place } from "../src/content/overlay/place";

const window = { width: 1280, height: 800 };
const card = { width: 400, height: 300 };

test("a card goes under its sentence, or over it where it does not fit", () => {
  assert.deepEqual(place({ left: 100, top: 200, right: 300, bottom: 220 }, card, window), { left: 100, top: 228, height: 300 });
  assert.deepEqual(place({ left: 100, top: 600, right: 300, bottom: 620 }, card, window), { left: 100, top: 292, height: 300 });
});

test("a card never leaves the window", () => {
  assert.deepEqual(place({ left: 1200, top: 200, right: 1270, bottom: 220 }, card, window), { left: 868, top: 228, height: 300 });
  assert.deepEqual(place({ left: -50, top: -400, right: 300, bottom: -380 }, card, window), { left: 12, top: 12, height: 300 });
});

test("a card is cut to the larger room rather than laid over its sentence", () => {
  const tall = { width: 400, height: 900 };
  assert.deepEqual(place({ left: 100, top: 300, right: 300, bottom: 340 }, tall, window), { left: 100, top: 348, height: 440 });
  assert.deepEqual(place({ left: 100, top: 500, right: 300, bottom: 540 }, tall, window), { left: 100, top: 12, height: 480 });
  assert.deepEqual(place({ left: 100, top: 100, right: 300, bottom: 700 }, card, window), { left: 100, top: 588, height: 200 });
});

test("in a narrow window it is a sheet at the edge away from its sentence", () => {
  const phone = { width: 390, height: 800 };
  const sheet = { width: 374, height: 500 };
  assert.deepEqual(place({ left: 16, top: 200, right: 300, bottom: 240 }, sheet, phone), { left: 8, top: 288, height: 500 });
  assert.deepEqual(place({ left: 16, top: 500, right: 300, bottom: 540 }, sheet, phone), { left: 8, top: 12, height: 480 });
});
