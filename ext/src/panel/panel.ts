// SPDX-License-Identifier: Apache-2.0

/**
 * The side panel: the findings of the tab beside it as they come, and those of
 * the last days. Opened as a page of its own it is told its tab in the address.
 */

import { VERDICTS } from "../content/overlay/card";
import { isEnvelope, askTab, type TabFindings } from "../messages";
import { Cards, openPage, part } from "../page";
import { onChange, type Settings } from "../settings";
import { dismissalKey } from "../store/dismissals";
import { Findings, type Entry } from "../store/findings";
import { say, type Word } from "../words";
import { download } from "./download";
import { csv, json, rows } from "./export";
import { EVERYTHING, filtered, type Filter } from "./filter";
import { Item } from "./item";

/** Shown at once; more on request, so that thousands do not freeze the panel. */
const PAGE_SIZE = 100;
const REFRESH_MS = 1_000;
const DAYS: [number, Word][] = [[0, "filterAll"], [1, "oneDay"], [7, "days"], [30, "days"]];

/** One of the list's findings; `answer` says where it stands in the open tab. */
interface Listed extends Entry {
  answer?: number;
}

type View = "tab" | "history";

const findings = new Findings();
const cards = new Cards();
const given = Number(new URLSearchParams(location.search).get("tab"));

class Panel {
  private view: View = "tab";
  private tab: TabFindings | undefined;
  private history: Entry[] = [];
  private filter: Filter = EVERYTHING;
  private shown = PAGE_SIZE;
  private drawn = "";
  private readonly titles = new Map<string, string>();
  private readonly items = new Map<string, Item>();

  constructor(private dismissed: Settings["dismissed"]) {}

  start(): void {
    this.fillSelects();
    this.listen();
    this.choose("tab");
    void this.readHistory();
    void this.follow();
  }

  private listen(): void {
    for (const view of ["tab", "history"] as const) {
      const tab = part(`view-${view}`, "button");
      tab.addEventListener("click", () => this.choose(view));
      tab.addEventListener("keydown", ({ key }) => {
        if (key !== "ArrowLeft" && key !== "ArrowRight") return;
        this.choose(view === "tab" ? "history" : "tab");
        part(`view-${this.view}`, "button").focus();
      });
    }
    const form = part("filter", "form");
    form.addEventListener("submit", (event) => event.preventDefault());
    form.addEventListener("input", () => this.readFilter());
    part("more", "button").addEventListener("click", () => {
      this.shown += PAGE_SIZE;
      void this.draw();
    });
    part("csv", "button").addEventListener("click", async () => download("haechi-findings.csv", "text/csv", csv(await rows(this.wanted(), cards))));
    part("json", "button").addEventListener("click", async () => download("haechi-findings.json", "application/json", json(await rows(this.wanted(), cards))));
    part("print", "button").addEventListener("click", async () => {
      await chrome.storage.session.set({ print: this.wanted() });
      await chrome.tabs.create({ url: chrome.runtime.getURL("print.html") });
    });
    part("options", "button").addEventListener("click", () => void chrome.runtime.openOptionsPage());
    Findings.onChange(() => void this.readHistory());
    onChange(({ dismissed }) => {
      if (!dismissed) return;
      this.dismissed = dismissed;
      void this.draw();
    });
    // Every page of the extension hears when a tab's count changes.
    chrome.runtime.onMessage.addListener((message: unknown) => {
      if (isEnvelope(message, "background") && message.type === "count") void this.readTab();
      return false;
    });
    chrome.tabs.onActivated.addListener(() => void this.readTab());
  }

  private choose(view: View): void {
    this.view = view;
    this.shown = PAGE_SIZE;
    for (const other of ["tab", "history"] as const) {
      const tab = part(`view-${other}`, "button");
      tab.setAttribute("aria-selected", String(other === view));
      tab.tabIndex = other === view ? 0 : -1;
    }
    part("found", "div").setAttribute("aria-labelledby", `view-${view}`);
    this.offer();
    void this.draw();
  }

  private async follow(): Promise<void> {
    await this.readTab();
    setTimeout(() => void this.follow(), REFRESH_MS); // after the last one ended: they never pile up
  }

  private async readTab(): Promise<void> {
    const id = await tabId();
    this.tab = id === undefined ? undefined : await askTab(id, "findings", null).catch(() => undefined);
    if (this.view === "tab") this.offer();
    await this.draw();
  }

  private async readHistory(): Promise<void> {
    this.history = await findings.all().catch(() => []); // a store that cannot be opened holds nothing
    if (this.view === "history") this.offer();
    await this.draw();
  }

  private all(): Listed[] {
    if (this.view === "history") return this.history;
    const { host = "", findings = [] } = this.tab ?? {};
    const time = Date.now();
    return findings.map((found, i) => ({ ...found, id: `${i} ${found.rule} ${found.quote}`, host, time }));
  }

  private wanted(): Listed[] {
    const title = (rule: string): string => this.titles.get(rule) ?? "";
    return filtered(this.all(), this.filter, Date.now(), title);
  }

