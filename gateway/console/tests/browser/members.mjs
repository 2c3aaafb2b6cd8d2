import assert from "node:assert/strict";
import { generateKeyPairSync } from "node:crypto";
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
  await page.getByText("no longer works").waitFor();
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

test("a role that could not be changed is as it was, and it is said why", async (context) => {
  const page = await openPage(context, { url: `${desk.url}#/${ALPINE}/members` });
  await signIn(page, desk.variables.OWNER_EMAIL);
  const role = page.locator("li").filter({ hasText: desk.variables.MANAGER_EMAIL }).getByRole("combobox");
  let asked = 0;
  await page.route("**/ChangeMemberRole", (route) => {
    asked += 1;
    return route.abort();
  });
  await role.selectOption("viewer");
  await page.getByRole("alert").getByText("Frontdesk cannot be reached.").waitFor();
  // The page has read the members again by now.
  await page.locator("section[aria-busy=false]").first().waitFor();
  assert.equal(await page.getByRole("alert").getByText("Frontdesk cannot be reached.").count(), 1);
  assert.deepEqual([await role.inputValue(), asked], ["manager", 1]);
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

test("a key is rotated while the old one works on, and is taken from its addresses alone", async (context) => {
  const page = await openPage(context, { url: `${desk.url}#/${ALPINE}/members` });
  await signIn(page, desk.variables.OWNER_EMAIL);
  const section = page.getByRole("region", { name: "API keys" });
  const make = async (name, addresses) => {
    await section.getByLabel("Name").fill(name);
    await section.getByLabel("bookings:view").check();
    await section.getByLabel("From where it is taken").fill(addresses);
    await section.getByRole("button", { name: "Make a key" }).click();
    await section.getByText(`This is the key ${name}`).waitFor();
    return await section.locator(".secret").textContent();
  };
  const use = (key) => fetch(`${desk.gateway}/v1/booking-requests?page_size=1`, { headers: { "x-tenant-api-key": key } });
  await section.getByText("Make a key").first().click();
  const name = `Door ${Date.now()}`;
  const old = await make(name, "");
  const row = section.locator("li").filter({ hasText: name });
  await row.getByText("made by Olga Owner").waitFor();
  await row.getByRole("button", { name: `Rotate ${name}` }).click();
  const dialog = page.getByRole("dialog", { name: "Rotate API key" });
  await dialog.getByLabel("How long the old one").selectOption({ label: "an hour" });
  await dialog.getByRole("button", { name: "Show new key" }).click();
  await row.getByText("the key before it works until").waitFor();
  const now = await section.locator(".secret").textContent();
  assert.notEqual(now, old);
  assert.deepEqual([(await use(old)).status, (await use(now)).status], [200, 200]);

  const far = await make(`${name} far away`, "192.0.2.7\n2001:db8::/32");
  await section.locator("li").filter({ hasText: "far away" }).getByText(/^taken from 192\.0\.2\.7(\/32)?, 2001:db8::\/32 alone$/).waitFor();
  assert.ok(!(await use(far)).ok);
});

test("public keys of a client are set, and a private one is not sent", async (context) => {
  const name = `Signer ${Date.now()}`;
  await call("POST", `/v1/tenants/${ALPINE}/api-keys`, { name }, { email: desk.variables.OWNER_EMAIL });
  const { privateKey, publicKey } = generateKeyPairSync("ec", { namedCurve: "P-256" });
  const page = await openPage(context, { url: `${desk.url}#/${ALPINE}/members` });
  await signIn(page, desk.variables.OWNER_EMAIL);
  await page.getByRole("button", { name: `Public keys of ${name}` }).click();
  const dialog = page.getByRole("dialog", { name: "Public keys" });
  const save = async (keys) => {
    await dialog.getByLabel("JWK set").fill(keys);
    await dialog.getByRole("button", { name: "Save" }).click();
  };
  await save("not json");
  await dialog.getByText("This is no JWK set in JSON.").waitFor();
  await save(JSON.stringify({ keys: [{ ...privateKey.export({ format: "jwk" }), kid: "first" }] }));
  await dialog.getByText("There is a private key in it.").waitFor();
  await save(JSON.stringify({ keys: [{ ...publicKey.export({ format: "jwk" }), kid: "first", alg: "ES256" }] }));
  await page.locator("li").filter({ hasText: name }).getByText("Public keys: first").waitFor();
});

test("roles of the tenant are made, changed and deleted, and built-in ones stay", async (context) => {
  const page = await openPage(context, { url: `${desk.url}#/${ALPINE}/members` });
  await signIn(page, desk.variables.OWNER_EMAIL);
  const section = page.getByRole("region", { name: "Roles" });
  await section.locator("li").filter({ has: page.getByText("manager", { exact: true }) }).getByText("built in").waitFor();
  assert.equal(await section.getByRole("button", { name: "Edit manager" }).count(), 0);
  const name = `night-${Date.now()}`;
  await section.getByRole("button", { name: "New role" }).click();
  const making = page.getByRole("dialog", { name: "New role" });
  await making.getByLabel("Name").fill(name);
  await making.getByLabel("bookings:view").check();
  await making.getByRole("button", { name: "Create role" }).click();
  await page.getByText(`The role ${name} is created.`).waitFor();
  await section.getByRole("button", { name: `Edit ${name}` }).click();
  const editing = page.getByRole("dialog", { name: "Edit role" });
  await editing.getByLabel("properties:view").check();
  await editing.getByRole("button", { name: "Save" }).click();
  await page.getByText(`The role ${name} is changed.`).waitFor();
  const roles = async () => (await call("GET", `/v1/tenants/${ALPINE}/roles`, undefined, { email: desk.variables.OWNER_EMAIL })).roles;
  assert.deepEqual((await roles()).find((role) => role.name === name).scopes, ["bookings:view", "properties:view"]);

  const email = `night-${Date.now()}@alpine.example`;
  await call("POST", "/v1/users", { email, display_name: "Nils Night", kind: "person" }, { email: desk.variables.OPERATOR_EMAIL });
  await call("POST", `/v1/tenants/${ALPINE}/members`, { email, role: name }, { email: desk.variables.OPERATOR_EMAIL, headers: { "x-tenant-id": ALPINE } });
  await page.reload();
  await section.getByRole("button", { name: `Delete ${name}` }).click();
  await page.getByRole("dialog", { name: "Delete role" }).getByText("Nils Night").waitFor();
  await page.keyboard.press("Escape");
  await page.getByLabel("Role of Nils Night").selectOption("viewer");
  await page.getByText("Nils Night: viewer.").waitFor();
  await section.getByRole("button", { name: `Delete ${name}` }).click();
  await page.getByRole("dialog", { name: "Delete role" }).getByRole("button", { name: "Delete" }).click();
  await page.getByText(`The role ${name} is deleted.`).waitFor();
  assert.ok(!(await roles()).some((role) => role.name === name));
});

test("nobody asks two factors of others who has not proved two", async (context) => {
  const page = await openPage(context, { url: `${desk.url}#/${ALPINE}/members` });
  await signIn(page, desk.variables.OWNER_EMAIL);
  const section = page.getByRole("region", { name: "Second factor" });
  await section.getByLabel("Of those who have a second one").waitFor();
  assert.ok(await section.getByLabel("Of those who have a second one").isChecked());
  await section.getByLabel("Of every member").check();
  await section.getByRole("button", { name: "Save" }).click();
  await page.getByRole("dialog").getByText("your account has none yet").waitFor();
  await page.keyboard.press("Escape");
  await section.getByRole("alert").getByText("This needs a proof that it is you.").waitFor();
  const { policy } = await call("GET", `/v1/tenants/${ALPINE}/second-factor`, undefined, { email: desk.variables.OWNER_EMAIL });
  assert.equal(policy, "optional");
});

test("the audit log says who did what", async (context) => {
  const name = `audited ${Date.now()}`;
  await call("POST", `/v1/tenants/${ALPINE}/api-keys`, { name }, { email: desk.variables.OWNER_EMAIL });
  const { audit_events: events } = await call("GET", `/v1/tenants/${ALPINE}/audit-events?page_size=1`, undefined, { email: desk.variables.OWNER_EMAIL });
  const page = await openPage(context, { url: `${desk.url}#/${ALPINE}/audit` });
  await signIn(page);
  const line = page.locator("ol.history li").filter({ hasText: events[0].request_id });
  assert.equal(events[0].action, "api_key_created");
  await line.getByText("API key made").waitFor();
  await line.getByText("Olga Owner").waitFor();
});

test("who may not manage members sees them", async (context) => {
  const page = await openPage(context, { url: `${desk.url}#/${ALPINE}/members` });
  await signIn(page);
  await page.getByText(desk.variables.OWNER_EMAIL).waitFor();
  assert.equal(await page.getByRole("combobox").count(), 0);
  assert.equal(await page.getByRole("button", { name: "Invite" }).count(), 0);
});
