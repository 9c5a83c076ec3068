// SPDX-License-Identifier: Apache-2.0

/** Below this width a card is a sheet across the window; overlay.css says the same. */
const NARROW = 560;
const MARGIN = 12;
const GAP = 8;

interface Box {
  left: number;
  top: number;
  right: number;
  bottom: number;
}

/** No card is cut shorter than this, even if it must cover its sentence. */
const SHORTEST = 200;
const TALLEST = 560;

export interface Place {
  left: number;
  top: number;
  height: number;
}

/**
 * Where a card goes: under its sentence if all of it fits there, else on the
 * side with more room, cut to that room, so that the sentence can be read
 * beside it. `card` has the height it would like. In a narrow window it is a
 * sheet at the window's edge on that side.
 */
export function place(sentence: Box, card: { width: number; height: number }, window: { width: number; height: number }): Place {
  const narrow = window.width < NARROW;
  const wanted = Math.min(card.height, TALLEST);
  const under = window.height - MARGIN - GAP - sentence.bottom;
  const over = sentence.top - GAP - MARGIN;
  const below = wanted <= under || under >= over;
  const height = Math.min(wanted, Math.max(below ? under : over, SHORTEST));
  const lowest = window.height - MARGIN - height;
  if (narrow) return { left: (window.width - card.width) / 2, top: below ? lowest : MARGIN, height };
  return {
    left: clamp(sentence.left, MARGIN, window.width - MARGIN - card.width),
    top: clamp(below ? sentence.bottom + GAP : sentence.top - GAP - height, MARGIN, lowest),
    height,
  };
}

function clamp(value: number, low: number, high: number): number {
  return Math.max(low, Math.min(value, high));
}
