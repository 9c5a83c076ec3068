// SPDX-License-Identifier: Apache-2.0

import type { Checked, Finding } from "../engine/abi";
import { QUESTION_EXCERPT, type Found } from "../store/findings";

type Judged = Pick<Found, "question" | "rules" | "sequence" | "model">;

/** Remembers for each finding by what it was judged and on which question. */
export class Origins {
  private readonly origins = new WeakMap<Finding, Judged>();

  remember({ findings, rules, sequence, model }: Checked, question: string): void {
    const origin = { question: question.slice(0, QUESTION_EXCERPT), rules, sequence, model };
    for (const finding of findings) this.origins.set(finding, origin);
  }

  /** A finding with its origin, as it is kept and listed. */
  found(finding: Finding): Found {
    const { rule, proposition, verdict, tier, quote } = finding;
    const origin = this.origins.get(finding) ?? { question: "", rules: "", sequence: 0, model: "" };
    return { rule, proposition, verdict, tier, quote, ...origin };
  }
}
