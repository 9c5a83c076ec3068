// SPDX-License-Identifier: Apache-2.0

/** The printable page: the findings that the panel showed, in full, on A4. */

import { evidence, verdictChip, words } from "../content/overlay/card";
import { el } from "../content/overlay/elements";
import { Cards, dateText, openPage, part, timeText } from "../page";
import type { Entry } from "../store/findings";
import { say } from "../words";

async function article(entry: Entry, cards: Cards): Promise<HTMLElement> {
  const { host, time, question, rule, proposition, tier, sequence, rules, model } = entry;
  const card = await cards.of(entry);
  const body = card ? evidence(card) : [el("p", {}, say("ruleGone"))];
  for (const link of body.flatMap((part) => [...part.querySelectorAll("a")])) {
    link.after(el("span", { class: "url" }, link.href)); // paper has no links
  }
  const asked = question === "" ? [] : [el("h3", {}, say("question")), el("p", {}, question)];
  const facts = [
    host,
    timeText(time),
    `${say("metaRule")} ${rule}/${proposition}`,
    `${say("metaTier")} ${tier}`,
    `${say("metaSequence")} ${sequence || say("packaged")} (${rules.slice(0, 16)})`,
    `${say("metaModel")} ${model || say("noModel")}`,
  ];
  return el(
    "article",
    {},
    el("h2", {}, verdictChip(entry), card?.title ?? rule),
    ...asked,
    el("h3", {}, say("sentence")),
    el("blockquote", {}, words(entry)),
    ...body,
    el("p", { class: "note" }, facts.join(" · ")),
  );
}

async function main(): Promise<void> {
  await openPage();
  const entries = ((await chrome.storage.session.get("print"))["print"] as Entry[] | undefined) ?? [];
  part("about", "p").textContent = `${dateText(Date.now())} · ${say("listed", entries.length)}`;
  const cards = new Cards();
  part("findings", "main").append(...(await Promise.all(entries.map((entry) => article(entry, cards)))));
  part("print", "button").addEventListener("click", () => print());
}

void main();
