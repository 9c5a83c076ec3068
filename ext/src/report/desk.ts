// SPDX-License-Identifier: Apache-2.0

/** The review desk of a server, as far as a sender deals with it; server/web/report.go is the other side. */

import { filesOf } from "../sync/http";
import type { Report } from "./draft";

/** Why a desk did not do what it was asked, in a word for which the pages have a sentence. */
export type Refusal = "offline" | "unreachable" | "noDesk" | "limit" | "large" | "invalid" | "full" | "gone" | "failed";

export class DeskError extends Error {
  constructor(
    readonly refusal: Refusal,
    /** The field that an `invalid` report is wrong in, and what the desk says of it. */
    readonly detail = "",
  ) {
    super(`the review desk: ${refusal} ${detail}`.trim());
  }
}

/** What the sender of a report gets: who has the code may delete the report. */
export interface Receipt {
  code: string;
  /** Until when the desk keeps the report, in ms since 1970. */
  expires: number;
}

const PATIENCE_MS = 30_000;
/** The API's answers are a line of JSON. */
const LONGEST_ANSWER = 64 * 1_024;
const CODE = /^[0-9A-Za-z-]{8,64}$/;

/** The bytes that go out. */
export function bodyOf(report: Report): string {
  return JSON.stringify(report);
}

/** Where the reports go of somebody who syncs with this server. */
export function deskOf(server: string): string {
  return `${filesOf(server)}/v1/reports`;
}

/** Sends a report, once; what happened to one that got no answer is not known, and the desk keeps equal ones once. */
export async function send(desk: string, body: string): Promise<Receipt> {
  const response = await ask(desk, { method: "POST", body, headers: { "content-type": "application/json" } });
  const { receipt, expires } = await answer(response);
  const until = Date.parse(String(expires));
  if (typeof receipt !== "string" || !CODE.test(receipt) || Number.isNaN(until)) throw new DeskError("noDesk");
  return { code: receipt, expires: until };
}

/** Has a report deleted; `gone` says that there was none. */
export async function remove(desk: string, code: string): Promise<void> {
  const response = await ask(`${desk}/${encodeURIComponent(code)}`, { method: "DELETE" });
  if (response.status !== 204) await answer(response);
}

async function ask(address: string, request: RequestInit): Promise<Response> {
  try {
    return await fetch(address, {
      ...request,
      cache: "no-store",
      credentials: "omit",
      redirect: "error",
      referrerPolicy: "no-referrer",
      signal: AbortSignal.timeout(PATIENCE_MS),
    });
  } catch {
    throw new DeskError(navigator.onLine === false ? "offline" : "unreachable");
  }
}

/** The JSON of a good answer; throws what another one means. */
async function answer(response: Response): Promise<Record<string, unknown>> {
  const json = await parsed(response);
  if (response.ok) {
    if (!json) throw new DeskError("noDesk");
    return json;
  }
  const { code, field, message } = (json?.["error"] ?? {}) as Record<string, unknown>;
  if (response.status === 429) throw new DeskError("limit", response.headers.get("retry-after") ?? "");
  if (response.status === 413) throw new DeskError("large");
  if (response.status === 422 || response.status === 400) throw new DeskError("invalid", `${String(field ?? "")} ${String(message ?? "")}`.trim());
  if (response.status === 507) throw new DeskError("full");
  if (response.status === 404 && code === "not-found") throw new DeskError("gone");
  // A mirror, or some other server: it knows nothing of reports.
  if (code === undefined && response.status < 500) throw new DeskError("noDesk");
  throw new DeskError("failed");
}

async function parsed(response: Response): Promise<Record<string, unknown> | undefined> {
  try {
    const text = await response.text();
    const value: unknown = text.length <= LONGEST_ANSWER ? JSON.parse(text) : undefined;
    return typeof value === "object" && value !== null ? (value as Record<string, unknown>) : undefined;
  } catch {
    return undefined;
  }
}
