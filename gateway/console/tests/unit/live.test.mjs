// What the page hears, and what it does about what it did not hear.

import assert from "node:assert/strict";
import { before, beforeEach, test } from "node:test";
import { load } from "./load.mjs";

const { attend, cursor, move, start, tenantId, readSoon, Code, ConnectError, count, counts, denied, ErrorInfoSchema, forget, gaps, load: list, lostAt, memberships, NO_FILTERS, properties, requests, rows, tryNow, watch } = await load(
  "inbox/cursor#cursor,move",
  "inbox/list",
  "live",
  "route#NO_FILTERS",
  "session/session#start,tenantId",
  "session/tenants#memberships",
  "wire/calls",
  "generated/google/rpc/error_details_pb#ErrorInfoSchema",
  "../node_modules/@connectrpc/connect/dist/esm/index.js#ConnectError,Code",
);

const CREATED = 1;
const REVIEW_STARTED = 2;
const DECLINED = 5;
const PROPERTY_CREATED = 15;
const one = (id, status = 1) => ({ id, status, propertyId: "", guestId: "", checkIn: "2027-04-06", checkOut: "2027-04-10", createdAt: { seconds: 1n, nanos: 0 } });
const settle = (length = 5) => new Promise((resolve) => setTimeout(resolve, length));
const turns = async (count = 10) => {
  for (let turn = 0; turn < count; turn += 1) await new Promise(setImmediate);
};
const refusal = (reason, metadata = {}) => new ConnectError(reason, Code.FailedPrecondition, { "x-request-id": "r" }, [{ desc: ErrorInfoSchema, value: { reason, metadata } }]);

/** Shows the page, or hides it. */
let see;
document.addEventListener = (kind, listener) => {
  if (kind !== "visibilitychange") return;
  see = (visibilityState) => {
    document.visibilityState = visibilityState;
    listener();
  };
};

let read;
let cursors;
/** What streams say, one after the other: messages, or what ends them. */
let streams;
let stop;

before(async () => {
  globalThis.fetch = async () => new Response(JSON.stringify({ access: "one", expires_in: 900, user: { id: "x" } }));
  assert.equal(await start(), undefined);
});

beforeEach(async () => {
  stop?.();
  [read, cursors, streams] = [[], [], []];
  forget();
  attend(true);
  requests.listBookingRequests = async () => ({ bookingRequests: [one("a")], counts: [], nextPageToken: "", leftOut: 0 });
  requests.getBookingRequest = async ({ bookingRequestId }) => {
    read.push(bookingRequestId);
    return { bookingRequest: one(bookingRequestId) };
  };
  requests.watchBookingRequests = async function* ({ cursor }, { signal }) {
    cursors.push(cursor);
    for (const said of streams.shift() ?? []) {
      if (said instanceof Error) throw said;
      yield said;
    }
    await new Promise((_, reject) => signal.addEventListener("abort", () => reject(signal.reason)));
  };
  await list(NO_FILTERS);
});

const event = (bookingRequestId, kind) => ({ cursor: `${bookingRequestId}${kind}`, event: { bookingRequestId, kind, propertyId: "" } });

test("what is not listed is read only if it may come into the list", async () => {
  streams = [[{ cursor: "0" }, event("b", REVIEW_STARTED), event("c", CREATED), event("d", DECLINED), event("a", DECLINED), event("e", 24)]];
  stop = watch();
  await settle();
  assert.deepEqual(read, ["c", "a", "e"]);
  assert.deepEqual(rows.value.map(({ value: { id } }) => id).sort(), ["a", "c", "e"]);
});

