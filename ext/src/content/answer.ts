// SPDX-License-Identifier: Apache-2.0

import type { Checked, Finding } from "../engine/abi";
import { anchor, unfinished, wholeSentences } from "./anchor";
import type { Piece } from "./piece";
import { readAnswer, type Pieces, type Reading } from "./reader";
import type { Adapter } from "./sites/adapter";

/** A finding at its place in the page. It stays the same object while its words do, wherever they move. */
export interface Mark {
  /** Tells the same finding in a later reading of the same answer. */
  key: string;
  finding: Finding;
  range: Range;
  answer: Element;
}

/** What a judgement is about, so that a late one is known for what it is. */
export interface Asked {
  rules: string;
  question: string;
  /** The words that are judged. */
  text: string;
  /** All that the answer said then. */
  whole: string;
}

/** An answer that has not changed for this long is finished, whatever the site shows. */
export const SETTLED_MS = 1_500;
/** The same while the site shows that it still writes: a stall is not an end. */
export const STALLED_MS = 10_000;
/** The same once the site shows that the answer is finished: it may still be drawing. */
export const DONE_MS = 300;

let answers = 0;

/** One assistant answer in the page: what it says now, and what was found in it. */
export class Answer {
  reading: Reading;
  question = "";
  /** Its words may be other ones than those read. */
  dirty = false;
  private readonly id = ++answers;
  private pieces: Pieces = new WeakMap<Element, Piece>();
  private changed: number;
  /** Words may still come, as was last seen. */
  private open = false;
  private found: { finding: Finding; unfinished: boolean }[] = [];
  private judged: Asked | undefined;
  /** The marks as last made, and whether they are still to be held to the reading and the findings. */
  private made: { writing: boolean; marks: Mark[]; stale: boolean } = { writing: false, marks: [], stale: false };
  private ready: { whole: string; open: boolean; text: string } | undefined;
  /** Not to be judged again before this time; set when judging failed. */
  notBefore = 0;

  constructor(
    private readonly adapter: Adapter,
    readonly element: Element,
    now: number,
  ) {
    this.reading = readAnswer(adapter, element, this.pieces);
    this.changed = now;
  }

  /** The page has changed at a node of this answer. */
  touch(node: Node): void {
    this.dirty = true;
    for (let at: Node | null = node; at && at !== this.element; at = at.parentNode) this.pieces.delete(at as Element);
  }

  /** Reads the page again, as far as it was touched. */
  read(now: number): void {
    const reading = readAnswer(this.adapter, this.element, this.pieces);
    if (reading.text !== this.reading.text) {
      this.changed = now;
      this.notBefore = 0;
    }
    this.reading = reading;
    this.dirty = false;
    this.made.stale = true;
  }

  /** True while words may still come: the last sentence may not be whole. `others` are all answers of the page. */
  writing(now: number, streaming: boolean, others?: readonly Element[]): boolean {
    const still = now - this.changed;
    const writing = streaming
      ? still < STALLED_MS
      : still < SETTLED_MS && (still < DONE_MS || !this.adapter.finished(this.element, others));
    if (this.open && !writing) {
      // What is shown or left out may hang on attributes, which nobody hears change.
      this.pieces = new WeakMap<Element, Piece>();
      this.dirty = true;
    }
    this.open = writing;
    return writing;
  }

  /** What there is to judge; while it is written only its whole sentences, each when it ends. */
  asked(rules: string): Asked {
    const { open, question } = this;
    const whole = this.reading.text;
    if (this.ready?.whole !== whole || this.ready.open !== open) this.ready = { whole, open, text: open ? wholeSentences(whole) : whole };
    return { rules, question, text: this.ready.text, whole };
  }

  needsJudging(rules: string): boolean {
    const { text, question } = this.asked(rules);
    if (text === "") return this.found.length > 0;
    const { judged } = this;
    return !judged || judged.text !== text || judged.rules !== rules || judged.question !== question;
  }

  judge(asked: Asked, checked: Checked): void {
    this.judged = asked;
    this.made.stale = true;
    this.found = checked.findings.map((finding) => ({ finding, unfinished: unfinished(finding, asked.whole) }));
  }

  /** Says that there is nothing to judge. */
  empty(): void {
    this.judged = undefined;
    this.found = [];
    this.made.stale = true;
  }

  /** The findings at their places in the page as it is now. */
  marks(writing: boolean): Mark[] {
    const { made } = this;
    if (!made.stale && made.writing === writing) return made.marks;
    const old = [...made.marks];
    const marks: Mark[] = [];
    for (const { finding, unfinished } of this.found) {
      if (unfinished && (writing || this.reading.text !== this.judged?.whole)) continue;
      const key = `${this.id} ${finding.rule} ${finding.proposition} ${finding.quote}`;
      const at = old.findIndex((mark) => mark.key === key && mark.finding.verdict === finding.verdict);
      const [known] = at < 0 ? [] : old.splice(at, 1);
      const range = anchor(finding, this.reading, known?.range);
      if (!range) continue;
      if (known) known.finding = finding;
      marks.push(known ?? { key, finding, range, answer: this.element });
    }
    const same = marks.length === made.marks.length && marks.every((mark, i) => mark === made.marks[i]);
    this.made = { writing, stale: false, marks: same ? made.marks : marks };
    return this.made.marks;
  }

  /** True when the page has put other nodes, or other text, under a mark: the browser then draws nothing of it. */
  broken(): boolean {
    return this.made.marks.some(({ range }) => range.collapsed || !range.startContainer.isConnected);
  }
}
