// Decisions that overlap, fail, or come too late.

import assert from "node:assert/strict";
import { beforeEach, test } from "node:test";
import { load } from "./load.mjs";

const { approve, cursor, declineDraftOf, draftOf, decline, done, failed, forget, go, listenToKeys, memberships, requests, route, startReview, tenantId, under, load: list, NO_FILTERS } = await load(
  "decide/decisions",
  "decide/under#under",
  "inbox/cursor",
  "inbox/list",
  "keys",
  "route",
  "session/session",
  "session/tenants",
  "wire/calls",
);

const idOf = (at) => `0d000000-0000-7000-8000-00000000000${at}`;
const [TENANT, A, B] = [idOf(9), idOf(1), idOf(2)];
const one = (id, seconds) => ({ id, status: 1, propertyId: "", guestId: "", checkIn: "2027-04-06", checkOut: "2027-04-10", createdAt: { seconds, nanos: 0 }, etag: "1", message: "", internalNote: "", declineReason: "", declineMessage: "" });
const rows = new Map();

/** A promise with what settles it. */
function later() {
  const made = {};
  made.promise = new Promise((resolve, reject) => Object.assign(made, { resolve, reject }));
  return made;
}
const settle = () => new Promise((resolve) => setTimeout(resolve));

let press;
let listening = false;
globalThis.addEventListener = (kind, listener) => {
  if (kind === "keydown") press = (key, timeStamp) => listener({ key, timeStamp, target: null, preventDefault() {} });
};

beforeEach(async () => {
  forget();
  for (const [at, id] of [A, B].entries()) rows.set(id, one(id, BigInt(9 - at)));
  requests.listBookingRequests = async () => ({ bookingRequests: [...rows.values()], counts: [], nextPageToken: "", leftOut: 0 });
  requests.getBookingRequest = async ({ bookingRequestId }) => ({ bookingRequest: rows.get(bookingRequestId) });
  memberships.value = [{ tenantId: TENANT, scopes: ["bookings:approve"] }];
  tenantId.value = TENANT;
  await list(NO_FILTERS);
  go({ tenant: TENANT, request: "" });
  cursor.value = A;
});

test("what is under way is not taken for done when it is asked for again", async () => {
  const reply = later();
  requests.approveBookingRequest = () => reply.promise;
  const first = approve(rows.get(A), "", false);
  assert.equal(await approve(rows.get(A), "", false), "busy");
  assert.equal(await decline(rows.get(A), { declineReason: "x", reasonCode: 1, guestMessage: "", internalNote: "" }), "busy");
  assert.ok(under.value.has(A));
  reply.resolve({ outcome: 1, evidence: 0 });
  assert.equal(await first, null);
});

test("a key that is pressed twice decides once, and goes on once", async () => {
  const replies = [];
  const asked = [];
  requests.approveBookingRequest = ({ bookingRequestId }) => {
    asked.push(bookingRequestId);
    replies.push(later());
    return replies.at(-1).promise;
  };
  listening ||= Boolean(listenToKeys());
  globalThis.document.activeElement = null;
  press("a");
  press("a");
  await settle();
  assert.deepEqual([asked, cursor.value], [[A], A]);
  rows.set(A, { ...rows.get(A), status: 3, etag: "2" });
  replies[0].resolve({ outcome: 1, evidence: 0, status: 3 });
  await settle();
  assert.deepEqual([asked, cursor.value, done.value[0].request.status], [[A], B, 3]);
});

test("a key that is pressed twice is not about what the first press has led on to", async (context) => {
  // What is decided is the row, and no request beside it.
  context.mock.method(globalThis, "matchMedia", () => ({ matches: false }));
  const asked = [];
  requests.approveBookingRequest = async ({ bookingRequestId }) => {
    asked.push(bookingRequestId);
    rows.set(bookingRequestId, { ...rows.get(bookingRequestId), status: 3 });
    return { outcome: 1, evidence: 0, status: 3 };
  };
  press("a", 1_000);
  await settle();
  assert.deepEqual([asked, cursor.value], [[A], B]);
  press("a", 1_100);
  press("a", 1_250);
  await settle();
  assert.deepEqual(asked, [A]);
  press("a", 1_650);
  await settle();
  assert.deepEqual(asked, [A, B]);
});

test("who goes on by a key of their own decides there at once", async (context) => {
  // What is decided is the row, and no request beside it.
  context.mock.method(globalThis, "matchMedia", () => ({ matches: false }));
  const asked = [];
  requests.approveBookingRequest = async ({ bookingRequestId }) => {
    asked.push(bookingRequestId);
    return { outcome: 1, evidence: 0, status: 3 };
  };
  press("a", 2_000);
  await settle();
  press("k", 2_050);
  press("j", 2_080);
  press("a", 2_120);
  await settle();
  assert.deepEqual([asked, cursor.value], [[A, B], B]);
});

test("an approval by a key carries what was entered, and opens what failed", async () => {
  const asked = [];
  requests.approveBookingRequest = async ({ internalNote, overrideRules }) => {
    asked.push([internalNote, overrideRules]);
    throw new Error("no");
  };
  draftOf(A).note.value = "By phone";
  draftOf(A).override.value = true;
  press("a");
  await settle();
  assert.deepEqual([asked, route.value.request, failed.value.get(A).request.id], [[["By phone", true]], A, A]);
  // Who has gone on is not taken back.
  go({ request: "" });
  cursor.value = B;
  press("a");
  cursor.value = A;
  await settle();
  assert.deepEqual([asked[1], route.value.request], [["", false], ""]);
});

test("what was written to decline stays until the request is decided", async () => {
  const refusals = [new Error("no")];
  requests.declineBookingRequest = async () => {
    if (refusals.length > 0) throw refusals.pop();
    return { status: 4 };
  };
  requests.startReview = async () => ({ status: 2 });
  const words = () => declineDraftOf(A).declineReason.value;
  const send = () => decline(rows.get(A), { declineReason: words(), reasonCode: 6, guestMessage: "", internalNote: "" });
  declineDraftOf(A).declineReason.value = "With care";
  declineDraftOf(B).declineReason.value = "Of another one";
  await send();
  assert.equal(words(), "With care");
  await startReview(rows.get(A));
  assert.equal(words(), "With care");
  await send();
  assert.deepEqual([words(), declineDraftOf(B).declineReason.value], ["", "Of another one"]);
  tenantId.value = "";
  assert.equal(declineDraftOf(B).declineReason.value, "");
});
