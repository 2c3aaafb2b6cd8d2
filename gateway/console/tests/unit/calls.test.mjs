// Calls over gRPC-Web, through what is left of the runtimes when the console is built.

import assert from "node:assert/strict";
import { test } from "node:test";
import { bundled } from "./load.mjs";

const { requests, create, toBinary, service } = await bundled(`
  export { requests } from "./src/wire/calls";
  export { create, toBinary } from "@bufbuild/protobuf";
  export * as service from "./src/generated/frontdesk/booking/v1/booking_request_service_pb";
`);

const TYPE = { "content-type": "application/grpc-web+proto" };

function frame(flags, bytes) {
  const head = Buffer.alloc(5);
  head.writeUInt8(flags);
  head.writeUInt32BE(bytes.length, 1);
  return Buffer.concat([head, bytes]);
}

const trailers = (text) => frame(0x80, Buffer.from(text));
const message = (cursor) => frame(0, Buffer.from(toBinary(service.WatchBookingRequestsResponseSchema, create(service.WatchBookingRequestsResponseSchema, { cursor }))));

/** Answers with bytes, in pieces that do not end where messages do. */
function answering(bytes) {
  const sent = [];
  globalThis.fetch = async (url, { headers, body }) => {
    if (String(url).endsWith("/refresh")) return Response.json({ access: "token", expires_in: 3600, user: {} });
    sent.push({ url: String(url), headers: new Headers(headers), body: Buffer.from(body) });
    const pieces = Array.from({ length: Math.ceil(bytes.length / 7) }, (_, at) => bytes.subarray(at * 7, at * 7 + 7));
    return new Response(new ReadableStream({ pull: (to) => (pieces.length > 0 ? to.enqueue(pieces.shift()) : to.close()) }), { headers: TYPE });
  };
  return sent;
}

test("a unary call sends one message with the token, and gives the answer", async () => {
  const answer = toBinary(service.GetBookingRequestResponseSchema, create(service.GetBookingRequestResponseSchema, { bookingRequest: { id: "x", guestCount: 2 } }));
  const sent = answering(Buffer.concat([frame(0, Buffer.from(answer)), trailers("grpc-status: 0\r\n")]));
  const { bookingRequest } = await requests.getBookingRequest({ bookingRequestId: "x" });
  assert.deepEqual([bookingRequest.id, bookingRequest.guestCount, bookingRequest.createdAt], ["x", 2, undefined]);
  const [{ url, headers, body }] = sent;
  assert.match(url, /\/frontdesk\.booking\.v1\.BookingRequestService\/GetBookingRequest$/);
  assert.equal(headers.get("authorization"), "Bearer token");
  assert.deepEqual(body, frame(0, Buffer.from([10, 1, 120])));
});

test("a stream gives its messages one by one, and then how it ended", async () => {
  answering(Buffer.concat([message("1"), message("2"), trailers("grpc-status: 14\r\ngrpc-message: gone%20away\r\n")]));
  const cursors = [];
  await assert.rejects(async () => {
    for await (const { cursor } of requests.watchBookingRequests({ cursor: "" })) cursors.push(cursor);
  }, /gone away/);
  assert.deepEqual(cursors, ["1", "2"]);
});

test("a stream that ends well ends the loop", async () => {
  answering(Buffer.concat([message("1"), trailers("grpc-status: 0\r\n")]));
  const cursors = [];
  for await (const { cursor } of requests.watchBookingRequests({ cursor: "" })) cursors.push(cursor);
  assert.deepEqual(cursors, ["1"]);
});
