// For which tenant a call is.

import assert from "node:assert/strict";
import { test } from "node:test";
import { load } from "./load.mjs";

const { clientOf, inTenant, OUTSIDE, tenantId, TenantService } = await load("wire/calls", "session/session", "operators/service", "generated/later/frontdesk/identity/v1/tenant_service_pb");

/** The tenant that a call names; every call is refused. */
async function named(call) {
  let tenant;
  globalThis.fetch = async (url, { headers }) => {
    if (String(url).endsWith("/refresh")) return Response.json({ access: "token", expires_in: 3600, user: {} });
    tenant = new Headers(headers).get("x-tenant-id");
    return new Response(null, { status: 503 });
  };
  await assert.rejects(call);
  return tenant;
}

test("a call is for the tenant of the page, or for the one that it names, or for none", async () => {
  tenantId.value = "page";
  const tenants = clientOf(TenantService);
  assert.equal(await named(() => tenants.listRoles({ tenantId: "page" })), "page");
  assert.equal(await named(() => tenants.listRoles({ tenantId: "other" }, inTenant("other"))), "other");
  assert.equal(await named(() => tenants.listTenants({}, OUTSIDE)), null);
});
