// SPDX-License-Identifier: Apache-2.0

/**
 * The page on which a person sees and edits what would be sent for review. It
 * is a page of the extension's own in a tab of its own: no site can read it,
 * cover it or press its buttons. One press of the button sends once what the
 * page shows at that moment; nothing else in the extension sends any text.
 */

import { VERDICTS } from "../content/overlay/card";
import { el } from "../content/overlay/elements";
import { copy } from "../content/overlay/quotation";
import { dateText, openPage, part, sure } from "../page";
import { onChange } from "../settings";
import { Reports, type Sent } from "../store/reports";
import { say, type Word } from "../words";
import { bodyOf, DeskError, deskOf, send, type Refusal } from "./desk";
import { complaint, FACTS, reportOf, TEXTS, type Draft, type Fact } from "./draft";
import { TextField } from "./texts";
import { unsend } from "./unsend";

const LANGUAGES: [string, string][] = [["ko", "한국어"], ["en", "English"], ["ja", "日本語"], ["zh", "中文"]];
/** Between a keystroke and writing the draft down. */
const SAVE_MS = 250;

const REFUSALS: Record<Refusal, Word> = {
  offline: "reportOffline",
  unreachable: "reportUnreachable",
  noDesk: "reportNoDesk",
  limit: "reportLimit",
  large: "reportLarge",
  invalid: "reportInvalid",
  full: "reportFull",
  gone: "reportNoDesk",
  failed: "reportFailed",
};

const COMPLAINTS: Record<NonNullable<ReturnType<typeof complaint>>, [Word, string]> = {
  sentence: ["reportNoSentence", "sentence"],
  sentenceLong: ["reportSentenceLong", "sentence"],
  excerptLong: ["reportExcerptLong", "before"],
  questionLong: ["reportQuestionLong", "question"],
  site: ["reportSiteWrong", "site"],
  modelLong: ["reportModelLong", "model"],
};

const reports = new Reports();

class Page {
  private timer: ReturnType<typeof setTimeout> | undefined;
  private saving: Promise<void> = Promise.resolve();
  /** What the page shows, byte for byte what is sent. */
  private body = "";

  constructor(
    private readonly draft: Draft,
    private desk: string,
  ) {}

  start(): void {
    const { draft } = this;
    part("texts", "div").append(...TEXTS.map((name) => new TextField(name, draft, () => this.changed()).element));
    if (draft.hidden > 0) part("hidden", "p").textContent = say("reportHidden", draft.hidden);
    part("hidden", "p").hidden = draft.hidden === 0;
    part("kept", "p").textContent = say(draft.private ? "reportKeptPrivate" : "reportKept");
    this.fields();
    this.facts();
    this.show();
    part("form", "form").hidden = false;
    part("form", "form").addEventListener("submit", (event) => {
      event.preventDefault();
      void this.send();
    });
    part("throw", "button").addEventListener("click", async () => {
      if (!(await sure("sure", "reportThrowSure", "reportThrow"))) return;
      clearTimeout(this.timer);
      await this.saving;
      await reports.dropDraft(draft.id);
      end("reportThrown");
    });
    addEventListener("pagehide", () => void this.save());
    onChange(({ server }) => {
      if (server === undefined) return;
      this.desk = deskOf(server);
      this.show();
    });
  }

  private fields(): void {
    const { draft } = this;
    const select = part("language", "select");
    const languages = [...LANGUAGES, ["und", say("reportOtherLanguage")]];
    select.append(...languages.map(([value = "", name = ""]) => new Option(name, value, false, value === draft.language)));
    select.addEventListener("change", () => {
      draft.language = select.value;
      this.changed();
    });
    for (const name of ["site", "model"] as const) {
      const input = part(name, "input");
      input.value = draft[name];
      input.addEventListener("input", () => {
        draft[name] = input.value;
        this.changed();
      });
    }
  }

