// The session of the page, which other pages of the browser share.

import assert from "node:assert/strict";
import { beforeEach, test } from "node:test";
import { load } from "./load.mjs";

const channels = [];
globalThis.BroadcastChannel = class {
  said = [];
  constructor(name) {
    channels.push(Object.assign(this, { name }));
  }
  postMessage(data) {
    this.said.push(data);
  }
};
globalThis.document = { baseURI: "http://localhost/desk/invitation#token=x", documentElement: {}, querySelector: () => null, getElementById: () => null };

const { access, end, endedElsewhere, failureOfProblem, isEnd, look, lookAway, memberships, refreshed, seenAs, stage, start, startFailure, tenantId, user, view, viewFailure } = await load("session/session", "session/tenants", "wire/failure");

const [others] = channels;
const tokens = (access, id = "x") => ({ access, expires_in: 900, user: { id, email: `${id}@example.com`, display_name: id } });
const refusal = (code, metadata = {}) => ({ status: 401, json: { code, metadata, request_id: "r" } });
let calls;
/** Answers in their order: tokens, a refusal, or a promise of one. */
let answers;

globalThis.fetch = async (url, { method }) => {
  calls.push(`${method} ${url.replace("http://localhost/desk/console/session", "")}`);
  const { status = 200, json, ...rest } = await answers.shift();
  return new Response(JSON.stringify(json ?? rest), { status });
};

beforeEach(async () => {
  calls = [];
  answers = [{ status: 200, json: null }];
  await end();
  answers = [tokens("one")];
  assert.equal(await start(), undefined);
  [calls, others.said] = [[], []];
});

test("pages of one console hear each other, whichever they are", () => {
  assert.equal(others.name, "frontdesk http://localhost/desk/");
});

test("a gateway that cannot answer now ends no session", async () => {
  answers = [refusal("UPSTREAM_UNAVAILABLE")];
  await start();
  assert.deepEqual([stage.value, startFailure.value.reason], ["unreachable", "UPSTREAM_UNAVAILABLE"]);
  answers = [tokens("two")];
  await start();
  assert.equal(stage.value, "in");
  answers = [refusal("SIGN_IN_REQUIRED")];
  await start();
  assert.deepEqual([stage.value, endedElsewhere.value], ["out", true]);
});

test("another user has nothing of the one before", async () => {
  memberships.value = [{ tenantId: "t", scopes: [] }];
  tenantId.value = "t";
  answers = [tokens("two", "z")];
  others.onmessage({ data: "z" });
  await new Promise((resolve) => setTimeout(resolve, 10));
  assert.deepEqual([user.value.id, memberships.value, tenantId.value, stage.value], ["z", null, "", "in"]);
  others.onmessage({ data: "z" });
  assert.equal(calls.length, 1);
});

test("a late refusal of an earlier token ends nothing", async () => {
  answers = [tokens("two")];
  await refreshed("one");
  assert.equal(isEnd(failureOfProblem({ code: "SESSION_ENDED" }, null), "one"), false);
  assert.deepEqual([stage.value, others.said], ["in", []]);
  assert.equal(isEnd(failureOfProblem({ code: "SESSION_ENDED" }, null), "two"), true);
  assert.deepEqual([stage.value, others.said], ["out", ["out"]]);
});

test("a cookie that was just replaced is no end", async () => {
  answers = [refusal("REFRESH_TOKEN_INVALID", { session: "open" }), refusal("REFRESH_TOKEN_INVALID", { session: "open" })];
  await assert.rejects(refreshed("one"));
  assert.equal(stage.value, "in");
  assert.equal(await access(), "one");
});

test("signing out is done when the session is over, and not before", async () => {
  const open = refusal("REFRESH_TOKEN_INVALID", { session: "open" });
  answers = [open, open];
  assert.equal((await end()).reason, "REFRESH_TOKEN_INVALID");
  assert.equal(stage.value, "in");
  answers = [open, { status: 200, json: null }];
  assert.equal(await end(), null);
  assert.deepEqual([stage.value, others.said, calls.length], ["out", ["out"], 4]);
});

test("a token that comes after the end signs nobody in", async () => {
  let arrive;
  answers = [new Promise((resolve) => (arrive = resolve))];
  const late = refreshed("one");
  others.onmessage({ data: "out" });
  assert.equal(stage.value, "out");
  arrive(tokens("two"));
  await assert.rejects(late);
  assert.deepEqual([stage.value, user.value], ["out", null]);
});

const refused = (code) => failureOfProblem({ code }, null);
const beginLook = () => look({ name: "Vera", tenantName: "Alpine Stays", until: 7 }, "seen");

test("who looks as somebody else calls with another token, and has nothing of their own", async () => {
  memberships.value = [{ tenantId: "t", scopes: [] }];
  tenantId.value = "t";
  beginLook();
  assert.deepEqual([await access(), tenantId.value, memberships.value, seenAs.value], ["seen", "", null, "7"]);
  assert.equal(isEnd(refused("VIEW_ONLY"), "seen"), false);
  // Their own token is replaced meanwhile, and changes nothing of what is seen.
  answers = [tokens("two")];
  await refreshed("one");
  assert.deepEqual([await access(), view.value.name], ["seen", "Vera"]);
  memberships.value = [];
  lookAway();
  assert.deepEqual([await access(), memberships.value, seenAs.value, stage.value], ["two", null, "x", "in"]);
});

test("a look ends alone, when its token is of no use any more", () => {
  for (const code of ["TOKEN_EXPIRED", "SESSION_ENDED", "STEP_UP_REQUIRED", "TENANT_ACCESS_DENIED"]) {
    beginLook();
    assert.equal(isEnd(refused(code), "seen"), true, code);
    assert.deepEqual([view.value, viewFailure.value.reason, stage.value, others.said], [null, code, "in", []]);
  }
  // A late refusal of it ends nothing else.
  assert.equal(isEnd(refused("SESSION_ENDED"), "seen"), false);
  assert.equal(stage.value, "in");
});

test("who is signed out looks no more", () => {
  beginLook();
  others.onmessage({ data: "out" });
  assert.deepEqual([view.value, stage.value], [null, "out"]);
});
