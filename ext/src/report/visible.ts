// SPDX-License-Identifier: Apache-2.0

/**
 * Characters that nobody sees: controls, marks of writing direction, joiners,
 * fillers, tags. A site could hide in them who its reader is, and they could
 * make a text read otherwise than it is.
 */
const UNSEEN = /(?![\n\t])[\p{Cc}\p{Cf}\p{Default_Ignorable_Code_Point}\p{Noncharacter_Code_Point}\p{Cs}\p{Co}]/gu;

/** A text without what cannot be seen in it, and how many such characters there were. */
export function visible(text: string): { text: string; hidden: number } {
  const lines = text.replace(/\r\n?|[\u2028\u2029]/g, "\n");
  const hidden = lines.match(UNSEEN)?.length ?? 0;
  return { text: hidden > 0 ? lines.replace(UNSEEN, "") : lines, hidden };
}
