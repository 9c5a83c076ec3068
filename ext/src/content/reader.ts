// SPDX-License-Identifier: Apache-2.0

import { SELF, type Adapter } from "./sites/adapter";

/** Where one run of the text stands in the document. */
interface Run {
  /** First offset of the run in the text; its length is `length`. */
  start: number;
  length: number;
  node: Text;
  /** Where the run begins in the node's data. */
  offset: number;
}

/** The part of a document to read, as a Range says it. */
export type Within = Pick<Range, "startContainer" | "startOffset" | "endContainer" | "endOffset" | "intersectsNode">;

export interface Point {
  node: Text;
  offset: number;
}

/** An answer is read no further than this; the rest of it stays unmarked. */
export const MAX_TEXT = 100_000;
/** Nothing readable nests deeper; going on would exhaust the stack. */
export const MAX_DEPTH = 500;
/** The end of a long question says what is asked. */
export const MAX_QUESTION = 2_000;

const BLOCKS = new Set(
  "ADDRESS ARTICLE ASIDE BLOCKQUOTE DD DETAILS DIV DL DT FIGCAPTION FIGURE FOOTER HEADER HR LI MAIN NAV OL P SECTION SUMMARY TABLE TBODY TD TFOOT TH THEAD TR UL".split(" "),
);
/** Never the writer's own sentences: code, controls, pictures, and what is not shown. */
const SKIPPED = new Set(
  "AUDIO BUTTON CANVAS IFRAME INPUT MATH NOSCRIPT OBJECT PRE SCRIPT SELECT STYLE SUP SVG TEMPLATE TEXTAREA VIDEO".split(" "),
);
const HIDDEN = '[aria-hidden="true"], [hidden], .sr-only';

/**
 * An answer as the engine reads it, light Markdown with one line a block, and
 * the way back from its offsets to the document's text nodes. The marks that
 * the reading put in (`# `, `- `, `| `, `**`, line ends) have no place there.
 */
export class Reading {
  text = "";
  private readonly runs: Run[] = [];
  /** What must stand before the next word: nothing, a space, or a new line. */
  private gap: "" | " " | "\n" = "";
  /** `# ` or `- `, held back until there is a word to put it before. */
  private mark = "";
  /** Inside a table cell: blocks there do not end the row's line. */
  private inCell = false;
  private depth = 0;
  /** Whether the text ends with a space: to ask the text itself would have the browser copy all of it at every word. */
  private spaced = false;

  constructor(
    roots: Iterable<Element>,
    private readonly skip: string,
    /** Words outside are left out; their blocks still end lines. */
    private readonly within?: Within,
  ) {
    for (const root of roots) {
      this.line();
      this.children(root);
    }
  }

  /** Where the text from `start` to `end` stands, without marks at its ends. */
  place(start: number, end: number): { start: Point; end: Point } | undefined {
    // The first run that ends behind `start`, and the last that begins before `end`.
    const first = this.runs[search(this.runs, (run) => run.start + run.length > start)];
    const last = this.runs[search(this.runs, (run) => run.start >= end) - 1];
    if (!first || !last || last.start < first.start) return undefined;
    const from = Math.max(start - first.start, 0);
    const to = Math.min(end - last.start, last.length);
    return { start: { node: first.node, offset: first.offset + from }, end: { node: last.node, offset: last.offset + to } };
  }

  private children(parent: Node): void {
    if (this.depth >= MAX_DEPTH) return;
    this.depth++;
    for (let child = parent.firstChild; child && this.text.length < MAX_TEXT; child = child.nextSibling) {
      if (child.nodeType === 3) this.words(child as Text);
      else if (child.nodeType === 1) this.element(child as Element);
    }
    this.depth--;
  }

  private element(element: Element): void {
    const tag = element.tagName.toUpperCase();
    if (tag === "BR" || tag === "HR") return this.line();
    if (SKIPPED.has(tag) || element.matches(HIDDEN) || (this.skip !== "" && element.matches(this.skip))) {
      if (tag === "PRE") this.line();
      return;
    }
    const heading = /^H([1-6])$/.exec(tag);
    if (heading) return this.block(element, `${"#".repeat(Number(heading[1]))} `);
    if (tag === "LI") return this.block(element, "- ");
    if (tag === "TR") return this.row(element);
    if (tag === "TD" || tag === "TH") return this.cell(element);
    if (!BLOCKS.has(tag)) return this.children(element);
    if (this.mark === "" && isBold(element)) return this.block(element, "**");
    this.block(element, "");
  }

