// SPDX-License-Identifier: Apache-2.0

import { say } from "../../words";
import { button, el } from "./elements";

/**
 * A line that says what was just done and offers to take it back. It stays
 * until it is closed or answered: nobody has to be quick.
 */
export class Notice {
  readonly element = el("div", { class: "notice", role: "group", "aria-label": say("name") });
  private readonly text = el("p", { role: "status" });

  constructor() {
    this.element.hidden = true;
  }

  /** Shows the line; `undo` is pressed at most once. */
  show(text: string, undo: () => void): void {
    const back = el("button", { type: "button", class: "undo" }, say("undo"));
    back.addEventListener("click", () => {
      this.close();
      undo();
    });
    this.element.replaceChildren(this.text, back, button(say("close"), "close", () => this.close(), "×"));
    this.element.hidden = false;
    this.text.textContent = text;
    back.focus({ preventScroll: true });
  }

  /** True if there was one to close. */
  close(): boolean {
    if (this.element.hidden) return false;
    this.element.hidden = true;
    return true;
  }
}
