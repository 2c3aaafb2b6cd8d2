// The list, while answers to it and news of its requests cross each other.

import assert from "node:assert/strict";
import { beforeEach, test } from "node:test";
import { load } from "./load.mjs";

const { ask, forget, load: list, more, next, requests, rows, show, NO_FILTERS } = await load("inbox/list", "route", "wire/calls");

const one = (id, seconds, status = 1) => ({ id, status, propertyId: "", guestId: "", checkIn: "2027-04-06", checkOut: "2027-04-10", createdAt: { seconds, nanos: 0 } });
const seen = () => rows.value.map(({ value: { id, status } }) => `${id}${status}`);
let answer;

beforeEach(() => {
  forget();
  requests.listBookingRequests = () => new Promise((resolve) => (answer = (bookingRequests, nextPageToken = "") => resolve({ bookingRequests, counts: [], nextPageToken, leftOut: 0 })));
});

async function loaded(...page) {
  const loading = list(NO_FILTERS);
  answer(...page);
  await loading;
}

test("an answer does not hide what came after it was asked", async () => {
  await loaded([one("b", 2n), one("a", 1n)]);
  const loading = list(NO_FILTERS);
  show(one("a", 1n, 3));
  show(one("c", 3n));
  answer([one("b", 2n), one("a", 1n)]);
  await loading;
  assert.deepEqual(seen(), ["c1", "b1", "a3"]);
});

test("a read that was asked before an answer does not hide the answer", async () => {
  await loaded([one("a", 1n)]);
  const early = ask();
  await loaded([one("a", 1n, 3)]);
  show(one("a", 1n, 1), early);
  assert.deepEqual(seen(), ["a3"]);
});

test("what came while the next page was under way is not lost behind it", async () => {
  await loaded([one("d", 4n), one("c", 3n)], "more");
  const loading = more();
  show(one("b", 2n));
  assert.deepEqual(seen(), ["d1", "c1"]);
  answer([one("a", 1n)]);
  await loading;
  assert.deepEqual([seen(), next.value], [["d1", "c1", "b1", "a1"], ""]);
});

test("what was asked before all was forgotten is not shown", async () => {
  await loaded([one("a", 1n)]);
  const early = ask();
  forget();
  const loading = list(NO_FILTERS);
  answer([]);
  await loading;
  show(one("a", 1n), early);
  assert.deepEqual(seen(), []);
});
