import assert from "node:assert/strict";
import { test } from "node:test";
import { load } from "./load.mjs";

const { dayOf, dateOf, nights, common, isWeekend, lanes, span } = await load("text/days", "request/Strip", "request/open");

test("days are counted, whatever the clocks do", () => {
  assert.equal(nights("2027-03-27", "2027-03-29"), 2);
  assert.equal(dateOf(dayOf("2028-02-28") + 1), "2028-02-29");
  assert.ok(Number.isNaN(dayOf("")));
});

test("stays share nights, not the day on which one leaves and one comes", () => {
  assert.equal(common(["2027-04-01", "2027-04-03"], ["2027-04-03", "2027-04-05"]), null);
  assert.deepEqual(common(["2027-04-01", "2027-04-04"], ["2027-04-03", "2027-04-05"]), ["2027-04-03", "2027-04-04"]);
});

test("Saturday and Sunday are the weekend", () => {
  const days = ["2026-11-27", "2026-11-28", "2026-11-29", "2026-11-30"];
  assert.deepEqual(days.map((day) => isWeekend(dayOf(day))), [false, true, true, false]);
});

test("bars that share no night are in one row", () => {
  const bar = (from, to) => ({ from, to });
  assert.deepEqual(lanes([bar(3, 5), bar(1, 3), bar(2, 4)]), [[bar(1, 3), bar(3, 5)], [bar(2, 4)]]);
});

test("the days around a long stay are cut", () => {
  const { from, to } = span("2027-01-01", "2027-12-31");
  assert.equal(dateOf(from), "2026-12-27");
  assert.equal(to - from, 62);
});
