// SPDX-License-Identifier: Apache-2.0

import type { Finding, Verdict } from "../engine/abi";
import type { Found } from "../store/findings";

/**
 * What of a finding somebody may send for review, before he has looked at it.
 * A content script makes it, which shares a process with the site: it is
 * checked where it arrives.
 */
export interface Seed {
  /** What stands around the sentence in the answer. */
  before: string;
  sentence: string;
  after: string;
  /** The beginning of the user's question; empty where there was none. */
  question: string;
  /** The site's id; OTHER_SITE where Haechi has no adapter for it. */
  site: string;
  rule: string;
  proposition: string;
  verdict: Verdict;
  /** The engine's, 0 to 1; 0 where it is not known any more. */
  score: number;
  /** Number and hash of the rules, and the model, that judged. */
  sequence: number;
  pack: string;
  classifier: string;
}

/** Stands for every page on which only selected text was checked. */
export const OTHER_SITE = "other";

/** How much of an answer is offered on either side of the sentence, in UTF-16 units. */
export const CONTEXT = 300;
/** What a review desk takes, in characters; see server/review/report.go. */
export const LONGEST = { sentence: 1_000, excerpt: 4_000, question: 1_000, model: 100 } as const;

/** A sentence with what stands around it, cut where sentences or lines begin and end. */
export function excerpt(text: string, { start, end }: Pick<Finding, "start" | "end">): Pick<Seed, "before" | "sentence" | "after"> {
  const all = text.slice(0, start);
  const rest = text.slice(end);
  const near = all.slice(-CONTEXT);
  const far = rest.slice(0, CONTEXT);
  const before = near.length < all.length ? near.slice(firstBreak(near)) : near;
  const after = far.length < rest.length ? far.slice(0, lastBreak(far)) : far;
  return { before: before.trimStart(), sentence: text.slice(start, end), after: after.trimEnd() };
}

/** Behind the first end of a sentence or line; all of the text if there is none. */
function firstBreak(text: string): number {
  const found = /[.!?。！？](?:\s|$)|\n|[。！？]/u.exec(text);
  return found ? found.index + found[0].length : text.length;
}

/** Behind the last end of a sentence or line; nothing of the text if there is none. */
function lastBreak(text: string): number {
  const found = [...text.matchAll(/[.!?](?=\s)|[。！？]|\n/gu)].pop();
  return found ? found.index + 1 : 0;
}

/** The seed of a finding of which only what is kept of it is known. */
export function seedOf({ quote, question, rule, proposition, verdict, sequence, rules, model }: Found, site: string = OTHER_SITE): Seed {
  return { before: "", sentence: quote, after: "", question, site, rule, proposition, verdict, score: 0, sequence, pack: rules, classifier: model };
}

/** What a content script sent, if it is what it should be. */
export function isSeed(value: unknown): value is Seed {
  if (typeof value !== "object" || value === null) return false;
  const { before, sentence, after, question, site, rule, proposition, verdict, score, sequence, pack, classifier } = value as Record<keyof Seed, unknown>;
  const isText = (text: unknown, most: number): boolean => typeof text === "string" && text.length <= most;
  return (
    [before, after].every((text) => isText(text, CONTEXT)) &&
    isText(sentence, LONGEST.excerpt) && sentence !== "" &&
    isText(question, LONGEST.question) &&
    [site, rule, proposition, pack, classifier].every((text) => isText(text, LONGEST.model)) &&
    ["distortion", "one-sided", "framing"].includes(String(verdict)) &&
    typeof score === "number" && score >= 0 && score <= 1 &&
    typeof sequence === "number" && Number.isSafeInteger(sequence) && sequence >= 0
  );
}