  private block(element: Element, mark: string): void {
    // A block that opens an item (<li><p>…) stays on the item's line.
    if (this.mark === "" || mark !== "") this.line();
    if (mark !== "") this.mark = mark;
    this.children(element);
    if (mark === "**" && this.mark === "") this.put("**");
    if (mark !== "") this.mark = ""; // in case there was no word in it
    this.line();
  }

  /** One line a row; a header is told from a row by the line of dashes under it. */
  private row(row: Element): void {
    const before = this.text.length;
    this.line();
    this.mark = "| ";
    this.children(row);
    this.mark = "";
    if (this.text.length > before) this.put(" |");
    this.line();
    const cells = [...row.children];
    if (this.text.length > before && cells.every(({ tagName }) => tagName.toUpperCase() === "TH")) this.put("\n|---|");
  }

  private cell(element: Element): void {
    if (element.previousElementSibling && this.mark === "") {
      this.gap = "";
      this.put(" | ");
    }
    const outer = this.inCell;
    this.inCell = true;
    this.children(element);
    this.inCell = outer;
  }

  private line(): void {
    if (!this.inCell) this.gap = "\n";
    else if (this.gap === "") this.gap = " ";
  }

  /** Appends a text node, each stretch of white space as one space. */
  private words(node: Text): void {
    const { within } = this;
    if (within && !within.intersectsNode(node)) return;
    const first = within?.startContainer === node ? within.startOffset : 0;
    const last = within?.endContainer === node ? within.endOffset : node.data.length;
    const data = node.data.slice(first, Math.min(last, first + MAX_TEXT - this.text.length));
    let end = 0;
    for (const found of data.matchAll(/\S+/g)) {
      if (found.index > end && this.gap === "") this.gap = " ";
      this.word(node, first + found.index, found[0]);
      end = found.index + found[0].length;
    }
    if (end < data.length && this.gap === "") this.gap = " ";
  }

  private word(node: Text, offset: number, word: string): void {
    const before = this.before();
    const last = this.runs.at(-1);
    // One space in the document is one in the text: the run goes on through it.
    if (before === " " && last?.node === node && last.offset + last.length + 1 === offset) {
      last.length += 1 + word.length;
      this.put(before + word);
      return;
    }
    this.put(before);
    this.runs.push({ start: this.text.length, length: word.length, node, offset });
    this.put(word);
  }

  /** What stands before the next word; taking it clears what was held back. */
  private before(): string {
    const { gap, mark } = this;
    this.gap = "";
    this.mark = "";
    if (gap === "\n") return (this.text === "" ? "" : "\n") + mark;
    return gap === " " && !this.spaced && this.text !== "" ? gap + mark : mark;
  }

  private put(text: string): void {
    this.text += text;
    if (text !== "") this.spaced = text.endsWith(" ");
  }
}

/** The first index for which `there` holds; it must hold for all after it. */
function search<T>(list: readonly T[], there: (item: T) => boolean): number {
  let low = 0;
  let high = list.length;
  while (low < high) {
    const middle = (low + high) >> 1;
    if (there(list[middle] as T)) high = middle;
    else low = middle + 1;
  }
  return low;
}

/** A paragraph that is bold throughout is often a heading; the engine decides. */
function isBold(element: Element): boolean {
  const parts = [...element.childNodes].filter((node) => node.nodeType === 1 || (node.textContent ?? "").trim() !== "");
  return parts.length === 1 && /^(STRONG|B)$/i.test(parts[0]?.nodeName ?? "");
}

/**
 * Reads an answer of a site; several bodies in one answer follow each other.
 * A page can make an element lie about itself (a form with a field that is
 * called tagName): such an answer is empty, and the others are read all the same.
 */
export function readAnswer(adapter: Adapter, answer: Element): Reading {
  try {
    return readBodies(adapter, answer);
  } catch {
    return new Reading([], "");
  }
}

function readBodies(adapter: Adapter, answer: Element): Reading {
  const { skip } = adapter;
  for (const selector of adapter.body) {
    if (selector === SELF) return new Reading([answer], skip);
    const bodies = [...answer.querySelectorAll(selector)].filter((body) => !body.closest(skip));
    const outermost = bodies.filter((body) => !bodies.some((other) => other !== body && other.contains(body)));
    if (outermost.length > 0) return new Reading(outermost, skip);
  }
  return new Reading([], skip);
}

/** The user's turn that an answer answers; empty where none is in the page. */
export function readQuestion(adapter: Adapter, answer: Element): string {
  let question: Element | undefined;
  for (const [turn, isAnswer] of adapter.turns(answer.ownerDocument)) {
    if (turn === answer) break;
    if (!isAnswer) question = turn;
  }
  if (!question) return "";
  return new Reading([question], adapter.skip).text.slice(-MAX_QUESTION);
}
