// SPDX-License-Identifier: Apache-2.0

/** The content script: reads answers, has them judged, marks what was found. */

import { askBackground, dispatch, isEnvelope, type Handlers, type TabRequests } from "../messages";
import { onChange, settings } from "../settings";
import { uiLang } from "../words";
import type { Mark } from "./answer";
import { hasProse, Health, HEALTH_MS } from "./health";
import { Highlights } from "./highlight";
import { Overlay } from "./overlay/overlay";
import { Adapter } from "./sites/adapter";
import { sameSite, siteOf, sitesInUse } from "./sites/sites";
import { Watcher } from "./watcher";

/** False once the extension was updated or removed under this page's feet. */
function alive(): boolean {
  return chrome.runtime?.id !== undefined;
}

/** Everything that runs in a page while Haechi is switched on. */
class Session {
  private marks: Mark[] = [];
  private told = "";
  private readonly highlights = new Highlights();
  private readonly overlay = new Overlay(this.highlights, ({ rule, proposition }) =>
    askBackground("card", { rule, proposition, lang: uiLang() }),
  );
  private readonly watcher: Watcher;
  private readonly health = new Health();
  private readonly checkup = setInterval(() => this.checkHealth(), HEALTH_MS);
  private lost = false;

  constructor(
    readonly adapter: Adapter,
    rules: string,
  ) {
    this.watcher = new Watcher(adapter, {
      check: (request) => askBackground("check", request),
      show: (marks) => (alive() ? this.show(marks) : this.stop()),
    });
    this.watcher.useRules(rules);
    this.watcher.start();
  }

  useRules(hash: string): void {
    this.watcher.useRules(hash);
  }

  list(): void {
    this.overlay.toggleList();
  }

  findings(): TabRequests["findings"]["answer"] {
    const elements = this.watcher.elements();
    const findings = this.marks.map(({ answer, finding }) => {
      const { rule, proposition, verdict, tier, quote } = finding;
      return { answer: elements.indexOf(answer), rule, proposition, verdict, tier, quote };
    });
    return { site: this.adapter.id, answers: elements.length, pending: this.watcher.pending(), findings, lost: this.lost };
  }

  stop(): void {
    clearInterval(this.checkup);
    this.watcher.stop();
    this.overlay.stop();
    this.highlights.clear();
    if (alive()) this.count([]);
  }

  /** Says when this site's pages are no longer what its adapter knows, and when they are again. */
  private checkHealth(): void {
    if (!alive()) return this.stop();
    if (document.visibilityState !== "visible" || !document.body) return;
    const page = { address: location.pathname, read: this.watcher.reads(), prose: () => hasProse(document.body) };
    const lost = this.health.lost(performance.now(), page);
    if (lost === this.lost) return;
    this.lost = lost;
    this.told = "";
    askBackground("health", { lost }).catch(() => (this.lost = !lost)); // told again at the next look
    if (!lost) this.count(this.marks);
  }

  private show(marks: Mark[]): void {
    const same = marks.length === this.marks.length && marks.every((mark, i) => mark === this.marks[i]);
    if (same) return;
    this.marks = marks;
    this.highlights.draw(marks.map(({ finding, range }) => ({ verdict: finding.verdict, range })));
    this.overlay.show(marks);
    this.count(marks);
  }

  private count(marks: Mark[]): void {
    const distortion = marks.filter(({ finding }) => finding.verdict === "distortion").length;
    const count = { distortion, oneSided: marks.length - distortion };
    const told = JSON.stringify(count);
    if (told === this.told) return;
    this.told = told;
    askBackground("count", count).catch(() => (this.told = "")); // the background may be restarting; the next count tells it
  }
}

async function run(): Promise<void> {
  let session: Session | undefined;
  const apply = async (): Promise<void> => {
    const { on, rules, sites } = await settings();
    const site = on ? siteOf(location, sitesInUse(sites)) : undefined;
    // A pushed adapter takes the place of the one in use, without a reload.
    if (session && !sameSite(session.adapter.site, site)) session = void session.stop();
    if (session) session.useRules(rules);
    else if (site) session = new Session(new Adapter(site), rules);
  };
  onChange(() => void apply());
  // A page that slept in the back-forward cache heard nothing meanwhile.
  addEventListener("pageshow", ({ persisted }) => void (persisted && alive() && apply()));
  const handlers: Handlers<TabRequests> = {
    findings: async () => session?.findings() ?? { site: "", answers: 0, pending: 0, findings: [], lost: false },
    list: async () => (session?.list(), null),
  };
  chrome.runtime.onMessage.addListener((message: unknown, sender, respond) => {
    if (!isEnvelope(message, "tab")) return false;
    const answer = dispatch(handlers, message, sender);
    if (!answer) return false;
    void answer.then(respond);
    return true;
  });
  await apply();
}

void run();
