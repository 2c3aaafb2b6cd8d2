// Where the reader is in the calendar, and what is read for it.

import assert from "node:assert/strict";
import { beforeEach, test } from "node:test";
import { load } from "./load.mjs";

const { areKnown, choice, dayOf, firstDay, go, goTo, known, loadProperties, memberships, now, place, properties, readAgain, step, stretch, yearOf } = await load("calendar/place", "calendar/year#firstDay,readAgain,yearOf", "now#now", "properties#areKnown,loadProperties,properties as known", "route#go", "session/tenants#memberships", "text/days#dayOf", "wire/calls#properties");

const unit = (id) => [id, { id, name: id }];
const settle = () => new Promise((resolve) => setTimeout(resolve));

beforeEach(() => {
  memberships.value = [{ tenantId: "", scopes: ["properties:view"] }];
  known.value = new Map([unit("b"), unit("c")]);
  go({ page: "calendar", day: "2027-04-01" });
});

test("a choice stays with its property and its nights", () => {
  goTo(1, 3);
  step(0, 2, true);
  const chosen = { property: "c", name: "c", from: dayOf("2027-04-04"), to: dayOf("2027-04-07") };
  assert.deepEqual(choice(), chosen);
  known.value = new Map([unit("a"), unit("b"), unit("c")]);
  assert.deepEqual([choice(), place.value.row], [chosen, 2]);
  go({ day: "2027-04-29" });
  assert.deepEqual(choice(), chosen);
  go({ day: "2027-04-01" });
  assert.deepEqual(place.value, { row: 2, at: 5 });
  known.value = new Map([unit("a")]);
  assert.equal(choice(), null);
});

test("a choice gets a night more or less at its end, and keeps one", () => {
  goTo(0, 5);
  step(0, -2, true);
  const nights = () => [choice().from, choice().to].map((day) => day - firstDay.value);
  stretch(1);
  assert.deepEqual(nights(), [3, 7]);
  for (let pressed = 0; pressed < 9; pressed += 1) stretch(-1);
  assert.deepEqual(nights(), [3, 4]);
  goTo(0, 364);
  step(0, 0, true);
  stretch(1);
  assert.deepEqual(nights(), [364, 365]);
});

test("a year is read once at a time, and again when it had failed", async () => {
  const answers = [];
  properties.getAvailability = () => new Promise((resolve, reject) => answers.push({ resolve, reject }));
  const year = yearOf("b");
  readAgain("b");
  readAgain("b");
  assert.equal(answers.length, 1);
  answers[0].resolve({ occupancies: [] });
  await settle();
  assert.equal(answers.length, 2);
  answers[1].reject(new Error("no"));
  await settle();
  assert.equal(year.value, "failed");
  readAgain("b");
  assert.equal(year.value, "loading");
  answers[2].resolve({ occupancies: [] });
  await settle();
  assert.deepEqual([year.value, answers.length], [[], 3]);
});

test("over midnight the calendar begins a day later", (context) => {
  go({ day: "" });
  context.mock.timers.enable({ apis: ["Date"], now: new Date(2027, 3, 1, 23, 59, 50) });
  now.value = Date.now();
  const before = firstDay.value;
  context.mock.timers.setTime(new Date(2027, 3, 2, 0, 0, 10).getTime());
  now.value = Date.now();
  assert.deepEqual([before, firstDay.value], [dayOf("2027-03-29"), dayOf("2027-03-30")]);
});

test("properties that could not be read again are as they were, and it is said", async () => {
  const page = (names) => ({ properties: names.map((id) => ({ id, name: id })), nextPageToken: "" });
  properties.listProperties = async () => page(["a", "b"]);
  await loadProperties();
  assert.deepEqual([[...known.value.keys()], areKnown.value], [["a", "b"], true]);
  properties.listProperties = () => Promise.reject(new Error("no"));
  await loadProperties();
  assert.deepEqual([[...known.value.keys()], areKnown.value], [["a", "b"], false]);
});

test("properties are not asked for by who may not see them, unless they look for them", async () => {
  let asked = 0;
  properties.listProperties = async () => {
    asked += 1;
    return { properties: [], nextPageToken: "" };
  };
  memberships.value = [{ tenantId: "", scopes: ["bookings:view"] }];
  await loadProperties();
  assert.equal(asked, 0);
  await loadProperties(true);
  assert.equal(asked, 1);
});
