// SPDX-License-Identifier: Apache-2.0

/** The content script: reads answers, has them judged, marks what was found. */

import type { Finding } from "../engine/abi";
import { askBackground, dispatch, isEnvelope, type Handlers, type Jump, type TabRequests } from "../messages";
import type { Seed } from "../report/seed";
import { onChange, settings } from "../settings";
import { speak, uiLang, type Language } from "../words";
import type { Mark } from "./answer";
import { Choice } from "./choice";
import { Origins } from "./found";
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

/** In a private window nothing is stored: neither findings nor dismissals. */
const PRIVATE = chrome.extension.inIncognitoContext;

/** Everything that runs in a page while Haechi is switched on. */
class Session {
  private marks: Mark[] = [];
  private told = "";
  /** The marks whose findings the background has been told of. */
  private readonly kept = new Set<string>();
  private readonly origins = new Origins();
  private readonly highlights = new Highlights();
  private readonly overlay = new Overlay(this.highlights, ({ rule, proposition }) =>
    askBackground("card", { rule, proposition, lang: uiLang() }),
    {
      dismiss: (finding) => this.dismiss("dismiss", finding),
      restore: (finding) => this.dismiss("restore", finding),
      report: async (finding) => void (await askBackground("report", { seed: this.origins.seed(finding, this.adapter.id), private: PRIVATE })),
    },
  );
  private readonly watcher: Watcher;
  private readonly health = new Health();
  private readonly checkup = setInterval(() => this.checkHealth(), HEALTH_MS);
  private lost = false;
  private telling: ReturnType<typeof setTimeout> | undefined;

  constructor(
    readonly adapter: Adapter,
    private rules: string,
    private readonly choice: Choice,
    readonly language: Language,
  ) {
    this.watcher = new Watcher(adapter, {
      check: async (request) => {
        const checked = await askBackground("check", { ...request, tiers: choice.tiers });
        this.origins.remember(checked, request);
        return { ...checked, findings: await choice.keep(checked) };
      },
      show: (marks) => (alive() ? this.show(marks) : this.stop()),
    });
    this.useRules(rules);
    this.watcher.start();
  }

  /** What was found by other rules, or chosen by other wishes, is found anew. */
  useRules(hash: string): void {
    this.rules = hash;
    this.watcher.useRules(`${hash} ${this.choice.edition}`);
  }

  list(): void {
    this.overlay.toggleList();
  }

  findings(): TabRequests["findings"]["answer"] {
    const elements = this.watcher.elements();
    const findings = this.marks.map(({ answer, finding }) => ({ answer: elements.indexOf(answer), ...this.origins.found(finding) }));
    return { site: this.adapter.id, host: location.hostname, answers: elements.length, pending: this.watcher.pending(), findings, lost: this.lost };
  }

  /** Shows where a sentence stands, if it still does. */
  jump(to: Jump): boolean {
    const mark = this.mark(to);
    if (mark) this.overlay.point(mark);
    return mark !== undefined;
  }

  /** What of a sentence somebody may send for review, if it is still there. */
  seed(of: Jump): Seed | null {
    const mark = this.mark(of);
    return mark ? this.origins.seed(mark.finding, this.adapter.id) : null;
  }

  private mark({ rule, quote, answer }: Jump): Mark | undefined {
    const here = this.marks.filter(({ finding }) => finding.rule === rule && finding.quote === quote);
    const wanted = answer === undefined ? undefined : this.watcher.elements()[answer];
    return here.find((one) => one.answer === wanted) ?? here[0];
  }

  stop(): void {
    clearInterval(this.checkup);
    clearTimeout(this.telling);
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
    if (same) return this.overlay.moved();
    this.marks = marks;
    this.highlights.draw(marks.map(({ finding, range }) => ({ verdict: finding.verdict, range })));
    this.overlay.show(marks);
    this.telling ??= setTimeout(() => this.tell());
  }

  /** Tells the background, a task for each message: to draw comes first. */
  private tell(): void {
    if (!alive()) return this.stop();
    this.keep(this.marks);
    this.telling = setTimeout(() => {
      this.telling = undefined;
      if (alive()) this.count(this.marks);
    });
  }

  /** "Not a problem here", or taking that back; the settings then tell every tab. */
  private async dismiss(type: "dismiss" | "restore", { rule, quote }: Finding): Promise<void> {
    if (!PRIVATE) return void (await askBackground(type, { rule, quote }));
    await (type === "dismiss" ? this.choice.dismissHere({ rule, quote }) : this.choice.restoreHere({ rule, quote }));
    this.useRules(this.rules);
  }

  private keep(marks: Mark[]): void {
    const fresh = marks.filter(({ key }) => !this.kept.has(key));
    if (PRIVATE || fresh.length === 0) return;
    for (const { key } of fresh) this.kept.add(key);
    const found = fresh.map(({ finding }) => this.origins.found(finding));
    askBackground("found", found).catch(() => fresh.forEach(({ key }) => this.kept.delete(key)));
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
  const choice = new Choice();
  const apply = async (): Promise<void> => {
    const now = await settings();
    choice.use(now);
    speak(now.language);
    const off = !now.on || now.sitesOff.includes(location.hostname);
    const site = off ? undefined : siteOf(location, sitesInUse(now.sites));
    // A pushed adapter takes the place of the one in use, without a reload.
    const stale = session && (session.language !== now.language || !sameSite(session.adapter.site, site));
    if (session && stale) session = void session.stop();
    if (session) session.useRules(now.rules);
    else if (site) session = new Session(new Adapter(site), now.rules, choice, now.language);
  };
  onChange(() => void apply());
  // A page that slept in the back-forward cache heard nothing meanwhile.
  addEventListener("pageshow", ({ persisted }) => void (persisted && alive() && apply()));
  const handlers: Handlers<TabRequests> = {
    findings: async () => session?.findings() ?? { site: "", host: location.hostname, answers: 0, pending: 0, findings: [], lost: false },
    list: async () => (session?.list(), null),
    jump: async (jump) => session?.jump(jump) ?? false,
    seed: async (jump) => session?.seed(jump) ?? null,
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
