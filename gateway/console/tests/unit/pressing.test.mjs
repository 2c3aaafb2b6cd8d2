// Keys that decide, and what their replies lead on to.

import assert from "node:assert/strict";
import { beforeEach, test } from "node:test";
import { load } from "./load.mjs";

const listeners = [];
globalThis.addEventListener = (kind, listener) => kind === "keydown" && listeners.push(listener);
// The list alone, whose keys are about the row with the focus.
globalThis.matchMedia = () => ({ matches: false });

const { cursor, forget, listenToKeys, load: list, memberships, NO_FILTERS, requests, tenantId } = await load(
  "keys",
  "inbox/cursor#cursor",
  "inbox/list#forget,load",
  "route#NO_FILTERS",
  "session/session#tenantId",
  "session/tenants#memberships",
  "wire/calls",
);

const idOf = (at) => `0d000000-0000-7000-8000-00000000000${at}`;
const [A, B, C] = [idOf(1), idOf(2), idOf(3)];
const one = (id, seconds) => ({ id, status: 1, propertyId: "", guestId: "", checkIn: "2027-04-06", checkOut: "2027-04-10", createdAt: { seconds, nanos: 0 }, etag: "1", message: "", internalNote: "", declineReason: "", declineMessage: "" });
const settle = () => new Promise((resolve) => setTimeout(resolve, 5));

listenToKeys();
const press = (key, timeStamp, more = {}) => listeners[0]({ key, timeStamp, target: null, preventDefault() {}, ...more });

let asked;

beforeEach(async () => {
  memberships.value = [{ tenantId: "T", scopes: ["bookings:approve"] }];
  tenantId.value = "T";
  forget();
  asked = [];
  requests.listBookingRequests = async () => ({ bookingRequests: [one(A, 3n), one(B, 2n), one(C, 1n)], counts: [], nextPageToken: "", leftOut: 0 });
  requests.getBookingRequest = async ({ bookingRequestId }) => ({ bookingRequest: one(bookingRequestId, 1n) });
  requests.approveBookingRequest = ({ bookingRequestId }) => new Promise((resolve) => asked.push({ id: bookingRequestId, reply: () => resolve({ outcome: 1, evidence: 0, status: 3 }) }));
  await list(NO_FILTERS);
  cursor.value = A;
});

const ids = () => asked.map(({ id }) => id);

test("a key that is pressed again as soon as a late reply has led on decides nothing", async () => {
  const begun = performance.now() - 1_900;
  press("a", begun);
  await settle();
  asked[0].reply();
  await settle();
  const led = performance.now();
  assert.deepEqual([ids(), cursor.value], [[A], B]);
  press("Shift", led + 50);
  press("a", led + 100);
  await settle();
  assert.deepEqual(ids(), [A]);
  press("a", led + 450);
  await settle();
  assert.deepEqual(ids(), [A, B]);
  asked[1].reply();
  await settle();
});

test("another key counts at once, and so does the same one where somebody has gone", async () => {
  const reviewed = [];
  requests.startReview = async ({ bookingRequestId }) => {
    reviewed.push(bookingRequestId);
    return { status: 2 };
  };
  press("a", performance.now());
  await settle();
  asked[0].reply();
  await settle();
  press("u", performance.now());
  await settle();
  assert.deepEqual(reviewed, [B]);
  press("j", performance.now());
  press("a", performance.now());
  await settle();
  assert.deepEqual(ids(), [A, C]);
});
