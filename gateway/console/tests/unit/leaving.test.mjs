// What a page knows of a tenant when it has gone to another one.

import assert from "node:assert/strict";
import { beforeEach, test } from "node:test";
import { load } from "./load.mjs";

const { approve, change, chosen, cursor, dialog, done, failed, failure: refusal, load: people, members, making, memberships, properties, requests, rows, tenantId, tenants } = await load(
  "decide/decisions",
  "inbox/cursor",
  "inbox/list#rows",
  "calendar/place",
  "members/people",
  "session/session",
  "session/tenants",
  "wire/calls",
);

const request = { id: "a", status: 1, propertyId: "", checkIn: "2027-04-06", checkOut: "2027-04-10", etag: "1" };

function later() {
  const made = {};
  made.promise = new Promise((resolve, reject) => Object.assign(made, { resolve, reject }));
  return made;
}

beforeEach(() => {
  memberships.value = ["A", "B"].map((tenantId) => ({ tenantId, scopes: ["members:view"] }));
  tenantId.value = "A";
  requests.getBookingRequest = async () => ({ bookingRequest: request });
});

test("nothing that was chosen, begun or done in a tenant is there in the next one", async () => {
  requests.approveBookingRequest = async () => ({ outcome: 1, evidence: 0 });
  assert.equal(await approve(request, "", false), null);
  requests.approveBookingRequest = () => Promise.reject(new Error("no"));
  await approve({ ...request, id: "b" }, "", false);
  [cursor.value, dialog.value, making.value] = ["a", "decline", "block"];
  chosen.value = new Set(["a"]);
  assert.deepEqual([done.value.length, failed.value.size], [1, 1]);
  tenantId.value = "B";
  assert.deepEqual([cursor.value, dialog.value, making.value, chosen.value.size, done.value.length, failed.value.size, rows.value.length], ["", "", "", 0, 0, 0, 0]);
});

test("a decision that ends when the page is at another tenant says nothing there", async () => {
  const reply = later();
  requests.approveBookingRequest = () => reply.promise;
  const deciding = approve(request, "", false);
  tenantId.value = "B";
  reply.reject(new Error("no"));
  assert.equal(await deciding, "left");
  assert.deepEqual([done.value.length, failed.value.size], [0, 0]);
});

test("people who come late are not those of the next tenant", async () => {
  const page = later();
  tenants.listMembers = () => page.promise;
  tenants.listRoles = async () => ({ roles: [] });
  const loading = change(async () => {}, "");
  tenantId.value = "B";
  page.resolve({ members: [{ user: { id: "1", displayName: "One of A" } }], nextPageToken: "" });
  await loading;
  assert.deepEqual(members.value, []);
});

test("people who are read twice are as they were asked for last, and a refusal stays beside them", async () => {
  const pages = [later(), later()];
  const asked = [...pages];
  tenants.listMembers = () => asked.shift().promise;
  tenants.listRoles = async () => ({ roles: [] });
  const [first, second] = [people(), people({ reason: "LAST_OWNER" })];
  const page = (displayName) => ({ members: [{ user: { id: "1", displayName } }], nextPageToken: "" });
  pages[1].resolve(page("Now"));
  await second;
  pages[0].resolve(page("Before"));
  await first;
  assert.deepEqual([members.value[0].user.displayName, refusal.value.reason], ["Now", "LAST_OWNER"]);
});

test("a call that waits for a token is of the tenant at which it was made", async () => {
  const tokens = later();
  const asked = [];
  globalThis.fetch = async (url, { headers }) => {
    if (url.endsWith("/refresh")) return await tokens.promise;
    asked.push(new Headers(headers).get("x-tenant-id"));
    throw new TypeError("no");
  };
  const calling = properties.listProperties({});
  tenantId.value = "B";
  tokens.resolve(new Response(JSON.stringify({ access: "one", expires_in: 900, user: { id: "x" } })));
  await assert.rejects(calling);
  assert.deepEqual(asked, ["A"]);
});
