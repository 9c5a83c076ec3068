// SPDX-License-Identifier: Apache-2.0

import type { Dismissal } from "../messages";
import { set, settings } from "../settings";
import { dismissalKey, withDismissal, withoutDismissal, type Dismissed } from "../store/dismissals";

/** One change after the other: two tabs may dismiss at the same moment. */
let turn: Promise<void> = Promise.resolve();

function change(work: (dismissed: Dismissed) => Dismissed): Promise<void> {
  const done = turn.then(async () => set({ dismissed: work((await settings()).dismissed) }));
  turn = done.catch(() => undefined);
  return done;
}

export async function dismiss({ rule, quote }: Dismissal): Promise<void> {
  const key = await dismissalKey(rule, quote);
  await change((dismissed) => withDismissal(dismissed, key, Date.now()));
}

export async function restore({ rule, quote }: Dismissal): Promise<void> {
  const key = await dismissalKey(rule, quote);
  await change((dismissed) => withoutDismissal(dismissed, key));
}
