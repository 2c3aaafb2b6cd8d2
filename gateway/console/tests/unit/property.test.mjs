import assert from "node:assert/strict";
import { before, test } from "node:test";
import { load } from "./load.mjs";

const { changedFields, create, differences, draftOf, fieldsOf, onto, PropertySchema, ruleTexts, speak, speakMore } = await load(
  "property/draft",
  "property/words",
  "text/text",
  "generated/later/frontdesk/booking/v1/property_service_pb",
  "../node_modules/@bufbuild/protobuf/dist/esm/create.js",
);
const rules = { minNights: 3, days: [{ day: 7, closedToArrival: true }, { day: 5, minNights: 2 }] };
const property = (fields = {}) => create(PropertySchema, { id: "p", name: "Mill", timeZone: "Europe/Berlin", maxGuests: 4, holdPolicy: 1, holdHours: 24, stayRules: rules, ...fields });

before(async () => {
  await speak("en");
  await speakMore(["more", "admin"]);
});

test("what was entered is sent as far as it is another value, the rules as a whole", () => {
  const draft = draftOf(property());
  assert.deepEqual(changedFields(property(), draft), {});
  assert.deepEqual(changedFields(property(), { ...draft, name: " Old Mill ", holds: true }), { name: "Old Mill", holdPolicy: 2 });
  const { stayRules } = changedFields(property(), { ...draft, rules: { ...draft.rules, minNights: "" } });
  assert.equal(stayRules.minNights, 0);
  assert.deepEqual(stayRules.days.map(({ day }) => day), [5, 7]);
});

test("hours that nobody sees are not sent", () => {
  const draft = { ...draftOf(property({ holdPolicy: 2, holdHours: 48 })), holds: false, holdHours: "9999" };
  assert.deepEqual(changedFields(property({ holdPolicy: 2, holdHours: 48 }), draft), { holdPolicy: 1 });
  assert.equal(fieldsOf(draft).holdHours, 24);
});

test("days without a rule are left out", () => {
  assert.deepEqual(fieldsOf(draftOf(property({ stayRules: undefined }))).stayRules, { minNights: 0, maxNights: 0, leadDays: 0, horizonDays: 0, turnoverDays: 0, days: [] });
});

test("what somebody else has changed is named, and kept beside what was entered", () => {
  const [was, now] = [property(), property({ maxGuests: 7, timeZone: "Europe/Paris" })];
  assert.deepEqual(differences(was, now), [["Time zone", "Europe/Paris"], ["Most persons", "7"]]);
  const kept = onto(was, now, { ...draftOf(was), name: "Old Mill", timeZone: "Europe/Rome" });
  assert.deepEqual(changedFields(now, kept), { name: "Old Mill", timeZone: "Europe/Rome" });
  const ruled = onto(was, property({ stayRules: { minNights: 5 } }), draftOf(was));
  assert.equal(ruled.rules.minNights, "5");
});

test("rules are sentences, by the days of the week in their order", () => {
  assert.deepEqual(ruleTexts(property().stayRules), ["3 nights at least.", "Friday: at least 2 nights from there.", "Sunday: no arrival."]);
});
