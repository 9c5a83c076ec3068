// SPDX-License-Identifier: Apache-2.0

/**
 * Takes personal data out of a text before it is sent: twin of
 * server/review/mask, whose package comment says what is found and why. The
 * shared server/review/mask/testdata/cases.json holds the two together.
 */

import { FINDERS, kindOf } from "./finders";
import { Folded, isDigit, isLetter } from "./fold";

/** What was masked. The text shows it in square brackets. */
export type Kind = "email" | "phone" | "resident-number" | "foreigner-number" | "card" | "passport" | "user" | "ip" | "name";

/** One masked piece, in UTF-16 units of the text that was given. */
export interface Span {
  kind: Kind;
  start: number;
  end: number;
}

export interface Masked {
  text: string;
  /** In order; they do not overlap. */
  spans: Span[];
}

/** The text with every piece replaced by its kind. */
export function mask(text: string): Masked {
  const spans = find(new Folded(text));
  let out = "";
  let at = 0;
  for (const { kind, start, end } of spans) {
    out += `${text.slice(at, start)}[${kind}]`;
    at = end;
  }
  return { text: out + text.slice(at), spans };
}

/** Runs every finder in the order of its certainty; what one has taken the next ones do not see. */
function find(f: Folded): Span[] {
  const spans: Span[] = [];
  for (const finder of FINDERS) {
    const pattern = new RegExp(finder.pattern);
    for (let at = 0; at < f.text.length; ) {
      pattern.lastIndex = at;
      const match = pattern.exec(f.text);
      const group = match?.indices?.[1];
      if (!match || !group) break;
      const [start, end] = group;
      if (f.taken(start, end) || !f.stands(start, end, finder.kind) || !finder.accept(f, start, end)) {
        at = next(f.text, match.index, end, finder.kind);
        continue;
      }
      f.take(start, end);
      spans.push({ kind: kindOf(finder, f.text.slice(start, end)), start: f.from[start] ?? 0, end: f.to[end - 1] ?? 0 });
      at = end;
    }
  }
  return spans.sort((one, other) => one.start - other.start);
}

/**
 * Where to look on after a match was refused: it may hide another that begins
 * inside it, but not inside the same run of letters and digits, where nothing
 * that stands for itself begins.
 */
function next(text: string, start: number, end: number, kind: Kind): number {
  if (kind === "email" || kind === "user" || kind === "name") return end;
  const inRun = (at: number): boolean => isDigit(text.charAt(at)) || isLetter(text.charAt(at));
  let at = start + 1;
  while (at < text.length && inRun(at - 1) && inRun(at)) at++;
  return at;
}
