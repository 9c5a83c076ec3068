// SPDX-License-Identifier: Apache-2.0

/**
 * A recording HTTP proxy: everything that a browser sends goes through it and
 * is kept. What is meant for this machine it passes on; all other hosts are
 * answered 502, so that nothing leaves the machine. Asked without a proxy's
 * form it stands in front of one server, for tests that only need its record.
 */

import { createServer, request as ask } from "node:http";
import { connect } from "node:net";
import { constants, inflateRawSync } from "node:zlib";

const LOCAL = new Set(["127.0.0.1", "localhost", "::1"]);

/**
 * One thing that was sent: a request, or the bytes of a tunnel.
 * @typedef {object} Sent
 * @property {string} method CONNECT for a tunnel
 * @property {string} url
 * @property {string[]} headers
 * @property {Buffer[]} chunks a request's body, or all that went up a tunnel
 */
export class Recorder {
  /** @type {Sent[]} */
  sent = [];
  sockets = new Set();
  /** Answers a request in the server's place: `{ status, headers, body }`; undefined passes it on. */
  answer = () => undefined;

  /** `upstream` is the server to stand in front of. */
  static async start(upstream = "") {
    const recorder = new Recorder();
    recorder.upstream = upstream;
    recorder.server = createServer((request, response) => void recorder.serve(request, response).catch(() => response.destroy()));
    recorder.server.on("connect", (request, socket, head) => recorder.tunnel(request, socket, head));
    recorder.server.on("upgrade", (request, socket, head) => recorder.upgrade(request, socket, head));
    await new Promise((resolve) => recorder.server.listen(0, "127.0.0.1", resolve));
    return recorder;
  }

  get port() {
    return this.server.address().port;
  }

  get url() {
    return `http://127.0.0.1:${this.port}`;
  }

  get sync() {
    return `ws://127.0.0.1:${this.port}/v1/sync`;
  }

  async close() {
    for (const socket of this.sockets) socket.destroy();
    this.server.closeAllConnections();
    await new Promise((resolve) => this.server.close(resolve));
  }

  /** Requests to an address that ends so. */
  to(end) {
    return this.sent.filter(({ url }) => url.endsWith(end));
  }

  note({ method, url, rawHeaders }) {
    const one = { method, url, headers: rawHeaders, chunks: [] };
    this.sent.push(one);
    return one;
  }

  async serve(request, response) {
    const one = this.note(request);
    for await (const chunk of request) one.chunks.push(chunk);
    const whole = URL.canParse(request.url) ? request.url : this.upstream + request.url;
    const own = this.answer(one);
    if (own) {
      response.writeHead(own.status ?? 200, own.headers ?? {}).end(own.body ?? "");
      return;
    }
    const { hostname, port, pathname, search } = new URL(whole);
    if (!LOCAL.has(hostname)) {
      response.writeHead(502).end();
      return;
    }
    const onward = ask({ host: hostname, port: port || 80, method: request.method, path: pathname + search, headers: request.headers });
    onward.on("error", () => response.writeHead(502).end());
    onward.on("response", (answer) => {
      response.writeHead(answer.statusCode, answer.rawHeaders);
      answer.pipe(response);
    });
    onward.end(Buffer.concat(one.chunks));
  }

  tunnel(request, socket, head) {
    const one = this.note(request);
    const { hostname, port } = new URL(`http://${request.url}`);
    if (!LOCAL.has(hostname)) {
      socket.end("HTTP/1.1 502 Bad Gateway\r\n\r\n");
      return;
    }
    this.join(one, socket, head, connect(Number(port || 80), "127.0.0.1", () => socket.write("HTTP/1.1 200 OK\r\n\r\n")));
  }

  /** A socket for the server behind; its knock is part of what was sent. */
  upgrade(request, socket, head) {
    const one = this.note(request);
    const target = new URL(URL.canParse(request.url) ? request.url.replace(/^ws/, "http") : this.upstream + request.url);
    const lines = [];
    for (let i = 0; i < request.rawHeaders.length; i += 2) lines.push(`${request.rawHeaders[i]}: ${request.rawHeaders[i + 1]}`);
    const knock = `GET ${target.pathname}${target.search} HTTP/1.1\r\n${lines.join("\r\n")}\r\n\r\n`;
    const onward = connect(Number(target.port || 80), "127.0.0.1", () => onward.write(knock));
    one.chunks.push(Buffer.from(knock));
    this.join(one, socket, head, onward);
  }

  join(one, socket, head, onward) {
    for (const end of [socket, onward]) {
      this.sockets.add(end);
      end.on("close", () => (this.sockets.delete(end), socket.destroy(), onward.destroy())).on("error", () => undefined);
    }
    if (head.length > 0) {
      one.chunks.push(head);
      onward.write(head);
    }
    socket.on("data", (chunk) => one.chunks.push(chunk));
    socket.pipe(onward).pipe(socket);
  }
}

/** All that a record says: address, headers, bytes, and each text that is hidden in its socket frames. */
export function textsOf({ method, url, headers, chunks }) {
  const bytes = Buffer.concat(chunks);
  return [`${method} ${url}`, headers.join("\n"), bytes.toString("utf8"), bytes.toString("utf16le"), ...frames(bytes)];
}

/** The messages in what a client sent up a WebSocket, unmasked and inflated. */
export function frames(bytes) {
  const end = bytes.indexOf("\r\n\r\n");
  if (end < 0 || !/upgrade:\s*websocket/i.test(bytes.subarray(0, end).toString("latin1"))) return [];
  const texts = [];
  for (let at = end + 4; at + 6 <= bytes.length; ) {
    const short = bytes[at + 1] & 0x7f;
    const long = { 126: 2, 127: 8 }[short] ?? 0;
    if (at + 6 + long > bytes.length) break;
    const length = long === 2 ? bytes.readUInt16BE(at + 2) : long === 8 ? Number(bytes.readBigUInt64BE(at + 2)) : short;
    const from = at + 6 + long;
    const mask = bytes.subarray(from - 4, from);
    const data = Buffer.from(bytes.subarray(from, from + length)).map((byte, i) => byte ^ mask[i % 4]);
    const squeezed = (bytes[at] & 0x40) !== 0;
    texts.push((squeezed ? inflateRawSync(data, { finishFlush: constants.Z_SYNC_FLUSH }) : data).toString("utf8"));
    at = from + length;
  }
  return texts;
}
