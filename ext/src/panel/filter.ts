// SPDX-License-Identifier: Apache-2.0

import type { Verdict } from "../engine/abi";
import type { Entry } from "../store/findings";

/** What of the findings a person wants to see; an empty field wants all. */
export interface Filter {
  text: string;
  verdict: Verdict | "";
  rule: string;
  host: string;
  /** No older than so many days; 0: of any age. */
  days: number;
}

export const EVERYTHING: Filter = { text: "", verdict: "", rule: "", host: "", days: 0 };

const DAY_MS = 86_400_000;

/**
 * The entries that a filter lets through. Every word of the search must stand
 * in the sentence, the question, the host, or what the rule is about (`title`),
 * in any case and any composition of letters.
 */
export function filtered(entries: readonly Entry[], filter: Filter, now: number, title: (rule: string) => string): Entry[] {
  const words = fold(filter.text).split(/\s+/).filter(Boolean);
  return entries.filter((entry) => {
    if (filter.verdict !== "" && entry.verdict !== filter.verdict) return false;
    if (filter.rule !== "" && entry.rule !== filter.rule) return false;
    if (filter.host !== "" && entry.host !== filter.host) return false;
    if (filter.days > 0 && entry.time < now - filter.days * DAY_MS) return false;
    if (words.length === 0) return true;
    const text = fold([entry.quote, entry.question, entry.host, entry.rule, title(entry.rule)].join(" "));
    return words.every((word) => text.includes(word));
  });
}

function fold(text: string): string {
  return text.normalize("NFKC").toLowerCase();
}
