// The published Supabase client against the gateway's /auth/v1.

import assert from "node:assert/strict";
import { createHmac } from "node:crypto";
import { after, before, test } from "node:test";
import { createClient } from "@supabase/supabase-js";
import { startSystem } from "./system.mjs";

let system;

before(async () => {
  system = await startSystem();
});
after(() => system?.stop());

function client(options = {}) {
  const auth = { persistSession: false, autoRefreshToken: false, ...options };
  // Node 20 has no WebSocket; the client wants one for realtime, which nobody uses here.
  const realtime = { transport: class {} };
  return createClient(system.variables.SB_URL, system.variables.SUPABASE_ANON_KEY, { auth, realtime });
}

function credentials(email = system.variables.MANAGER_EMAIL) {
  return { email, password: system.variables.DEMO_PASSWORD };
}

function post(path, body, headers = {}) {
  return fetch(`${system.variables.SB_URL}${path}`, {
    method: "POST",
    headers: { "content-type": "application/json", ...headers },
    body: JSON.stringify(body),
  });
}

test("a client signs in, reads the user, refreshes, gets claims and signs out", async () => {
  const supabase = client();
  const signedIn = await supabase.auth.signInWithPassword(credentials());
  assert.equal(signedIn.error, null);
  assert.equal(signedIn.data.user.email, system.variables.MANAGER_EMAIL);
  assert.equal(signedIn.data.session.expires_in, 3600);

  const user = await supabase.auth.getUser();
  assert.equal(user.error, null);
  assert.equal(user.data.user.id, signedIn.data.user.id);
  assert.equal(user.data.user.is_anonymous, false);

  const refreshed = await supabase.auth.refreshSession();
  assert.equal(refreshed.error, null);
  assert.notEqual(refreshed.data.session.refresh_token, signedIn.data.session.refresh_token);

  // Verified in the client with the key from our JWKS: asking the server would be another request.
  const asked = [];
  const original = globalThis.fetch;
  globalThis.fetch = (input, init) => {
    asked.push(String(input?.url ?? input));
    return original(input, init);
  };
  const claims = await supabase.auth.getClaims();
  globalThis.fetch = original;
  assert.equal(claims.error, null);
  assert.equal(claims.data.claims.sub, signedIn.data.user.id);
  assert.equal(claims.data.header.alg, "ES256");
  assert.deepEqual(asked.filter((url) => !url.endsWith("/.well-known/jwks.json")), []);

  const signedOut = await supabase.auth.signOut();
  assert.equal(signedOut.error, null);
  const gone = await client().auth.getUser(refreshed.data.session.access_token);
  // What the client makes of `session_not_found`.
  assert.equal(gone.error.name, "AuthSessionMissingError");
  const again = await client().auth.refreshSession({ refresh_token: refreshed.data.session.refresh_token });
  assert.equal(again.error.code, "refresh_token_not_found");
});

test("an access token of this surface works on the back end without the key", async () => {
  const { data } = await client().auth.signInWithPassword(credentials());
  const me = await fetch(`${system.variables.API_BASE_URL}/api/v1/me`, {
    headers: { authorization: `Bearer ${data.session.access_token}` },
  });
  assert.equal(me.status, 200);
  assert.equal((await me.json()).user.email, system.variables.MANAGER_EMAIL);
});

test("a wrong password and an unknown user look the same", async () => {
  const wrong = await client().auth.signInWithPassword({ ...credentials(), password: "wrong-password" });
  const unknown = await client().auth.signInWithPassword(credentials("nobody@alpine.example"));
  for (const { error } of [wrong, unknown]) {
    assert.equal(error.status, 400);
    assert.equal(error.code, "invalid_credentials");
    assert.equal(error.message, "Invalid login credentials");
  }
});

// RFC 6238, as an app has it.
function codeOf(secret, later = 0) {
  const letters = "ABCDEFGHIJKLMNOPQRSTUVWXYZ234567";
  const bits = [...secret].map((letter) => letters.indexOf(letter).toString(2).padStart(5, "0")).join("");
  const key = Buffer.from(bits.match(/.{8}/g).map((byte) => parseInt(byte, 2)));
  const step = Buffer.alloc(8);
  step.writeBigUInt64BE(BigInt(Math.floor(Date.now() / 30_000) + later));
  const hash = createHmac("sha1", key).update(step).digest();
  const number = hash.readUInt32BE(hash[19] & 15) & 0x7fffffff;
  return String(number % 1_000_000).padStart(6, "0");
}