test("of many that wait the list is read, and of a few four at once", async (context) => {
  let lists = 0;
  const { listBookingRequests } = requests;
  requests.listBookingRequests = async (input) => {
    lists += input.pageSize > 1 ? 1 : 0;
    return await listBookingRequests(input);
  };
  context.mock.timers.enable({ apis: ["setTimeout"] });
  let [now, most] = [0, 0];
  requests.getBookingRequest = async ({ bookingRequestId }) => {
    read.push(bookingRequestId);
    most = Math.max(most, (now += 1));
    await settle(1);
    now -= 1;
    return { bookingRequest: one(bookingRequestId) };
  };
  const pass = async (milliseconds) => {
    for (let passed = 0; passed < milliseconds; passed += 1) {
      context.mock.timers.tick(1);
      await turns(3);
    }
  };
  const events = (from, to) => Array.from({ length: to - from }, (_, at) => event(`n${from + at}`, CREATED));
  streams = [[{ cursor: "0" }, ...events(0, 12)]];
  stop = watch();
  await turns();
  await pass(10);
  assert.deepEqual([read.length, new Set(read).size, most], [12, 12, 4]);
  stop();
  [read, lists] = [[], 0];
  streams = [[{ cursor: "1" }, ...events(20, 220)]];
  stop = watch();
  await turns(20);
  await pass(90);
  // That of a stream that begins, and none yet for what has not all come.
  assert.equal(lists, 1);
  await pass(100);
  assert.deepEqual([read.length, lists], [4, 2]);
});

test("a list that cannot be read is read again, and what was decided here does not wait for it", async (context) => {
  context.mock.timers.enable({ apis: ["setTimeout"] });
  const { getBookingRequest } = requests;
  requests.getBookingRequest = async (input) => {
    await settle(10);
    return await getBookingRequest(input);
  };
  streams = [[{ cursor: "0" }, ...Array.from({ length: 40 }, (_, at) => event(`n${at}`, CREATED))]];
  stop = watch();
  await turns();
  const { listBookingRequests } = requests;
  let lists = 0;
  requests.listBookingRequests = async () => {
    lists += 1;
    throw new Error("no");
  };
  context.mock.timers.tick(100);
  await turns();
  assert.equal(lists, 1);
  const { getBookingRequest: found } = requests;
  requests.getBookingRequest = async () => {
    requests.getBookingRequest = found;
    read.push("failed");
    throw new Error("no");
  };
  context.mock.timers.tick(10);
  await turns();
  readSoon("mine");
  context.mock.timers.tick(120);
  await turns();
  assert.deepEqual([read, lists], [["n0", "n1", "n2", "n3", "failed"], 1]);
  for (let passed = 0; passed < 4_000; passed += 10) {
    context.mock.timers.tick(10);
    await turns(3);
  }
  assert.deepEqual(read.slice(5), ["mine"]);
  assert.ok(lists > 2, lists);
  requests.listBookingRequests = async () => ({ ...(await listBookingRequests()), bookingRequests: [one("a"), one("n39")] });
  context.mock.timers.tick(16_000);
  await turns();
  assert.deepEqual(rows.value.map(({ value: { id } }) => id).filter((id) => id === "n39"), ["n39"]);
});

test("a row that leaves the list while somebody is at it stays, as it is now", async (context) => {
  context.mock.timers.enable({ apis: ["setTimeout"] });
  const before = (id, seconds, status) => ({ ...one(id, status), createdAt: { seconds, nanos: 0 } });
  const requested = { ...NO_FILTERS, status: "requested" };
  requests.listBookingRequests = async () => ({ bookingRequests: [before("a", 4n), before("b", 3n), before("c", 2n), before("d", 1n)], counts: [], nextPageToken: "", leftOut: 0 });
  await list(requested);
  cursor.value = "b";
  context.after(() => (cursor.value = ""));
  requests.listBookingRequests = async () => ({ bookingRequests: [before("a", 4n), before("c", 2n)], counts: [], nextPageToken: "", leftOut: 0 });
  requests.getBookingRequest = async ({ bookingRequestId: id }) => {
    read.push(id);
    await settle(10);
    return { bookingRequest: id === "b" ? before(id, 3n, 4) : one(id, 4) };
  };
  streams = [[{ cursor: "0" }, ...Array.from({ length: 40 }, (_, at) => event(`n${at}`, 24)), event("b", DECLINED), event("d", DECLINED)]];
  stop = watch();
  for (let passed = 0; passed < 200; passed += 10) {
    context.mock.timers.tick(10);
    await turns(3);
  }
  assert.deepEqual(rows.value.map(({ value: { id, status } }) => `${id}${status}`), ["a1", "b4", "c1"]);
  assert.ok(read.includes("b") && !read.includes("d"), read.join());
  move(1);
  assert.equal(cursor.value, "c");
  // What has been decided stays when the list is read again, until its tab is chosen.
  stop();
  streams = [[{ cursor: "1" }]];
  stop = watch();
  await turns();
  context.mock.timers.tick(10);
  await turns();
  assert.deepEqual(rows.value.map(({ value: { id } }) => id), ["a", "b", "c"]);
  await list(requested);
  assert.deepEqual(rows.value.map(({ value: { id } }) => id), ["a", "c"]);
});

