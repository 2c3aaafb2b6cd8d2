// Calls that nobody answers, or that are refused on their way.

import assert from "node:assert/strict";
import { before, beforeEach, test } from "node:test";
import { load } from "./load.mjs";

const { failureOf, properties, requests, stage, start } = await load("session/session", "wire/calls", "wire/failure");

/** How long calls may take; a test says whether their time is over at once. */
const allowed = [];
let over;
AbortSignal.timeout = (length) => {
  allowed.push(length);
  const clock = new AbortController();
  if (over) setTimeout(() => clock.abort(new DOMException("the time is over", "TimeoutError")));
  return clock.signal;
};

const silent = (_, { signal }) => new Promise((_, reject) => signal.addEventListener("abort", () => reject(signal.reason)));
const json = (body, status = 200) => new Response(JSON.stringify(body), { status });

before(async () => {
  globalThis.fetch = async () => json({ access: "one", expires_in: 900, user: { id: "x" } });
  assert.equal(await start(), undefined);
});

beforeEach(() => {
  allowed.length = 0;
  over = false;
});

test("what hangs is given up, at the session as at the services", { timeout: 30_000 }, async () => {
  globalThis.fetch = silent;
  over = true;
  const refused = await properties.listProperties({}).catch(failureOf);
  assert.equal(refused.reason, "NETWORK");
  await start();
  assert.deepEqual([stage.value, allowed], ["unreachable", [15_000, 15_000]]);
});

test("a stream is not given up by the clock", { timeout: 30_000 }, async () => {
  globalThis.fetch = async () => json({ access: "two", expires_in: 900, user: { id: "x" } });
  await start();
  allowed.length = 0;
  globalThis.fetch = silent;
  over = true;
  const mine = new AbortController();
  setTimeout(() => mine.abort(), 20);
  const heard = (async () => {
    for await (const _ of requests.watchBookingRequests({}, { signal: mine.signal }));
  })();
  await assert.rejects(heard);
  assert.deepEqual(allowed, []);
});

test("a refusal of the session is the refusal of the call that waits for it", async () => {
  globalThis.fetch = async () => json({ access: "three", expires_in: -1, user: { id: "x" } });
  await start();
  const clock = performance.now;
  performance.now = () => clock.call(performance) + 3_600_000;
  globalThis.fetch = async () => json({ code: "TOO_MANY_CALLS", request_id: "r" }, 429);
  const refused = await properties.listProperties({}).catch(failureOf);
  performance.now = clock;
  assert.deepEqual([refused.reason, refused.requestId], ["TOO_MANY_CALLS", "r"]);
});
