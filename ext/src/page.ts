// SPDX-License-Identifier: Apache-2.0

/** What all pages of the extension have in common: language, labels, wording of facts. */

import type { Card } from "./engine/abi";
import { askBackground, type Status } from "./messages";
import { onChange, settings, type Settings } from "./settings";
import { STALE_MS } from "./sync/client";
import { say, speak, uiLang, uiTag, type Word } from "./words";

/** Prepares a page in the chosen language; it is loaded anew when that changes. */
export async function openPage(): Promise<Settings> {
  const now = await settings();
  speak(now.language);
  document.documentElement.lang = uiTag();
  label(document);
  onChange(({ language }) => language !== undefined && language !== now.language && location.reload());
  return now;
}

/** Fills what has `data-word`, and names what has `data-name`, hints in what has `data-hint`. */
function label(root: ParentNode): void {
  for (const element of root.querySelectorAll<HTMLElement>("[data-word]")) element.textContent = say(element.dataset["word"] as Word);
  for (const element of root.querySelectorAll<HTMLElement>("[data-name]")) element.setAttribute("aria-label", say(element.dataset["name"] as Word));
  for (const element of root.querySelectorAll<HTMLInputElement>("[data-hint]")) element.placeholder = say(element.dataset["hint"] as Word);
  const title = document.querySelector<HTMLElement>("title[data-title]")?.dataset["title"];
  if (title) document.title = `${say(title as Word)} · ${say("name")}`;
}

/** An element that the page's own HTML has; its absence is a mistake in the package. */
export function part<K extends keyof HTMLElementTagNameMap>(id: string, tag: K): HTMLElementTagNameMap[K] {
  const element = document.getElementById(id);
  if (element?.localName !== tag) throw new Error(`no <${tag} id="${id}"> in this page`);
  return element as HTMLElementTagNameMap[K];
}

/** The cards of rules in the page's language; undefined for a rule that is no longer there. */
export class Cards {
  private readonly known = new Map<string, Promise<Card | undefined>>();

  of({ rule, proposition }: { rule: string; proposition: string }): Promise<Card | undefined> {
    const key = `${rule}/${proposition}`;
    const card = this.known.get(key) ?? askBackground("card", { rule, proposition, lang: uiLang() }).catch(() => undefined);
    this.known.set(key, card);
    // An engine that could not answer may answer the next time.
    void card.then((got) => got ?? this.known.delete(key));
    return card;
  }
}

export function dateText(time: number): string {
  return new Date(time).toLocaleDateString(uiTag(), { year: "numeric", month: "short", day: "numeric" });
}

export function timeText(time: number): string {
  return new Date(time).toLocaleString(uiTag(), { month: "short", day: "numeric", hour: "2-digit", minute: "2-digit" });
}

const DAY_MS = 86_400_000;

/** A warning where someone may be hiding newer rules, or these have run out; empty else. */
export function staleText({ head }: Pick<Status, "head">): string {
  const unchecked = Date.now() - Date.parse(head.checked);
  if (unchecked > STALE_MS) return say("rulesUnchecked", Math.floor(unchecked / DAY_MS));
  return Date.parse(head.expires) < Date.now() ? say("rulesExpired") : "";
}

/** Edition, number and age of the rules in use. */
export function rulesText({ head }: Pick<Status, "head">): string {
  if (head.sequence === 0) return head.rules > 0 ? say("editionPackaged", head.rules) : say("packagedLong");
  const days = Math.floor((Date.now() - Date.parse(head.created)) / DAY_MS);
  const age = Number.isNaN(days) ? "" : ` · ${days < 1 ? say("today") : say("daysAgo", days)}`;
  return say("edition", head.sequence, head.rules) + age;
}

/** Asks in the dialog with an id before what cannot be undone; its text and its button have names after it. */
export async function sure(id: string, question: Word, yes: Word): Promise<boolean> {
  const dialog = part(id, "dialog");
  part(`${id}-text`, "p").textContent = say(question);
  part(`${id}-yes`, "button").textContent = say(yes);
  dialog.returnValue = "";
  dialog.showModal();
  await new Promise((resolve) => dialog.addEventListener("close", resolve, { once: true }));
  return dialog.returnValue === "yes";
}
