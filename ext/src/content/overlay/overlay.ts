// SPDX-License-Identifier: Apache-2.0

import type { Card, Finding } from "../../engine/abi";
import { say, uiLang, type Word } from "../../words";
import type { Mark } from "../answer";
import type { Highlights } from "../highlight";
import { cardBody, cardWaiting, verdictChip, words } from "./card";
import { Counts } from "./counts";
import { button, el } from "./elements";
import { Notice } from "./notice";
import { lineAt, PointerWatch } from "./pointer";
import { place as placeCard } from "./place";
import css from "./overlay.css";
import { copy, quotation } from "./quotation";
import { pageIsDark } from "./theme";

/** Asks for the text of a finding's card. */
export type CardSource = (finding: Finding) => Promise<Card>;

/** What a person may do about a finding beside reading of it. */
export interface Actions {
  /** "Not a problem here": the mark goes and stays away. */
  dismiss?(finding: Finding): Promise<void>;
  restore?(finding: Finding): Promise<void>;
  /** Opens a page of ours where it may be sent for review; nothing is sent before that. */
  report(finding: Finding): Promise<void>;
}

interface OpenCard {
  mark: Mark;
  /** Pinned stays until it is closed; else it goes when the pointer leaves. */
  pinned: boolean;
  /** Which line of the sentence the card keeps to. */
  x: number;
  y: number;
  /** What had the focus before, to give it back. */
  opener: Element | null;
}

/** Marks the element that holds the overlay. */
const HOST = "data-haechi";

/**
 * All that Haechi puts over a page: a button with the count, the list behind
 * it, and the card of one sentence. It lives in one element with a closed
 * shadow root, so that neither the page's styles nor its scripts reach in.
 */
export class Overlay {
  private readonly host = el("div", { [HOST]: "" });
  private readonly shadow = this.host.attachShadow({ mode: "closed" });
  private readonly root = el("div", { class: "root", lang: uiLang() });
  private readonly launcher = button(say("listTitle"), "launcher", () => this.toggleList());
  private readonly list = el("section", { class: "panel list", "aria-label": say("listTitle"), tabindex: "-1" });
  private readonly card = el("section", { class: "panel card", role: "dialog", "aria-labelledby": "card-title", tabindex: "-1" });
  private readonly live = el("p", { class: "live", role: "status" });
  private readonly notice = new Notice();
  private readonly counts = new Counts(this.host, (answer, button) => {
    const first = this.marks.find((mark) => mark.answer === answer);
    if (first) this.goTo(first.key, button);
  });
  private readonly pointer: PointerWatch;
  private readonly life = new AbortController();
  private marks: Mark[] = [];
  private open: OpenCard | undefined;
  private overCard = false;
  private told = 0;
  /** The page's theme is to be looked at again. */
  private undressed = true;
  private frame = 0;
  private drawn: ReturnType<typeof setTimeout> | undefined;

  constructor(
    private readonly highlights: Highlights,
    private readonly source: CardSource,
    private readonly actions?: Actions,
  ) {
    const sheet = new CSSStyleSheet(); // not a style element: a page's own policy may forbid those
    sheet.replaceSync(css);
    this.shadow.adoptedStyleSheets = [sheet];
    this.launcher.setAttribute("aria-expanded", "false");
    this.launcher.hidden = this.list.hidden = this.card.hidden = true;
    this.root.append(this.counts.element, this.launcher, this.list, this.card, this.notice.element, this.live);
    this.shadow.append(this.root);
    this.pointer = new PointerWatch(() => this.marks, {
      rest: (mark, x, y) => {
        const here = this.marks.find(({ key }) => key === mark.key); // it may have gone while the pointer rested
        if (here && !this.open?.pinned) this.openCard({ mark: here, pinned: false, x, y, opener: null });
      },
      leave: () => {
        if (!this.open?.pinned && !this.overCard) this.closeCard();
      },
      click: (mark, x, y) => {
        this.openCard({ mark, pinned: true, x, y, opener: this.focused() });
        this.card.focus({ preventScroll: true });
      },
    });
    this.listen();
    // Firefox ends the old script at an update without a word, and starts the
    // new one in the same page: what the old one left there is dead.
    for (const left of document.querySelectorAll(`[${HOST}]`)) left.remove();
    this.attach();
  }

  /** Shows the marks of the page as it is now. */
  show(marks: Mark[]): void {
    this.attach();
    this.undressed = true;
    this.marks = marks;
    const count = String(marks.length);
    this.launcher.hidden = marks.length === 0;
    this.launcher.classList.toggle("only-one-sided", marks.every(({ finding }) => finding.verdict !== "distortion"));
    if (this.launcher.title !== say("launcher", count)) {
      this.launcher.replaceChildren(el("span", { class: "dot", "aria-hidden": "true" }), say("launcherText", count));
      this.launcher.setAttribute("aria-label", say("launcher", count));
      this.launcher.title = say("launcher", count);
    }
    if (marks.length > this.told) this.live.textContent = say("announce", count);
    this.told = marks.length;
    this.follow();
    this.counts.show(marks);
    this.arrange();
    if (marks.length === 0) this.closeList();
    else if (!this.list.hidden) this.fillList();
  }

