// SPDX-License-Identifier: Apache-2.0

/** Judges what the user has selected, on any page; put into the page when asked for. */

import { askBackground } from "../messages";
import { OTHER_SITE } from "../report/seed";
import { settings } from "../settings";
import { say, speak, uiLang } from "../words";
import { anchor } from "./anchor";
import type { Mark } from "./answer";
import { Origins } from "./found";
import { Highlights } from "./highlight";
import { Overlay } from "./overlay/overlay";
import { Reading } from "./reader";

class SelectionCheck {
  private readonly highlights = new Highlights("haechi-selection");
  private readonly origins = new Origins();
  private readonly overlay = new Overlay(this.highlights, ({ rule, proposition }) =>
    askBackground("card", { rule, proposition, lang: uiLang() }),
    {
      report: async (finding) =>
        void (await askBackground("report", { seed: this.origins.seed(finding, OTHER_SITE), private: chrome.extension.inIncognitoContext })),
    },
  );

  async run(range: Range | undefined): Promise<void> {
    speak((await settings()).language);
    const reading = range && readRange(range);
    if (!reading || reading.text === "") return this.overlay.note(say("selectionNone"));
    this.overlay.note(say("selectionWaiting"));
    try {
      const checked = await askBackground("check", { text: reading.text });
      this.origins.remember(checked, reading);
      this.show(checked.findings.flatMap((finding) => {
        const place = anchor(finding, reading);
        const key = `${finding.start} ${finding.rule} ${finding.proposition}`;
        return place ? [{ key, finding, range: place, answer: document.documentElement }] : [];
      }));
    } catch {
      this.overlay.note(say("selectionFailed"));
    }
  }

  stop(): void {
    this.overlay.stop();
    this.highlights.clear();
  }

  private show(marks: Mark[]): void {
    this.highlights.draw(marks.map(({ finding, range }) => ({ verdict: finding.verdict, range })));
    this.overlay.show(marks);
    if (marks.length === 0) this.overlay.note(say("selectionClean"));
    else this.overlay.openList();
  }
}

/** The words of a range; selections in input fields have none. */
function readRange(range: Range): Reading {
  const { commonAncestorContainer: common } = range;
  const root = common.nodeType === Node.ELEMENT_NODE ? (common as Element) : common.parentElement;
  return new Reading(root ? [root] : [], "", { within: range });
}

declare global {
  /** The check before this one, if the page is still the same: the script may be put in again. */
  var haechiSelection: SelectionCheck | undefined;
}

globalThis.haechiSelection?.stop();
globalThis.haechiSelection = new SelectionCheck();
const selection = getSelection();
void globalThis.haechiSelection.run(selection && selection.rangeCount > 0 && !selection.isCollapsed ? selection.getRangeAt(0).cloneRange() : undefined);
