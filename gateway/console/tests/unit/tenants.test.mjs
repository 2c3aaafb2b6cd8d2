import assert from "node:assert/strict";
import { test } from "node:test";
import { load } from "./load.mjs";

const { effect, follow, go, isOther, memberships, route, tenantId, toTenant } = await load("parts/Bar#toTenant", "route#go,route", "session/session#tenantId", "session/tenants#follow,isOther,memberships", "../node_modules/@preact/signals/dist/signals.mjs#effect");

const [OWN, FOREIGN] = [1, 2].map((at) => `0d000000-0000-7000-8000-00000000000${at}`);

test("a link to a tenant that one is not in says which one is shown", () => {
  memberships.value = [{ tenantId: OWN, scopes: [] }];
  // As the page follows its address.
  effect(() => {
    const wanted = route.value.tenant;
    if (wanted !== tenantId.peek()) follow(wanted);
  });
  go({ tenant: FOREIGN, request: OWN });
  assert.deepEqual([tenantId.value, route.value.tenant, route.value.request, isOther.value], [OWN, OWN, "", true]);
  tenantId.value = "";
  follow(FOREIGN);
  assert.equal(isOther.value, true);
  tenantId.value = "";
  follow(OWN);
  assert.equal(isOther.value, false);
});

test("what an operator has open stays when the tenant changes, and what a member has open does not", () => {
  memberships.value = [OWN, FOREIGN].map((tenantId) => ({ tenantId, scopes: ["members:view"] }));
  go({ tenant: OWN, page: "operators", item: "users/1" });
  toTenant(FOREIGN);
  assert.deepEqual([route.value.tenant, route.value.page, route.value.item], [FOREIGN, "operators", "users/1"]);
  go({ page: "members", item: "1" });
  toTenant(OWN);
  assert.deepEqual([route.value.tenant, route.value.page, route.value.item], [OWN, "members", ""]);
});
