// SPDX-License-Identifier: Apache-2.0

import type { Mark } from "../answer";

/** Resting this long on a sentence opens its card; passing over it does not. */
export const REST_MS = 300;
/** The way from the sentence to the card may leave both for this long. */
export const LEAVE_MS = 350;

export interface Listener {
  /** The pointer rests on a marked sentence. */
  rest(mark: Mark, x: number, y: number): void;
  /** The pointer has left it. */
  leave(): void;
  click(mark: Mark, x: number, y: number): void;
}

/**
 * Tells which marked sentence is under the pointer. A highlight is no element
 * and gets no events, so its lines' boxes are compared with the pointer's
 * place, and only while it is over an answer that has marks.
 */
export class PointerWatch {
  private timer: ReturnType<typeof setTimeout> | undefined;
  private over: Mark | undefined;
  private frame = 0;
  private last: PointerEvent | undefined;
  private readonly life = new AbortController();

  constructor(
    private readonly marks: () => readonly Mark[],
    private readonly listener: Listener,
  ) {
    const options = { passive: true, capture: true, signal: this.life.signal };
    document.addEventListener("pointermove", (event) => this.move(event), options);
    document.addEventListener("click", (event) => this.click(event), options);
  }

  stop(): void {
    this.life.abort();
    clearTimeout(this.timer);
    cancelAnimationFrame(this.frame);
  }

  /** At most one look a frame: measuring boxes makes the browser lay out. */
  private move(event: PointerEvent): void {
    if (event.pointerType === "touch" || !event.isTrusted) return; // a page can make events, but not a person's
    this.last = event;
    if (this.frame !== 0) return;
    this.frame = requestAnimationFrame(() => {
      this.frame = 0;
      if (this.last) this.look(this.last);
    });
  }

  private look(event: PointerEvent): void {
    const mark = markAt(this.marks(), event);
    if (mark?.key === this.over?.key) return;
    this.over = mark;
    clearTimeout(this.timer);
    const { clientX, clientY } = event;
    if (mark) this.timer = setTimeout(() => this.listener.rest(mark, clientX, clientY), REST_MS);
    else this.timer = setTimeout(() => this.listener.leave(), LEAVE_MS);
  }

  private click(event: MouseEvent): void {
    if (event.button !== 0 || !event.isTrusted || !(event.target instanceof Element)) return;
    if (event.target.closest("a, button, input, textarea, summary, [role=button]")) return;
    if (getSelection()?.isCollapsed === false) return; // words were selected
    const mark = markAt(this.marks(), event);
    if (!mark) return;
    clearTimeout(this.timer);
    this.listener.click(mark, event.clientX, event.clientY);
  }
}

export function markAt(marks: readonly Mark[], event: MouseEvent): Mark | undefined {
  const target = event.target;
  if (!(target instanceof Node)) return undefined;
  return marks.find((mark) => mark.answer.contains(target) && lineAt(mark.range, event.clientX, event.clientY));
}

/** The box of the line of a range that holds a point. */
export function lineAt(range: Range, x: number, y: number): DOMRect | undefined {
  return [...range.getClientRects()].find((box) => x >= box.left && x <= box.right && y >= box.top && y <= box.bottom);
}
