// SPDX-License-Identifier: Apache-2.0

/**
 * A small OpenID Connect provider on loopback, on another site than the server
 * (localhost, not 127.0.0.1), so that a real browser treats its links as those
 * of another site. Its person says yes with a button, as people do.
 */

import { createHash, createSign, generateKeyPairSync, randomUUID } from "node:crypto";
import { createServer } from "node:http";

const CLIENT = { id: "haechi", secret: "a secret of the test" };
const base64url = (text) => Buffer.from(text).toString("base64url");

export class Provider {
  static client = CLIENT;

  /** Who signs in: the claims of its ID tokens. */
  account = {};

  static async start() {
    const provider = new Provider();
    provider.keys = generateKeyPairSync("rsa", { modulusLength: 2048 });
    provider.grants = new Map();
    provider.server = createServer((request, response) => provider.answer(request, response));
    await new Promise((done) => provider.server.listen(0, "127.0.0.1", done));
    provider.url = `http://localhost:${provider.server.address().port}`;
    return provider;
  }

  stop() {
    this.server.closeAllConnections();
    return new Promise((done) => this.server.close(done));
  }

  async answer(request, response) {
    const { pathname, searchParams: q } = new URL(request.url, this.url);
    const json = (value, status = 200) => response.writeHead(status, { "content-type": "application/json" }).end(JSON.stringify(value));
    switch (pathname) {
      case "/.well-known/openid-configuration":
        json({ issuer: this.url, authorization_endpoint: `${this.url}/authorize`, token_endpoint: `${this.url}/token`, jwks_uri: `${this.url}/keys`, response_types_supported: ["code"], subject_types_supported: ["public"], id_token_signing_alg_values_supported: ["RS256"] });
        break;
      case "/keys":
        json({ keys: [{ ...this.keys.publicKey.export({ format: "jwk" }), kid: "1", alg: "RS256", use: "sig" }] });
        break;
      case "/authorize": {
        const code = randomUUID();
        this.grants.set(code, { nonce: q.get("nonce"), challenge: q.get("code_challenge"), redirect: q.get("redirect_uri") });
        const back = `${q.get("redirect_uri")}?${new URLSearchParams({ code, state: q.get("state") })}`;
        response.writeHead(200, { "content-type": "text/html" }).end(`<!doctype html><title>school</title><a id="yes" href="${back.replaceAll("&", "&amp;")}">yes</a>`);
        break;
      }
      case "/token": {
        let body = "";
        for await (const part of request) body += part;
        const form = new URLSearchParams(body);
        const grant = this.grants.get(form.get("code"));
        this.grants.delete(form.get("code"));
        const [id, secret] = Buffer.from((request.headers.authorization ?? "").replace("Basic ", ""), "base64").toString().split(":").map((part) => decodeURIComponent(part.replaceAll("+", " ")));
        const challenge = createHash("sha256").update(form.get("code_verifier") ?? "").digest("base64url");
        if (id !== CLIENT.id || secret !== CLIENT.secret) return json({ error: "invalid_client" }, 401);
        if (grant?.challenge !== challenge || grant.redirect !== form.get("redirect_uri")) return json({ error: "invalid_grant" }, 400);
        const now = Math.floor(Date.now() / 1000);
        const claims = { iss: this.url, aud: CLIENT.id, iat: now, exp: now + 60, nonce: grant.nonce, ...this.account };
        const signed = `${base64url(JSON.stringify({ alg: "RS256", kid: "1" }))}.${base64url(JSON.stringify(claims))}`;
        const signature = createSign("RSA-SHA256").update(signed).sign(this.keys.privateKey, "base64url");
        json({ access_token: randomUUID(), token_type: "Bearer", expires_in: 60, id_token: `${signed}.${signature}` });
        break;
      }
      default:
        response.writeHead(404).end();
    }
  }
}
