import assert from "node:assert/strict";
import { before, test } from "node:test";
import { load } from "./load.mjs";

const { explain, speak, speakMore, t, create, reasonText, thrownOut, ConnectError, Code, ExplainApprovalResponseSchema, keyOf, settled } = await load(
  "request/explain",
  "text/text",
  "decide/intents",
  "generated/frontdesk/booking/v1/diagnostics_service_pb",
  "../node_modules/@bufbuild/protobuf/dist/esm/create.js",
  "../node_modules/@connectrpc/connect/dist/esm/index.js#ConnectError,Code",
);
const request = { checkIn: "2027-04-06", checkOut: "2027-04-10" };
const said = (answer) => explain(create(ExplainApprovalResponseSchema, answer), request);

before(async () => {
  await speak("en");
  await speakMore(["more"]);
});

test("an approval that would make the booking says so", () => {
  const { verdict, sentence } = said({ wouldSucceed: true, outcome: 1 });
  assert.deepEqual([verdict, sentence], ["books", "An approval makes the booking now: all 4 nights are free."]);
});

test("what is in the way is named by its kind and its nights, and never by its guest", () => {
  const booking = { id: "b", status: 2, startDate: "2027-04-08", endDate: "2027-04-12" };
  const { verdict, because, rulesAlone } = said({ refusalReason: "BOOKING_OVERLAP", conflicts: [booking, { ...booking, block: true, endDate: "2027-04-09" }] });
  assert.equal(verdict, "refused");
  assert.match(because[0], /^Another booking from .* has 2 of the 4 nights\.$/);
  assert.match(because[1], /^A block from .* has 1 of the 4 nights\.$/);
  assert.ok(!rulesAlone);
});

test("a heal names its evidence and the nights that stay open", () => {
  const { verdict, sentence } = said({
    wouldSucceed: true,
    outcome: 3,
    evidence: 6,
    fulfilment: { coverage: 3, uncovered: [{ checkIn: "2027-04-06", checkOut: "2027-04-08" }] },
  });
  assert.equal(verdict, "heals");
  assert.match(sentence, /the guest has a booking in these days.*Not covered: Tue, Apr 6/);
});

test("rules alone can be set aside", () => {
  const { sentence, because, rulesAlone } = said({ refusalReason: "STAY_TOO_SHORT", ruleViolations: [{ rule: "min_nights", value: "7" }] });
  assert.deepEqual([sentence, because, rulesAlone], ["An approval would be refused now: the stay breaks a rule of the property.", ["7 nights at least."], true]);
});

test("one night and one day are told as one, and days and numbers as the page writes them", async () => {
  await speak("de");
  const [least, past] = said({ ruleViolations: [{ rule: "turnover_days", value: "1" }, { rule: "not_in_the_past", value: "2027-04-08" }] }).because;
  assert.equal(least, "Zwischen zwei Aufenthalten bleibt mindestens 1 Nacht frei.");
  assert.match(past, /\(Do\., 8\. Apr\.?( 2027)?\)/);
  const night = { checkIn: "2027-04-06", checkOut: "2027-04-07" };
  const one = (answer) => explain(create(ExplainApprovalResponseSchema, answer), night);
  assert.match(one({ wouldSucceed: true, outcome: 1 }).sentence, /die eine Nacht ist frei\.$/);
  assert.match(one({ refusalReason: "BOOKING_OVERLAP", conflicts: [{ block: true, startDate: "2027-04-06", endDate: "2027-04-07" }] }).because[0], /^Eine Sperre vom .* hat die eine Nacht\.$/);
  await speakMore(["session"]);
  assert.equal(t("stepup.fresh", { n: 1 }), "Dafür müssen Sie sich in der letzten Minute ausgewiesen haben.");
  assert.match(said({ refusalReason: "BOOKING_OVERLAP", conflicts: [{ block: true, startDate: "2027-04-05", endDate: "2027-04-10" }] }).because[0], /hat alle 4 Nächte\.$/);
  assert.equal(t("inbox.searched", { n: 1234 }), "Gesucht wurde in den 1.234 geladenen Anfragen.");
  await speak("en");
});

test("the same intent has the same key until it is known how it ended", () => {
  const input = { bookingRequestId: "1", etag: "a", internalNote: "" };
  const first = keyOf("approve", input);
  assert.match(first, /^[0-9a-f]{32}$/);
  settled("approve", input, "NETWORK");
  assert.equal(keyOf("approve", input), first);
  assert.notEqual(keyOf("approve", { ...input, internalNote: "x" }), first);
  assert.notEqual(keyOf("decline", input), first);
  settled("approve", input, "BOOKING_OVERLAP");
  assert.notEqual(keyOf("approve", input), first);
});

test("what something before the server said leaves open how it ended", () => {
  const input = { bookingRequestId: "2" };
  const first = keyOf("approve", input);
  const failure = thrownOut("approve", input, new ConnectError("no upstream", Code.Unavailable, { "x-request-id": "r" }));
  assert.deepEqual([failure.reason, failure.once, keyOf("approve", input)], ["UNAVAILABLE", true, first]);
  assert.match(reasonText("NETWORK", true)[1], /nothing is done twice/);
  assert.doesNotMatch(reasonText("NETWORK")[1], /nothing is done twice/);
  assert.deepEqual(reasonText("LOGIN_FAILED", true), reasonText("LOGIN_FAILED"));
});
