// SPDX-License-Identifier: Apache-2.0

import type { Finding } from "../engine/abi";
import type { Reading } from "./reader";

/**
 * Where a finding stands in a reading: at its own offsets if the same words are
 * still there, else at the nearest place that has them. A finding comes back
 * some milliseconds after it was asked for, and by then the answer has grown,
 * or the site has put other words before it.
 */
export function locate(finding: Finding, text: string): number {
  const { quote, start } = finding;
  if (quote === "") return -1;
  if (text.startsWith(quote, start)) return start;
  const before = text.lastIndexOf(quote, start);
  const after = text.indexOf(quote, start);
  if (before < 0 || after < 0) return Math.max(before, after);
  return start - before <= after - start ? before : after;
}

/**
 * The finding's words in the document; undefined when they are no longer there.
 * A range that stood for them before is moved, so that whoever draws it need
 * not be told.
 */
export function anchor(finding: Finding, reading: Reading, range = new Range()): Range | undefined {
  const at = locate(finding, reading.text);
  if (at < 0) return undefined;
  const place = reading.place(at, at + finding.quote.length);
  if (!place) return undefined;
  const { start, end } = place;
  try {
    if (range.startContainer !== start.node || range.startOffset !== start.offset) range.setStart(start.node, start.offset);
    if (range.endContainer !== end.node || range.endOffset !== end.offset) range.setEnd(end.node, end.offset);
  } catch {
    return undefined; // the page changed the node since it was read; it will be read again
  }
  return range;
}

/** What ends a sentence, with the closing marks that may follow it. */
const ENDED = /[.!?。！？…‥][)\]}"'”’」』）】》〉*_]*\s*$/u;

/**
 * True for a finding whose sentence is the last thing in the text it was found
 * in, and not finished there. More words may turn it round: in Korean and
 * Japanese "…라는 주장은 사실이 아니다" comes last, so half a sentence would be
 * marked for what it denies.
 */
export function unfinished(finding: Finding, text: string): boolean {
  return text.slice(finding.end).trim() === "" && !ENDED.test(text);
}

/** Ends a sentence where no space follows, as in Chinese and Japanese. */
const WIDE = "。！？";
const CLOSING = ")]}\"'”’」』）】》〉*_";

/**
 * The text up to the end of its last line or whole sentence: what comes after
 * is still being said. A point within a number or an address ends nothing.
 */
export function wholeSentences(text: string): string {
  const line = text.lastIndexOf("\n") + 1;
  for (let at = text.length - 1; at >= line; at--) {
    const mark = text[at] as string;
    if (!".!?…‥".includes(mark) && !WIDE.includes(mark)) continue;
    let end = at + 1;
    while (end < text.length && CLOSING.includes(text[end] as string)) end++;
    if (end === text.length || WIDE.includes(mark) || /\s/.test(text[end] as string)) return text.slice(0, end);
  }
  return text.slice(0, line);
}
