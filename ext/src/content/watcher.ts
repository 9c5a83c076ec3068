// SPDX-License-Identifier: Apache-2.0

import type { Checked } from "../engine/abi";
import type { CheckRequest } from "../engine/engine";
import { Answer, SETTLED_MS, type Mark } from "./answer";
import type { Adapter } from "./sites/adapter";

/** How often a page that keeps changing is looked at. */
export const LOOK_MS = 150;
/** After a failure of the engine an unchanged answer is tried again this much later. */
export const AGAIN_MS = 3_000;

export interface Around {
  check(request: CheckRequest): Promise<Checked>;
  /** All marks in the page, in reading order; called when they may have moved too. */
  show(marks: Mark[]): void;
}

/**
 * Follows the answers of a page. One observer for the whole document wakes one
 * timer; the timer reads what changed, moves marks, and lets at most one
 * answer be judged at a time, the newest first. A site may replace, recycle or
 * delete elements at will: everything is found anew, nothing is held on to.
 */
export class Watcher {
  private readonly answers = new Map<Element, Answer>();
  private readonly dirty = new Set<Element>();
  /** Answers that may still get words, as of the last look. */
  private readonly writing = new Set<Answer>();
  private readonly observer = new MutationObserver((records) => this.hear(records));
  private timer: ReturnType<typeof setTimeout> | undefined;
  private due = 0;
  private judging = false;
  private stopped = false;
  private rules = "";

  constructor(
    private readonly adapter: Adapter,
    private readonly around: Around,
  ) {}

  start(): void {
    this.observer.observe(document, { childList: true, characterData: true, subtree: true });
    this.wake(0);
  }

  stop(): void {
    this.stopped = true;
    this.observer.disconnect();
    clearTimeout(this.timer);
    this.answers.clear();
  }

  /** Other rules are in use: everything in the page is judged again. */
  useRules(hash: string): void {
    this.rules = hash;
    this.wake(0);
  }

  /** The answers seen so far, in reading order: none in a conversation means the site has changed. */
  elements(): Element[] {
    return this.adapter.answers(document).filter((element) => this.answers.has(element));
  }

  /** True if there are words to judge in the page. */
  reads(): boolean {
    return [...this.answers.values()].some(({ reading }) => reading.text !== "");
  }

  /** How many of them have words that are not judged yet, or may still get some. */
  pending(): number {
    const open = (element: Element, answer: Answer): boolean =>
      this.dirty.has(element) || this.writing.has(answer) || answer.needsJudging(this.rules);
    return [...this.answers].filter(([element, answer]) => open(element, answer)).length;
  }

  private hear(records: MutationRecord[]): void {
    for (const { target } of records) {
      const element = target.nodeType === Node.ELEMENT_NODE ? (target as Element) : target.parentElement;
      const answer = this.adapter.answerOf(element);
      if (answer) this.dirty.add(answer);
    }
    this.wake(LOOK_MS);
  }

  /** Looks at the page within so many milliseconds; an earlier appointment stands. */
  private wake(ms: number): void {
    const due = performance.now() + ms;
    if (this.stopped || (this.timer !== undefined && this.due <= due)) return;
    clearTimeout(this.timer);
    this.due = due;
    this.timer = setTimeout(() => {
      this.timer = undefined;
      this.look();
    }, ms);
  }

  private look(): void {
    const now = performance.now();
    const present = this.adapter.answers(document);
    const gone = new Set(this.answers.keys());
    for (const element of present) {
      gone.delete(element);
      const answer = this.answers.get(element);
      if (!answer) this.answers.set(element, new Answer(this.adapter, element, now));
      else if (this.dirty.has(element)) answer.read(now);
    }
    for (const element of gone) this.answers.delete(element);
    this.dirty.clear();
    this.show(present, now);
    void this.judge();
  }

  private show(present: readonly Element[], now: number): void {
    const marks: Mark[] = [];
    const last = present[present.length - 1];
    const streaming = this.adapter.writing(document);
    this.writing.clear();
    for (const element of present) {
      const answer = this.answers.get(element);
      if (!answer) continue;
      if (answer.writing(now, streaming && element === last)) this.writing.add(answer);
      marks.push(...answer.marks(this.writing.has(answer)));
    }
    // Once they have settled, what was held back as unfinished may be shown.
    if (this.writing.size > 0) this.wake(SETTLED_MS);
    this.around.show(marks);
  }

  private async judge(): Promise<void> {
    if (this.judging) return;
    const now = performance.now();
    const waiting = [...this.answers.values()].filter((answer) => answer.needsJudging(this.rules));
    const answer = waiting.findLast(({ notBefore }) => notBefore <= now);
    if (!answer) {
      if (waiting.length > 0) this.wake(AGAIN_MS);
      return;
    }
    if (answer.reading.text === "") {
      answer.empty();
      this.wake(0);
      return;
    }
    this.judging = true;
    const subject = answer.subject(this.rules);
    const { question } = answer;
    const { text } = answer.reading;
    try {
      answer.judge(subject, text, await this.around.check({ text, ...(question ? { question } : {}) }));
    } catch {
      answer.notBefore = performance.now() + AGAIN_MS;
    }
    this.judging = false;
    this.wake(0);
  }
}
