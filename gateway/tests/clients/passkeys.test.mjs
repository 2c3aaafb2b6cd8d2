// A real browser with a virtual authenticator, at pages of this test, against the gateway.

import assert from "node:assert/strict";
import { createServer } from "node:http";
import { join } from "node:path";
import { after, before, test } from "node:test";
import { chromium } from "playwright-core";
import { browserProgram } from "./browser.mjs";
import { startSystem } from "./system.mjs";

const servers = [];
let system;
let browser;
let page;
let authenticator;
let elsewhere;

// What browsers count as secure without a certificate.
async function serve() {
  const server = createServer((_, answer) => {
    answer.writeHead(200, { "content-type": "text/html" });
    answer.end("<!doctype html><title>passkeys</title>");
  });
  await new Promise((resolve) => server.listen(0, "localhost", resolve));
  servers.push(server);
  return `http://localhost:${server.address().port}`;
}

before(async () => {
  const origin = await serve();
  elsewhere = await serve();
  system = await startSystem({ ALLOWED_ORIGINS: `${origin},${elsewhere}`, PASSKEY_ORIGINS: origin });
  // Debian's root has no sandbox for it.
  browser = await chromium.launch({ executablePath: browserProgram(), args: ["--no-sandbox"] });
  page = await browser.newPage();
  await page.goto(origin);
  authenticator = await virtualAuthenticator(page);
});
after(async () => {
  await browser?.close();
  await system?.stop();
  for (const server of servers) server.close();
});

// In the device, with a finger that is always right.
async function virtualAuthenticator(of) {
  const session = await of.context().newCDPSession(of);
  await session.send("WebAuthn.enable");
  const options = {
    protocol: "ctap2",
    ctap2Version: "ctap2_1",
    transport: "internal",
    hasResidentKey: true,
    hasUserVerification: true,
    isUserVerified: true,
    automaticPresenceSimulation: true,
  };
  const { authenticatorId } = await session.send("WebAuthn.addVirtualAuthenticator", { options });
  const send = (method, more = {}) => session.send(`WebAuthn.${method}`, { authenticatorId, ...more });
  return { session, send };
}

// A call of the page.
function call(of, method, path, { token, body = {} } = {}) {
  const base = system.variables.API_BASE_URL;
  return of.evaluate(
    async ({ url, method, token, body, credentials }) => {
      const headers = { "content-type": "application/json", ...(token && { authorization: `Bearer ${token}` }) };
      const sent = method === "GET" || method === "DELETE" ? undefined : JSON.stringify(body);
      const answer = await fetch(url, { method, headers, body: sent, credentials });
      const text = await answer.text();
      return { status: answer.status, body: text ? JSON.parse(text) : null };
    },
    // Cookies are for sessions of pages alone.
    { url: `${base}${path}`, method, token, body, credentials: path.startsWith("/console/") ? "include" : "omit" },
  );
}

async function ok(...args) {
  const answer = await call(...args);
  assert.equal(answer.status, 200, JSON.stringify(answer.body));
  return answer.body;
}

// What the page hands to the browser, and gets of it.
function make(of, options) {
  return of.evaluate(async (options) => {
    const publicKey = PublicKeyCredential.parseCreationOptionsFromJSON(JSON.parse(options));
    return JSON.stringify((await navigator.credentials.create({ publicKey })).toJSON());
  }, options);
}

function use(of, options) {
  return of.evaluate(async (options) => {
    const publicKey = PublicKeyCredential.parseRequestOptionsFromJSON(JSON.parse(options));
    return JSON.stringify((await navigator.credentials.get({ publicKey })).toJSON());
  }, options);
}

async function signIn() {
  const { MANAGER_EMAIL: email, DEMO_PASSWORD: password } = system.variables;
  return ok(page, "POST", "/v1/auth/login", { body: { email, password } });
}

function said(token) {
  const { aal, amr } = JSON.parse(Buffer.from(token.split(".")[1], "base64url"));
  return { aal, amr: amr.map((one) => one.method) };
}

let factor;

test("a passkey is made and is a second factor", async () => {
  const { access } = await signIn();
  const enrolled = await ok(page, "POST", "/v1/auth/factors", { token: access, body: { kind: "passkey", name: "laptop" } });
  factor = enrolled.factor.id;
  const path = `/v1/auth/factors/${factor}`;
  const asked = await ok(page, "POST", `${path}/challenge`, { token: access });
  const credential = await make(page, asked.options);
  const proved = await ok(page, "POST", `${path}/verify`, { token: access, body: { credential } });
  assert.deepEqual(said(proved.access), { aal: "aal2", amr: ["passkey", "password"] });
  assert.equal(proved.recovery_codes.length, 10);
  const { credentials } = await authenticator.send("getCredentials");
  assert.equal(credentials.length, 1);
  assert.equal(credentials[0].isResidentCredential, true);
  assert.equal(credentials[0].rpId, "localhost");
});

test("the browser refuses a second passkey of one user in one authenticator", async () => {
  const { access } = await ok(page, "POST", "/v1/auth/passkeys/login", {
    body: { credential: await use(page, (await ok(page, "POST", "/v1/auth/passkeys/challenge")).options) },
  });
  const enrolled = await ok(page, "POST", "/v1/auth/factors", { token: access, body: { kind: "passkey" } });
  const path = `/v1/auth/factors/${enrolled.factor.id}`;
  const asked = await ok(page, "POST", `${path}/challenge`, { token: access });
  await assert.rejects(make(page, asked.options), /InvalidStateError/);
  await ok(page, "DELETE", path, { token: access });
});

