// SPDX-License-Identifier: Apache-2.0

/**
 * Everything that is said between the parts of the extension, in one place.
 * A message names its addressee, because every page of the extension hears
 * every message. Content scripts share a process with the sites they read, so
 * what they may ask for is a list of its own; all else is for own pages.
 */

import type { Card, Checked, Finding } from "./engine/abi";
import type { CardRequest, CheckRequest, Engine, EngineState, RulesHead } from "./engine/engine";
import { EngineError } from "./engine/ops";
import type { Seed } from "./report/seed";
import type { Found } from "./store/findings";
import type { SyncState } from "./sync/client";

/** What any content script may ask the background. */
export interface PageRequests {
  check: { request: CheckRequest; answer: Checked };
  card: { request: CardRequest; answer: Card };
  count: { request: Count; answer: null };
  /** Lost: the site has changed, and its answers are not found any more. */
  health: { request: { lost: boolean }; answer: null };
  /** Findings that were shown; kept on this machine as the settings say. */
  found: { request: Found[]; answer: null };
  /** "Not a problem here", and taking that back. */
  dismiss: { request: Dismissal; answer: null };
  restore: { request: Dismissal; answer: null };
  /** Opens a page of ours that shows what would be sent for review; nothing is sent. */
  report: { request: ReportRequest; answer: null };
}

/** What only the extension's own pages may ask the background. */
export interface OwnRequests {
  status: { request: null; answer: Status };
  reconnect: { request: null; answer: null };
}

/** What only the background may ask the document that holds the engine. */
export type EngineRequests = {
  [K in keyof Engine]: {
    request: Parameters<Engine[K]>[0] extends undefined ? null : Parameters<Engine[K]>[0];
    answer: Awaited<ReturnType<Engine[K]>>;
  };
};

/** What the extension's own pages may ask the content script of a tab. */
export interface TabRequests {
  findings: { request: null; answer: TabFindings };
  list: { request: null; answer: null };
  /** Brings a sentence into view; false when it is not in the page. */
  jump: { request: Jump; answer: boolean };
  /** A sentence with what stands around it; null when it is not in the page. */
  seed: { request: Jump; answer: Seed | null };
}

export interface ReportRequest {
  seed: Seed;
  /** From a private window, whoever asks. */
  private: boolean;
}

export type Dismissal = Pick<Finding, "rule" | "quote">;

export interface Jump extends Dismissal {
  /** In which answer of the page, as in TabFindings; without it the first that has the sentence. */
  answer?: number;
}

export interface Count {
  distortion: number;
  oneSided: number;
}

export interface Status {
  head: RulesHead;
  /** Null while the engine cannot be started. */
  engine: EngineState | null;
  sync: SyncState;
}

export interface TabFindings {
  site: string;
  host: string;
  answers: number;
  /** How many of the answers have words that are not judged yet. */
  pending: number;
  /** True when the page has long text of which nothing is known as an answer. */
  lost: boolean;
  /** In reading order; `answer` counts the answers in the page from 0. */
  findings: ({ answer: number } & Found)[];
}

interface Table {
  [type: string]: { request: unknown; answer: unknown };
}

export type Addressee = "background" | "engine" | "tab";

export interface Envelope {
  to: Addressee;
  type: string;
  request: unknown;
}

export type Reply<T> = { ok: T } | { error: { code: string; message: string } };

/** One handler for each request of a table: leaving one out does not compile. */
export type Handlers<T> = {
  [K in keyof T]: T[K] extends { request: infer R; answer: infer A }
    ? (request: R, sender: chrome.runtime.MessageSender) => Promise<A>
    : never;
};

export function isEnvelope(message: unknown, to: Addressee): message is Envelope {
  if (typeof message !== "object" || message === null) return false;
  const { to: addressee, type } = message as Partial<Envelope>;
  return addressee === to && typeof type === "string";
}

/** True for the extension's own pages and worker, false for content scripts. */
export function isOwn(sender: chrome.runtime.MessageSender): boolean {
  const own = chrome.runtime.getURL("");
  return sender.id === chrome.runtime.id && (sender.url ?? "").startsWith(own);
}

/** Answers a message from a table of handlers; undefined when none is there for it. */
export function dispatch<T>(
  handlers: Handlers<T>,
  message: Envelope,
  sender: chrome.runtime.MessageSender,
): Promise<Reply<unknown>> | undefined {
  if (!Object.hasOwn(handlers, message.type)) return undefined;
  const handler = handlers[message.type as keyof T] as (request: unknown, sender: chrome.runtime.MessageSender) => Promise<unknown>;
  return reply(handler(message.request, sender));
}

async function reply<T>(answer: Promise<T>): Promise<Reply<T>> {
  try {
    return { ok: await answer };
  } catch (error) {
    const code = error instanceof EngineError ? error.code : "internal";
    return { error: { code, message: error instanceof Error ? error.message : String(error) } };
  }
}

/** The answer in a reply, or its error thrown again on this side. */
export function open<T>(reply: Reply<T> | undefined): T {
  if (!reply) throw new EngineError("unavailable", "nobody answered");
  if ("error" in reply) throw new EngineError(reply.error.code, reply.error.message);
  return reply.ok;
}

type Caller<T extends object> = <K extends keyof T & string>(
  type: K,
  request: (T & Table)[K]["request"],
) => Promise<(T & Table)[K]["answer"]>;

function caller<T extends object>(to: Addressee): Caller<T> {
  return async (type, request) => open(await chrome.runtime.sendMessage<Envelope, Reply<never>>({ to, type, request }));
}

/** From content scripts. */
export const askBackground = caller<PageRequests>("background");
/** From the popup and other own pages. */
export const askOwnBackground = caller<OwnRequests>("background");
/** From the background. */
export const askEngine = caller<EngineRequests>("engine");

/** From own pages to the content script of a tab. */
export async function askTab<K extends keyof TabRequests>(
  tab: number,
  type: K,
  request: TabRequests[K]["request"],
): Promise<TabRequests[K]["answer"]> {
  const envelope: Envelope = { to: "tab", type, request };
  return open(await chrome.tabs.sendMessage<Envelope, Reply<TabRequests[K]["answer"]>>(tab, envelope));
}
