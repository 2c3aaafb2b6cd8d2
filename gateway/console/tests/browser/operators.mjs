// What operators of the platform do.

import assert from "node:assert/strict";
import { test } from "node:test";
import { ALPINE, askForProof, call, desk, newRequest, openPage, requestNow, signIn } from "./desk.mjs";

const operator = () => ({ email: desk.variables.OPERATOR_EMAIL });

async function openPlatform(context, item = "", options = {}) {
  const page = await openPage(context, { ...options, url: `${desk.url}#//operators${item && `/${item}`}` });
  await signIn(page, desk.variables.OPERATOR_EMAIL);
  return page;
}

let made = 0;
async function newUser(fields = {}) {
  made += 1;
  return await call("POST", "/v1/users", { email: `robot${made}-${Date.now()}@frontdesk.example`, display_name: `Robot ${made}`, kind: "service", password: desk.variables.DEMO_PASSWORD, ...fields }, operator());
}

test("an operator without a tenant makes, closes and restores tenants", async (context) => {
  const page = await openPage(context);
  await signIn(page, desk.variables.OPERATOR_EMAIL);
  await page.getByRole("heading", { name: "Tenants" }).waitFor();
  await page.getByRole("button", { name: "New tenant" }).click();
  const slug = `sea-${Date.now()}`;
  const making = page.getByRole("dialog", { name: "New tenant" });
  await making.getByLabel("Name", { exact: true }).fill("Sea Stays");
  await making.getByLabel("Short name").fill(slug);
  await making.getByLabel("E-mail address").fill("first@sea.example");
  await making.getByRole("button", { name: "Create tenant" }).click();
  await page.getByRole("heading", { name: "Sea Stays" }).waitFor();
  await desk.system.letterTo("first@sea.example", "");
  // A browser tells of an address later than it has it.
  await page.waitForURL(/[0-9a-f-]{36}$/);
  const id = page.url().split("/").at(-1);
  const tenantNow = () => call("GET", `/v1/tenants/${id}`, undefined, operator());

  const act = async (name, fill = async () => {}, button = name) => {
    await page.getByRole("button", { name, exact: true }).click();
    const dialog = page.getByRole("dialog", { name, exact: true });
    await fill(dialog);
    await dialog.getByRole("button", { name: button, exact: true }).click();
    await dialog.waitFor({ state: "detached" });
  };
  await act("Rename", (dialog) => dialog.getByLabel("Name").fill("Sea and Stay"));
  await page.getByText("The tenant is called Sea and Stay now.").waitFor();
  await act("Suspend");
  await page.getByText("Sea and Stay is suspended.").waitFor();
  assert.ok((await tenantNow()).suspended_at);
  await act("Resume");
  await page.getByText("Sea and Stay is open again.").waitFor();
  await act("Delete tenant", async (dialog) => {
    await dialog.getByLabel("Why").fill("The contract has ended");
    const confirmed = dialog.getByLabel(`To confirm, enter ${slug}`);
    await confirmed.fill("alpine-stays");
    await dialog.getByRole("button", { name: "Delete tenant" }).click();
    assert.ok(!(await tenantNow()).deleted_at);
    await confirmed.fill(slug);
  });
  await page.getByText(/^Sea and Stay is closed\. Until .* everything can be restored\.$/).waitFor();
  assert.ok((await tenantNow()).purge_at);
  await act("Restore");
  await page.getByText("Sea and Stay is restored.").waitFor();
  assert.ok(!(await tenantNow()).deleted_at);
});

test("a tenant gets a user as its first owner, and members who are not asked", async (context) => {
  const [owner, member] = [await newUser({ kind: "person", password: "" }), await newUser({ kind: "person", password: "" })];
  const page = await openPlatform(context);
  await page.getByRole("button", { name: "New tenant" }).click();
  const making = page.getByRole("dialog", { name: "New tenant" });
  await making.getByLabel("Name", { exact: true }).fill("Hill Stays");
  await making.getByLabel("Short name").fill(`hill-${Date.now()}`);
  await making.getByLabel("Is a user already").check();
  await making.getByLabel("E-mail address").fill("nobody@frontdesk.example");
  await making.getByRole("button", { name: "Create tenant" }).click();
  await making.getByText("There is no such user.", { exact: true }).waitFor();
  await making.getByLabel("E-mail address").fill(owner.email);
  await making.getByRole("button", { name: "Create tenant" }).click();
  const members = page.getByRole("region", { name: "Members" });
  await members.locator("li").filter({ hasText: owner.email }).getByText("Owner", { exact: true }).waitFor();
  await members.getByRole("button", { name: "Member without an invitation" }).click();
  const adding = page.getByRole("dialog", { name: "Member without an invitation" });
  await adding.getByLabel("E-mail address").fill(member.email);
  await adding.getByLabel("Role").selectOption("viewer");
  await adding.getByRole("button", { name: "Make a member" }).click();
  await members.locator("li").filter({ hasText: member.email }).getByText("Viewer", { exact: true }).waitFor();
});

