// Published clients of Connect against the gateway: connect-es by its default transport, in the
// forms of a page and of Node, and `buf curl`, which asks reflection what there is.

import assert from "node:assert/strict";
import { execFile } from "node:child_process";
import { join } from "node:path";
import { after, before, test } from "node:test";
import { promisify } from "node:util";
import { Code, ConnectError, createClient } from "@connectrpc/connect";
import { createConnectTransport as createNodeTransport } from "@connectrpc/connect-node";
import { createConnectTransport } from "@connectrpc/connect-web";
import { BookingRequestStatus } from "./generated/frontdesk/booking/v1/booking_request_pb.js";
import { BookingRequestService } from "./generated/frontdesk/booking/v1/booking_request_service_pb.js";
import { ErrorInfoSchema } from "./generated/google/rpc/error_details_pb.js";
import { accessToken, startSystem } from "./system.mjs";

const run = promisify(execFile);
const buf = join(import.meta.dirname, "node_modules/.bin/buf");

let system;

before(async () => {
  system = await startSystem();
});
after(() => system?.stop());

// Every transport, with what it was asked for: method and path, and how it was answered.
async function transports(email) {
  const token = await accessToken(system.variables, email);
  const signed = (next) => (request) => {
    request.header.set("authorization", `Bearer ${token}`);
    return next(request);
  };
  const baseUrl = system.variables.API_BASE_URL;
  const common = { baseUrl, interceptors: [signed] };
  return {
    "a page": createConnectTransport({ ...common, useBinaryFormat: false }),
    "a page, binary": createConnectTransport({ ...common, useBinaryFormat: true }),
    "a page, reads by GET": createConnectTransport({ ...common, useHttpGet: true }),
    "a page, binary reads by GET": createConnectTransport({ ...common, useHttpGet: true, useBinaryFormat: true }),
    "Node, HTTP/1.1": createNodeTransport({ ...common, httpVersion: "1.1" }),
    "Node, HTTP/2 and JSON": createNodeTransport({ ...common, httpVersion: "2", useBinaryFormat: false }),
  };
}

async function clients(email) {
  const all = Object.entries(await transports(email));
  return all.map(([name, transport]) => [name, createClient(BookingRequestService, transport)]);
}

async function refusal(call) {
  try {
    await call;
  } catch (error) {
    return ConnectError.from(error);
  }
  assert.fail("the call went through");
}

test("a client of each kind lists and reads", async () => {
  const id = system.variables.DEMO_REQUESTED;
  for (const [name, client] of await clients(system.variables.MANAGER_EMAIL)) {
    const listed = await client.listBookingRequests({ status: [BookingRequestStatus.REQUESTED], pageSize: 100 });
    assert.ok(listed.bookingRequests.some((request) => request.id === id), name);
    const { bookingRequest } = await client.getBookingRequest({ bookingRequestId: id });
    assert.equal(bookingRequest.status, BookingRequestStatus.REQUESTED, name);
    assert.ok(bookingRequest.createdAt.seconds > 0n, name);
  }
});

test("a client approves, once however often", async () => {
  const id = system.variables.DEMO_REQUESTED;
  for (const [name, client] of await clients(system.variables.MANAGER_EMAIL)) {
    const approved = await client.approveBookingRequest({ bookingRequestId: id, internalNote: "Connect" });
    assert.equal(approved.status, BookingRequestStatus.CONFIRMED, name);
    const { bookingRequest } = await client.getBookingRequest({ bookingRequestId: id });
    assert.equal(bookingRequest.approvedBookingId, approved.bookingId, name);
  }
});

test("a client of each kind watches", async () => {
  for (const [name, client] of await clients(system.variables.MANAGER_EMAIL)) {
    const stop = new AbortController();
    for await (const message of client.watchBookingRequests({ cursor: "start" }, { signal: stop.signal })) {
      assert.notEqual(message.cursor, "", name);
      break;
    }
    stop.abort();
  }
});

test("a refusal carries its reason, of a stream as well", async () => {
  for (const [name, client] of await clients(system.variables.VIEWER_EMAIL)) {
    const error = await refusal(client.approveBookingRequest({ bookingRequestId: system.variables.DEMO_UNDER_REVIEW }));
    assert.equal(error.code, Code.PermissionDenied, name);
    const [info] = error.findDetails(ErrorInfoSchema);
    assert.equal(info.reason, "SCOPE_MISSING", name);
    assert.equal(info.metadata.missing, "bookings:approve", name);

    const watched = client.watchBookingRequests({ cursor: "no such place" });
    const late = await refusal(watched[Symbol.asyncIterator]().next());
    assert.equal(late.code, Code.InvalidArgument, name);
    assert.ok(late.findDetails(ErrorInfoSchema)[0].reason, name);
  }
});

test("a deadline is kept", async () => {
  for (const [name, client] of await clients(system.variables.MANAGER_EMAIL)) {
    const watched = client.watchBookingRequests({ cursor: "" }, { timeoutMs: 300 });
    const read = async () => {
      for await (const _ of watched);
    };
    const error = await refusal(read());
    assert.equal(error.code, Code.DeadlineExceeded, name);
  }
});

test("buf curl needs no proto file", async () => {
  const token = await accessToken(system.variables, system.variables.MANAGER_EMAIL);
  const curl = async (...args) => JSON.parse((await run(buf, ["curl", ...args])).stdout);
  const method = (name) => `${system.variables.API_BASE_URL}/frontdesk.booking.v1.${name}`;
  const signed = ["-H", `authorization: Bearer ${token}`];
  for (const protocol of ["connect", "grpc", "grpcweb"]) {
    const with_ = ["--protocol", protocol, ...signed];
    const listed = await curl(...with_, method("PropertyService/ListProperties"));
    assert.ok(listed.properties.length > 0, protocol);
    const request = JSON.stringify({ bookingRequestId: system.variables.DEMO_DECLINED });
    const got = await curl(...with_, "-d", request, method("BookingRequestService/GetBookingRequest"));
    assert.equal(got.bookingRequest.status, "BOOKING_REQUEST_STATUS_DECLINED", protocol);
    const health = await curl("--protocol", protocol, `${system.variables.API_BASE_URL}/grpc.health.v1.Health/Check`);
    assert.equal(health.status, "SERVING", protocol);
  }
  const { stdout } = await run(buf, ["curl", "--list-services", system.variables.API_BASE_URL]);
  assert.match(stdout, /^frontdesk\.booking\.v1\.BookingRequestService$/m);
  assert.match(stdout, /^frontdesk\.identity\.v1\.AuthService$/m);
  assert.doesNotMatch(stdout, /RevocationService/);
});

test("a page of an allowed origin may call", async () => {
  const origin = "http://localhost:3000";
  const path = `${system.variables.API_BASE_URL}/frontdesk.booking.v1.PropertyService/ListProperties`;
  const preflight = await fetch(path, {
    method: "OPTIONS",
    headers: {
      origin,
      "access-control-request-method": "POST",
      "access-control-request-headers": "authorization,connect-protocol-version,connect-timeout-ms,content-type",
    },
  });
  assert.equal(preflight.status, 204);
  assert.match(preflight.headers.get("access-control-allow-headers"), /connect-timeout-ms/);
  const headers = { origin, "content-type": "application/json", "connect-protocol-version": "1" };
  const answer = await fetch(path, { method: "POST", headers, body: "{}" });
  assert.equal(answer.headers.get("access-control-allow-origin"), origin);
  assert.equal(answer.status, 401);
  assert.equal((await answer.json()).code, "unauthenticated");
});