test("a list that cannot be read when a stream begins is read again", async (context) => {
  context.mock.timers.enable({ apis: ["setTimeout"] });
  const { listBookingRequests } = requests;
  requests.listBookingRequests = async () => {
    requests.listBookingRequests = async () => ({ ...(await listBookingRequests()), bookingRequests: [one("b")] });
    throw new Error("no");
  };
  streams = [[{ cursor: "0" }]];
  stop = watch();
  await turns();
  context.mock.timers.tick(500);
  await turns();
  assert.deepEqual(rows.value.map(({ value: { id } }) => id), ["b"]);
});

test("many properties that are made are read once, when they are", async (context) => {
  let asked = 0;
  properties.listProperties = async () => {
    asked += 1;
    return { properties: [], nextPageToken: "" };
  };
  memberships.value = [{ tenantId: tenantId.value, scopes: ["properties:view"] }];
  const made = { cursor: "9", event: { bookingRequestId: "", kind: PROPERTY_CREATED, propertyId: "p" } };
  context.mock.timers.enable({ apis: ["setTimeout", "Date"] });
  streams = [[{ cursor: "0" }, ...Array(40).fill(made)]];
  stop = watch();
  await new Promise(setImmediate);
  assert.equal(asked, 0);
  context.mock.timers.tick(499);
  assert.equal(asked, 0);
  context.mock.timers.tick(1);
  await new Promise(setImmediate);
  assert.equal(asked, 1);
  // For a tenant that the page has left they are not.
  stop();
  streams = [[{ cursor: "1" }, made]];
  stop = watch();
  await new Promise(setImmediate);
  tenantId.value += "0";
  memberships.value = [{ tenantId: tenantId.value, scopes: ["properties:view"] }];
  context.mock.timers.tick(10_000);
  await new Promise(setImmediate);
  assert.equal(asked, 1);
});

test("a read that fails is made again", async () => {
  const { getBookingRequest } = requests;
  requests.getBookingRequest = async (input) => {
    if (read.push("failed") > 1) return await getBookingRequest(input);
    throw new Error("no");
  };
  streams = [[{ cursor: "0" }, event("b", CREATED)]];
  stop = watch();
  await settle(700);
  assert.deepEqual(read, ["failed", "failed", "b"]);
});

test("reads that fail keep no others waiting, and what is not there is asked for once", async (context) => {
  context.mock.timers.enable({ apis: ["setTimeout"] });
  const { getBookingRequest } = requests;
  let isBroken = true;
  requests.getBookingRequest = async (input) => {
    const answer = await getBookingRequest(input);
    if (input.bookingRequestId === "gone") throw refusal("BOOKING_REQUEST_NOT_FOUND");
    if (isBroken && input.bookingRequestId.startsWith("bad")) throw new Error("no");
    return answer;
  };
  streams = [[{ cursor: "0" }, ...["gone", "bad1", "bad2", "bad3", "bad4", "good"].map((id) => event(id, CREATED))]];
  stop = watch();
  await turns();
  assert.deepEqual(read, ["gone", "bad1", "bad2", "bad3", "bad4", "good"]);
  isBroken = false;
  context.mock.timers.tick(20_000);
  await turns();
  assert.deepEqual(read.slice(6).sort(), ["bad1", "bad2", "bad3", "bad4"]);
});

test("what was to be read is not when the page has left", async (context) => {
  context.mock.timers.enable({ apis: ["setTimeout"] });
  tenantId.value = "A";
  const { getBookingRequest } = requests;
  requests.getBookingRequest = async (input) => {
    await getBookingRequest(input);
    throw new Error("no");
  };
  readSoon("decided");
  context.mock.timers.tick(120);
  await turns();
  readSoon("other");
  tenantId.value = "B";
  context.mock.timers.tick(20_000);
  await turns();
  assert.deepEqual(read, ["decided"]);
});