  /** The same marks may stand elsewhere now. */
  moved(): void {
    if (this.open) this.arrange();
  }

  toggleList(): void {
    if (!this.list.hidden) return this.closeList();
    this.openList();
  }

  openList(): void {
    if (this.marks.length === 0) return;
    this.closeCard();
    this.dress();
    this.fillList();
    this.list.hidden = false;
    this.launcher.setAttribute("aria-expanded", "true");
    this.list.querySelector<HTMLElement>("li button")?.focus();
  }

  /** Leads the eye to a sentence: into view and lit up for a moment. */
  point(mark: Mark): void {
    mark.range.startContainer.parentElement?.scrollIntoView({ block: "center" });
    this.highlights.point(mark.range);
  }

  /** Says something in place of the list. */
  note(text: string): void {
    this.attach();
    this.dress();
    this.closeCard();
    this.list.replaceChildren(this.listHeader(), el("p", { class: "note" }, text));
    this.list.hidden = false;
    this.live.textContent = text;
  }

  stop(): void {
    cancelAnimationFrame(this.frame);
    clearTimeout(this.drawn);
    this.pointer.stop();
    this.life.abort();
    this.host.remove();
  }

  /** Some pages empty their document when they start; then we come back. */
  private attach(): void {
    if (!this.host.isConnected) document.documentElement.append(this.host);
  }

  private dress(): void {
    this.undressed = false;
    this.root.classList.toggle("dark", pageIsDark());
  }

  /**
   * Puts everything where it belongs, at most once a frame: after the browser
   * has laid out and drawn, so that measuring makes it do neither; while the
   * page scrolls before that, so that nothing lags behind.
   */
  private arrange(scrolling = false): void {
    if (this.marks.length === 0 && !this.open) return;
    if (this.frame !== 0 && !scrolling) return;
    cancelAnimationFrame(this.frame);
    clearTimeout(this.drawn);
    this.frame = requestAnimationFrame(() => {
      if (scrolling) return this.place();
      this.drawn = setTimeout(() => this.place());
    });
  }

  private place(): void {
    this.frame = 0;
    if (this.undressed) this.dress();
    this.counts.place();
    this.settle();
  }

  private listen(): void {
    const { signal } = this.life;
    // The page must not take keys typed here for its own shortcuts.
    for (const type of ["keydown", "keyup", "keypress"] as const) {
      this.root.addEventListener(type, (event) => {
        if (type === "keydown" && event.key === "Escape") this.escape();
        event.stopPropagation();
      });
    }
    // With the focus elsewhere Escape closes too, but the page gets it as well.
    // What a page makes up closes nothing.
    window.addEventListener("keydown", (event) => event.isTrusted && event.key === "Escape" && this.escape(), { signal });
    document.addEventListener("pointerdown", (event) => event.isTrusted && event.target !== this.host && this.clickedAway(), { signal, capture: true });
    const move = (): void => this.arrange(true);
    window.addEventListener("scroll", move, { signal, capture: true, passive: true });
    window.addEventListener("resize", move, { signal, passive: true });
    this.card.addEventListener("pointerenter", () => (this.overCard = true));
    this.card.addEventListener("pointerleave", () => {
      this.overCard = false;
      if (!this.open?.pinned) this.closeCard();
    });
    this.card.addEventListener("pointerdown", () => {
      if (this.open) this.open.pinned = true;
    });
  }

  private escape(): void {
    if (this.open) this.closeCard();
    else if (!this.notice.close()) this.closeList();
  }

  private clickedAway(): void {
    this.closeCard(false);
    this.closeList(false);
  }

  private focused(): Element | null {
    return this.shadow.activeElement ?? document.activeElement;
  }

  private fillList(): void {
    const focused = this.shadow.activeElement?.getAttribute("data-key");
    const items = this.marks.map((mark) => {
      const item = el("button", { type: "button", "data-key": mark.key }, verdictChip(mark.finding), el("span", {}, words(mark.finding)));
      item.addEventListener("click", () => this.goTo(mark.key, item));
      return el("li", {}, item);
    });
    this.list.replaceChildren(this.listHeader(), el("ul", {}, ...items));
    if (focused) this.list.querySelector<HTMLElement>(`[data-key="${CSS.escape(focused)}"]`)?.focus();
  }

  private listHeader(): HTMLElement {
    return el("header", {}, el("h2", {}, say("listTitle")), button(say("close"), "close", () => this.closeList(), "×"));
  }

  private closeList(refocus = true): void {
    if (this.list.hidden) return;
    this.list.hidden = true;
    this.launcher.setAttribute("aria-expanded", "false");
    if (refocus && !this.launcher.hidden) this.launcher.focus();
  }

