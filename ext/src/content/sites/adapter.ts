// SPDX-License-Identifier: Apache-2.0

import type { Site } from "../../engine/abi";

/** Matches nothing; stands for an empty list of selectors. */
const NOTHING = ":not(*)";
/** How far above an answer its turn is looked for, in elements. */
const HIGHEST_TURN = 30;
/** In `body`: the answer itself. */
export const SELF = ":scope";

/**
 * A site's selectors, made ready for one page. A selector that this browser
 * does not understand is passed over, so that one pushed for a newer browser
 * does not blind an older one.
 */
export class Adapter {
  readonly id: string;
  readonly body: readonly string[];
  readonly question: string;
  readonly skip: string;
  private readonly answer: string;
  private readonly busy: string;
  private readonly done: string;

  constructor(readonly site: Site) {
    this.id = site.id;
    this.body = site.body.filter((selector) => selector === SELF || isUnderstood(selector));
    this.question = any(site.question);
    this.skip = any(site.skip);
    this.answer = any(site.answer);
    this.busy = any(site.busy);
    this.done = any(site.done);
  }

  /** The assistant's answers below an element, in reading order. */
  answers(below: ParentNode): Element[] {
    return [...below.querySelectorAll(this.answer)].filter((element) => this.isAnswer(element));
  }

  /** The answers in reading order, each with the user's turn before it where there is one. */
  exchanges(page: ParentNode): [Element, Element | undefined][] {
    const found: [Element, Element | undefined][] = [];
    let asked: Element | undefined;
    for (const element of page.querySelectorAll(`${this.question}, ${this.answer}`)) {
      if (this.isAnswer(element)) found.push([element, asked]);
      else if (element.matches(this.question)) asked = element;
    }
    return found;
  }

  /** True while the page shows that an answer is being written. */
  writing(page: ParentNode): boolean {
    return page.querySelector(this.busy) !== null;
  }

  /**
   * True once the page shows that this answer is finished: in its turn, which
   * holds no other of the page's answers.
   */
  finished(answer: Element, answers: readonly Element[] = this.answers(answer.ownerDocument)): boolean {
    if (this.done === NOTHING) return false;
    const at = answers.indexOf(answer);
    const beside = [answers[at - 1], answers[at + 1]].filter((one) => one !== undefined);
    let turn = answer;
    let steps = HIGHEST_TURN; // the work at each step is all that lies below it
    for (let up = answer.parentElement; up && up !== up.ownerDocument.body && steps > 0; up = up.parentElement, steps--) {
      if (beside.some((other) => up.contains(other))) break;
      turn = up;
    }
    return turn.matches(this.done) || turn.querySelector(this.done) !== null;
  }

  /** An answer stands in no other answer, and never in the user's own turn. */
  private isAnswer(element: Element): boolean {
    const inside = element.parentElement?.closest(this.answer);
    return element.matches(this.answer) && !inside && !element.closest(this.question);
  }
}

/** One selector for any of a list. */
function any(selectors: readonly string[] = []): string {
  return selectors.filter(isUnderstood).join(", ") || NOTHING;
}

function isUnderstood(selector: string): boolean {
  if (typeof document === "undefined") return true;
  try {
    document.createDocumentFragment().querySelector(selector);
    return true;
  } catch {
    return false;
  }
}
