// SPDX-License-Identifier: Apache-2.0

import { imprint } from "../content/overlay/card";
import type { Card, Source } from "../engine/abi";
import type { Entry } from "../store/findings";

/** A finding with what its rule says today, as it is exported and printed. */
export interface Row extends Omit<Entry, "id" | "time"> {
  /** RFC 3339, in UTC. */
  time: string;
  title: string;
  claim: string;
  evidence: string;
  positions: { holder: string; text: string }[];
  sources: Source[];
}

/** Joins entries with their rules' texts; those of a rule that is gone stay empty. */
export async function rows(
  entries: readonly Entry[],
  cards: { of(entry: Entry): Promise<Card | undefined> },
): Promise<Row[]> {
  return Promise.all(
    entries.map(async (entry) => {
      const card = await cards.of(entry);
      const { host, rule, proposition, verdict, tier, quote, question, rules, sequence, model } = entry;
      return {
        time: new Date(entry.time).toISOString(),
        ...{ host, rule, proposition, verdict, tier, quote, question, rules, sequence, model },
        title: card?.title ?? "",
        claim: card?.claim ?? "",
        evidence: card?.correction ?? "",
        positions: card && card.verdict !== "distortion" ? card.positions : [],
        sources: card?.sources ?? [],
      };
    }),
  );
}

export function json(rows: readonly Row[]): string {
  return `${JSON.stringify({ format: "haechi-findings", version: 1, findings: rows }, null, 2)}\n`;
}

const COLUMNS: [string, (row: Row) => string][] = [
  ["time", ({ time }) => time],
  ["site", ({ host }) => host],
  ["verdict", ({ verdict }) => verdict],
  ["tier", ({ tier }) => tier],
  ["sentence", ({ quote }) => quote],
  ["question", ({ question }) => question],
  ["topic", ({ title }) => title],
  ["claim", ({ claim }) => claim],
  ["evidence", ({ evidence }) => evidence],
  ["sources", ({ sources }) => sources.map((source) => `${source.title} (${imprint(source)}) ${source.url}`).join("\n")],
  ["rule", ({ rule, proposition }) => `${rule}/${proposition}`],
  ["rules sequence", ({ sequence }) => String(sequence)],
  ["rules hash", ({ rules }) => rules],
  ["model", ({ model }) => model],
];

/**
 * RFC 4180, with a byte order mark, because spreadsheets take a file without
 * one for the system's old code page and Korean turns to rubbish.
 */
export function csv(rows: readonly Row[]): string {
  const lines = [COLUMNS.map(([name]) => name), ...rows.map((row) => COLUMNS.map(([, value]) => value(row)))];
  return `\uFEFF${lines.map((line) => line.map(cell).join(",")).join("\r\n")}\r\n`;
}

/**
 * One cell. A chatbot writes the sentence and a site shows it, so neither may
 * become a formula: what a spreadsheet would compute gets an apostrophe.
 */
function cell(text: string): string {
  const safe = /^[\s\uFEFF]*[=+\-@\t\r＝＋－＠]/.test(text) ? `'${text}` : text;
  return `"${safe.replaceAll('"', '""')}"`;
}