test("users are found, disabled, let in again, given permissions and deleted", async (context) => {
  const { id, email, display_name: name } = await newUser();
  const page = await openPlatform(context, "users");
  await page.getByRole("searchbox").fill(email.slice(0, 12));
  await page.getByRole("link", { name }).click();
  await page.getByRole("heading", { name }).waitFor();
  const login = async (password = desk.variables.DEMO_PASSWORD) =>
    (await fetch(`${desk.gateway}/v1/auth/login`, { method: "POST", headers: { "content-type": "application/json" }, body: JSON.stringify({ email, password }) })).status;
  const act = async (button, fill = async () => {}) => {
    await page.getByRole("button", { name: button, exact: true }).click();
    const dialog = page.getByRole("dialog", { name: button, exact: true });
    await fill(dialog);
    await dialog.getByRole("button", { name: button, exact: true }).click();
    await dialog.waitFor({ state: "detached" });
  };
  assert.equal(await login(), 200);
  await act("Disable");
  await page.getByText(`${name} is disabled.`).waitFor();
  assert.notEqual(await login(), 200);
  await act("Enable");
  await page.getByText(`${name} can sign in again.`).waitFor();
  assert.equal(await login(), 200);
  await act("Forgive failed attempts", (dialog) => dialog.getByLabel("Address from which").fill("192.0.2.7"));
  await page.getByText(`The failed attempts of ${name} are forgiven.`).waitFor();
  await act("Remove second factors");
  await page.getByText(`${name} has no second factor any more.`).waitFor();
  await act("Set password", (dialog) => dialog.getByLabel("New password").fill("a-new-password"));
  await page.getByText(`The password of ${name} is set.`).waitFor();
  assert.equal(await login("a-new-password"), 200);
  await act("Permissions on the platform", (dialog) => dialog.getByLabel("platform:tenants").check());
  await page.getByText(`${name} has platform:tenants now.`).waitFor();
  await act("Permissions on the platform");
  await page.getByText(`${name} has no permissions on the platform any more.`).waitFor();
  await act("Rename", (dialog) => dialog.getByLabel("Name").fill("Robot of old"));
  await page.getByRole("heading", { name: "Robot of old" }).waitFor();
  await act("Delete user", (dialog) => dialog.getByLabel(`To confirm, enter ${email}`).fill(email));
  await page.getByRole("heading", { name: "Users" }).waitFor();
  const gone = await fetch(`${desk.gateway}/v1/users/${id}`, { headers: { authorization: `Bearer ${(await accessOf(desk.variables.OPERATOR_EMAIL))}` } });
  assert.equal(gone.status, 404);
});

async function accessOf(email) {
  const answer = await fetch(`${desk.gateway}/v1/auth/login`, { method: "POST", headers: { "content-type": "application/json" }, body: JSON.stringify({ email, password: desk.variables.DEMO_PASSWORD }) });
  return (await answer.json()).access;
}

test("the last owner of a tenant is disabled only when that is said", async (context) => {
  const owner = await newUser();
  await call("POST", "/v1/tenants", { slug: `lone-${Date.now()}`, name: "Lone Stays", owner_user_id: owner.id }, operator());
  const page = await openPlatform(context, `users/${owner.id}`);
  await page.getByRole("button", { name: "Disable" }).click();
  const dialog = page.getByRole("dialog", { name: "Disable" });
  await dialog.getByRole("button", { name: "Disable" }).click();
  await dialog.getByText("This is the last owner.").waitFor();
  await dialog.getByLabel("Even if a tenant has no owner then").check();
  await dialog.getByRole("button", { name: "Disable" }).click();
  await page.getByText(`${owner.display_name} is disabled.`).waitFor();
});

