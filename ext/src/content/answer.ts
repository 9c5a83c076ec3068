// SPDX-License-Identifier: Apache-2.0

import type { Checked, Finding } from "../engine/abi";
import { anchor, unfinished } from "./anchor";
import { readAnswer, readQuestion, type Reading } from "./reader";
import type { Adapter } from "./sites/adapter";

/** A finding at its place in the page. */
export interface Mark {
  /** Tells the same finding in a later reading of the same answer. */
  key: string;
  finding: Finding;
  range: Range;
  answer: Element;
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
  question: string;
  private readonly id = ++answers;
  private changed: number;
  private found: { finding: Finding; unfinished: boolean }[] = [];
  /** What was last judged: text, question and rules. Empty: nothing yet. */
  private judged = "";
  private judgedText = "";
  /** The marks as last made; dropped when the words or the findings change. */
  private made: { writing: boolean; marks: Mark[] } | undefined;
  /** Not to be judged again before this time; set when judging failed. */
  notBefore = 0;

  constructor(
    private readonly adapter: Adapter,
    readonly element: Element,
    now: number,
  ) {
    this.reading = readAnswer(adapter, element);
    this.question = readQuestion(adapter, element);
    this.changed = now;
  }

  /** Reads the page again. */
  read(now: number): void {
    const reading = readAnswer(this.adapter, this.element);
    if (reading.text !== this.reading.text) {
      this.changed = now;
      this.notBefore = 0;
    }
    this.reading = reading;
    this.made = undefined;
    // In a virtual list the question may be gone while its answer is still shown.
    this.question = readQuestion(this.adapter, this.element) || this.question;
  }

  /** True while words may still come: the last sentence may not be whole. */
  writing(now: number, streaming: boolean): boolean {
    const still = now - this.changed;
    if (streaming) return still < STALLED_MS;
    return still < SETTLED_MS && (still < DONE_MS || !this.adapter.finished(this.element));
  }

  needsJudging(rules: string): boolean {
    return this.reading.text !== "" ? this.judged !== this.subject(rules) : this.found.length > 0;
  }

  /** Names what a judgement is about, so that a late one is known for what it is. */
  subject(rules: string): string {
    return `${rules}\0${this.question}\0${this.reading.text}`;
  }

  judge(subject: string, text: string, checked: Checked): void {
    this.judged = subject;
    this.judgedText = text;
    this.made = undefined;
    this.found = checked.findings.map((finding) => ({ finding, unfinished: unfinished(finding, text) }));
  }

  /** Says that there is nothing to judge. */
  empty(): void {
    this.judged = "";
    this.found = [];
    this.made = undefined;
  }

  /** The findings at their places in the page as it is now. */
  marks(writing: boolean): Mark[] {
    if (this.made?.writing === writing) return this.made.marks;
    const marks: Mark[] = [];
    for (const { finding, unfinished } of this.found) {
      if (unfinished && (writing || this.reading.text !== this.judgedText)) continue;
      const range = anchor(finding, this.reading);
      if (!range) continue;
      const key = `${this.id} ${finding.rule} ${finding.proposition} ${finding.quote}`;
      marks.push({ key, finding, range, answer: this.element });
    }
    this.made = { writing, marks };
    return marks;
  }
}
