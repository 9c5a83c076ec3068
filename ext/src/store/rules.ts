// SPDX-License-Identifier: Apache-2.0

import type { Site } from "../engine/abi";
import type { RulesHead } from "../engine/engine";

/** The last pack that was verified, with its place in the server's history. */
export interface StoredRules extends RulesHead {
  /** The canonical pack, byte for byte as it was hashed; empty for the packaged one. */
  pack: string;
  /** What the engine remembers of roots and log; only it reads it. */
  memory: string;
  /** What the engine of that name worked out of the pack, so that it starts quickly. */
  index?: StoredIndex;
}

export interface StoredIndex {
  engine: string;
  bytes: Uint8Array<ArrayBuffer>;
}

/** Keeps the last good rules through restarts. */
export interface RuleStore {
  head(): Promise<RulesHead | undefined>;
  load(): Promise<StoredRules | undefined>;
  /** All or nothing: a reader sees the old rules or the new ones. */
  save(rules: StoredRules, sites: Site[]): Promise<void>;
  /** The same for a head and memory whose pack is stored already. */
  remember(head: RulesHead, memory: string): Promise<void>;
  /** Puts an index beside the stored pack if that is still the one with this hash. */
  keep(hash: string, index: StoredIndex): Promise<void>;
  /** The sites of those rules, beside the pack so that nobody has to read it; none if nothing is stored. */
  sites(): Promise<Site[]>;
  clear(): Promise<void>;
}

const NAME = "haechi";
const TABLE = "rules";

function settled<T>(request: IDBRequest<T>): Promise<T> {
  return new Promise((resolve, reject) => {
    request.onsuccess = () => resolve(request.result);
    request.onerror = () => reject(request.error);
  });
}

/**
 * True when a database will never open again: a later version of the extension
 * made it, or its files are damaged. What was in it can be had from the server.
 */
function isLost(error: unknown): boolean {
  return error instanceof DOMException && ["NotFoundError", "UnknownError", "VersionError"].includes(error.name);
}

/**
 * The rules in IndexedDB. The head lies beside the pack, so that the sync
 * client can say hello without reading megabytes; one transaction writes both.
 */
export class IndexedRules implements RuleStore {
  private async open(): Promise<IDBDatabase> {
    const open = indexedDB.open(NAME, 1);
    open.onupgradeneeded = () => open.result.createObjectStore(TABLE);
    const db = await settled(open);
    if (db.objectStoreNames.contains(TABLE)) return db;
    db.close();
    throw new DOMException(`no table ${TABLE}`, "NotFoundError");
  }

  private async with<T>(mode: IDBTransactionMode, work: (table: IDBObjectStore) => Promise<T>): Promise<T> {
    const db = await this.open().catch(async (error: unknown) => {
      if (!isLost(error)) throw error;
      await settled(indexedDB.deleteDatabase(NAME));
      return this.open();
    });
    try {
      const transaction = db.transaction(TABLE, mode, { durability: "strict" });
      const done = new Promise<void>((resolve, reject) => {
        transaction.oncomplete = () => resolve();
        transaction.onabort = () => reject(transaction.error);
      });
      // The result counts only once the transaction has ended; a failed request aborts it.
      const [result] = await Promise.all([work(transaction.objectStore(TABLE)), done]);
      return result;
    } finally {
      db.close();
    }
  }

  head(): Promise<RulesHead | undefined> {
    return this.with("readonly", (table) => settled<RulesHead | undefined>(table.get("head")));
  }

  load(): Promise<StoredRules | undefined> {
    return this.with("readonly", async (table) => {
      const head = settled<RulesHead | undefined>(table.get("head"));
      const pack = settled<string | undefined>(table.get("pack"));
      const memory = settled<string | undefined>(table.get("memory"));
      const index = settled<StoredIndex | undefined>(table.get("index"));
      const [h, p, m, i] = await Promise.all([head, pack, memory, index]);
      return h && p !== undefined && m !== undefined ? { ...h, pack: p, memory: m, ...(i ? { index: i } : {}) } : undefined;
    });
  }

  async save({ pack, memory, index, ...head }: StoredRules, sites: Site[]): Promise<void> {
    const values = { head, pack, memory, sites, index };
    await this.with("readwrite", (table) => Promise.all(Object.entries(values).map(([key, value]) => settled(table.put(value, key)))));
  }

  async remember(head: RulesHead, memory: string): Promise<void> {
    await this.with("readwrite", (table) => Promise.all([settled(table.put(head, "head")), settled(table.put(memory, "memory"))]));
  }

  async keep(hash: string, index: StoredIndex): Promise<void> {
    await this.with("readwrite", async (table) => {
      const head = await settled<RulesHead | undefined>(table.get("head"));
      if (head?.hash === hash) await settled(table.put(index, "index"));
    });
  }

  async sites(): Promise<Site[]> {
    return (await this.with("readonly", (table) => settled<Site[] | undefined>(table.get("sites")))) ?? [];
  }

  async clear(): Promise<void> {
    await this.with("readwrite", (table) => settled(table.clear()));
  }
}
