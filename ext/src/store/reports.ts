// SPDX-License-Identifier: Apache-2.0

import type { Draft } from "../report/draft";
import type { Receipt } from "../report/desk";

/** A report that was sent, with what it takes to have it deleted. */
export interface Sent extends Receipt {
  /** Where it went. */
  desk: string;
  /** When, in ms since 1970. */
  time: number;
  sentence: string;
}

/** Nobody writes so many at once: whoever asks for more does not do so for a person. */
const MOST_DRAFTS = 100;

const NAME = "haechi-reports";
const DRAFTS = "drafts";
const SENT = "sent";
/** Before the id of a private window's draft in session storage, which content scripts cannot read. */
const PRIVATE = "draft ";

/**
 * Drafts and receipts, on this machine, in a database that pages' scripts do
 * not reach: who reads a receipt could delete the report. What comes from a
 * private window lies in the browser's memory, and its receipt nowhere.
 */
export class Reports {
  async saveDraft(draft: Draft): Promise<void> {
    if (draft.private) return chrome.storage.session.set({ [PRIVATE + draft.id]: draft });
    await this.with("readwrite", async (drafts) => {
      const others = await settled(drafts.count());
      if (others >= MOST_DRAFTS && !(await settled(drafts.getKey(draft.id)))) throw new Error("too many drafts");
      return settled(drafts.put(draft));
    });
  }

  async draft(id: string): Promise<Draft | undefined> {
    const inPrivate = (await chrome.storage.session.get(PRIVATE + id))[PRIVATE + id] as Draft | undefined;
    return inPrivate ?? this.with("readonly", (drafts) => settled<Draft | undefined>(drafts.get(id)));
  }

  /** All drafts, the newest first. */
  async drafts(): Promise<Draft[]> {
    const kept = await this.with("readonly", (drafts) => settled<Draft[]>(drafts.getAll()));
    const session = Object.entries((await chrome.storage.session.get(null)) as Record<string, Draft>);
    const inPrivate = session.filter(([key]) => key.startsWith(PRIVATE)).map(([, draft]) => draft);
    return [...kept, ...inPrivate].sort((one, other) => other.created - one.created);
  }

  async dropDraft(id: string): Promise<void> {
    await chrome.storage.session.remove(PRIVATE + id);
    await this.with("readwrite", (drafts) => settled(drafts.delete(id)));
    tell();
  }

  /** Puts the receipt in the draft's place, both or neither. */
  async sent(draft: Draft, sent: Sent): Promise<void> {
    if (draft.private) return this.dropDraft(draft.id);
    await this.with("readwrite", (drafts, receipts) => Promise.all([settled(receipts.put(sent)), settled(drafts.delete(draft.id))]));
    tell();
  }

  /** What was sent and is still at its desk as far as is known, the newest first. */
  async allSent(now: number): Promise<Sent[]> {
    const all = await this.with("readwrite", async (_, receipts) => {
      const kept = await settled<Sent[]>(receipts.getAll());
      for (const { code, expires } of kept) if (expires <= now) receipts.delete(code);
      return kept;
    });
    return all.filter(({ expires }) => expires > now).sort((one, other) => other.time - one.time);
  }

  async dropSent(code: string): Promise<void> {
    await this.with("readwrite", (_, receipts) => settled(receipts.delete(code)));
    tell();
  }

  /** Calls back after any page of the extension has changed what is kept. */
  static onChange(listener: () => void): void {
    new BroadcastChannel(NAME).onmessage = () => listener();
  }

  private async with<T>(mode: IDBTransactionMode, work: (drafts: IDBObjectStore, sent: IDBObjectStore) => Promise<T>): Promise<T> {
    const open = indexedDB.open(NAME, 1);
    open.onupgradeneeded = () => {
      open.result.createObjectStore(DRAFTS, { keyPath: "id" });
      open.result.createObjectStore(SENT, { keyPath: "code" });
    };
    const db = await settled(open);
    try {
      const transaction = db.transaction([DRAFTS, SENT], mode, { durability: "strict" });
      const done = new Promise<void>((resolve, reject) => {
        transaction.oncomplete = () => resolve();
        transaction.onabort = () => reject(transaction.error);
      });
      const [result] = await Promise.all([work(transaction.objectStore(DRAFTS), transaction.objectStore(SENT)), done]);
      return result;
    } finally {
      db.close();
    }
  }
}

/** For the lists of other open pages; what is typed into a draft is not worth it. */
function tell(): void {
  const channel = new BroadcastChannel(NAME);
  channel.postMessage(null);
  channel.close();
}

function settled<T>(request: IDBRequest<T>): Promise<T> {
  return new Promise((resolve, reject) => {
    request.onsuccess = () => resolve(request.result);
    request.onerror = () => reject(request.error);
  });
}
