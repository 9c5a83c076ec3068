// SPDX-License-Identifier: Apache-2.0

import { say } from "../../words";
import type { Mark } from "../answer";
import { el } from "./elements";

/**
 * A small count at each answer that has marks. The page's own elements are not
 * touched: the counts lie over the page and follow their answers.
 */
export class Counts {
  readonly element = el("div", { class: "counts" });
  private readonly buttons = new Map<Element, HTMLButtonElement>();
  private frame = 0;

  constructor(
    private readonly host: Element,
    private readonly press: (answer: Element, button: HTMLElement) => void,
  ) {}

  show(marks: readonly Mark[]): void {
    const found = new Map<Element, Mark[]>();
    for (const mark of marks) found.set(mark.answer, [...(found.get(mark.answer) ?? []), mark]);
    for (const [answer, button] of this.buttons) {
      if (found.has(answer)) continue;
      button.remove();
      this.buttons.delete(answer);
    }
    for (const [answer, own] of found) this.label(this.buttonOf(answer), own);
    this.settle();
  }

  /** Puts every count where its answer is now, at most once a frame. */
  settle(): void {
    if (this.frame !== 0 || this.buttons.size === 0) return;
    this.frame = requestAnimationFrame(() => {
      this.frame = 0;
      for (const [answer, button] of this.buttons) this.put(answer, button);
    });
  }

  stop(): void {
    cancelAnimationFrame(this.frame);
  }

  private buttonOf(answer: Element): HTMLButtonElement {
    const known = this.buttons.get(answer);
    if (known) return known;
    const button = el("button", { type: "button", class: "at-answer" });
    button.addEventListener("click", () => this.press(answer, button));
    this.buttons.set(answer, button);
    this.element.append(button);
    return button;
  }

  private label(button: HTMLButtonElement, marks: readonly Mark[]): void {
    const label = say("atAnswer", marks.length);
    button.textContent = String(marks.length);
    button.setAttribute("aria-label", label);
    button.title = label;
    const worst = ["distortion", "one-sided", "framing"].find((verdict) => marks.some(({ finding }) => finding.verdict === verdict));
    button.className = `at-answer ${worst ?? ""}`;
  }

  /** Beside the answer's upper corner; hidden where the page covers that, or it is scrolled away. */
  private put(answer: Element, button: HTMLButtonElement): void {
    const box = answer.getBoundingClientRect();
    const width = button.offsetWidth || 40;
    const outside = box.right + 6 + width <= document.documentElement.clientWidth;
    const x = outside ? box.right + 6 : box.right - width;
    const y = box.top - (outside ? 0 : 14);
    const seen = document.elementsFromPoint(Math.min(box.right, innerWidth) - 8, box.top + 6).find((element) => element !== this.host);
    const covered = !seen || !(answer.contains(seen) || seen.contains(answer));
    button.style.transform = `translate(${Math.round(x)}px, ${Math.round(y)}px)`;
    button.classList.toggle("away", covered || y < 0);
  }
}
