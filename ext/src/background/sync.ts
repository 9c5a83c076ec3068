// SPDX-License-Identifier: Apache-2.0

import { baseline } from "../engine/packaged";
import type { Engine, RulesHead } from "../engine/engine";
import { set, settings } from "../settings";
import { IndexedRules } from "../store/rules";
import { SyncClient, type Retry, type Socket } from "../sync/client";

export const ALARM = "sync";
/** The shortest alarm Chrome keeps; below it a timer does, while the worker lives. */
const SHORTEST_ALARM_MS = 30_000;

const store = new IndexedRules();

async function sha256(text: string): Promise<string> {
  const digest = await crypto.subtle.digest("SHA-256", new TextEncoder().encode(text));
  return [...new Uint8Array(digest)].map((byte) => byte.toString(16).padStart(2, "0")).join("");
}

/** Where the rules stand, without starting the engine: a hello must be cheap. */
export async function rulesHead(): Promise<RulesHead> {
  const stored = await store.head();
  if (stored) return stored;
  return { sequence: 0, release: "", hash: await sha256(await baseline()), rules: 0, created: "" };
}

/** Tells every tab, through storage, so that it also reaches one that is asleep. */
export async function announce(head: RulesHead): Promise<void> {
  if ((await settings()).rules !== head.hash) await set({ rules: head.hash });
}

async function connect(): Promise<Socket> {
  const socket = new WebSocket((await settings()).server);
  socket.onerror = () => undefined; // a close always follows, and is handled
  return socket as unknown as Socket;
}

/** The sync client with Chrome's sockets, storage and alarms around it. */
export function syncClient(engine: Engine): SyncClient {
  const client = new SyncClient({
    connect,
    head: rulesHead,
    apply: (frame) => engine.update(frame),
    applied: announce,
    loadRetry: async () => (await chrome.storage.session.get("retry"))["retry"] as Retry | undefined,
    saveRetry: (retry) => chrome.storage.session.set({ retry }),
    wakeAt(time) {
      const wait = Math.max(time - Date.now(), 0);
      if (wait < SHORTEST_ALARM_MS) setTimeout(() => void client.wake(), wait);
      void chrome.alarms.create(ALARM, { when: Date.now() + Math.max(wait, SHORTEST_ALARM_MS), periodInMinutes: 1 });
    },
    changed: () => undefined, // the popup asks when it is open
    now: () => Date.now(),
    random: Math.random,
  });
  return client;
}