  private readFilter(): void {
    this.filter = {
      text: part("text", "input").value,
      verdict: part("verdict", "select").value as Filter["verdict"],
      rule: part("rule", "select").value,
      host: part("host", "select").value,
      days: Number(part("days", "select").value),
    };
    this.shown = PAGE_SIZE;
    void this.draw();
  }

  private fillSelects(): void {
    const all = (): Option => [say("filterAll"), ""];
    offer(part("verdict", "select"), [all(), ...Object.entries(VERDICTS).map(([verdict, { word }]): Option => [say(word), verdict])]);
    offer(part("days", "select"), DAYS.map(([days, word]): Option => [say(word, days), String(days)]));
  }

  /** Offers the topics and sites that are there to choose from. */
  private offer(): void {
    const all = this.all();
    const rules = [...new Set(all.map(({ rule }) => rule))];
    const topics = rules.map((rule): Option => [this.titles.get(rule) ?? rule, rule]).sort(([a], [b]) => a.localeCompare(b));
    offer(part("rule", "select"), [[say("filterAll"), ""], ...topics]);
    const hosts = [...new Set(all.map(({ host }) => host))].sort();
    offer(part("host", "select"), [[say("filterAll"), ""], ...hosts.map((host): Option => [host, host])]);
    void this.learn(all);
    const { rule, host } = this.filter;
    if (part("rule", "select").value !== rule || part("host", "select").value !== host) this.readFilter();
  }

  /** Learns what rules are about; the list and the topics then say it. */
  private async learn(entries: readonly Entry[]): Promise<void> {
    const unknown = entries.filter(({ rule }, i) => !this.titles.has(rule) && entries.findIndex((one) => one.rule === rule) === i);
    if (unknown.length === 0) return;
    for (const { rule } of unknown) this.titles.set(rule, rule); // asked for once
    for (const entry of unknown) this.titles.set(entry.rule, (await cards.of(entry))?.title ?? entry.rule);
    this.offer();
    await this.draw();
  }

  private statusText(wanted: number, all: number): string {
    if (this.view === "tab") {
      if (!this.tab) return say("tabOther");
      if (this.tab.answers === 0) return say("tabEmpty");
      if (all === 0) return say(this.tab.pending > 0 ? "judging" : "tabClean");
    }
    if (all === 0) return say("historyEmpty");
    return wanted === all ? say("listed", all) : say("listedOf", wanted, all);
  }

  private async draw(): Promise<void> {
    const wanted = this.wanted();
    const visible = wanted.slice(0, this.shown);
    const gone = Object.keys(this.dismissed).length === 0 ? [] : await Promise.all(visible.map(({ rule, quote }) => dismissalKey(rule, quote)));
    const dismissed = visible.map((_, i) => Object.hasOwn(this.dismissed, gone[i] ?? ""));
    const status = this.statusText(wanted.length, this.all().length);
    const title = (rule: string): string => this.titles.get(rule) ?? rule;
    const picture = JSON.stringify([this.view, status, wanted.length, visible.map(({ id, time, rule }, i) => [id, this.view === "tab" || time, title(rule), dismissed[i]])]);
    if (picture === this.drawn) return; // a list that is drawn anew loses its focus
    this.drawn = picture;
    const focused = document.activeElement?.closest("li[data-id]");
    const [id, place] = [focused?.getAttribute("data-id"), document.activeElement?.getAttribute("data-do")];
    const items = visible.map((entry, i) => this.item(entry, title(entry.rule), dismissed[i] ?? false));
    part("list", "ul").replaceChildren(...items.map(({ element }) => element));
    const back = items.find(({ element }) => element.dataset["id"] === id)?.element;
    back?.querySelector<HTMLElement>(`[data-do="${place ?? ""}"]`)?.focus();
    part("more", "button").hidden = wanted.length <= this.shown;
    const line = part("status", "p");
    if (line.textContent !== status) line.textContent = status;
    for (const name of ["csv", "json", "print"]) part(name, "button").disabled = wanted.length === 0;
  }

  private item(entry: Listed, title: string, dismissed: boolean): Item {
    const key = `${this.view} ${entry.id}`;
    const item = this.items.get(key) ?? new Item(cards, (text) => (part("status", "p").textContent = text), tabId);
    this.items.set(key, item);
    item.show(entry, title, dismissed, this.view === "history");
    return item;
  }
}

type Option = [text: string, value: string];

/** Gives a select its options and keeps what was chosen, if it is still there. */
function offer(select: HTMLSelectElement, options: Option[]): void {
  const now = [...select.options].map(({ text, value }) => [text, value]);
  if (JSON.stringify(now) === JSON.stringify(options)) return;
  const { value } = select;
  select.replaceChildren(...options.map(([text, name]) => new Option(text, name)));
  select.value = options.some(([, name]) => name === value) ? value : "";
}

/** The tab that the panel stands beside. */
async function tabId(): Promise<number | undefined> {
  if (given > 0) return given;
  const [tab] = await chrome.tabs.query({ active: true, currentWindow: true });
  return tab?.id;
}

void openPage().then(({ dismissed }) => new Panel(dismissed).start());
