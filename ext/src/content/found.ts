// SPDX-License-Identifier: Apache-2.0

import type { Checked, Finding } from "../engine/abi";
import { excerpt, type Seed } from "../report/seed";
import { QUESTION_EXCERPT, type Found } from "../store/findings";

/** `text` is the whole of what was judged; all findings of one answer share it. */
type Judged = Pick<Found, "question" | "rules" | "sequence" | "model"> & { text: string };

/** Remembers for each finding by what it was judged and on which question. */
export class Origins {
  private readonly origins = new WeakMap<Finding, Judged>();

  remember({ findings, rules, sequence, model }: Checked, { text, question = "" }: { text: string; question?: string }): void {
    const origin = { question: question.slice(0, QUESTION_EXCERPT), rules, sequence, model, text };
    for (const finding of findings) this.origins.set(finding, origin);
  }

  /** A finding with its origin, as it is kept and listed. */
  found(finding: Finding): Found {
    const { rule, proposition, verdict, tier, quote } = finding;
    const { question, rules, sequence, model } = this.origin(finding);
    return { rule, proposition, verdict, tier, quote, question, rules, sequence, model };
  }

  /** What of it somebody may send for review. */
  seed(finding: Finding, site: string): Seed {
    const { rule, proposition, verdict, score } = finding;
    const { text, question, rules, sequence, model } = this.origin(finding);
    return { ...excerpt(text, finding), question, site, rule, proposition, verdict, score, sequence, pack: rules, classifier: model };
  }

  private origin(finding: Finding): Judged {
    return this.origins.get(finding) ?? { question: "", rules: "", sequence: 0, model: "", text: finding.quote };
  }
}
