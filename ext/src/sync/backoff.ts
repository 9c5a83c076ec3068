// SPDX-License-Identifier: Apache-2.0

/** Waiting times between tries, in milliseconds. */
export const FIRST_MS = 1_000;
export const LONGEST_MS = 10 * 60_000;
/** No server may silence a client for longer with one frame. */
export const MOST_ASKED_MS = 24 * 60 * 60_000;
/** Where a close code says "wait" and no bye said how long. */
export const LIMIT_MS = 60_000;
/** After "stop": until the browser or the extension starts anew, which forgets it. */
export const STOPPED_MS = 365 * 24 * 60 * 60_000;

/**
 * The wait after so many failures in a row: doubling, and drawn from the upper
 * half, so that browsers that lost a server together do not come back together.
 */
export function backoff(failures: number, random: () => number): number {
  const full = Math.min(FIRST_MS * 2 ** Math.min(failures - 1, 20), LONGEST_MS);
  return Math.round(full / 2 + (full / 2) * random());
}

/** At least what the server asked for, and up to a quarter more. */
export function asked(ms: number, random: () => number): number {
  const base = Math.min(Math.max(ms, FIRST_MS), MOST_ASKED_MS);
  return Math.round(base * (1 + random() / 4));
}
