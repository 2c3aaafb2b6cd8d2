// A published gRPC-Web client against the gateway.

import assert from "node:assert/strict";
import { after, before, test } from "node:test";
import { Code, ConnectError, createClient } from "@connectrpc/connect";
import { createGrpcWebTransport } from "@connectrpc/connect-web";
import { BookingRequestStatus } from "./generated/frontdesk/booking/v1/booking_request_pb.js";
import { BookingRequestService } from "./generated/frontdesk/booking/v1/booking_request_service_pb.js";
import { ErrorInfoSchema } from "./generated/google/rpc/error_details_pb.js";
import { accessToken, startSystem } from "./system.mjs";

let system;

before(async () => {
  system = await startSystem();
});
after(() => system?.stop());

async function clientOf(email, useBinaryFormat = true) {
  const token = await accessToken(system.variables, email);
  const transport = createGrpcWebTransport({
    baseUrl: system.variables.API_BASE_URL,
    useBinaryFormat,
    interceptors: [
      (next) => (request) => {
        request.header.set("authorization", `Bearer ${token}`);
        return next(request);
      },
    ],
  });
  return createClient(BookingRequestService, transport);
}

async function refusal(call) {
  try {
    await call;
  } catch (error) {
    return ConnectError.from(error);
  }
  assert.fail("the call went through");
}

test("a client lists and approves", async () => {
  const client = await clientOf(system.variables.MANAGER_EMAIL);
  const listed = await client.listBookingRequests({ status: [BookingRequestStatus.REQUESTED], pageSize: 100 });
  const id = system.variables.DEMO_REQUESTED;
  assert.ok(listed.bookingRequests.some((request) => request.id === id));

  const approved = await client.approveBookingRequest({ bookingRequestId: id, internalNote: "gRPC-Web" });
  assert.equal(approved.status, BookingRequestStatus.CONFIRMED);
  const { bookingRequest } = await client.getBookingRequest({ bookingRequestId: id });
  assert.equal(bookingRequest.status, BookingRequestStatus.CONFIRMED);
  assert.equal(bookingRequest.approvedBookingId, approved.bookingId);
  assert.equal(bookingRequest.internalNote, "gRPC-Web");
});

test("a client watches", async () => {
  const client = await clientOf(system.variables.MANAGER_EMAIL);
  const stop = new AbortController();
  for await (const message of client.watchBookingRequests({ cursor: "start" }, { signal: stop.signal })) {
    assert.notEqual(message.cursor, "");
    break;
  }
  stop.abort();
});

test("a refusal carries its reason", async () => {
  const client = await clientOf(system.variables.VIEWER_EMAIL);
  const error = await refusal(client.approveBookingRequest({ bookingRequestId: system.variables.DEMO_UNDER_REVIEW }));
  assert.equal(error.code, Code.PermissionDenied);
  const [info] = error.findDetails(ErrorInfoSchema);
  assert.equal(info.reason, "SCOPE_MISSING");
  assert.equal(info.metadata.missing, "bookings:approve");
});

test("an overlap carries its reason", async () => {
  const client = await clientOf(system.variables.MANAGER_EMAIL);
  const id = system.variables.DEMO_OVERLAP_OTHER_GUEST;
  const error = await refusal(client.approveBookingRequest({ bookingRequestId: id }));
  assert.equal(error.code, Code.FailedPrecondition);
  assert.equal(error.findDetails(ErrorInfoSchema)[0].reason, "BOOKING_OVERLAP");
});

test("the text form and content types with parameters work too", async () => {
  const token = await accessToken(system.variables, system.variables.MANAGER_EMAIL);
  const path = `${system.variables.API_BASE_URL}/frontdesk.booking.v1.PropertyService/ListProperties`;
  for (const contentType of ["application/grpc-web-text", "application/grpc-web+proto; charset=utf-8", "Application/gRPC-Web"]) {
    const empty = Buffer.from([0, 0, 0, 0, 0]);
    const text = contentType.includes("text");
    const answer = await fetch(path, {
      method: "POST",
      headers: { "content-type": contentType, authorization: `Bearer ${token}`, "x-grpc-web": "1" },
      body: text ? empty.toString("base64") : empty,
    });
    assert.equal(answer.status, 200, contentType);
    const body = await answer.text();
    // In the text form each chunk is padded by itself.
    const chunks = text ? body.match(/[^=]+=*/g).map((chunk) => Buffer.from(chunk, "base64").toString("latin1")) : [body];
    assert.match(chunks.join(""), /Alpine Chalet[^]*grpc-status: ?0/, contentType);
  }
});

test("a page of an allowed origin may read the status headers", async () => {
  const origin = "http://localhost:3000";
  const path = `${system.variables.API_BASE_URL}/frontdesk.booking.v1.PropertyService/ListProperties`;
  const preflight = await fetch(path, {
    method: "OPTIONS",
    headers: { origin, "access-control-request-method": "POST", "access-control-request-headers": "authorization,x-grpc-web" },
  });
  assert.equal(preflight.status, 204);
  assert.equal(preflight.headers.get("access-control-allow-origin"), origin);
  const answer = await fetch(path, { method: "POST", headers: { origin, "content-type": "application/grpc-web+proto" }, body: Buffer.alloc(5) });
  assert.equal(answer.headers.get("access-control-allow-origin"), origin);
  assert.match(answer.headers.get("access-control-expose-headers"), /grpc-status-details-bin/);
  assert.equal(answer.headers.get("grpc-status"), "16");
});
