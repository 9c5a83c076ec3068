// SPDX-License-Identifier: Apache-2.0

/** Where one run of a piece's text stands in the document. */
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

/** A piece, and an answer, is read no further than this; the rest stays unmarked. */
export const MAX_TEXT = 100_000;
/** Nothing readable nests deeper, in a piece or above it; going on would exhaust the stack. */
export const MAX_DEPTH = 500;

const BLOCKS = new Set(
  "ADDRESS ARTICLE ASIDE BLOCKQUOTE DD DETAILS DIV DL DT FIGCAPTION FIGURE FOOTER HEADER HR LI MAIN NAV OL P SECTION SUMMARY TABLE TBODY TD TFOOT TH THEAD TR UL".split(" "),
);
/** Blocks that hold words, not other blocks, or whose blocks belong on one line. */
const LEAVES = new Set("DD DT FIGCAPTION H1 H2 H3 H4 H5 H6 LI P SUMMARY TD TH TR".split(" "));
/** Never the writer's own sentences: code, controls, pictures, and what is not shown. */
const SKIPPED = new Set(
  "AUDIO BUTTON CANVAS IFRAME INPUT MATH NOSCRIPT OBJECT PRE SCRIPT SELECT STYLE SUP SVG TEMPLATE TEXTAREA VIDEO".split(" "),
);
const HIDDEN = '[aria-hidden="true"], [hidden], .sr-only';

/** What an element is to a reader. */
export type Kind = "break" | "code" | "skipped" | "leaf" | "block" | "inline";

export function kindOf(element: Element, skip: string): Kind {
  const tag = element.tagName.toUpperCase();
  if (tag === "BR" || tag === "HR") return "break";
  if (SKIPPED.has(tag) || element.matches(HIDDEN) || (skip !== "" && element.matches(skip))) return tag === "PRE" ? "code" : "skipped";
  if (LEAVES.has(tag)) return "leaf";
  if (!BLOCKS.has(tag)) return "inline";
  return isBold(element) ? "leaf" : "block";
}

/**
 * The words of one block, or those between two blocks, as light Markdown: a
 * line, or a few. The marks that the reading put in (`# `, `- `, `| `, `**`,
 * line ends) have no place in the document.
 */
export class Piece {
  text = "";
  private readonly runs: Run[] = [];
  /** What must stand before the next word: nothing, a space, or a new line. */
  private gap: "" | " " | "\n" = "";
  /** `# ` or `- `, held back until there is a word to put it before. */
  private mark = "";
  /** Inside a table cell: blocks there do not end the row's line. */
  private inCell = false;
  private depth = 0;
  /** The text ends with a space; to look is to make the browser join what was appended. */
  private spaced = false;

  constructor(
    private readonly skip: string,
    /** Words outside are left out; their blocks still end lines. */
    private readonly within?: Within,
  ) {}

  /** Where the first word at or behind `start` stands, and at which offset. */
  from(start: number): { at: number; point: Point } | undefined {
    const run = this.runs[search(this.runs, (one) => one.start + one.length > start)];
    if (!run) return undefined;
    const into = Math.max(start - run.start, 0);
    return { at: run.start + into, point: { node: run.node, offset: run.offset + into } };
  }

  /** Where the last word before `end` ends, and at which offset. */
  to(end: number): { at: number; point: Point } | undefined {
    const run = this.runs[search(this.runs, (one) => one.start >= end) - 1];
    if (!run) return undefined;
    const into = Math.min(end - run.start, run.length);
    return { at: run.start + into, point: { node: run.node, offset: run.offset + into } };
  }

  element(element: Element): void {
    const kind = kindOf(element, this.skip);
    if (kind === "break" || kind === "code") return this.line();
    if (kind === "skipped") return;
    if (kind === "inline") return this.children(element);
    const tag = element.tagName.toUpperCase();
    const heading = /^H([1-6])$/.exec(tag);
    if (heading) return this.block(element, `${"#".repeat(Number(heading[1]))} `);
    if (tag === "LI") return this.block(element, "- ");
    if (tag === "TR") return this.row(element);
    if (tag === "TD" || tag === "TH") return this.cell(element);
    this.block(element, this.mark === "" && isBold(element) ? "**" : "");
  }

  /** Appends a text node, each stretch of white space as one space. */
  words(node: Text): void {
    const { within } = this;
    if (within && !within.intersectsNode(node)) return;
    const first = within?.startContainer === node ? within.startOffset : 0;
    const data = node.data.slice(first, within?.endContainer === node ? within.endOffset : undefined);
    let end = 0;
    for (const found of data.matchAll(/\S+/g)) {
      const room = MAX_TEXT - this.text.length;
      if (room <= 0) return;
      if (found.index > end && this.gap === "") this.gap = " ";
      this.word(node, first + found.index, found[0].slice(0, room));
      end = found.index + found[0].length;
    }
    if (end < data.length && this.gap === "") this.gap = " ";
  }

  private children(parent: Node): void {
    if (this.depth >= MAX_DEPTH) return;
    this.depth++;
    for (let child = parent.firstChild; child; child = child.nextSibling) {
      if (this.text.length >= MAX_TEXT) break;
      if (child.nodeType === 3) this.words(child as Text);
      else if (child.nodeType === 1) this.element(child as Element);
    }
    this.depth--;
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
    if (text === "") return;
    this.text += text;
    this.spaced = text.endsWith(" ");
  }
}

/** The first index for which `there` holds; it must hold for all after it. */
export function search<T>(list: readonly T[], there: (item: T) => boolean): number {
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
  let only: Node | undefined;
  for (let child = element.firstChild; child; child = child.nextSibling) {
    const counts = child.nodeType === 1 || (child.nodeType === 3 && (child as Text).data.trim() !== "");
    if (!counts) continue;
    if (only) return false;
    only = child;
  }
  return only !== undefined && /^(STRONG|B)$/i.test(only.nodeName);
}
