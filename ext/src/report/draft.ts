// SPDX-License-Identifier: Apache-2.0

import type { Verdict } from "../engine/abi";
import { mask, type Kind } from "../mask/mask";
import { LONGEST, type Seed } from "./seed";
import { visible } from "./visible";

/** The parts of a draft that hold somebody's words. */
export const TEXTS = ["before", "sentence", "after", "question"] as const;
export type TextName = (typeof TEXTS)[number];

/** What goes with the words unless its box is cleared. */
export const FACTS = ["rule", "verdict", "edition", "classifier"] as const;
export type Fact = (typeof FACTS)[number];

/** A piece that was masked, as it stood in the text. */
export interface Piece {
  kind: Kind;
  text: string;
}

/** A report that is not sent yet, as its sender has left it. */
export interface Draft {
  id: string;
  /** In ms since 1970. */
  created: number;
  /** From a private window: it lies in memory only, and so does its receipt. */
  private: boolean;
  texts: Record<TextName, string>;
  /** What was taken out of each text. */
  masked: Record<TextName, Piece[]>;
  /** How many characters that nobody sees were left out. */
  hidden: number;
  site: string;
  language: string;
  /** The chatbot's model, which only the sender knows. */
  model: string;
  /** The facts of the finding, and which of them are left out. */
  about: Pick<Seed, "rule" | "proposition" | "verdict" | "score" | "sequence" | "pack" | "classifier">;
  without: Fact[];
}

/** A report as the review desk takes it: twin of Report in server/review/report.go. */
export interface Report {
  excerpt: string;
  sentence: string;
  question?: string;
  site: string;
  language: string;
  rule?: string;
  proposition?: string;
  verdict?: Verdict;
  score?: number;
  sequence?: number;
  pack?: string;
  classifier?: string;
  model?: string;
}

/** The first draft: masked, and without what cannot be seen. */
export function draftOf(seed: Seed, id: string, created: number, inPrivate: boolean): Draft {
  const { before, sentence, after, question, site, ...facts } = seed;
  // All digits of a score would let a reader try which name was masked.
  const about = { ...facts, score: Math.round(facts.score * 1_000) / 1_000 };
  const given: Record<TextName, string> = { before, sentence, after, question };
  let hidden = 0;
  const texts = { ...given };
  const masked: Record<TextName, Piece[]> = { before: [], sentence: [], after: [], question: [] };
  for (const name of TEXTS) {
    const seen = visible(given[name]);
    hidden += seen.hidden;
    const { text, spans } = mask(cut(seen.text, name === "sentence" ? LONGEST.sentence : LONGEST.question));
    texts[name] = text;
    masked[name] = spans.map(({ kind, start, end }) => ({ kind, text: seen.text.slice(start, end) }));
  }
  return { id, created, private: inPrivate, texts, masked, hidden, site, language: languageOf(texts.sentence), model: "", about, without: [] };
}

/**
 * What goes out, and nothing else does. Its sentence stands in its excerpt by
 * construction, and nothing in it is invisible.
 */
export function reportOf({ texts, site, language, model, about, without }: Draft): Report {
  const [before, sentence, after, question] = TEXTS.map((name) => visible(texts[name]).text) as [string, string, string, string];
  const with_ = (fact: Fact): boolean => !without.includes(fact);
  const { rule, proposition, verdict, score, sequence, pack, classifier } = about;
  return {
    excerpt: (before + sentence + after).trim(),
    sentence: sentence.trim(),
    ...filled("question", question.trim()),
    site: site.trim(),
    language: language.trim(),
    ...(with_("rule") ? { ...filled("rule", rule), ...filled("proposition", proposition) } : {}),
    ...(with_("verdict") ? { verdict, ...filled("score", score) } : {}),
    ...(with_("edition") ? { ...filled("sequence", sequence), ...filled("pack", pack) } : {}),
    ...(with_("classifier") ? filled("classifier", classifier) : {}),
    ...filled("model", visible(model).text.trim()),
  };
}

function filled<K extends string, V extends string | number>(name: K, value: V): Partial<Record<K, V>> {
  return value === "" || value === 0 ? {} : ({ [name]: value } as Record<K, V>);
}

/** What a desk would not take, as the name of its field; undefined if it would. */
export function complaint({ excerpt, sentence, question = "", site, model = "" }: Report): "sentence" | "sentenceLong" | "excerptLong" | "questionLong" | "site" | "modelLong" | undefined {
  const long = (text: string, most: number): boolean => [...text].length > most;
  if (!/\p{L}/u.test(sentence)) return "sentence";
  if (long(sentence, LONGEST.sentence)) return "sentenceLong";
  if (long(excerpt, LONGEST.excerpt)) return "excerptLong";
  if (long(question, LONGEST.question)) return "questionLong";
  if (site.length > 64 || !/^[a-z0-9]+(-[a-z0-9]+)*$/.test(site)) return "site";
  if (long(model, LONGEST.model)) return "modelLong";
  return undefined;
}

/** Puts a masked piece back: the place of the n-th of its kind, or undefined if that was edited away. */
export function unmask(text: string, { kind, text: original }: Piece, n: number): string | undefined {
  const sign = `[${kind}]`;
  let at = -1;
  for (let i = 0; i <= n; i++) {
    at = text.indexOf(sign, at + 1);
    if (at < 0) return undefined;
  }
  return text.slice(0, at) + original + text.slice(at + sign.length);
}

function cut(text: string, most: number): string {
  const characters = [...text];
  return characters.length > most ? characters.slice(0, most).join("") : text;
}

/** The language of a text by its script: twin of languageOf in server/review/report.go. */
export function languageOf(text: string): string {
  const count = (pattern: RegExp): number => text.match(pattern)?.length ?? 0;
  const hangul = count(/[\uac00-\ud7a3]/g);
  const han = count(/[\u4e00-\u9fff]/g);
  if (hangul > 0 && hangul * 3 >= han) return "ko";
  if (count(/[\u3041-\u30ff]/g) > 0) return "ja";
  return han > 0 ? "zh" : "en";
}