  private facts(): void {
    const { draft } = this;
    const { rule, proposition, verdict, score, sequence, pack, classifier } = draft.about;
    const texts: Record<Fact, [Word, string]> = {
      rule: ["metaRule", `${rule}/${proposition}`],
      verdict: ["reportVerdict", `${say(VERDICTS[verdict].word)}${score > 0 ? ` · ${score}` : ""}`],
      edition: ["reportEdition", `${sequence > 0 ? sequence : say("packaged")} · ${pack}`],
      classifier: ["metaModel", classifier || say("noModel")],
    };
    part("facts", "ul").append(
      ...FACTS.map((fact) => {
        const input = el("input", { type: "checkbox", id: `with-${fact}` });
        input.checked = !draft.without.includes(fact);
        input.addEventListener("change", () => {
          draft.without = FACTS.filter((other) => (other === fact ? !input.checked : draft.without.includes(other)));
          this.changed();
        });
        const [word, text] = texts[fact];
        return el("li", {}, el("label", { class: "choice" }, input, el("span", {}, `${say(word)}: ${text}`)));
      }),
    );
  }

  private changed(): void {
    this.show();
    clearTimeout(this.timer);
    this.timer = setTimeout(() => void this.save(), SAVE_MS);
  }

  private save(): Promise<void> {
    clearTimeout(this.timer);
    if (part("form", "form").hidden) return this.saving; // it was sent or thrown away
    this.saving = this.saving.then(() => reports.saveDraft(this.draft)).catch(() => this.say(say("notDone"), true));
    return this.saving;
  }

  /** The preview is made from the bytes themselves. */
  private show(): void {
    this.body = bodyOf(reportOf(this.draft));
    part("exact", "pre").textContent = JSON.stringify(JSON.parse(this.body), null, 2);
    part("to", "p").textContent = say("reportTo", this.desk, new TextEncoder().encode(this.body).length);
  }

  private say(text: string, wrong: boolean): void {
    const said = part("said", "p");
    said.classList.toggle("wrong", wrong);
    said.textContent = text;
  }

  /** True if a desk would take it; else the field that is wrong gets the focus. */
  private fits(): boolean {
    for (const input of document.querySelectorAll("[aria-invalid]")) input.removeAttribute("aria-invalid");
    const wrong = complaint(reportOf(this.draft));
    if (!wrong) return true;
    const [word, id] = COMPLAINTS[wrong];
    const input = document.getElementById(id);
    input?.setAttribute("aria-invalid", "true");
    input?.setAttribute("aria-describedby", "said");
    input?.focus();
    this.say(say(word), true);
    return false;
  }

  private async send(): Promise<void> {
    const button = part("send", "button");
    if (button.disabled || !this.fits()) return;
    const { body, desk } = this;
    const form = part("form", "form");
    button.disabled = form.inert = true; // what is typed meanwhile would not be sent
    this.say(say("reportSending"), false);
    try {
      await this.save();
      const receipt = await send(desk, body);
      form.hidden = true;
      await this.sent({ ...receipt, desk, time: Date.now(), sentence: this.draft.texts.sentence });
    } catch (error) {
      const { refusal, detail } = error instanceof DeskError ? error : new DeskError("failed");
      this.say(say(REFUSALS[refusal], detail), true);
      button.disabled = form.inert = false;
      button.focus();
    }
  }

  private async sent(sent: Sent): Promise<void> {
    const kept = await reports.sent(this.draft, sent).then(() => true, () => false);
    part("code", "code").textContent = sent.code;
    part("dates", "p").textContent = say("reportDates", dateText(sent.time), dateText(sent.expires));
    part("receipt-note", "p").textContent = say(!kept ? "reportReceiptLost" : this.draft.private ? "reportReceiptPrivate" : "reportReceiptNote");
    part("sent", "section").hidden = false;
    part("h-sent", "h2").focus();
    const said = part("sent-said", "p");
    part("copy", "button").addEventListener("click", async () => (said.textContent = say((await copy(sent.code)) ? "copied" : "copyFailed")));
    part("options", "button").addEventListener("click", () => void chrome.runtime.openOptionsPage());
    part("delete", "button").addEventListener("click", async () => {
      if (!(await sure("sure", "reportDeleteSure", "reportDelete"))) return;
      try {
        end(await unsend(sent));
      } catch {
        said.textContent = say("reportDeleteFailed");
      }
    });
  }
}

/** Nothing is left to do here. */
function end(word: Word): void {
  part("form", "form").hidden = true;
  part("sent", "section").hidden = true;
  const over = part("over", "p");
  over.textContent = say(word);
  over.hidden = false;
  over.focus();
}

async function main(): Promise<void> {
  const { server } = await openPage();
  const draft = await reports.draft(new URLSearchParams(location.search).get("draft") ?? "");
  if (!draft) return end("reportNone");
  new Page(draft, deskOf(server)).start();
}

void main();
