// SPDX-License-Identifier: Apache-2.0

import type { Verdict } from "../engine/abi";

/** Ends of the highlights' names; highlight.css draws them. */
const DISTORTION = "-distortion";
const ONE_SIDED = "-one-sided";
const ACTIVE = "-active";

/**
 * Marks ranges without touching the page's elements: frameworks that find a
 * foreign node in their tree break, so the browser is told what to draw.
 */
export class Highlights {
  /** The ranges of each highlight are kept here too: Firefox lets no content script iterate over a Highlight. */
  private readonly drawn = new Map<string, { highlight: Highlight; ranges: Set<Range> }>();

  /** `prefix` keeps two sets of marks in one page apart. */
  constructor(private readonly prefix: "haechi" | "haechi-selection" = "haechi") {}

  private get names(): string[] {
    return [this.prefix + DISTORTION, this.prefix + ONE_SIDED];
  }

  private nameOf(verdict: Verdict): string {
    return this.prefix + (verdict === "distortion" ? DISTORTION : ONE_SIDED);
  }

  /** Brings one sentence forward: the one whose card is open. */
  bringForward(mark: { finding: { verdict: Verdict }; range: Range } | undefined): void {
    for (const name of this.names) CSS.highlights.delete(name + ACTIVE);
    if (!mark) return;
    const highlight = new Highlight(mark.range);
    highlight.priority = 1;
    CSS.highlights.set(this.nameOf(mark.finding.verdict) + ACTIVE, highlight);
  }

  draw(marks: readonly { verdict: Verdict; range: Range }[]): void {
    for (const name of this.names) {
      const wanted = new Set(marks.filter(({ verdict }) => this.nameOf(verdict) === name).map(({ range }) => range));
      const { highlight, ranges } = this.drawn.get(name) ?? { highlight: new Highlight(), ranges: new Set<Range>() };
      this.drawn.set(name, { highlight, ranges: wanted });
      for (const range of ranges) if (!wanted.has(range)) highlight.delete(range);
      for (const range of wanted) if (!ranges.has(range)) highlight.add(range);
      if (CSS.highlights.get(name) !== highlight) CSS.highlights.set(name, highlight);
    }
  }

  clear(): void {
    this.bringForward(undefined);
    for (const name of this.drawn.keys()) CSS.highlights.delete(name);
    this.drawn.clear();
  }
}
