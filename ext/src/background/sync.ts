// SPDX-License-Identifier: Apache-2.0

import { BASELINE_HASH } from "../engine/packaged";
import type { Engine, RulesHead } from "../engine/engine";
import { set, settings } from "../settings";
import { IndexedRules } from "../store/rules";
import { PACKAGED } from "../engine/host";
import { filesOf } from "../sync/http";
import { SyncClient, type Identity, type Retry, type Socket } from "../sync/client";
import { MAX_FRAME, NonsenseError } from "../sync/wire";

export const ALARM = "sync";
/** The shortest alarm Chrome keeps; below it a timer does, while the worker lives. */
const SHORTEST_ALARM_MS = 30_000;

const store = new IndexedRules();

/**
 * Where the rules stand, without starting the engine: a hello must be cheap.
 * Only where the store cannot be read does the engine have to say by what it
 * judges: see FallbackRules.
 */
export async function rulesHead(engine: Engine): Promise<RulesHead> {
  try {
    return (await store.head()) ?? { ...PACKAGED, hash: BASELINE_HASH, rules: 0 };
  } catch {
    return (await engine.state()).head;
  }
}

/** Tells every tab of rules and sites, through storage, so that it also reaches one that is asleep. */
export async function announce(engine: Engine, head: RulesHead): Promise<void> {
  if ((await settings()).rules === head.hash) return;
  await set({ rules: head.hash, sites: await store.sites().catch(() => engine.sites()) });
}

async function connect(): Promise<Socket | undefined> {
  const { server } = await settings();
  if (!/^wss?:/.test(server)) return undefined;
  const socket = new WebSocket(server);
  socket.onerror = () => undefined; // a close always follows, and is handled
  return socket as unknown as Socket;
}

/** A file that takes longer, or is larger, is given up: nobody may keep the client busy. */
const FETCH_MS = 60_000;
const HEAD_MS = 10_000;

async function fetchFile(path: string, signal: AbortSignal): Promise<string | undefined> {
  const response = await fetch(filesOf((await settings()).server) + path, {
    cache: "no-cache", // asks with the tag it has
    credentials: "omit",
    redirect: "error",
    signal: AbortSignal.any([signal, AbortSignal.timeout(path.endsWith("/head.json") ? HEAD_MS : FETCH_MS)]),
  });
  if (response.status === 404) return undefined;
  if (!response.ok || !response.body) throw new Error(`${path} answers ${response.status}`);
  const parts: string[] = [];
  let length = 0;
  const reader = response.body.pipeThrough(new TextDecoderStream("utf-8", { fatal: true })).getReader();
  for (let read = await reader.read(); !read.done; read = await reader.read()) {
    length += read.value.length;
    if (length > MAX_FRAME) {
      await reader.cancel();
      throw new NonsenseError(`${path} is too large`);
    }
    parts.push(read.value);
  }
  return parts.join("");
}

/** The bucket is drawn when first asked for, and stays. */
async function identity(): Promise<Identity> {
  const { channel } = await settings();
  let { bucket } = (await chrome.storage.local.get("bucket")) as { bucket?: number };
  if (bucket === undefined) {
    bucket = Math.floor(Math.random() * 100);
    await chrome.storage.local.set({ bucket });
  }
  return { channel, bucket };
}

/** The sync client with Chrome's sockets, storage and alarms around it. */
export function syncClient(engine: Engine): SyncClient {
  const client = new SyncClient({
    connect,
    fetch: fetchFile,
    identity,
    head: () => rulesHead(engine),
    apply: (answered) => engine.update(answered),
    applied: (head) => announce(engine, head),
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
