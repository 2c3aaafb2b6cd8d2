// A standard OAuth client that configures itself from the address of the issuer, by secret and by
// signature.

import assert from "node:assert/strict";
import { after, before, test } from "node:test";
import { createRemoteJWKSet, exportJWK, generateKeyPair, jwtVerify } from "jose";
import * as oauth from "openid-client";
import { accessToken, startSystem } from "./system.mjs";

let system;
let address;

before(async () => {
  system = await startSystem();
  address = new URL(system.variables.API_BASE_URL);
});
after(() => system?.stop());

// The system under test has no TLS.
const options = { execute: [oauth.allowInsecureRequests] };

async function owner(method, path, body) {
  const token = await accessToken(system.variables, system.variables.OWNER_EMAIL);
  const answer = await fetch(new URL(`/v1/tenants/${system.variables.TENANT_ID}/api-keys${path}`, address), {
    method,
    headers: { authorization: `Bearer ${token}`, "content-type": "application/json" },
    body: JSON.stringify(body),
  });
  assert.equal(answer.ok, true, await answer.clone().text());
  return answer.json();
}

async function newClient() {
  const { api_key, secret } = await owner("POST", "", { name: "client", scopes: ["properties:view", "bookings:view"] });
  return { id: api_key.id, secret };
}

async function properties(token) {
  const answer = await fetch(new URL("/v1/properties", address), { headers: { authorization: `Bearer ${token}` } });
  return answer.status;
}

test("a client finds its way by the issuer and gets a token by its secret, in either way", async () => {
  const { id, secret } = await newClient();
  for (const algorithm of ["oidc", "oauth2"]) {
    for (const by of [oauth.ClientSecretBasic(secret), oauth.ClientSecretPost(secret)]) {
      const config = await oauth.discovery(address, id, undefined, by, { ...options, algorithm });
      const tokens = await oauth.clientCredentialsGrant(config, { scope: "properties:view" });
      assert.equal(tokens.token_type, "bearer");
      assert.equal(tokens.expires_in, 600);
      assert.equal(tokens.scope, "properties:view");
      assert.equal(await properties(tokens.access_token), 200);

      // Whoever else reads the token finds our key by the same document.
      const { issuer, jwks_uri } = config.serverMetadata();
      const { payload } = await jwtVerify(tokens.access_token, createRemoteJWKSet(new URL(jwks_uri)), { issuer });
      assert.equal(payload.client_id, id);
    }
  }
});

test("a client signs instead of sending a secret", async () => {
  const { id } = await newClient();
  for (const alg of ["ES256", "RS256"]) {
    const { privateKey, publicKey } = await generateKeyPair(alg, { extractable: true });
    const jwk = { ...(await exportJWK(publicKey)), kid: alg, use: "sig" };
    await owner("PUT", `/${id}/jwks`, { keys: [jwk], without_secret: true });
    const by = oauth.PrivateKeyJwt({ key: privateKey, kid: alg });
    const config = await oauth.discovery(address, id, undefined, by, options);
    const tokens = await oauth.clientCredentialsGrant(config);
    assert.equal(tokens.scope, "bookings:view properties:view");
    assert.equal(await properties(tokens.access_token), 200);
  }
});

test("a client acts for a user by exchanging the user's token", async () => {
  const { id, secret } = await newClient();
  const config = await oauth.discovery(address, id, undefined, oauth.ClientSecretBasic(secret), options);
  const subject = await accessToken(system.variables, system.variables.MANAGER_EMAIL);
  const tokens = await oauth.genericGrantRequest(config, "urn:ietf:params:oauth:grant-type:token-exchange", {
    subject_token: subject,
    subject_token_type: "urn:ietf:params:oauth:token-type:access_token",
    scope: "properties:view",
  });
  assert.equal(tokens.issued_token_type, "urn:ietf:params:oauth:token-type:access_token");
  assert.equal(tokens.scope, "properties:view");
  assert.equal(await properties(tokens.access_token), 200);
  const jwks = createRemoteJWKSet(new URL(config.serverMetadata().jwks_uri));
  const { payload } = await jwtVerify(tokens.access_token, jwks);
  assert.deepEqual(payload.act, { sub: id });
});

test("refusals reach a client in the words of the standard", async () => {
  const { id, secret } = await newClient();
  const grant = async (by, parameters) => {
    const config = await oauth.discovery(address, id, undefined, by, options);
    return oauth.clientCredentialsGrant(config, parameters);
  };
  for (const by of [oauth.ClientSecretPost, oauth.ClientSecretBasic]) {
    // The library tells the challenge and leaves the body to whoever wants it.
    const refused = await grant(by(`${secret}0`)).catch((error) => error);
    assert.equal(refused.code, "OAUTH_WWW_AUTHENTICATE_CHALLENGE");
    assert.equal(refused.status, 401);
    assert.equal((await refused.response.json()).error, "invalid_client");
  }
  await assert.rejects(grant(oauth.ClientSecretPost(secret), { scope: "audit:view" }), { error: "invalid_scope", status: 400 });
});
