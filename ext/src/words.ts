// SPDX-License-Identifier: Apache-2.0

import type { Lang } from "./engine/abi";

/** Every message there is: a key that is not in _locales/ko does not compile. */
export type Word = keyof typeof import("../_locales/ko/messages.json");

/** A message in the browser's language. */
export function say(word: Word, ...values: (string | number)[]): string {
  return chrome.i18n.getMessage(word, values.map(String));
}

/** The language of the browser's own menus, as far as Haechi has it. */
export function uiLang(): Lang {
  const lang = chrome.i18n.getUILanguage().slice(0, 2);
  return lang === "en" || lang === "ja" || lang === "zh" ? lang : "ko";
}
