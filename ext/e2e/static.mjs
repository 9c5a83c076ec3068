// SPDX-License-Identifier: Apache-2.0

/** Folders served on a free port, as any web server does. */

import { createReadStream } from "node:fs";
import { stat } from "node:fs/promises";
import { createServer } from "node:http";
import { dirname, extname, join, normalize, sep } from "node:path";
import { fileURLToPath } from "node:url";

export const REPLICA = join(dirname(dirname(fileURLToPath(import.meta.url))), "replica");
const TYPES = { ".html": "text/html", ".js": "text/javascript", ".css": "text/css", ".json": "application/json" };

/** Serves the replica's folder at /replica/, as `haechi serve --replica` does. */
export async function serveReplica() {
  const { url, close } = await serveFolder(REPLICA, "/replica/");
  return { url: `${url}/replica`, close };
}

/** Serves a folder below a path, to pages of every origin. */
export async function serveFolder(folder, below = "/") {
  const server = createServer(async (request, response) => {
    const { pathname } = new URL(request.url, "http://localhost");
    const file = normalize(join(folder, decodeURIComponent(pathname.slice(below.length))));
    const there = pathname.startsWith(below) && file.startsWith(folder + sep) && (await stat(file).catch(() => undefined))?.isFile();
    if (!there) {
      response.writeHead(404).end();
      return;
    }
    const type = `${TYPES[extname(file)] ?? "application/octet-stream"}; charset=utf-8`;
    response.writeHead(200, { "content-type": type, "access-control-allow-origin": "*" });
    createReadStream(file).pipe(response);
  });
  await new Promise((resolve) => server.listen(0, "127.0.0.1", resolve));
  return {
    url: `http://127.0.0.1:${server.address().port}`,
    close: () => new Promise((resolve) => (server.closeAllConnections(), server.close(resolve))),
  };
}
