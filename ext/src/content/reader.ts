// SPDX-License-Identifier: Apache-2.0

import { kindOf, MAX_DEPTH, MAX_TEXT, Piece, search, type Point, type Within } from "./piece";
import { SELF, type Adapter } from "./sites/adapter";

/** The end of a long question says what is asked. */
export const MAX_QUESTION = 2_000;

/** What was read of an answer's blocks; whoever holds it drops those that change. */
export type Pieces = WeakMap<Element, Piece>;

/**
 * An answer as the engine reads it, light Markdown with one line a block, and
 * the way back from its offsets to the document's text nodes. It is put
 * together from pieces, so that while an answer grows only the block that
 * grows is read again.
 */
export class Reading {
  text = "";
  private readonly parts: { start: number; piece: Piece }[] = [];
  /** The words that stand in no block of their own, until a block ends them. */
  private loose: Piece | undefined;
  private depth = 0;

  constructor(
    roots: Iterable<Element>,
    private readonly skip: string,
    private readonly options: { within?: Within; pieces?: Pieces } = {},
  ) {
    for (const root of roots) {
      this.children(root);
      this.line();
    }
  }

  /** Where the text from `start` to `end` stands, without marks at its ends. */
  place(start: number, end: number): { start: Point; end: Point } | undefined {
    const first = this.first(start);
    const last = this.last(end);
    return first && last && first.at <= last.at ? { start: first.point, end: last.point } : undefined;
  }

  private first(start: number): { at: number; point: Point } | undefined {
    const from = search(this.parts, (part) => part.start + part.piece.text.length > start);
    for (const part of this.parts.slice(from, from + 2)) { // the mark at a piece's end has no place; the next has
      const found = part.piece.from(start - part.start);
      if (found) return { at: part.start + found.at, point: found.point };
    }
    return undefined;
  }

  private last(end: number): { at: number; point: Point } | undefined {
    const to = search(this.parts, (part) => part.start >= end);
    for (const part of this.parts.slice(Math.max(to - 2, 0), to).reverse()) {
      const found = part.piece.to(end - part.start);
      if (found) return { at: part.start + found.at, point: found.point };
    }
    return undefined;
  }

  private children(parent: Node): void {
    if (this.depth >= MAX_DEPTH) return;
    this.depth++;
    for (let child = parent.firstChild; child; child = child.nextSibling) {
      if (this.text.length + (this.loose?.text.length ?? 0) >= MAX_TEXT) break;
      if (child.nodeType === 3) (this.loose ??= this.piece()).words(child as Text);
      else if (child.nodeType === 1) this.element(child as Element);
    }
    this.depth--;
  }

  private element(element: Element): void {
    const kind = kindOf(element, this.skip);
    if (kind === "skipped") return;
    if (kind === "inline") return this.children(element);
    this.line();
    if (kind === "leaf") this.add(this.leaf(element));
    if (kind === "block") this.children(element);
    this.line();
  }

  private leaf(element: Element): Piece {
    const known = this.options.pieces?.get(element);
    if (known) return known;
    const piece = this.piece();
    piece.element(element);
    this.options.pieces?.set(element, piece);
    return piece;
  }

  private piece(): Piece {
    return new Piece(this.skip, this.options.within);
  }

  private line(): void {
    if (this.loose) this.add(this.loose);
    this.loose = undefined;
  }

  private add(piece: Piece): void {
    if (piece.text === "") return;
    if (this.text !== "") this.text += "\n";
    this.parts.push({ start: this.text.length, piece });
    this.text += piece.text;
  }
}

/**
 * Reads an answer of a site; several bodies in one answer follow each other.
 * A page can make an element lie about itself (a form with a field that is
 * called tagName): such an answer is empty, and the others are read all the same.
 */
export function readAnswer(adapter: Adapter, answer: Element, pieces?: Pieces): Reading {
  try {
    return readBodies(adapter, answer, pieces);
  } catch {
    return new Reading([], "");
  }
}

function readBodies(adapter: Adapter, answer: Element, pieces?: Pieces): Reading {
  const { skip } = adapter;
  const known = pieces ? { pieces } : {};
  for (const selector of adapter.body) {
    if (selector === SELF) return new Reading([answer], skip, known);
    const bodies = [...answer.querySelectorAll(selector)].filter((body) => !body.closest(skip));
    const outermost = bodies.filter((body) => !bodies.some((other) => other !== body && other.contains(body)));
    if (outermost.length > 0) return new Reading(outermost, skip, known);
  }
  return new Reading([], skip);
}

/** What the user said in a turn. */
export function readQuestion(adapter: Adapter, turn: Element): string {
  return new Reading([turn], adapter.skip).text.slice(-MAX_QUESTION);
}