test("a second factor is enrolled, proved, asked for and removed", async () => {
  const { VIEWER_EMAIL } = system.variables;
  const one = client();
  await one.auth.signInWithPassword(credentials(VIEWER_EMAIL));
  const level = async (of) => (await of.auth.mfa.getAuthenticatorAssuranceLevel()).data;
  assert.deepEqual(
    [(await level(one)).currentLevel, (await level(one)).nextLevel],
    ["aal1", "aal1"],
  );
  const enrolled = await one.auth.mfa.enroll({ factorType: "totp", friendlyName: "phone" });
  assert.equal(enrolled.error, null);
  assert.match(enrolled.data.totp.uri, /^otpauth:\/\/totp\//);
  assert.match(enrolled.data.totp.qr_code, /^data:image\/svg\+xml;utf-8,<svg [^#%]*<\/svg>$/);
  const again = await one.auth.mfa.enroll({ factorType: "totp", friendlyName: "phone" });
  assert.equal(again.error.code, "mfa_factor_name_conflict");
  const factorId = enrolled.data.id;
  const secret = enrolled.data.totp.secret;
  const listed = await one.auth.mfa.listFactors();
  assert.deepEqual([listed.data.all.length, listed.data.totp.length], [1, 0]);

  const wrong = await one.auth.mfa.challengeAndVerify({ factorId, code: "abcdef" });
  assert.equal(wrong.error.code, "mfa_verification_failed");
  const challenge = await one.auth.mfa.challenge({ factorId });
  assert.equal(challenge.data.type, "totp");
  const code = codeOf(secret);
  const verified = await one.auth.mfa.verify({ factorId, challengeId: challenge.data.id, code });
  assert.equal(verified.error, null);
  const now = await level(one);
  assert.deepEqual([now.currentLevel, now.nextLevel], ["aal2", "aal2"]);
  assert.deepEqual(now.currentAuthenticationMethods.map((one) => one.method), ["totp", "password"]);
  const refreshed = await one.auth.refreshSession();
  assert.equal(refreshed.error, null);
  assert.equal((await level(one)).currentLevel, "aal2");

  const other = client();
  await other.auth.signInWithPassword(credentials(VIEWER_EMAIL));
  const asked = await level(other);
  assert.deepEqual([asked.currentLevel, asked.nextLevel], ["aal1", "aal2"]);
  assert.equal((await other.auth.mfa.listFactors()).data.totp[0].friendly_name, "phone");
  assert.equal((await other.auth.mfa.unenroll({ factorId })).error.code, "insufficient_aal");
  assert.equal((await other.auth.mfa.challengeAndVerify({ factorId, code })).error.code, "mfa_verification_failed");
  const next = await other.auth.mfa.challengeAndVerify({ factorId, code: codeOf(secret, 1) });
  assert.equal(next.error, null);
  assert.equal((await level(other)).currentLevel, "aal2");
  const removed = await other.auth.mfa.unenroll({ factorId });
  assert.deepEqual([removed.error, removed.data.id], [null, factorId]);
  assert.deepEqual((await other.auth.mfa.listFactors()).data.all, []);
});

test("a user changes the name and, with the current one, the password", async () => {
  const of = client();
  await of.auth.signInWithPassword(credentials());
  const named = await of.auth.updateUser({ data: { display_name: "Mara Manager" } });
  assert.equal(named.data.user.user_metadata.display_name, "Mara Manager");
  const { DEMO_PASSWORD } = system.variables;
  const without = await of.auth.updateUser({ password: "another long password" });
  assert.equal(without.error.code, "reauthentication_needed");
  const wrong = await of.auth.updateUser({ password: "another long password", current_password: "not this one" });
  assert.equal(wrong.error.code, "invalid_credentials");
  const weak = await of.auth.updateUser({ password: "password1", current_password: DEMO_PASSWORD });
  assert.equal(weak.error.code, "validation_failed");
  const both = await of.auth.updateUser({ email: "new@alpine.example", password: "another long password" });
  assert.equal(both.error.code, "validation_failed");
  const changed = await of.auth.updateUser({ password: "another long password", current_password: DEMO_PASSWORD });
  assert.equal(changed.error, null);
  const old = await client().auth.signInWithPassword(credentials());
  assert.equal(old.error.code, "invalid_credentials");
  const back = await of.auth.updateUser({ password: DEMO_PASSWORD, current_password: "another long password" });
  assert.equal(back.error, null);
});

test("a user asks for another address, which is the account's when the link was used", async () => {
  const { OWNER_EMAIL } = system.variables;
  const of = client();
  await of.auth.signInWithPassword(credentials(OWNER_EMAIL));
  const same = await of.auth.updateUser({ email: OWNER_EMAIL, data: { display_name: "Ottilie" } });
  assert.deepEqual([same.error, same.data.user.new_email], [null, undefined]);
  const asked = await of.auth.updateUser({ email: "ottilie@alpine.example" });
  assert.equal(asked.error, null);
  assert.deepEqual([asked.data.user.email, asked.data.user.new_email], [OWNER_EMAIL, "ottilie@alpine.example"]);
  const { token } = await system.letterTo("ottilie@alpine.example", "Confirm your e-mail address");
  const confirmed = await fetch(`${system.variables.API_BASE_URL}/v1/auth/email/confirm`, {
    method: "POST",
    headers: { "content-type": "application/json" },
    body: JSON.stringify({ token }),
  });
  assert.deepEqual([confirmed.status, await confirmed.json()], [200, { email: "ottilie@alpine.example" }]);
  assert.equal((await client().auth.signInWithPassword(credentials("ottilie@alpine.example"))).error, null);
});

test("a forgotten password is recovered by the link in the letter", async () => {
  const { VIEWER_EMAIL } = system.variables;
  const of = client();
  assert.equal((await of.auth.resetPasswordForEmail("nobody@alpine.example")).error, null);
  assert.equal((await of.auth.resetPasswordForEmail(VIEWER_EMAIL)).error, null);
  const { token } = await system.letterTo(VIEWER_EMAIL, "Set a new password");
  const wrong = await of.auth.verifyOtp({ type: "recovery", token_hash: `${token}x` });
  assert.equal(wrong.error.code, "otp_expired");
  const signedIn = await of.auth.verifyOtp({ type: "recovery", token_hash: token });
  assert.deepEqual([signedIn.error, signedIn.data.user.email], [null, VIEWER_EMAIL]);
  const changed = await of.auth.updateUser({ password: "a password that is new" });
  assert.equal(changed.error, null);
  const again = await client().auth.verifyOtp({ type: "recovery", token_hash: token });
  assert.equal(again.error.code, "otp_expired");
  const login = await client().auth.signInWithPassword({ email: VIEWER_EMAIL, password: "a password that is new" });
  assert.equal(login.error, null);
});

test("other parts of a hosted project are not here", async () => {
  const rows = await client().from("bookings").select();
  assert.equal(rows.data, null);
  assert.equal(rows.status, 404);
  const signedUp = await client().auth.signUp(credentials("new@alpine.example"));
  assert.equal(signedUp.data.user, null);
  assert.notEqual(signedUp.error, null);
});

test("without the key the answer is Kong's, and the key is checked", async () => {
  const path = "/auth/v1/user";
  const get = (headers) => fetch(`${system.variables.SB_URL}${path}`, { headers });
  const none = await get({});
  assert.equal(none.status, 401);
  assert.equal(none.headers.get("www-authenticate"), 'Key realm="kong"');
  assert.deepEqual(await none.json(), { message: "No API key found in request" });
  const wrong = await get({ apikey: "wrong" });
  assert.deepEqual([wrong.status, await wrong.json()], [401, { message: "Invalid authentication credentials" }]);
  const unsigned = await get({ apikey: system.variables.SUPABASE_ANON_KEY });
  assert.equal(unsigned.status, 401);
  assert.equal((await unsigned.json()).error_code, "no_authorization");
  const forged = await get({ apikey: system.variables.SUPABASE_ANON_KEY, authorization: "Bearer e30.e30.e30" });
  assert.deepEqual([forged.status, (await forged.json()).error_code], [403, "bad_jwt"]);
  const jwks = await fetch(`${system.variables.SB_URL}/auth/v1/.well-known/jwks.json`);
  assert.equal(jwks.status, 200);
});

test("errors have the form of the version that the client asks for", async () => {
  const apikey = system.variables.SUPABASE_ANON_KEY;
  const path = "/auth/v1/token?grant_type=password";
  const body = { ...credentials(), password: "wrong-password" };
  const old = await post(path, body, { apikey });
  assert.deepEqual(await old.json(), { code: 400, error_code: "invalid_credentials", msg: "Invalid login credentials" });
  assert.equal(old.headers.get("x-supabase-api-version"), null);
  const current = await post(path, body, { apikey, "x-supabase-api-version": "2024-01-01" });
  const answer = await current.json();
  assert.deepEqual([answer.code, answer.message], ["invalid_credentials", "Invalid login credentials"]);
  assert.equal(current.headers.get("x-supabase-api-version"), "2024-01-01");
  assert.equal(current.headers.get("x-sb-error-code"), "invalid_credentials");
  const grant = await post("/auth/v1/token?grant_type=magic", body, { apikey });
  assert.deepEqual([grant.status, (await grant.json()).msg], [400, "unsupported_grant_type"]);
  const broken = await fetch(`${system.variables.SB_URL}${path}`, { method: "POST", headers: { apikey }, body: "{" });
  assert.deepEqual([broken.status, (await broken.json()).error_code], [400, "bad_json"]);
});

test("a page may send the client's headers", async () => {
  const origin = "http://localhost:5173";
  const wanted = "authorization,apikey,content-type,x-client-info,x-supabase-api-version";
  const preflight = await fetch(`${system.variables.SB_URL}/auth/v1/token?grant_type=password`, {
    method: "OPTIONS",
    headers: { origin, "access-control-request-method": "POST", "access-control-request-headers": wanted },
  });
  assert.equal(preflight.status, 204);
  assert.equal(preflight.headers.get("access-control-allow-headers"), wanted);
  const answer = await post("/auth/v1/token?grant_type=password", {}, { origin, apikey: system.variables.SUPABASE_ANON_KEY });
  assert.match(answer.headers.get("access-control-expose-headers"), /x-supabase-api-version/);
});
