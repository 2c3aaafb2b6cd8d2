import assert from "node:assert/strict";
import { test } from "node:test";
import { load } from "./load.mjs";

const wire = await load(
  "wire/failure",
  "generated/google/rpc/error_details_pb",
  "generated/frontdesk/booking/v1/booking_request_pb",
  "../node_modules/@connectrpc/connect/dist/esm/index.js",
  "../node_modules/@bufbuild/protobuf/dist/esm/create.js",
  "../node_modules/@bufbuild/protobuf/dist/esm/to-binary.js",
  "../node_modules/@bufbuild/protobuf/dist/esm/from-binary.js",
);

test("details of a status are read, with the map of their values", () => {
  const error = new wire.ConnectError("taken", wire.Code.FailedPrecondition, { "x-request-id": "r1" }, [
    { desc: wire.ErrorInfoSchema, value: { reason: "BOOKING_OVERLAP", metadata: { conflict_kind: "block" } } },
    { desc: wire.HelpSchema, value: { links: [{ url: "http://localhost/runbook/BOOKING_OVERLAP" }] } },
    { desc: wire.BadRequestSchema, value: { fieldViolations: [{ field: "decline_reason", description: "is needed" }] } },
    { desc: wire.RetryInfoSchema, value: { retryDelay: { seconds: 3n } } },
  ]);
  const found = wire.failureOf(error);
  assert.deepEqual([found.reason, found.metadata, found.requestId, found.runbook, found.retryAfter], ["BOOKING_OVERLAP", { conflict_kind: "block" }, "r1", "http://localhost/runbook/BOOKING_OVERLAP", 3]);
  assert.equal(found.violations[0].field, "decline_reason");
});

test("what no server answered is the network, and a status without a reason its code", () => {
  assert.equal(wire.failureOf(new TypeError("Failed to fetch")).reason, "NETWORK");
  assert.equal(wire.failureOf(new wire.ConnectError("late", wire.Code.DeadlineExceeded, { "x-request-id": "r" })).reason, "DEADLINE_EXCEEDED");
  assert.equal(wire.failureOfProblem(null, null).reason, "NETWORK");
  const problem = { code: "LOGIN_FAILED", detail: "no", request_id: "r", type: "/runbook/LOGIN_FAILED" };
  assert.deepEqual(wire.failureOfProblem(problem, "7"), { reason: "LOGIN_FAILED", stated: true, said: "no", metadata: {}, violations: [], requestId: "r", runbook: "http://localhost/runbook/LOGIN_FAILED", retryAfter: 7 });
});

test("messages are written and read without what was left out of the runtime", () => {
  const given = { id: "1", checkIn: "2027-04-06", status: 1, createdAt: { seconds: 1n, nanos: 5 }, fulfilment: { coverage: 3, uncovered: [{ checkIn: "2027-04-06", checkOut: "2027-04-08" }] }, shortened: ["message"] };
  const bytes = wire.toBinary(wire.BookingRequestSchema, wire.create(wire.BookingRequestSchema, given));
  const read = wire.fromBinary(wire.BookingRequestSchema, bytes);
  assert.deepEqual([read.id, read.createdAt.nanos, read.fulfilment.uncovered[0].checkOut, read.shortened, read.message], ["1", 5, "2027-04-08", ["message"], ""]);
});

test("every reason has its page of the runbook", () => {
  const refused = (reason) => wire.failureOf(new wire.ConnectError("no", wire.Code.Internal, { "x-request-id": "r" }, reason ? [{ desc: wire.ErrorInfoSchema, value: { reason } }] : []));
  assert.equal(refused("LAST_OWNER").runbook, "http://localhost/runbook/LAST_OWNER");
  assert.equal(refused("").runbook, "");
  assert.equal(wire.failureOfProblem({ code: "LOGIN_FAILED", type: "https://help.example/LOGIN_FAILED" }, null).runbook, "https://help.example/LOGIN_FAILED");
});
