// grpcurl against the gateway's port, without a proto file: it asks reflection, by v1alpha.

import assert from "node:assert/strict";
import { execFile } from "node:child_process";
import { join } from "node:path";
import { after, before, test } from "node:test";
import { promisify } from "node:util";
import { accessToken, startSystem } from "./system.mjs";

const run = promisify(execFile);
const program = process.env.GRPCURL ?? join(import.meta.dirname, "../../../target/python/bin/grpcurl");

let system, address;

before(async () => {
  system = await startSystem();
  address = new URL(system.variables.API_BASE_URL).host;
});
after(() => system?.stop());

const grpcurl = async (...args) => (await run(program, ["-plaintext", ...args])).stdout;

test("it lists and describes what is behind the gateway", async () => {
  const services = (await grpcurl(address, "list")).trim().split("\n");
  for (const service of ["frontdesk.booking.v1.BookingRequestService", "frontdesk.identity.v1.AuthService", "grpc.health.v1.Health"]) {
    assert.ok(services.includes(service), services.join(" "));
  }
  assert.ok(!services.some((service) => service.includes("RevocationService")), "it is between the services");
  const described = await grpcurl(address, "describe", "frontdesk.booking.v1.BookingRequestService.ApproveBookingRequest");
  assert.match(described, /rpc ApproveBookingRequest/);
  assert.match(described, /google\.api\.http/);
});

test("it calls, and asks how a service is", async () => {
  const token = await accessToken(system.variables, system.variables.MANAGER_EMAIL);
  const listed = await grpcurl("-H", `authorization: Bearer ${token}`, address, "frontdesk.booking.v1.PropertyService/ListProperties");
  assert.match(listed, /Alpine Chalet/);
  for (const service of ["", "frontdesk.booking.v1.BookingRequestService"]) {
    const health = await grpcurl("-d", JSON.stringify({ service }), address, "grpc.health.v1.Health/Check");
    assert.equal(JSON.parse(health).status, "SERVING", service);
  }
  const unknown = run(program, ["-plaintext", "-d", '{"service": "x.Y"}', address, "grpc.health.v1.Health/Check"]);
  await assert.rejects(unknown, /NotFound/);
});