test("a proof is asked for where no tenant is, and the log says who did what", async (context) => {
  const user = await newUser();
  const page = await openPlatform(context, `users/${user.id}`);
  const asked = await askForProof(page, "SetPlatformScopes", { required: "fresh", max_age_seconds: "300" });
  await page.getByRole("button", { name: "Permissions on the platform" }).click();
  const dialog = page.getByRole("dialog", { name: "Permissions on the platform" });
  await dialog.getByLabel("platform:users").check();
  await dialog.getByRole("button", { name: "Permissions on the platform" }).click();
  const proof = page.getByRole("dialog", { name: "Please prove again that it is you" });
  await proof.getByLabel("Password").fill(desk.variables.DEMO_PASSWORD);
  await proof.getByRole("button", { name: "Confirm" }).click();
  await page.getByText(`${user.display_name} has platform:users now.`).waitFor();
  assert.equal(asked.times, 2);
  await page.getByRole("link", { name: "Log of the platform" }).click();
  await page.locator("ol.history li").filter({ hasText: user.id }).first().waitFor();
});

/** A page at which the operator looks as a member of the tenant. */
async function lookAs(context, email, name) {
  const page = await openPlatform(context, `tenants/${ALPINE}`);
  const member = page.getByRole("region", { name: "Members" }).locator("li").filter({ hasText: email });
  await member.getByRole("button", { name: "View as" }).click();
  const dialog = page.getByRole("dialog", { name: `View as ${name}` });
  await dialog.getByLabel("Why").fill("Ticket 7: cannot see the lake house");
  await dialog.getByRole("button", { name: "View" }).click();
  await page.getByRole("region", { name: "View as somebody else" }).waitFor();
  return page;
}

const nameOf = async (email) => {
  const { user } = await call("GET", "/v1/me", undefined, { email });
  return user.display_name || user.email;
};

test("an operator sees what a member sees, changes nothing, and ends it", async (context) => {
  const email = desk.variables.MANAGER_EMAIL;
  const name = await nameOf(email);
  const { id } = await newRequest();
  const page = await lookAs(context, email, name);
  const seen = page.getByRole("region", { name: "View as somebody else" });
  await seen.getByText(`You see what ${name} sees in Alpine Stays.`).waitFor();
  await page.getByRole("heading", { name: "Booking requests" }).waitFor();
  await page.locator(`#row-${id}`).click();
  await page.getByRole("button", { name: "Approve" }).click();
  await page.getByRole("alert").getByText("You only look on here.").waitFor();
  assert.equal((await requestNow(id)).status, "requested");
  const pages = page.getByRole("navigation", { name: "Pages" });
  assert.equal(await pages.getByRole("link", { name: "Platform" }).count(), 0);
  await pages.getByRole("link", { name: "Properties" }).click();
  await page.getByRole("link", { name: "Alpine Chalet" }).waitFor();
  await seen.waitFor();
  const kept = await page.evaluate(() => JSON.stringify([{ ...localStorage }, { ...sessionStorage }, document.cookie, location.href]));
  assert.ok(!kept.includes("eyJ"), kept);
  await seen.getByRole("button", { name: "End the view" }).click();
  await page.getByRole("status").getByText(`The view as ${name} is ended.`).waitFor();
  await page.getByRole("heading", { name: "Alpine Stays" }).waitFor();
  assert.equal(await seen.count(), 0);
  const { audit_events: events } = await call("GET", `/v1/tenants/${ALPINE}/audit-events?page_size=50`, undefined, { email: desk.variables.OWNER_EMAIL });
  assert.ok(events.some(({ action, reason }) => action === "viewed_as" && reason === "Ticket 7: cannot see the lake house"));
});

test("a view is over when the page is loaded again, and when its token is of no use", async (context) => {
  const email = desk.variables.VIEWER_EMAIL;
  const name = await nameOf(email);
  const page = await lookAs(context, email, name);
  const seen = page.getByRole("region", { name: "View as somebody else" });
  await page.getByRole("heading", { name: "Booking requests" }).waitFor();
  await page.reload();
  await page.getByRole("heading", { name: "Tenants" }).waitFor();
  assert.equal(await seen.count(), 0);

  const other = await lookAs(context, email, name);
  await other.getByRole("heading", { name: "Booking requests" }).waitFor();
  await askForProof(other, "ListProperties", { required: "aal2", max_age_seconds: "300" });
  await other.getByRole("navigation", { name: "Pages" }).getByRole("link", { name: "Properties" }).click();
  await other.getByText("The tenant asks for two factors.").waitFor();
  await other.getByRole("heading", { name: "Alpine Stays" }).waitFor();
});

test("who operates nothing is not shown the platform, and gets nothing of it", async (context) => {
  const page = await openPage(context, { url: `${desk.url}#/${ALPINE}/operators/users` });
  await signIn(page);
  await page.getByText("Your role does not allow this.").waitFor();
  assert.equal(await page.getByRole("link", { name: "Platform" }).count(), 0);
});
