// SPDX-License-Identifier: Apache-2.0

import type { Card, Finding, Source } from "../../engine/abi";
import { say } from "../../words";
import { el } from "./elements";

/** The name of a verdict, with its sign: a shape beside the colour. */
export function verdictChip(finding: Pick<Finding, "verdict">): HTMLElement {
  const distortion = finding.verdict === "distortion";
  return el(
    "span",
    { class: `chip ${distortion ? "distortion" : "one-sided"}` },
    el("span", { class: "sign", "aria-hidden": "true" }, distortion ? "!" : "◐"),
    say(distortion ? "distortion" : "oneSided"),
  );
}

/** What a card shows before its text has come, or when it does not come. */
export function cardWaiting(finding: Finding, failed: boolean): HTMLElement[] {
  return [sentence(finding), el("p", { class: "note", role: "status" }, say(failed ? "cardFailed" : "loading"))];
}

/** The body of a card: what was said, what that claims, what the evidence says, where to read it. */
export function cardBody(finding: Finding, card: Card): HTMLElement[] {
  const parts = [sentence(finding), section(say("claim"), el("p", {}, card.claim))];
  // A rule may hold contested matters beside false ones; only the contested have sides.
  if (card.verdict !== "distortion" && card.positions.length > 0) {
    const sides = card.positions.map(({ holder, text }) => [el("dt", {}, holder), el("dd", {}, text)]);
    parts.push(section(say("positions"), el("dl", {}, ...sides.flat())));
  }
  if (card.correction !== "") parts.push(section(say("evidence"), el("p", {}, card.correction)));
  if (card.sources.length > 0) parts.push(section(say("sources"), el("ul", { class: "sources" }, ...card.sources.map(source))));
  parts.push(provenance(card));
  return parts;
}

function sentence(finding: Finding): HTMLElement {
  return el("blockquote", { "aria-label": say("sentence") }, words(finding));
}

/** A finding's words as a person reads them: a table row without its outer bars. */
export function words({ quote }: Finding): string {
  return quote.replace(/^\|\s*|\s*\|$/g, "");
}

function section(title: string, ...content: Node[]): HTMLElement {
  return el("section", {}, el("h3", {}, title), ...content);
}

function source({ title, publisher, year, url, lang }: Source): HTMLElement {
  const about = [publisher, ...(year > 0 ? [String(year)] : [])].join(", ");
  const name = isWeb(url)
    ? el("a", { href: url, target: "_blank", rel: "noopener noreferrer", lang, title: say("newTab") }, title)
    : el("span", { lang }, title);
  return el("li", {}, name, el("span", { class: "about" }, about));
}

/** Rules are signed, but a link that runs something must not be possible at all. */
function isWeb(url: string): boolean {
  try {
    return ["https:", "http:"].includes(new URL(url).protocol);
  } catch {
    return false;
  }
}

/** Which rule, edition and model judged: a verdict that cannot be traced is worth little. */
function provenance(card: Card): HTMLElement {
  const facts: [string, string][] = [
    [say("metaRule"), `${card.rule}/${card.proposition}`],
    [say("metaTier"), card.tier],
    [say("metaSequence"), card.sequence > 0 ? String(card.sequence) : say("packaged")],
    [say("metaModel"), card.model || say("noModel")],
  ];
  const items = facts.map(([name, value]) => el("span", {}, `${name} `, el("b", {}, value)));
  return el("footer", {}, ...items);
}
