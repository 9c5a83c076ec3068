// SPDX-License-Identifier: Apache-2.0

import { el } from "../content/overlay/elements";
import { mask, type Kind } from "../mask/mask";
import { say, type Word } from "../words";
import { unmask, type Draft, type TextName } from "./draft";

const LABELS: Record<TextName, Word> = { before: "reportBefore", sentence: "sentence", after: "reportAfter", question: "reportQuestion" };

const KINDS: Record<Kind, Word> = {
  email: "kindEmail",
  phone: "kindPhone",
  "resident-number": "kindResident",
  "foreigner-number": "kindForeigner",
  card: "kindCard",
  passport: "kindPassport",
  user: "kindUser",
  ip: "kindIp",
  name: "kindName",
};

/**
 * One text of a draft: a field to edit it in, and beneath it what was masked,
 * to be put back, and what looks personal and is not masked, to be masked.
 */
export class TextField {
  readonly element: HTMLElement;
  readonly input: HTMLTextAreaElement;
  private readonly pieces = el("ul", { class: "pieces", "aria-live": "polite" });

  constructor(
    private readonly name: TextName,
    private readonly draft: Draft,
    private readonly changed: () => void,
  ) {
    // Browsers may have a service check or go on with what is typed: not here.
    this.input = el("textarea", { id: name, rows: "2", spellcheck: "false", writingsuggestions: "false", autocomplete: "off", dir: "auto" });
    this.input.value = draft.texts[name];
    this.input.addEventListener("input", () => {
      draft.texts[name] = this.input.value;
      this.update();
    });
    this.element = el("div", { class: `text ${name}` }, el("label", { for: name }, say(LABELS[name])), this.input, this.pieces);
    this.list();
  }

  private write(text: string): void {
    this.input.value = text;
    this.draft.texts[this.name] = text;
    this.update();
    this.input.focus();
  }

  private update(): void {
    this.list();
    this.changed();
  }

  private list(): void {
    const { text, masked } = { text: this.draft.texts[this.name], masked: this.draft.masked[this.name] };
    const before = new Map<Kind, number>();
    const items = masked.flatMap((piece, i) => {
      const n = before.get(piece.kind) ?? 0;
      const restored = unmask(text, piece, n);
      if (restored === undefined) return []; // edited away
      before.set(piece.kind, n + 1);
      return this.item("reportMasked", piece.kind, piece.text, "reportUnmask", () => {
        masked.splice(i, 1);
        this.write(restored);
      });
    });
    const found = mask(text).spans.map(({ kind, start, end }) =>
      this.item("reportFound", kind, text.slice(start, end), "reportMask", () => {
        const nth = mask(text.slice(0, start)).text.split(`[${kind}]`).length - 1;
        const at = masked.findIndex((piece, i) => piece.kind === kind && masked.slice(0, i).filter((other) => other.kind === kind).length === nth);
        masked.splice(at < 0 ? masked.length : at, 0, { kind, text: text.slice(start, end) });
        this.write(`${text.slice(0, start)}[${kind}]${text.slice(end)}`);
      }),
    );
    this.pieces.replaceChildren(...items.flat(), ...found);
  }

  private item(word: Word, kind: Kind, text: string, action: Word, press: () => void): HTMLLIElement {
    const what = `${say(KINDS[kind])} “${text}”`;
    const button = el("button", { type: "button", "aria-label": `${say(action)}: ${what}` }, say(action));
    button.addEventListener("click", press);
    return el("li", {}, el("span", word === "reportFound" ? { class: "open" } : {}, say(word, what)), button);
  }
}