test("it is used beside the password", async () => {
  const { access } = await signIn();
  assert.equal(said(access).aal, "aal1");
  const path = `/v1/auth/factors/${factor}`;
  const asked = await ok(page, "POST", `${path}/challenge`, { token: access });
  const credential = await use(page, asked.options);
  const proved = await ok(page, "POST", `${path}/verify`, { token: access, body: { credential } });
  assert.equal(said(proved.access).aal, "aal2");
  const again = await call(page, "POST", `${path}/verify`, { token: proved.access, body: { credential } });
  assert.equal(again.body.code, "FACTOR_PROOF_WRONG", "what it gave is taken once");
});

test("it is used alone, and the session of the page is in a cookie", async () => {
  const asked = await ok(page, "POST", "/v1/auth/passkeys/challenge");
  const credential = await use(page, asked.options);
  const session = await ok(page, "POST", "/console/session", { body: { credential } });
  assert.deepEqual(said(session.access), { aal: "aal2", amr: ["passkey"] });
  assert.equal(session.user.email, system.variables.MANAGER_EMAIL);
  const refreshed = await ok(page, "POST", "/console/session/refresh");
  const properties = await ok(page, "GET", "/api/v1/properties", { token: refreshed.access });
  assert.ok(properties.properties.length > 0);
  const again = await call(page, "POST", "/v1/auth/passkeys/login", { body: { credential } });
  assert.equal(again.body.code, "LOGIN_FAILED");
});

test("a page of another origin gets nothing by it", async () => {
  const other = await browser.newPage();
  await other.goto(elsewhere);
  const there = await virtualAuthenticator(other);
  const { credentials } = await authenticator.send("getCredentials");
  await there.send("addCredential", { credential: credentials[0] });
  const asked = await ok(other, "POST", "/v1/auth/passkeys/challenge");
  const credential = await use(other, asked.options);
  const refused = await call(other, "POST", "/v1/auth/passkeys/login", { body: { credential } });
  assert.equal(refused.status, 403);
  assert.equal(refused.body.code, "FACTOR_PROOF_WRONG");
  await other.close();
});

test("nobody gets in whose finger is wrong, nor by a passkey that was removed", async () => {
  const asked = await ok(page, "POST", "/v1/auth/passkeys/challenge");
  await authenticator.send("setUserVerified", { isUserVerified: false });
  await assert.rejects(use(page, asked.options), /NotAllowedError/);
  await authenticator.send("setUserVerified", { isUserVerified: true });
  const { access } = await ok(page, "POST", "/v1/auth/passkeys/login", { body: { credential: await use(page, asked.options) } });
  await ok(page, "DELETE", `/v1/auth/factors/${factor}`, { token: access });
  const next = await ok(page, "POST", "/v1/auth/passkeys/challenge");
  const refused = await call(page, "POST", "/v1/auth/passkeys/login", { body: { credential: await use(page, next.options) } });
  assert.equal(refused.status, 401);
  assert.equal(refused.body.code, "LOGIN_FAILED");
});

test("supabase.auth.mfa makes one and uses it", async () => {
  await authenticator.send("clearCredentials");
  await page.addScriptTag({ path: join(import.meta.dirname, "node_modules/@supabase/supabase-js/dist/umd/supabase.js") });
  const { SB_URL: url, SUPABASE_ANON_KEY: key, VIEWER_EMAIL: email, DEMO_PASSWORD: password } = system.variables;
  const levels = await page.evaluate(
    async ({ url, key, email, password }) => {
      const { auth } = supabase.createClient(url, key, { auth: { persistSession: false } });
      const right = ({ data, error }) => {
        if (error) throw error;
        return data;
      };
      const site = { rpId: location.hostname, rpOrigins: [location.origin] };
      const prove = async (factorId) => {
        const asked = right(await auth.mfa.challenge({ factorId, webauthn: site }));
        const { type, credential_options: options } = asked.webauthn;
        const credential_response = await navigator.credentials[type === "create" ? "create" : "get"](options);
        const webauthn = { type, ...site, credential_response };
        right(await auth.mfa.verify({ factorId, challengeId: asked.id, webauthn }));
        return [type, right(await auth.mfa.getAuthenticatorAssuranceLevel()).currentLevel];
      };
      right(await auth.signInWithPassword({ email, password }));
      const { id } = right(await auth.mfa.enroll({ factorType: "webauthn", friendlyName: "laptop" }));
      const made = await prove(id);
      right(await auth.signInWithPassword({ email, password }));
      const before = right(await auth.mfa.getAuthenticatorAssuranceLevel());
      const used = await prove(id);
      return { made, before, used, listed: right(await auth.mfa.listFactors()).webauthn.map((one) => one.id === id) };
    },
    { url, key, email, password },
  );
  const { made, before, used, listed } = levels;
  assert.deepEqual([made, used], [["create", "aal2"], ["request", "aal2"]]);
  assert.deepEqual([before.currentLevel, before.nextLevel], ["aal1", "aal2"]);
  assert.deepEqual(listed, [true]);
});
