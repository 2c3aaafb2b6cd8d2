import assert from "node:assert/strict";
import { test } from "node:test";
import { ALPINE, call, desk, openPage, signIn } from "./desk.mjs";

test("an owner invites, gives roles and removes", async (context) => {
  const page = await openPage(context, { url: `${desk.url}#/${ALPINE}/members` });
  await signIn(page, desk.variables.OWNER_EMAIL);
  await page.getByText(desk.variables.MANAGER_EMAIL).waitFor();
  await page.getByLabel("E-mail address").fill("invited@alpine.example");
  await page.getByLabel("Role", { exact: true }).selectOption("viewer");
  await page.getByRole("button", { name: "Invite" }).click();
  await page.getByText("The invitation to invited@alpine.example is on its way.").waitFor();
  const row = page.locator("li").filter({ hasText: "invited@alpine.example" });
  await row.getByRole("button", { name: "Revoke" }).click();
  await page.getByText("works no more").waitFor();
  await row.waitFor({ state: "detached" });

  const operator = { email: desk.variables.OPERATOR_EMAIL };
  await call("POST", "/v1/users", { email: "helper@alpine.example", display_name: "Hanna Helper", kind: "person" }, operator);
  const members = async () => (await call("GET", `/v1/tenants/${ALPINE}/members`, undefined, { email: desk.variables.OWNER_EMAIL })).members;
  await call("POST", `/v1/tenants/${ALPINE}/members`, { email: "helper@alpine.example", role: "viewer" }, { ...operator, headers: { "x-tenant-id": ALPINE } });
  await page.reload();
  const role = page.getByLabel("Role of Hanna Helper");
  await role.selectOption("agent");
  await page.getByText("Hanna Helper: agent.").waitFor();
  assert.equal((await members()).find(({ user: { email } }) => email === "helper@alpine.example").role, "agent");
  const person = page.locator("li").filter({ hasText: "helper@alpine.example" });
  await person.getByRole("button", { name: "Remove" }).click();
  await page.getByRole("dialog", { name: "Remove member" }).getByRole("button", { name: "Remove" }).click();
  await page.getByText("Hanna Helper is a member no more.").waitFor();
  assert.ok(!(await members()).some(({ user: { email } }) => email === "helper@alpine.example"));
});

test("an API key is made, shown once, used and revoked", async (context) => {
  const page = await openPage(context, { url: `${desk.url}#/${ALPINE}/members` });
  await signIn(page, desk.variables.OWNER_EMAIL);
  const section = page.getByRole("region", { name: "API keys" });
  await section.getByText("Make a key").first().click();
  await section.getByLabel("Name").fill("Channel manager");
  await section.getByLabel("bookings:view").check();
  await section.getByRole("button", { name: "Make a key" }).click();
  const key = await section.locator(".secret").textContent();
  const use = () => fetch(`${desk.gateway}/v1/booking-requests?page_size=1`, { headers: { "x-tenant-api-key": key } });
  assert.equal((await use()).status, 200);
  await section.getByRole("button", { name: "Kept" }).click();
  assert.ok(!(await page.content()).includes(key));
  const row = section.locator("li").filter({ hasText: "Channel manager" });
  await row.getByRole("button", { name: "Revoke" }).click();
  await page.getByRole("dialog", { name: "Revoke API key" }).getByRole("button", { name: "Revoke" }).click();
  await row.getByText("revoked").waitFor();
  assert.equal((await use()).status, 401);
});

test("the audit log says who did what", async (context) => {
  const name = `audited ${Date.now()}`;
  await call("POST", `/v1/tenants/${ALPINE}/api-keys`, { name }, { email: desk.variables.OWNER_EMAIL });
  const { audit_events: events } = await call("GET", `/v1/tenants/${ALPINE}/audit-events?page_size=1`, undefined, { email: desk.variables.OWNER_EMAIL });
  const page = await openPage(context, { url: `${desk.url}#/${ALPINE}/audit` });
  await signIn(page);
  const line = page.locator("ol.history li").filter({ hasText: events[0].request_id });
  await line.getByText(events[0].action).waitFor();
  await line.getByText("Olga Owner").waitFor();
});

test("who may not manage members sees them", async (context) => {
  const page = await openPage(context, { url: `${desk.url}#/${ALPINE}/members` });
  await signIn(page);
  await page.getByText(desk.variables.OWNER_EMAIL).waitFor();
  assert.equal(await page.getByRole("combobox").count(), 0);
  assert.equal(await page.getByRole("button", { name: "Invite" }).count(), 0);
});