  /** Brings a sentence of the list into view and opens its card. */
  private goTo(key: string, opener: Element | null): void {
    const mark = this.marks.find((other) => other.key === key);
    if (!mark) return;
    mark.range.startContainer.parentElement?.scrollIntoView({ block: "center" });
    const line = mark.range.getBoundingClientRect();
    this.openCard({ mark, pinned: true, x: line.left, y: line.top, opener });
    this.card.focus({ preventScroll: true });
  }

  private openCard(card: OpenCard): void {
    const again = this.open?.mark.key === card.mark.key;
    this.open = card;
    this.dress();
    this.highlights.bringForward(card.mark);
    if (!again || this.card.hidden) void this.fillCard(card.mark);
    this.card.hidden = false;
    this.settle();
  }

  private async fillCard(mark: Mark): Promise<void> {
    const { finding } = mark;
    const fill = (title: string, body: HTMLElement[]): void => {
      const heading = el("h2", { id: "card-title" }, verdictChip(finding), el("span", {}, title));
      this.card.replaceChildren(el("header", {}, heading, this.steps(mark)), ...body);
      this.card.scrollTop = 0;
      this.settle();
    };
    fill("", cardWaiting(finding, false));
    try {
      const text = await this.source(finding);
      if (this.open?.mark.key === mark.key) fill(text.title, [...cardBody(finding, text), this.doings(finding, text)]);
    } catch {
      if (this.open?.mark.key === mark.key) fill("", cardWaiting(finding, true));
    }
  }

  /** What can be done about a finding. */
  private doings(finding: Finding, text: Card): HTMLElement {
    const { actions } = this;
    const said = el("span", { class: "said", role: "status" });
    const copier = el("button", { type: "button" }, say("copy"));
    copier.addEventListener("click", async () => {
      said.textContent = say((await copy(quotation(finding, text))) ? "copied" : "copyFailed");
    });
    if (!actions) return el("div", { class: "doings" }, copier, said);
    const reporter = el("button", { type: "button", class: "report", title: say("reportLong") }, say("report"));
    reporter.addEventListener("click", async () => {
      said.textContent = say(await actions.report(finding).then((): Word => "reportOpened", (): Word => "notDone"));
    });
    if (!actions.dismiss) return el("div", { class: "doings" }, reporter, copier, said);
    const dismisser = el("button", { type: "button", title: say("dismissLong") }, say("dismiss"));
    dismisser.addEventListener("click", async () => {
      try {
        await actions.dismiss?.(finding);
        this.closeCard(false);
        this.notice.show(say("dismissed"), () => void actions.restore?.(finding).then(() => this.launcher.focus()));
      } catch {
        said.textContent = say("notDone");
      }
    });
    return el("div", { class: "doings" }, dismisser, reporter, copier, said);
  }

  /** Previous, next and close. */
  private steps(mark: Mark): HTMLElement {
    const index = this.marks.findIndex(({ key }) => key === mark.key);
    const step = (by: number): void => {
      const here = this.marks.findIndex(({ key }) => key === mark.key);
      const to = this.marks[(here + by + this.marks.length) % this.marks.length];
      if (to) this.goTo(to.key, this.open?.opener ?? null);
    };
    const close = button(say("close"), "close", () => this.closeCard(), "×");
    if (this.marks.length < 2) return el("nav", {}, close);
    return el(
      "nav",
      {},
      button(say("previous"), "step", () => step(-1), "‹"),
      el("span", { class: "count" }, `${index + 1}/${this.marks.length}`),
      button(say("next"), "step", () => step(1), "›"),
      close,
    );
  }

  private closeCard(refocus = true): void {
    const { open } = this;
    if (!open) return;
    const within = this.card.contains(this.shadow.activeElement);
    this.open = undefined;
    this.overCard = false;
    this.card.hidden = true;
    this.highlights.bringForward(undefined);
    if (!refocus || !within) return;
    const { opener } = open;
    if (opener instanceof HTMLElement && opener.isConnected && opener !== document.body) opener.focus({ preventScroll: true });
    else if (!this.launcher.hidden) this.launcher.focus({ preventScroll: true });
  }

  /** Keeps an open card with its sentence, or closes it when that is gone. */
  private follow(): void {
    const { open } = this;
    if (!open) return;
    const mark = this.marks.find(({ key }) => key === open.mark.key);
    if (!mark) return this.closeCard();
    if (mark.range === open.mark.range) return;
    open.mark = mark;
    this.highlights.bringForward(mark);
    this.settle();
  }

  /** Puts the open card where its sentence is now. */
  private settle(): void {
    if (!this.open) return;
    const { range } = this.open.mark;
    const whole = range.getBoundingClientRect();
    const line = lineAt(range, this.open.x, this.open.y) ?? whole;
    const box = { left: Math.max(line.left, whole.left), right: whole.right, top: whole.top, bottom: whole.bottom };
    const { style } = this.card;
    // What it would like to be: its border is not in scrollHeight.
    const size = { width: this.card.offsetWidth, height: this.card.scrollHeight + 2 };
    const at = placeCard(box, size, { width: innerWidth, height: innerHeight });
    style.left = `${at.left}px`;
    style.top = `${at.top}px`;
    style.maxHeight = `${at.height}px`;
  }
}
