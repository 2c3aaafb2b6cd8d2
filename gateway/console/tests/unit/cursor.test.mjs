// Where keys and replies lead to.

import assert from "node:assert/strict";
import { beforeEach, test } from "node:test";
import { load } from "./load.mjs";

const { advance, chosen, chosenRequests, cursor, dialog, forget, go, move, requests, route, show, load: list, NO_FILTERS } = await load("inbox/cursor", "inbox/list", "route", "wire/calls");

const idOf = (at) => `0d000000-0000-7000-8000-00000000000${at}`;
const [A, B, C] = [idOf(1), idOf(2), idOf(3)];
const one = (id, seconds) => ({ id, status: 1, propertyId: "", guestId: "", checkIn: "2027-04-06", checkOut: "2027-04-10", createdAt: { seconds, nanos: 0 }, etag: "1", message: "", internalNote: "", declineReason: "", declineMessage: "" });
const all = [one(A, 3n), one(B, 2n), one(C, 1n)];

beforeEach(async () => {
  forget();
  requests.listBookingRequests = async () => ({ bookingRequests: all, counts: [], nextPageToken: "", leftOut: 0 });
  await list(NO_FILTERS);
  dialog.value = "";
  go({ request: A });
  cursor.value = A;
});

test("after a decision comes the next one that is open", () => {
  show({ ...all[1], status: 3 });
  advance(A);
  assert.equal(route.value.request, C);
});

test("a late reply takes nobody back from where they have gone meanwhile", () => {
  move(1);
  move(1);
  advance(A);
  assert.deepEqual([route.value.request, cursor.value], [C, C]);
});

test("behind a dialog nothing moves", () => {
  dialog.value = "decline";
  advance(A);
  assert.equal(route.value.request, A);
});

test("what a search hides is not taken with what is chosen and seen", () => {
  chosen.value = new Set([A, B]);
  assert.deepEqual(chosenRequests().map(({ id }) => id), [A, B]);
  go({ filters: { search: B } });
  assert.deepEqual(chosenRequests().map(({ id }) => id), [B]);
});
