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

const { access, end, endedElsewhere, failureOfProblem, isEnd, memberships, refreshed, stage, start, startFailure, tenantId, user } = await load("session/session", "session/tenants", "wire/failure");

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
