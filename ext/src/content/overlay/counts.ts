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
  }

  /** Puts every count where its answer is now. All is measured before anything is moved. */
  place(): void {
    const places = [...this.buttons].map(([answer, button]) => ({ button, ...this.placeOf(answer, button) }));
    for (const { button, x, y, away } of places) {
      button.style.transform = `translate(${Math.round(x)}px, ${Math.round(y)}px)`;
      button.classList.toggle("away", away);
    }
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
    if (button.title === label && button.classList.contains(worst(marks))) return;
    button.textContent = String(marks.length);
    button.setAttribute("aria-label", label);
    button.title = label;
    button.className = `at-answer ${worst(marks)}`;
  }

  /** Beside the answer's upper corner; hidden where the page covers that, or it is scrolled away. */
  private placeOf(answer: Element, button: HTMLButtonElement): { x: number; y: number; away: boolean } {
    const box = answer.getBoundingClientRect();
    const width = button.offsetWidth || 40;
    const outside = box.right + 6 + width <= document.documentElement.clientWidth;
    const x = outside ? box.right + 6 : box.right - width;
    const y = box.top - (outside ? 0 : 14);
    if (y < 0 || y > innerHeight) return { x, y, away: true }; // in a long conversation this is most of them
    const seen = document.elementsFromPoint(Math.min(box.right, innerWidth) - 8, box.top + 6).find((element) => element !== this.host);
    const covered = !seen || !(answer.contains(seen) || seen.contains(answer));
    return { x, y, away: covered };
  }
}

/** The gravest verdict among the marks, for the count's colour. */
function worst(marks: readonly Mark[]): string {
  return ["distortion", "one-sided"].find((verdict) => marks.some(({ finding }) => finding.verdict === verdict)) ?? "framing";
}
