// SPDX-License-Identifier: Apache-2.0

import { evidence, verdictChip, words } from "../content/overlay/card";
import { el } from "../content/overlay/elements";
import { copy, quotation } from "../content/overlay/quotation";
import { askBackground, askTab } from "../messages";
import { timeText, type Cards } from "../page";
import { siteOf, sitesInUse } from "../content/sites/sites";
import { seedOf } from "../report/seed";
import { settings } from "../settings";
import type { Entry } from "../store/findings";
import { say, type Word } from "../words";

/** One finding in the panel's list, with what can be done about it. */
export class Item {
  readonly element = el("li");
  private entry: (Entry & { answer?: number }) | undefined;
  private readonly head = el("h2", { class: "head" });
  private readonly quote = this.button("quote", "jump", () => this.jump());
  private readonly more = this.button("", "evidence", () => this.unfold());
  private readonly dismisser = this.button("", "dismiss", () => this.dismiss());
  private readonly evidence = el("div", { class: "evidence" });
  private dismissed = false;

  constructor(
    private readonly cards: Cards,
    private readonly tell: (text: string) => void,
    private readonly tab: () => Promise<number | undefined>,
  ) {
    const copier = this.button("", "copy", () => this.copy());
    copier.textContent = say("copy");
    this.more.textContent = say("evidenceShort");
    this.more.setAttribute("aria-expanded", "false");
    this.quote.title = say("jump");
    this.evidence.hidden = true;
    const reporter = this.button("", "report", () => this.report());
    reporter.textContent = say("report");
    reporter.title = say("reportLong");
    this.element.append(this.head, this.quote, el("div", { class: "row" }, this.more, copier, reporter, this.dismisser), this.evidence);
  }

  show(entry: Entry & { answer?: number }, title: string, dismissed: boolean, dated: boolean): void {
    this.entry = entry;
    this.dismissed = dismissed;
    this.element.dataset["id"] = entry.id;
    this.element.classList.toggle("dismissed", dismissed);
    const about = [title, ...(dated ? [entry.host, timeText(entry.time)] : []), ...(dismissed ? [say("dismissedMark")] : [])];
    this.head.replaceChildren(verdictChip(entry), el("span", { class: "about" }, about.join(" · ")));
    this.quote.textContent = words(entry);
    this.dismisser.textContent = say(dismissed ? "markAgain" : "dismiss");
    this.dismisser.title = dismissed ? "" : say("dismissLong");
  }

  private button(className: string, name: string, press: () => Promise<Word | undefined>): HTMLButtonElement {
    const button = el("button", { type: "button", "data-do": name });
    button.className = className;
    button.addEventListener("click", async () => {
      const word = await press().catch((): Word => "notDone");
      if (word) this.tell(say(word));
    });
    return button;
  }

  private async jump(): Promise<Word | undefined> {
    const tab = await this.tab();
    if (!this.entry || tab === undefined) return "notInTab";
    const { rule, quote, answer } = this.entry;
    const there = await askTab(tab, "jump", { rule, quote, ...(answer === undefined ? {} : { answer }) }).catch(() => false);
    return there ? undefined : "notInTab";
  }

  private async unfold(): Promise<Word | undefined> {
    const open = this.evidence.hidden;
    this.evidence.hidden = !open;
    this.more.setAttribute("aria-expanded", String(open));
    if (!open || !this.entry) return undefined;
    const { question, rule, proposition, sequence, rules, model } = this.entry;
    const card = await this.cards.of(this.entry);
    const asked = question === "" ? [] : [el("h3", {}, say("question")), el("p", {}, question)];
    const body = card ? evidence(card) : [el("p", {}, say("ruleGone"))];
    const edition = `${say("metaRule")} ${rule}/${proposition} · ${say("metaSequence")} ${sequence || say("packaged")} (${rules.slice(0, 8)}) · ${say("metaModel")} ${model || say("noModel")}`;
    this.evidence.replaceChildren(...asked, ...body, el("p", { class: "note" }, edition));
    return undefined;
  }

  private async copy(): Promise<Word | undefined> {
    const card = this.entry && (await this.cards.of(this.entry));
    if (!this.entry || !card) return "ruleGone";
    return (await copy(quotation(this.entry, card))) ? "copied" : "copyFailed";
  }

  /** From the page where the sentence still stands with what is around it, else from what is kept of it. */
  private async report(): Promise<Word | undefined> {
    if (!this.entry) return undefined;
    const { rule, quote, answer, host } = this.entry;
    const id = await this.tab();
    const tab = id === undefined ? undefined : await chrome.tabs.get(id);
    const there = answer !== undefined && id !== undefined ? await askTab(id, "seed", { rule, quote, answer }).catch(() => null) : null;
    const seed = there ?? seedOf(this.entry, siteOf({ protocol: "https:", hostname: host, pathname: "/", search: "" }, sitesInUse((await settings()).sites))?.id);
    await askBackground("report", { seed, private: tab?.incognito === true && answer !== undefined });
    return "reportOpened";
  }

  private async dismiss(): Promise<Word | undefined> {
    if (!this.entry) return undefined;
    const { rule, quote } = this.entry;
    await askBackground(this.dismissed ? "restore" : "dismiss", { rule, quote });
    return this.dismissed ? "restored" : "dismissed";
  }
}
