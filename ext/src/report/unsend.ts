// SPDX-License-Identifier: Apache-2.0

import { Reports, type Sent } from "../store/reports";
import type { Word } from "../words";
import { DeskError, remove } from "./desk";

/** Has a report deleted at the desk it was sent to and forgets its receipt; says what became of it. */
export async function unsend({ desk, code }: Sent): Promise<Word> {
  let said: Word = "reportDeleted";
  await remove(desk, code).catch((error: unknown) => {
    if (!(error instanceof DeskError && error.refusal === "gone")) throw error;
    said = "reportWasGone";
  });
  await new Reports().dropSent(code);
  return said;
}
