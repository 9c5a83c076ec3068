// SPDX-License-Identifier: Apache-2.0

import type { Card, Finding, Source, Tier, Verdict } from "../../engine/abi";
import { say, type Word } from "../../words";
import { el } from "./elements";

/** Each verdict's name, and its sign: a shape beside the colour. */
export const VERDICTS: Record<Verdict, { word: Word; sign: string }> = {
  distortion: { word: "distortion", sign: "!" },
  "one-sided": { word: "oneSided", sign: "◐" },
  framing: { word: "framing", sign: "≈" },
};

export function verdictChip({ verdict }: Pick<Finding, "verdict">): HTMLElement {
  const { word, sign } = VERDICTS[verdict];
  return el("span", { class: `chip ${verdict}` }, el("span", { class: "sign", "aria-hidden": "true" }, sign), say(word));
}

/** What a card shows before its text has come, or when it does not come. */
export function cardWaiting(finding: Finding, failed: boolean): HTMLElement[] {
  return [sentence(finding), el("p", { class: "note", role: "status" }, say(failed ? "cardFailed" : "loading"))];
}

/** The body of a card: what was said, what that claims, what the evidence says, where to read it. */
export function cardBody(finding: Finding, card: Card): HTMLElement[] {
  return [sentence(finding), ...evidence(card), provenance(card)];
}

/** What is wrong, what the evidence says, and where to read it. */
export function evidence(card: Card): HTMLElement[] {
  const parts = [section(say("claim"), el("p", {}, bound(card.claim)))];
  // A rule may hold contested matters beside false ones; only the contested have sides.
  if (card.verdict !== "distortion" && card.positions.length > 0) {
    const sides = card.positions.map(({ holder, text }) => [el("dt", {}, holder), el("dd", {}, bound(text))]);
    parts.push(section(say("positions"), el("dl", {}, ...sides.flat())));
  }
  if (card.correction !== "") parts.push(section(say("evidence"), el("p", {}, bound(card.correction))));
  if (card.sources.length > 0) parts.push(section(say("sources"), el("ul", { class: "sources" }, ...card.sources.map(source))));
  return parts;
}

/** Korean particles stay on the line of the bracket or quotation mark before them; browsers part them. */
function bound(text: string): string {
  return text.replace(/([)\]』」》〉”’])(?=[가-힣])/g, "$1\u2060");
}

function sentence(finding: Finding): HTMLElement {
  return el("blockquote", { "aria-label": say("sentence") }, words(finding));
}

/** A finding's words as a person reads them: a table row without its outer bars. */
export function words({ quote }: Pick<Finding, "quote">): string {
  return quote.replace(/^\|\s*|\s*\|$/g, "");
}

function section(title: string, ...content: Node[]): HTMLElement {
  return el("section", {}, el("h3", {}, title), ...content);
}

function source({ title, publisher, year, url, lang }: Source): HTMLElement {
  const about = imprint({ publisher, year });
  const name = isWeb(url)
    ? el("a", { href: url, target: "_blank", rel: "noopener noreferrer", lang, title: say("newTab") }, title)
    : el("span", { lang }, title);
  return el("li", {}, name, el("span", { class: "about" }, about));
}

/** Who published a source, and when if that is known. */
export function imprint({ publisher, year }: Pick<Source, "publisher" | "year">): string {
  return year > 0 ? `${publisher}, ${year}` : publisher;
}

/** Rules are signed, but a link that runs something must not be possible at all. */
function isWeb(url: string): boolean {
  try {
    return ["https:", "http:"].includes(new URL(url).protocol);
  } catch {
    return false;
  }
}

/** What each tier means. */
export const TIERS: Record<Tier, Word> = { A: "tierA", B: "tierB", C: "tierC" };

/** Which rule, edition and model judged: a verdict that cannot be traced is worth little. */
function provenance(card: Card): HTMLElement {
  const facts: [string, string][] = [
    [say("metaRule"), `${card.rule}/${card.proposition}`],
    [say("metaTier"), `${card.tier} · ${say(TIERS[card.tier])}`],
    [say("metaSequence"), `${card.sequence > 0 ? card.sequence : say("packaged")} (${card.rules.slice(0, 8)})`],
    [say("metaModel"), card.model || say("noModel")],
  ];
  const items = facts.map(([name, value]) => el("span", {}, `${name} `, el("b", {}, value)));
  return el("footer", {}, ...items);
}
