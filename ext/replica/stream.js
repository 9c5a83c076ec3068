// SPDX-License-Identifier: Apache-2.0

/** Pieces as a model sends them: a word of Latin letters, or one to three of other characters. */
export function tokens(text) {
  return text.match(/[\p{Script=Latin}\p{N}]+ ?|\s+|[^\s\p{Script=Latin}\p{N}]{1,3} ?/gu) ?? [];
}

/**
 * Calls `step` with the text so far, so many tokens a second, until all is said
 * or `signal` stops it. A tab in the background is given time in big portions,
 * so how many tokens are due is read from the clock.
 */
export async function stream(text, speed, signal, step) {
  const parts = tokens(text);
  if (speed <= 0) {
    step(text);
    return;
  }
  const start = performance.now();
  for (let said = 0; said < parts.length && !signal.aborted; ) {
    await new Promise((resolve) => setTimeout(resolve, 1000 / Math.min(speed, 60)));
    const due = Math.min(parts.length, Math.floor(((performance.now() - start) / 1000) * speed));
    if (due > said) step(parts.slice(0, (said = due)).join(""));
  }
}
