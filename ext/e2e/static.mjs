// SPDX-License-Identifier: Apache-2.0

/** Serves the replica's folder at /replica/ on a free port, as `haechi serve --replica` does. */

import { createReadStream } from "node:fs";
import { stat } from "node:fs/promises";
import { createServer } from "node:http";
import { dirname, extname, join, normalize, sep } from "node:path";
import { fileURLToPath } from "node:url";

export const REPLICA = join(dirname(dirname(fileURLToPath(import.meta.url))), "replica");
const TYPES = { ".html": "text/html", ".js": "text/javascript", ".css": "text/css", ".json": "application/json" };

export async function serveReplica() {
  const server = createServer(async (request, response) => {
    const { pathname } = new URL(request.url, "http://localhost");
    const file = normalize(join(REPLICA, decodeURIComponent(pathname.replace(/^\/replica\//, ""))));
    const there = pathname.startsWith("/replica/") && file.startsWith(REPLICA + sep) && (await stat(file).catch(() => undefined))?.isFile();
    if (!there) {
      response.writeHead(404).end();
      return;
    }
    response.writeHead(200, { "content-type": `${TYPES[extname(file)] ?? "application/octet-stream"}; charset=utf-8` });
    createReadStream(file).pipe(response);
  });
  await new Promise((resolve) => server.listen(0, "127.0.0.1", resolve));
  return {
    url: `http://127.0.0.1:${server.address().port}/replica`,
    close: () => new Promise((resolve) => (server.closeAllConnections(), server.close(resolve))),
  };
}
