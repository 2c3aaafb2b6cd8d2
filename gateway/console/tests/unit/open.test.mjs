// The request that is open, as it is read again.

import assert from "node:assert/strict";
import { test } from "node:test";
import { load } from "./load.mjs";

const { approve, ConnectError, Code, diagnostics, ErrorInfoSchema, explained, failed, follow, go, open, properties, readAgain, requests, tenantId } = await load(
  "decide/decisions",
  "request/open",
  "route#go",
  "session/session",
  "wire/calls",
  "generated/google/rpc/error_details_pb",
  "../node_modules/@connectrpc/connect/dist/esm/index.js",
);

const TENANT = "0d000000-0000-7000-8000-000000000009";
const request = { id: "0d000000-0000-7000-8000-000000000001", status: 1, propertyId: "p", checkIn: "2027-04-06", checkOut: "2027-04-10", etag: "1" };
const settle = () => new Promise((resolve) => setTimeout(resolve, 5));

test("what is in the way is read when an approval meets it, and forgotten when it is gone", async () => {
  let taken = false;
  requests.getBookingRequest = async () => ({ bookingRequest: request });
  requests.listBookingRequestEvents = async () => ({ events: [], nextPageToken: "" });
  properties.getAvailability = async () => ({ occupancies: [] });
  diagnostics.explainApproval = async () => ({ bookingRequestId: request.id, wouldSucceed: !taken, conflicts: [], ruleViolations: [] });
  requests.approveBookingRequest = async () => {
    throw new ConnectError("taken", Code.FailedPrecondition, { "x-request-id": "r" }, [{ desc: ErrorInfoSchema, value: { reason: "BOOKING_OVERLAP", metadata: { conflict_kind: "block" } } }]);
  };
  tenantId.value = TENANT;
  go({ tenant: TENANT, request: request.id });
  const stop = follow();
  await settle();
  assert.deepEqual([open.value.id, explained.value.wouldSucceed], [request.id, true]);
  taken = true;
  await approve(request, "", false);
  await settle();
  assert.deepEqual([explained.value.wouldSucceed, failed.value.size], [false, 1]);
  taken = false;
  readAgain();
  await settle();
  assert.deepEqual([explained.value.wouldSucceed, failed.value.size], [true, 0]);
  stop();
});
