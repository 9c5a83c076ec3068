// SPDX-License-Identifier: Apache-2.0

import en from "../_locales/en/messages.json";
import ja from "../_locales/ja/messages.json";
import ko from "../_locales/ko/messages.json";
import zh from "../_locales/zh_CN/messages.json";
import type { Lang } from "./engine/abi";

/** Every message there is: a key that is not in _locales/ko does not compile. */
export type Word = keyof typeof ko;

/** The language a person has chosen for Haechi; auto is that of the browser's own menus. */
export type Language = "auto" | Lang;

/**
 * The tables lie in each script, because the browser's own lookup knows only
 * the language of its menus, and a content script can read no file at once.
 */
const TABLES: Record<Lang, Record<Word, { message: string }>> = { ko, en, ja, zh };

let chosen: Language = "auto";
/** The language of the browser's menus; it asks the browser once, not for every word. */
let menus: Lang | undefined;

/** From now on words come in this language. */
export function speak(language: Language): void {
  chosen = language;
}

/** A message in the chosen language. `$1` is the first value; `$1[day|days]` is the value with the one word for 1 and the other for all else. */
export function say(word: Word, ...values: (string | number)[]): string {
  return TABLES[uiLang()][word].message.replace(/\$(\d)(?:\[([^|\]]*)\|([^\]]*)\])?/g, (_, n: string, one?: string, many?: string) => {
    const value = String(values[Number(n) - 1] ?? "");
    return many === undefined ? value : `${value} ${value === "1" ? one : many}`;
  });
}

/** The chosen language, or that of the browser's menus as far as Haechi has it. */
export function uiLang(): Lang {
  if (chosen !== "auto") return chosen;
  menus ??= langOf(chrome.i18n.getUILanguage());
  return menus;
}

function langOf(tag: string): Lang {
  const lang = tag.slice(0, 2);
  return lang === "en" || lang === "ja" || lang === "zh" ? lang : "ko";
}

/** The same as a tag for `lang` attributes and dates. */
export function uiTag(): string {
  const lang = uiLang();
  return lang === "zh" ? "zh-CN" : lang;
}
