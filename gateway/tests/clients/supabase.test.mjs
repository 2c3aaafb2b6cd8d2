// The published Supabase client against the gateway's /auth/v1.

import assert from "node:assert/strict";
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
