// SPDX-License-Identifier: Apache-2.0

/** The longest any step may take on a slow machine; it says nothing about how long it should. */
export const PATIENCE_MS = 90_000;

/** A question to a page that is loaded anew under it may never be answered: after this long it is put again. */
const ANSWER_MS = 30_000;

async function answered(ask) {
  let late;
  const limit = new Promise((_, reject) => (late = setTimeout(reject, ANSWER_MS, new Error("no answer"))));
  try {
    return await Promise.race([ask(), limit]);
  } finally {
    clearTimeout(late);
  }
}

/** Asks until the answer is true-ish, and returns it; fails with what it last saw. */
export async function until(what, ask, patience = PATIENCE_MS) {
  const end = Date.now() + patience;
  let last;
  while (Date.now() < end) {
    try {
      last = await answered(ask);
      if (last) return last;
    } catch (error) {
      last = error; // a page that navigates, a worker that was just killed
    }
    await new Promise((resolve) => setTimeout(resolve, 100));
  }
  throw new Error(`waited in vain: ${what}; last: ${last instanceof Error ? last.message : JSON.stringify(last)}`);
}
