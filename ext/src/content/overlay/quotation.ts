// SPDX-License-Identifier: Apache-2.0

import type { Card, Finding } from "../../engine/abi";
import { say } from "../../words";
import { imprint, VERDICTS, words } from "./card";

/** A finding as plain text to be pasted elsewhere: what was said, what is wrong, where to read it. */
export function quotation(finding: Pick<Finding, "verdict" | "quote" | "tier">, card: Card): string {
  const paragraphs = [
    `[${say(VERDICTS[finding.verdict].word)}] “${words(finding)}”`,
    `${say("claim")}: ${card.claim}`,
  ];
  if (card.verdict !== "distortion" && card.positions.length > 0) {
    paragraphs.push([`${say("positions")}:`, ...card.positions.map(({ holder, text }) => `- ${holder}: ${text}`)].join("\n"));
  }
  if (card.correction !== "") paragraphs.push(`${say("evidence")}: ${card.correction}`);
  if (card.sources.length > 0) {
    const lines = card.sources.map((source) => `- ${source.title} (${imprint(source)}) ${source.url}`);
    paragraphs.push([`${say("sources")}:`, ...lines].join("\n"));
  }
  const edition = card.sequence > 0 ? String(card.sequence) : say("packaged");
  const origin = [
    `${say("metaRule")} ${card.rule}/${card.proposition}`,
    `${say("metaTier")} ${card.tier}`,
    `${say("metaSequence")} ${edition} (${card.rules.slice(0, 8)})`,
    `${say("metaModel")} ${card.model || say("noModel")}`,
  ];
  paragraphs.push(`${say("name")} · ${origin.join(" · ")}`);
  return `${paragraphs.join("\n\n")}\n`;
}

/** Puts text on the clipboard; false where the browser does not let it. */
export async function copy(text: string): Promise<boolean> {
  try {
    await navigator.clipboard.writeText(text);
    return true;
  } catch {
    return false; // the page's policy or the person said no
  }
}
