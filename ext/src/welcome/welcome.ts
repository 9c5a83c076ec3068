// SPDX-License-Identifier: Apache-2.0

/**
 * The page after installation. Recorded answers of chatbots are judged here by
 * the engine itself and marked as in a chat; nothing on this page is kept.
 */

import documented from "../../replica/answers.json";
import { TIERS, verdictChip } from "../content/overlay/card";
import { el } from "../content/overlay/elements";
import { Highlights } from "../content/highlight";
import { Overlay } from "../content/overlay/overlay";
import { Adapter, SELF } from "../content/sites/adapter";
import { Watcher } from "../content/watcher";
import type { Lang } from "../engine/abi";
import { askBackground } from "../messages";
import { siteNames } from "../options/sites";
import { openPage, part } from "../page";
import { say, uiLang } from "../words";

/**
 * Ids of recorded answers: one that is false, one that tells one side of a
 * dispute, and one in which there is nothing to mark. In the page's own
 * language where such an answer was recorded, else as it was given.
 */
const SAMPLES: Record<Lang, string[]> = {
  ko: ["saimdang", "yna-ieodo-en", "chosun-goguryeo-ko"],
  en: ["nis-kimchi-zh-en", "saimdang", "chosun-goguryeo-ko"],
  ja: ["nis-kimchi-zh-ja", "saimdang", "chosun-goguryeo-ko"],
  zh: ["saimdang", "yna-ieodo-en", "chosun-goguryeo-ko"],
};

/** This page as the watcher sees it. */
const HERE = new Adapter({ id: "welcome", name: "", verified: "", matches: [], answer: ["[data-answer]"], body: [SELF], question: ["[data-question]"] });

function showSamples(): void {
  for (const id of SAMPLES[uiLang()]) {
    const sample = documented.find((one) => one.id === id);
    if (!sample) throw new Error(`no recorded answer ${id}`);
    const { question, answer, lang, source, source_url: url } = sample;
    const turn = el(
      "article",
      { class: "turn" },
      el("p", { "data-question": "", lang }, question),
      el("p", { "data-answer": "", lang }, answer),
      el("p", { class: "about" }, el("a", { href: url, target: "_blank", rel: "noopener noreferrer" }, source)),
    );
    part("samples", "div").append(turn);
  }
}

/** Judges the samples as a content script does in a chat. */
function watch(tiers: string): void {
  const highlights = new Highlights();
  const overlay = new Overlay(highlights, ({ rule, proposition }) => askBackground("card", { rule, proposition, lang: uiLang() }));
  const state = part("state", "p");
  let failed = false;
  const watcher = new Watcher(HERE, {
    async check(request) {
      try {
        const checked = await askBackground("check", { ...request, tiers });
        failed = false;
        return checked;
      } catch (error) {
        failed = true;
        throw error;
      }
    },
    show(marks) {
      highlights.draw(marks.map(({ finding, range }) => ({ verdict: finding.verdict, range })));
      overlay.show(marks);
      const text = failed ? say("engineOut") : watcher.pending() > 0 ? say("judging") : say("welcomeDone", marks.length);
      if (state.textContent !== text) state.textContent = text;
    },
  });
  state.textContent = say("judging");
  watcher.useRules("welcome");
  watcher.start();
}

async function main(): Promise<void> {
  await openPage();
  showSamples();
  watch("AB");
  const verdicts = [["distortion", "A"], ["one-sided", "B"]] as const;
  part("marks", "ul").append(...verdicts.map(([verdict, tier]) => el("li", {}, verdictChip({ verdict }), ` ${say(TIERS[tier])}`)));
  const matches = chrome.runtime.getManifest().content_scripts?.flatMap(({ matches }) => matches ?? []) ?? [];
  part("sites", "ul").append(...siteNames(matches).map((host) => el("li", {}, host)));
  part("options", "button").addEventListener("click", () => void chrome.runtime.openOptionsPage());
}

void main();
