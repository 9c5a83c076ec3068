// SPDX-License-Identifier: Apache-2.0

/**
 * Findings of which a person said "not a problem here", as rule and hash of
 * the sentence, with when it was said in ms since 1970. They lie in the
 * settings, where content scripts can read them; the sentences do not.
 */
export type Dismissed = Record<string, number>;

/** Above this many the oldest are forgotten. */
export const MOST_DISMISSED = 2_000;

/** What tells a dismissed finding again, in whatever page the sentence stands. */
export async function dismissalKey(rule: string, quote: string): Promise<string> {
  return `${rule} ${(await sha256(quote.replace(/\s+/g, " ").trim())).slice(0, 32)}`;
}

export function withDismissal(dismissed: Dismissed, key: string, now: number): Dismissed {
  const all = Object.entries({ ...dismissed, [key]: now }).sort(([, a], [, b]) => b - a);
  return Object.fromEntries(all.slice(0, MOST_DISMISSED));
}

export function withoutDismissal(dismissed: Dismissed, key: string): Dismissed {
  return Object.fromEntries(Object.entries(dismissed).filter(([other]) => other !== key));
}

/** Lower-case hexadecimal SHA-256 of a text. */
export async function sha256(text: string): Promise<string> {
  const digest = await crypto.subtle.digest("SHA-256", new TextEncoder().encode(text));
  return [...new Uint8Array(digest)].map((byte) => byte.toString(16).padStart(2, "0")).join("");
}
