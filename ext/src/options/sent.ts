// SPDX-License-Identifier: Apache-2.0

/** The part of the options that lists drafts and what was sent for review. */

import { el } from "../content/overlay/elements";
import { copy } from "../content/overlay/quotation";
import { dateText, part, sure, timeText } from "../page";
import type { Draft } from "../report/draft";
import { unsend } from "../report/unsend";
import { Reports, type Sent } from "../store/reports";
import { say, type Word } from "../words";

const reports = new Reports();

/** Shows the lists, and again whenever they change. */
export async function showReports(): Promise<void> {
  Reports.onChange(() => void list());
  await list();
}

async function list(): Promise<void> {
  const [drafts, sent] = await Promise.all([reports.drafts(), reports.allSent(Date.now())]);
  part("drafts", "ul").replaceChildren(...drafts.map(draftItem));
  part("h-drafts", "h3").hidden = drafts.length === 0;
  part("sent", "ul").replaceChildren(...sent.map(sentItem));
  part("sent-none", "p").hidden = sent.length > 0;
}

function draftItem(draft: Draft): HTMLLIElement {
  const sentence = draft.texts.sentence;
  const go = el("a", { class: "button", href: `report.html?draft=${draft.id}`, target: "_blank", "aria-label": `${say("reportContinue")}: ${sentence}` }, say("reportContinue"));
  const drop = press("reportThrow", sentence, () => ask("reportThrowSure", "reportThrow", async () => (await reports.dropDraft(draft.id), "reportThrown")));
  return el("li", {}, el("p", { class: "words" }, sentence), el("p", { class: "note" }, timeText(draft.created)), el("p", { class: "row" }, go, drop));
}

function sentItem(sent: Sent): HTMLLIElement {
  const copier = press("reportCopyCode", sent.sentence, async () => tell((await copy(sent.code)) ? "copied" : "copyFailed"));
  const remover = press("reportDelete", sent.sentence, () => ask("reportDeleteSure", "reportDelete", () => unsend(sent)));
  return el(
    "li",
    { "data-code": sent.code },
    el("p", { class: "words" }, sent.sentence),
    el("p", { class: "note" }, `${say("reportDates", dateText(sent.time), dateText(sent.expires))} · ${new URL(sent.desk).host}`),
    el("p", { class: "row" }, el("code", {}, sent.code), copier, remover),
  );
}

function press(word: Word, about: string, work: () => Promise<void>): HTMLButtonElement {
  const button = el("button", { type: "button", "aria-label": `${say(word)}: ${about}` }, say(word));
  button.addEventListener("click", () => void work());
  return button;
}

/** Asks before what cannot be undone, and says what became of it. */
async function ask(question: Word, yes: Word, work: () => Promise<Word>): Promise<void> {
  if (!(await sure("sent-sure", question, yes))) return;
  tell(await work().catch((): Word => "reportDeleteFailed"));
  await list();
  part("h-sent", "h2").focus(); // the button that had the focus may be gone
}

function tell(word: Word): void {
  part("sent-said", "p").textContent = say(word);
}
