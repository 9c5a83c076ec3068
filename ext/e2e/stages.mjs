// SPDX-License-Identifier: Apache-2.0

/**
 * Every site's fixture (ext/test/sites) as a page to write answers into. The
 * development build reads /replica/ID… as that site.
 */

import { readdir, readFile } from "node:fs/promises";
import { createServer } from "node:http";
import { dirname, extname, join } from "node:path";
import { fileURLToPath } from "node:url";
import { TOP } from "./haechi.mjs";
import { REPLICA } from "./static.mjs";

const HERE = dirname(fileURLToPath(import.meta.url));
const SITES = join(TOP, "rules", "sites");
const FIXTURES = join(TOP, "ext", "test", "sites");
const SCRIPTS = new Map([
  ["stage.js", join(HERE, "stage.js")],
  ...["markdown.js", "morph.js", "stream.js"].map((name) => [name, join(REPLICA, name)]),
]);

/** The sites there are, by id. */
export async function siteIds() {
  return (await readdir(SITES)).filter((name) => name.endsWith(".json")).map((name) => name.slice(0, -".json".length)).sort();
}

export async function readSite(id) {
  return JSON.parse(await readFile(join(SITES, `${id}.json`), "utf8"));
}

async function pageOf(id) {
  const fixture = await readFile(join(FIXTURES, `${id}.html`), "utf8");
  const script = `window.stage = { site: ${JSON.stringify(await readSite(id))} };`;
  return `<!doctype html><html lang="ko"><head><meta charset="utf-8"><title>${id}</title></head><body>${fixture}
<script>${script}</script><script type="module" src="stage.js"></script></body></html>`;
}

/** Serves the stages on a free port; a page is at `url`/ID.html. */
export async function serveStages() {
  const ids = await siteIds();
  const server = createServer(async (request, response) => {
    const name = new URL(request.url, "http://localhost").pathname.slice("/replica/".length);
    const id = name.slice(0, -".html".length);
    const body = ids.includes(id) ? await pageOf(id) : SCRIPTS.has(name) ? await readFile(SCRIPTS.get(name)) : undefined;
    response.writeHead(body === undefined ? 404 : 200, { "content-type": `${extname(name) === ".js" ? "text/javascript" : "text/html"}; charset=utf-8` });
    response.end(body);
  });
  await new Promise((resolve) => server.listen(0, "127.0.0.1", resolve));
  return {
    ids,
    url: `http://127.0.0.1:${server.address().port}/replica`,
    close: () => new Promise((resolve) => (server.closeAllConnections(), server.close(resolve))),
  };
}
