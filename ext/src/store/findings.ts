// SPDX-License-Identifier: Apache-2.0

import type { Finding } from "../engine/abi";
import { sha256 } from "./dismissals";

/** A finding as a content script tells of it. */
export interface Found extends Pick<Finding, "rule" | "proposition" | "verdict" | "tier" | "quote"> {
  /** The beginning of the user's question; empty where there was none. */
  question: string;
  /** Hash and sequence of the rules, and the model, that judged. */
  rules: string;
  sequence: number;
  model: string;
}

/** A finding that was shown to the person, with where and when. */
export interface Entry extends Found {
  /** Hash of host, rule, proposition and quote: what is the same finding again. */
  id: string;
  host: string;
  /** When it was last shown, in ms since 1970. */
  time: number;
}

/** No more are kept, however young they are. */
export const MOST_FINDINGS = 5_000;
/** Longest excerpt of a question, in UTF-16 units. */
export const QUESTION_EXCERPT = 200;
/** Longest sentence that is kept; the engine cuts at 3,000 bytes. */
const LONGEST_QUOTE = 4_000;

const NAME = "haechi-findings";
const TABLE = "findings";
const DAY_MS = 86_400_000;

/**
 * The findings of the last days in a database of their own on this machine.
 * Nothing here is synced or sent. Private windows must not be given to `add`;
 * the background sees to that.
 */
export class Findings {
  private opened: Promise<IDBDatabase> | undefined;

  /** Keeps what was shown, and drops what is too old or too much. */
  async add(found: readonly Found[], host: string, now: number, keepDays: number): Promise<void> {
    if (keepDays <= 0) return;
    const entries = await Promise.all(found.map((one) => entryOf(one, host, now)));
    await this.write((table) => {
      for (const entry of entries) table.put(entry);
      prune(table, now - keepDays * DAY_MS);
    });
  }

  /** Drops what is older than so many days; 0 drops everything. */
  async prune(now: number, keepDays: number): Promise<void> {
    if (keepDays <= 0) return this.clear();
    await this.write((table) => prune(table, now - keepDays * DAY_MS));
  }

  /** All that is kept, the newest first. */
  async all(): Promise<Entry[]> {
    const db = await this.open();
    const entries = await settled<Entry[]>(db.transaction(TABLE).objectStore(TABLE).index("time").getAll());
    return entries.reverse();
  }

  async clear(): Promise<void> {
    await this.write((table) => void table.clear());
  }

  private async write(work: (table: IDBObjectStore) => void): Promise<void> {
    const transaction = (await this.open()).transaction(TABLE, "readwrite");
    const done = new Promise<void>((resolve, reject) => {
      transaction.oncomplete = () => resolve();
      transaction.onabort = () => reject(transaction.error);
    });
    work(transaction.objectStore(TABLE));
    await done;
    const channel = new BroadcastChannel(NAME);
    channel.postMessage(null);
    channel.close();
  }

  /** Calls back after any part of the extension has changed what is kept. */
  static onChange(listener: () => void): void {
    new BroadcastChannel(NAME).onmessage = () => listener();
  }

  private open(): Promise<IDBDatabase> {
    this.opened ??= this.connect().catch((error: unknown) => {
      this.opened = undefined; // the next call tries again
      throw error;
    });
    return this.opened;
  }

  private async connect(): Promise<IDBDatabase> {
    const request = indexedDB.open(NAME, 1);
    request.onupgradeneeded = () => request.result.createObjectStore(TABLE, { keyPath: "id" }).createIndex("time", "time");
    const db = await settled(request);
    // Another version of the extension wants it: let go, open again when asked.
    db.onversionchange = () => (db.close(), (this.opened = undefined));
    db.onclose = () => (this.opened = undefined);
    return db;
  }
}

/** Requests within one transaction run in order, so the count sees what was deleted before it. */
function prune(table: IDBObjectStore, before: number): void {
  const byAge = table.index("time");
  byAge.openKeyCursor(IDBKeyRange.upperBound(before, true)).onsuccess = function () {
    if (this.result) {
      table.delete(this.result.primaryKey);
      this.result.continue();
      return;
    }
    table.count().onsuccess = function () {
      let over = this.result - MOST_FINDINGS;
      if (over <= 0) return;
      byAge.openKeyCursor().onsuccess = function () {
        if (!this.result || over-- <= 0) return;
        table.delete(this.result.primaryKey);
        this.result.continue();
      };
    };
  };
}

function settled<T>(request: IDBRequest<T>): Promise<T> {
  return new Promise((resolve, reject) => {
    request.onsuccess = () => resolve(request.result);
    request.onerror = () => reject(request.error);
  });
}

async function entryOf(found: Found, host: string, now: number): Promise<Entry> {
  const { rule, proposition, verdict, tier, quote, question, rules, sequence, model } = found;
  const id = await sha256(JSON.stringify([host, rule, proposition, quote]));
  return { id, host, time: now, rule, proposition, verdict, tier, quote, question: question.slice(0, QUESTION_EXCERPT), rules, sequence, model };
}

/** What a content script sent, if it is what it should be: it shares a process with the site. */
export function isFound(value: unknown): value is Found {
  if (typeof value !== "object" || value === null) return false;
  const { rule, proposition, verdict, tier, quote, question, rules, sequence, model } = value as Record<keyof Found, unknown>;
  const texts = [rule, proposition, question, rules, model];
  return (
    texts.every((text) => typeof text === "string" && text.length <= 400) &&
    typeof quote === "string" && quote.length > 0 && quote.length <= LONGEST_QUOTE &&
    ["distortion", "one-sided", "framing"].includes(String(verdict)) &&
    ["A", "B", "C"].includes(String(tier)) &&
    typeof sequence === "number"
  );
}