test("after events that nobody keeps any more everything is read again", async () => {
  const before = gaps.value;
  streams = [[{ cursor: "0" }, refusal("CURSOR_EXPIRED", { go_on: "9" })], [{ cursor: "9" }]];
  stop = watch();
  await settle(700);
  assert.deepEqual([cursors, gaps.value], [["", "9"], before + 1]);
});

test("what happened before a stream came at last is read again", async () => {
  const before = gaps.value;
  streams = [[new Error("no")], [{ cursor: "1" }]];
  stop = watch();
  await settle(700);
  assert.deepEqual([cursors.length, gaps.value], [2, before + 1]);
});

test("who may not hear is told so, and does not ask for ever", async () => {
  streams = [[refusal("SCOPE_MISSING")], []];
  stop = watch();
  await settle(700);
  assert.deepEqual([cursors.length, denied.value.reason, lostAt.value], [1, "SCOPE_MISSING", 0]);
});

test("a stream that hangs is left when the network is there again", async () => {
  streams = [[{ cursor: "0" }], [{ cursor: "1" }]];
  stop = watch();
  await settle();
  tryNow();
  await settle(700);
  assert.deepEqual(cursors, ["", "0"]);
});

test("a page that nobody sees for a minute hears nothing, and goes on where it was when it is seen", async (context) => {
  context.mock.timers.enable({ apis: ["setTimeout", "Date"], now: Date.now() });
  const told = [];
  context.after(lostAt.subscribe((at) => told.push(at)));
  let open = 0;
  requests.watchBookingRequests = async function* ({ cursor }, { signal }) {
    cursors.push(cursor);
    open += 1;
    try {
      for (let beat = 0; ; beat += 1) {
        yield { cursor: `${cursors.length}.${beat}` };
        await new Promise((resolve, reject) => {
          setTimeout(resolve, 15_000);
          signal.addEventListener("abort", () => reject(signal.reason));
        });
      }
    } finally {
      open -= 1;
    }
  };
  const pass = async (seconds) => {
    for (let passed = 0; passed < seconds; passed += 5) {
      context.mock.timers.tick(5_000);
      for (let turns = 0; turns < 3; turns += 1) await new Promise(setImmediate);
    }
  };
  stop = watch();
  await pass(5);
  see("hidden");
  await pass(55);
  see("visible");
  await pass(60);
  assert.deepEqual([cursors, open], [[""], 1]);
  see("hidden");
  await pass(60);
  assert.equal(open, 0);
  await pass(600);
  assert.deepEqual([cursors, open], [[""], 0]);
  see("visible");
  await pass(5);
  assert.deepEqual([cursors, open], [["", "1.11"], 1]);
  // A page that is opened behind another one has not been seen at all.
  stop();
  document.visibilityState = "hidden";
  stop = watch();
  await pass(65);
  assert.deepEqual([cursors.length, open], [3, 0]);
  assert.deepEqual([...new Set(told)], [0]);
  document.visibilityState = "visible";
});

test("a page that is seen again says since when it hears nothing, while its try hangs", async (context) => {
  const begun = Date.now();
  context.mock.timers.enable({ apis: ["setTimeout", "Date"], now: begun });
  streams = [[{ cursor: "0" }], []];
  stop = watch();
  await turns();
  see("hidden");
  context.mock.timers.tick(60_000);
  await turns();
  context.mock.timers.tick(600_000);
  see("visible");
  await turns();
  assert.deepEqual([cursors, lostAt.value], [["", "0"], 0]);
  context.mock.timers.tick(3_000);
  assert.equal(lostAt.value, begun + 60_000);
});

test("what happens while it is counted is counted, and nothing for who does not look", async (context) => {
  context.mock.timers.enable({ apis: ["setTimeout"] });
  const answers = [];
  requests.listBookingRequests = () => new Promise((resolve) => answers.push((count) => resolve({ counts: [{ status: 1, count, more: false }] })));
  count();
  context.mock.timers.tick(3_000);
  assert.equal(answers.length, 1);
  count();
  answers[0](1);
  await Promise.resolve();
  context.mock.timers.tick(3_000);
  assert.equal(answers.length, 2);
  answers[1](2);
  await new Promise(setImmediate);
  assert.equal(counts.value.requested.count, 2);
  attend(false);
  count();
  context.mock.timers.tick(3_000);
  assert.equal(answers.length, 2);
});
