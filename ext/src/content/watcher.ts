// SPDX-License-Identifier: Apache-2.0

import type { Checked } from "../engine/abi";
import type { CheckRequest } from "../engine/engine";
import { Answer, SETTLED_MS, type Mark } from "./answer";
import { readQuestion } from "./reader";
import type { Adapter } from "./sites/adapter";

/** How often a page that keeps changing is looked at. */
export const LOOK_MS = 100;
/** After a failure of the engine an unchanged answer is tried again this much later. */
export const AGAIN_MS = 3_000;
/** What was found is shown at once, but no more often than this: an old conversation has dozens of answers to judge. */
const SHOW_MS = 50;
/** A look reads no further answer once it has taken this long; the rest is read in the next task. */
const BATCH_MS = 1.5;
/** A paragraph whose marks take longer to mend is mended less often. */
const MEND_MS = 4;
/** Looks are this much further apart than one takes: however large the page is, it has the main thread for itself. */
const SHARE = 20;
/** Where the answers are is asked anew at the latest after this, should the page change what no record tells of. */
const SCAN_MS = 1_000;

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
  /** The page's answers in reading order, each with the user's turn before it, as of the last scan. */
  private present: [Element, Element | undefined][] = [];
  private scanned = 0;
  /** Something outside the answers has changed since then. */
  private stale = true;
  /** What the user's turns say; dropped when one changes. */
  private readonly questions = new Map<Element, string>();
  /** Answers that may still get words, as of the last look. */
  private readonly writing = new Set<Answer>();
  private readonly observer = new MutationObserver((records) => this.hear(records));
  private timer: ReturnType<typeof setTimeout> | undefined;
  private due = 0;
  /** When the last look began, and how long it took. */
  private lastLook = 0;
  private looked = 0;
  /** Marks are not mended between looks before this time. */
  private mendAfter = 0;
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

  /** How many answers have words that are not judged yet, or may still get some. */
  pending(): number {
    const unread = this.present.filter(([element]) => !this.answers.has(element)).length;
    const open = (answer: Answer): boolean => answer.dirty || this.writing.has(answer) || answer.needsJudging(this.rules);
    return unread + [...this.answers.values()].filter(open).length;
  }

  private hear(records: MutationRecord[]): void {
    const touched = new Set<Answer>();
    let before: Node | undefined;
    for (const { target } of records) {
      if (target === before) continue; // a page writes many times at one place
      before = target;
      const answer = this.answerOf(target);
      if (answer) touched.add(answer);
      answer?.touch(target);
      if (!answer) this.forget(target);
    }
    this.mend(touched);
    this.wake(Math.max(LOOK_MS, SHARE * this.looked));
  }

  private answerOf(node: Node): Answer | undefined {
    for (let at: Node | null = node; at; at = at.parentNode) {
      const answer = this.answers.get(at as Element);
      if (answer) return answer;
    }
    return undefined;
  }

  /** The page has changed outside the known answers: perhaps there are others, or the user's words are. */
  private forget(node: Node): void {
    this.stale = true;
    for (let at: Node | null = node; at; at = at.parentNode) this.questions.delete(at as Element);
  }

  /**
   * A page that writes its growing paragraph anew takes the marks in it away.
   * They are put back before the browser draws, else they would flicker.
   */
  private mend(touched: ReadonlySet<Answer>): void {
    const start = performance.now();
    if (start < this.mendAfter) return;
    for (const answer of touched) {
      if (!answer.broken()) continue;
      answer.read(start);
      answer.marks(this.writing.has(answer));
    }
    const took = performance.now() - start;
    if (took > MEND_MS) this.mendAfter = start + SHARE * took;
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
    if (this.stale || now - this.scanned > SCAN_MS) this.scan(now);
    const unread = this.read(now);
    this.show(now);
    this.lastLook = now;
    this.looked = performance.now() - now;
    if (unread) this.wake(0);
    setTimeout(() => void this.judge()); // a task of its own: a message costs as much as a look
  }

  /** Finds the page's answers, and which question each answers. */
  private scan(now: number): void {
    this.present = this.adapter.exchanges(document);
    this.scanned = now;
    this.stale = false;
    const here = new Set(this.present.map(([element]) => element));
    for (const element of this.answers.keys()) if (!here.has(element)) this.answers.delete(element);
    const asked = new Set(this.present.map(([, question]) => question));
    for (const question of this.questions.keys()) if (!asked.has(question)) this.questions.delete(question);
  }

  /** Reads what is new or has changed, the newest first; true if there was not the time for all. */
  private read(now: number): boolean {
    for (const [element, question] of this.present.toReversed()) {
      let answer = this.answers.get(element);
      const fresh = !answer || answer.dirty;
      if (fresh && performance.now() - now > BATCH_MS) return true;
      if (!answer) this.answers.set(element, (answer = new Answer(this.adapter, element, now)));
      else if (fresh) answer.read(now);
      // In a virtual list the question may be gone while its answer is still shown.
      if (question) answer.question = this.questionOf(question) || answer.question;
    }
    return false;
  }

  private questionOf(turn: Element): string {
    const question = this.questions.get(turn) ?? readQuestion(this.adapter, turn);
    this.questions.set(turn, question);
    return question;
  }

  private show(now: number): void {
    const marks: Mark[] = [];
    const elements = this.present.map(([element]) => element);
    const last = elements.at(-1);
    const streaming = this.adapter.writing(document);
    this.writing.clear();
    for (const element of elements) {
      const answer = this.answers.get(element);
      if (!answer) continue;
      if (answer.writing(now, streaming && element === last, elements)) this.writing.add(answer);
      for (const mark of answer.marks(this.writing.has(answer))) marks.push(mark);
      if (answer.dirty) this.wake(0);
    }
    // Once they have settled, what was held back as unfinished may be shown.
    if (this.writing.size > 0) this.wake(SETTLED_MS);
    this.around.show(marks);
  }

  /** Judges what waits, one answer after the other; the page is looked at meanwhile. */
  private async judge(): Promise<void> {
    if (this.judging) return;
    this.judging = true;
    for (let answer = this.next(); answer && !this.stopped; answer = this.next()) {
      const asked = answer.asked(this.rules);
      const { text, question } = asked;
      try {
        if (text === "") answer.empty();
        else answer.judge(asked, await this.around.check({ text, ...(question ? { question } : {}) }));
      } catch {
        answer.notBefore = performance.now() + AGAIN_MS;
      }
      this.wake(Math.max(0, this.lastLook + SHOW_MS - performance.now()));
    }
    this.judging = false;
    if ([...this.answers.values()].some((answer) => answer.needsJudging(this.rules))) this.wake(AGAIN_MS);
  }

  /** The newest answer that waits to be judged. */
  private next(): Answer | undefined {
    const now = performance.now();
    const waits = ([element]: [Element, unknown]): boolean => {
      const answer = this.answers.get(element);
      return answer !== undefined && answer.notBefore <= now && answer.needsJudging(this.rules);
    };
    const [element] = this.present.findLast(waits) ?? [];
    return element && this.answers.get(element);
  }
}
