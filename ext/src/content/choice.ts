// SPDX-License-Identifier: Apache-2.0

import type { Checked, Finding } from "../engine/abi";
import { LOWEST_SCORE, type Settings } from "../settings";
import { dismissalKey } from "../store/dismissals";

type Wishes = Pick<Settings, "tiers" | "sensitivity" | "dismissed">;

/** What of the engine's findings a person wants marked in this page. */
export class Choice {
  private wishes: Wishes = { tiers: "", sensitivity: "all", dismissed: {} };
  private said = "";
  /** Counts the changes, so that what was judged before one is known as stale. */
  edition = 0;
  /** Dismissed in a private window: forgotten with the page. */
  private readonly here = new Set<string>();

  /** Takes new settings over. */
  use({ tiers, sensitivity, dismissed }: Wishes): void {
    const said = JSON.stringify([tiers, sensitivity, dismissed]);
    if (said === this.said) return;
    this.said = said;
    this.wishes = { tiers, sensitivity, dismissed };
    this.edition++;
  }

  get tiers(): string {
    return this.wishes.tiers;
  }

  async keep({ findings, degraded }: Checked): Promise<Finding[]> {
    const { tiers, sensitivity, dismissed } = this.wishes;
    // Without a model there are no scores; patterns are sure or silent.
    const wanted = findings.filter(({ tier, score }) => tiers.includes(tier) && (degraded || score >= LOWEST_SCORE[sensitivity]));
    if (this.here.size === 0 && Object.keys(dismissed).length === 0) return wanted; // the rule, while an answer streams
    const keys = await Promise.all(wanted.map(({ rule, quote }) => dismissalKey(rule, quote)));
    return wanted.filter((_, i) => !Object.hasOwn(dismissed, keys[i] ?? "") && !this.here.has(keys[i] ?? ""));
  }

  /** Dismisses for as long as this page lives. */
  async dismissHere({ rule, quote }: Pick<Finding, "rule" | "quote">): Promise<void> {
    this.here.add(await dismissalKey(rule, quote));
    this.edition++;
  }

  async restoreHere({ rule, quote }: Pick<Finding, "rule" | "quote">): Promise<void> {
    this.here.delete(await dismissalKey(rule, quote));
    this.edition++;
  }
}
