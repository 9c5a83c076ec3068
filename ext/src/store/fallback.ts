// SPDX-License-Identifier: Apache-2.0

import type { Site } from "../engine/abi";
import type { RulesHead } from "../engine/engine";
import type { RuleStore, StoredIndex, StoredRules } from "./rules";

/** How long after a failed write the disk is tried again. */
export const DISK_AGAIN_MS = 60_000;

/**
 * Rules that go on being fresh where the disk is full or its files cannot be
 * opened at all: what cannot be written is held in memory, lasts as long as
 * this document, and is written as soon as the disk takes it.
 */
export class FallbackRules implements RuleStore {
  /** What the disk did not take; undefined while it has everything. */
  private held: { rules: StoredRules; sites: Site[] } | undefined;
  private again: ReturnType<typeof setTimeout> | undefined;

  constructor(
    private readonly disk: RuleStore,
    private readonly againMs = DISK_AGAIN_MS,
  ) {}

  async head(): Promise<RulesHead | undefined> {
    if (!this.held) return this.disk.head();
    const { pack: _, memory: __, index: ___, ...head } = this.held.rules;
    return head;
  }

  async load(): Promise<StoredRules | undefined> {
    return this.held ? this.held.rules : this.disk.load();
  }

  async sites(): Promise<Site[]> {
    return this.held ? this.held.sites : this.disk.sites();
  }

  async save(rules: StoredRules, sites: Site[]): Promise<void> {
    this.held = { rules, sites };
    await this.write();
  }

  /** The disk alone knows the pack to a head unless that is held, so its failure is the caller's. */
  async remember(head: RulesHead, memory: string): Promise<void> {
    if (!this.held) return this.disk.remember(head, memory);
    this.held = { ...this.held, rules: { ...this.held.rules, ...head, memory } };
    await this.write();
  }

  async keep(hash: string, index: StoredIndex): Promise<void> {
    if (!this.held) return this.disk.keep(hash, index);
    if (this.held.rules.hash === hash) this.held = { ...this.held, rules: { ...this.held.rules, index } }; // goes with the pack
  }

  async clear(): Promise<void> {
    this.held = undefined;
    clearTimeout(this.again);
    await this.disk.clear();
  }

  private async write(): Promise<void> {
    clearTimeout(this.again);
    const { held } = this;
    if (!held) return;
    try {
      await this.disk.save(held.rules, held.sites);
      if (this.held === held) this.held = undefined;
    } catch (error) {
      console.warn(`haechi: rules are kept in memory until they can be stored: ${String(error)}`);
      this.again = setTimeout(() => void this.write(), this.againMs);
    }
  }
}
